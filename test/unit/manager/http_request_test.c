/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP parser: what it accepts, what it refuses and how, wherever the stream is cut, and random
 * damage. */
#include <string.h>

#include "domains/manager/http_request.h"
#include "test/unit/check.h"

static struct http_request request;

/* Feeds pieces of at most `step` bytes until the request is complete or has failed; returns the
 * bytes taken. */
static size_t feed(const char *text, size_t size, size_t step)
{
    size_t taken = 0;
    while (taken < size && request.phase != HTTP_COMPLETE && request.phase != HTTP_FAILED) {
        size_t piece = size - taken < step ? size - taken : step;
        /* A copy of its own size, so that the sanitizer sees a read behind it. */
        uint8_t *copy = malloc(piece);
        CHECK(copy != NULL);
        memcpy(copy, text + taken, piece);
        size_t used = http_request_feed(&request, copy, piece);
        free(copy);
        CHECK(used <= piece);
        taken += used;
        if (request.phase == HTTP_HEAD) {
            http_request_accept(&request);
        } else {
            CHECK(used > 0 || request.phase == HTTP_FAILED);
        }
    }
    return taken;
}

struct accepted {
    const char *text;
    enum http_method method;
    const char *segments[4];
    const char *query;
    const char *body;
    bool keep_alive;
};

static const struct accepted accepted[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GET, {""}, NULL, "", true},
    {"\r\nGET /v1/guests?from=3 HTTP/1.1\r\nHOST:a\r\n\r\n",
     HTTP_GET,
     {"v1", "guests"},
     "from=3",
     "",
     true},
    {"GET /a HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n",
     HTTP_GET,
     {"a"},
     NULL,
     "",
     false},
    {"GET /a HTTP/1.0\r\n\r\n", HTTP_GET, {"a"}, NULL, "", false},
    {"GET /a HTTP/1.7\r\nHost:\r\n\r\n", HTTP_GET, {"a"}, NULL, "", true},
    {"GET http://x:80/a/b?c?d HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_GET, {"a", "b"}, "c?d", "", true},
    {"DELETE /a%2fb/%41//c HTTP/1.1\r\nHost: x\r\n\r\n",
     HTTP_DELETE,
     {"a/b", "A", "", "c"},
     NULL,
     "",
     true},
    {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
     HTTP_POST,
     {"p"},
     NULL,
     "hello",
     true},
    {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", HTTP_POST, {"p"}, NULL, "", true},
    {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: \t 000005 \r\n\r\nhello",
     HTTP_POST,
     {"p"},
     NULL,
     "hello",
     true},
    {"PUT /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
     "Chunked\r\n\r\n3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nT: "
     "v\r\n\r\n",
     HTTP_PUT,
     {"p"},
     NULL,
     "abc0123456789",
     true},
    {"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     HTTP_POST,
     {"p"},
     NULL,
     "",
     true},
};

static void check_accepted(const struct accepted *expected)
{
    CHECK_EQUAL(request.phase, HTTP_COMPLETE);
    CHECK_EQUAL(request.method, expected->method);
    for (unsigned i = 0; i < 4; i++) {
        const char *segment = i < request.segment_count ? request.segments[i] : NULL;
        CHECK((segment == NULL) == (expected->segments[i] == NULL));
        CHECK(segment == NULL || strcmp(segment, expected->segments[i]) == 0);
    }
    CHECK((request.query == NULL) == (expected->query == NULL));
    CHECK(request.query == NULL || strcmp(request.query, expected->query) == 0);
    CHECK_EQUAL(request.body_length, strlen(expected->body));
    CHECK(request.body_length == 0 ||
          memcmp(request.body, expected->body, request.body_length + 1) == 0);
    CHECK_EQUAL(request.keep_alive, expected->keep_alive);
}

/* Cut in two at every byte, and into single bytes; something follows, which must stay. */
static void requests_are_taken_however_they_are_cut(void)
{
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        char text[1024];
        size_t size = strlen(accepted[i].text);
        (void)snprintf(text, sizeof(text), "%sGET /next", accepted[i].text);
        for (size_t cut = 1; cut <= size; cut++) {
            http_request_clear(&request);
            size_t taken = feed(text, cut, cut);
            CHECK_EQUAL(taken, cut);
            taken += feed(text + cut, size + 9 - cut, SIZE_MAX);
            CHECK_EQUAL(taken, size);
            check_accepted(&accepted[i]);
        }
        http_request_clear(&request);
        CHECK_EQUAL(feed(text, size + 9, 1), size);
        check_accepted(&accepted[i]);
    }
}

struct refused {
    const char *text;
    unsigned status;
};

#define H "GET /a HTTP/1.1\r\nHost: x\r\n"
#define P "POST /a HTTP/1.1\r\nHost: x\r\n"
#define C P "Transfer-Encoding: chunked\r\n\r\n"

static const struct refused refused[] = {
    {"GET /a HTTP/1.1\nHost: x\n\n", 400},
    {"GET /a HTTP/1.1\r\nHost: x\r\n\n", 400},
    {"\r\n\r\n\r\n\r\n", 400},
    {"GET  /a HTTP/1.1\r\n", 400},
    {"GET /a  HTTP/1.1\r\n", 400},
    {"GET /a HTTP/1.1 \r\n", 400},
    {"GET /a\r\n", 400},
    {"GET\r\n", 400},
    {" GET /a HTTP/1.1\r\n", 400},
    {"GET /a http/1.1\r\n", 400},
    {"GET /a HTTP/1.10\r\n", 400},
    {"GET /a HTTP/2.0\r\n", 505},
    {"GET /a HTTP/0.9\r\n", 505},
    {"FETCH /a HTTP/1.1\r\n", 501},
    {"get /a HTTP/1.1\r\n", 501},
    {"G(T /a HTTP/1.1\r\n", 400},
    {"GET a HTTP/1.1\r\n", 400},
    {"OPTIONS * HTTP/1.1\r\n", 400},
    {"CONNECT x:80 HTTP/1.1\r\n", 400},
    {"GET http:/// HTTP/1.1\r\n", 400},
    {"GET http://x HTTP/1.1\r\n", 400},
    {"GET /a%0 HTTP/1.1\r\n", 400},
    {"GET /a%zz HTTP/1.1\r\n", 400},
    {"GET /a%00b HTTP/1.1\r\n", 400},
    {"GET /% HTTP/1.1\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n", 400},
    {"GET /\x80 HTTP/1.1\r\n", 400},
    {"GET /a\tb HTTP/1.1\r\n", 400},
    {"GET /a HTTP/1.1\r\n\r\n", 400},                       /* no Host */
    {"GET /a HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400}, /* two */
    {H "Folded: a\r\n b\r\n", 400},
    {H "Space : a\r\n", 400},
    {H ": a\r\n", 400},
    {H "NoColon\r\n", 400},
    {H "A: b\x01\r\n", 400},
    {H "A: b\rc\r\n", 400},
    {H "Authorization: a\r\nAuthorization: b\r\n", 400},
    {P "Content-Length: 1\r\nContent-Length: 1\r\n", 400},
    {P "Content-Length: +1\r\n", 400},
    {P "Content-Length: -1\r\n", 400},
    {P "Content-Length: 1,1\r\n", 400},
    {P "Content-Length: 0x1\r\n", 400},
    {P "Content-Length:\r\n", 400},
    {P "Content-Length: 65537\r\n\r\n", 413},
    {P "Content-Length: 18446744073709551617\r\n\r\n", 413},
    {P "Content-Length: 99999999999999999999999999999999999\r\n\r\n", 413},
    {P "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {P "Transfer-Encoding: gzip\r\n", 501},
    {P "Transfer-Encoding: gzip, chunked\r\n", 501},
    {P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501},
    {"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {P "Expect: something\r\n", 417},
    {C "\r\n", 400},
    {C "x\r\n", 400},
    {C "-1\r\n", 400},
    {C "1 \r\na\r\n", 400},
    {C "1\na", 400},
    {C "1\r\nab\r\n", 400},
    {C "10001\r\n", 413},
    {C "ffffffffffffffffffffff\r\n", 413},
    {C "0\r\nA: b\n", 400},
};

static void malformed_requests_are_refused_however_they_are_cut(void)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        size_t size = strlen(refused[i].text);
        for (size_t cut = 1; cut <= size; cut++) {
            http_request_clear(&request);
            if (feed(refused[i].text, cut, cut) == cut) {
                (void)feed(refused[i].text + cut, size - cut, SIZE_MAX);
            }
            if (request.phase != HTTP_FAILED || request.status != refused[i].status) {
                fprintf(stderr, "number %zu: phase %d, status %u\n", i, (int)request.phase,
                        request.status);
            }
            CHECK_EQUAL(request.phase, HTTP_FAILED);
            CHECK_EQUAL(request.status, refused[i].status);
            CHECK(request.problem != NULL && request.problem[0] != '\0');
        }
    }
}

static unsigned status_of(const char *text, size_t size)
{
    http_request_clear(&request);
    (void)feed(text, size, 1000);
    return request.phase == HTTP_FAILED ? request.status : 0;
}

static void limits_hold(void)
{
    static char text[200000];
    size_t used = (size_t)snprintf(text, sizeof(text), "GET /");
    memset(text + used, 'a', 2047);
    used += 2047;
    size_t end = used + (size_t)snprintf(text + used, 100, " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_EQUAL(status_of(text, end), 0); /* a target of 2048 */
    memset(text + used, 'a', 100000);
    CHECK_EQUAL(status_of(text, used + 100000), 414);
    end = used + 1 + (size_t)snprintf(text + used + 1, 100, " HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_EQUAL(status_of(text, end), 414); /* 2049 */
    memset(text, 'A', 100000);
    CHECK_EQUAL(status_of(text, 100000), 414);

    used = (size_t)snprintf(text, sizeof(text), H "A: ");
    memset(text + used, 'b', 100000);
    CHECK_EQUAL(status_of(text, used + 100000), 431);
    for (unsigned count = 63; count <= 64; count++) {
        used = (size_t)snprintf(text, sizeof(text), H);
        for (unsigned i = 0; i < count; i++) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "F%u: v\r\n", i);
        }
        used += (size_t)snprintf(text + used, sizeof(text) - used, "\r\n");
        CHECK_EQUAL(status_of(text, used), count == 63 ? 0 : 431);
    }
    used = (size_t)snprintf(text, sizeof(text), P "Content-Length: 65536\r\n\r\n");
    memset(text + used, 'c', 65536);
    CHECK_EQUAL(status_of(text, used + 65536), 0);
    CHECK_EQUAL(request.phase, HTTP_COMPLETE);
    CHECK_EQUAL(request.body_length, 65536);

    used = (size_t)snprintf(text, sizeof(text), C);
    for (unsigned i = 0; i < 16; i++) { /* 64 KiB in chunks, and then one byte more */
        used += (size_t)snprintf(text + used, sizeof(text) - used, "1000\r\n");
        memset(text + used, 'd', 4096);
        used += 4096;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "\r\n");
    }
    end = used + (size_t)snprintf(text + used, 100, "0\r\n\r\n");
    CHECK_EQUAL(status_of(text, end), 0);
    CHECK_EQUAL(request.body_length, 65536);
    end = used + (size_t)snprintf(text + used, 100, "1\r\n");
    CHECK_EQUAL(status_of(text, end), 413);

    used = (size_t)snprintf(text, sizeof(text), C "1;");
    memset(text + used, 'e', 1000);
    CHECK_EQUAL(status_of(text, used + 1000), 400);
    used = (size_t)snprintf(text, sizeof(text), C "0\r\n");
    for (unsigned i = 0; i < 1000; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "Trailer: of some length\r\n");
    }
    CHECK_EQUAL(status_of(text, used), 431);
    used = (size_t)snprintf(text, sizeof(text),
                            "GET /1/2/3/4/5/6/7/8/9/10/11 HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK_EQUAL(status_of(text, used), 0);
    CHECK_EQUAL(request.segment_count, HTTP_SEGMENTS_MAX + 1);
}

static void nul_bytes_are_refused(void)
{
    static const char in_line[] = "GET /\0 HTTP/1.1\r\n";
    static const char in_field[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n";
    CHECK_EQUAL(status_of(in_line, sizeof(in_line) - 1), 400);
    CHECK_EQUAL(status_of(in_field, sizeof(in_field) - 1), 400);
}

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Valid requests with some bytes changed, cut at random: no answer is wrong but a crash. */
static void damaged_requests_do_no_harm(void)
{
    for (unsigned round = 0; round < 40000; round++) {
        char text[1024];
        const char *base =
            round % 3 == 0
                ? refused[next_random() % (sizeof(refused) / sizeof(refused[0]))].text
                : accepted[next_random() % (sizeof(accepted) / sizeof(accepted[0]))].text;
        size_t size = (size_t)snprintf(text, sizeof(text), "%s", base);
        for (uint32_t i = next_random() % 6; i > 0; i--) {
            static const char likely[] = "\r\n :,;/%?0159afAF\t\0\x7f\xff";
            text[next_random() % size] = next_random() % 2 == 0
                                             ? (char)next_random()
                                             : likely[next_random() % (sizeof(likely) - 1)];
        }
        http_request_clear(&request);
        (void)feed(text, size, 1 + next_random() % 40);
        CHECK(request.phase != HTTP_FAILED || (request.status >= 400 && request.status < 600));
    }
}

int main(void)
{
    http_request_init(&request);
    requests_are_taken_however_they_are_cut();
    malformed_requests_are_refused_however_they_are_cut();
    limits_hold();
    nul_bytes_are_refused();
    damaged_requests_do_no_harm();
    http_request_clear(&request);
    return 0;
}
