/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection: pipelining, keep-alive, refusals, 100-continue, time limits, slow readers,
 * postponed answers. */
#include <string.h>

#include "domains/manager/http_connection.h"
#include "test/unit/check.h"

static struct http_connection connection;
static unsigned later_count; /* how often the handler asks for time */
static unsigned asked;

static bool check_head(void *context, const struct http_request *request,
                       struct http_response *response)
{
    (void)context;
    if (strcmp(request->segments[0], "refused") == 0) {
        http_response_field(response, "Allow", "NONE");
        http_response_error(response, 405, "methodNotAllowed", "no \"way\"\n");
        return false;
    }
    return true;
}

/* Answers with the first segment of the path and the body's length. */
static void respond(void *context, const struct http_request *request, unsigned attempt,
                    struct http_response *response)
{
    (void)context;
    asked++;
    if (attempt < later_count) {
        response->later_us = 1000;
        return;
    }
    response->status = strcmp(request->segments[0], "nothing") == 0 ? 204 : 200;
    response->type = "text/plain";
    response->body = malloc(64);
    CHECK(response->body != NULL);
    response->body_length = (size_t)snprintf(response->body, 64, "%s %zu\n", request->segments[0],
                                             request->body_length);
}

static const struct http_handler handler = {.check = check_head, .respond = respond};

static char output[65536];
static size_t output_length;

/* Takes all output, in pieces of `step`. */
static void take(size_t step, uint64_t now)
{
    size_t size;
    const char *data;
    while ((data = http_connection_output(&connection, &size)) != NULL && size > 0) {
        size = size < step ? size : step;
        memcpy(output + output_length, data, size);
        output_length += size;
        http_connection_sent(&connection, size, now);
    }
    output[output_length] = '\0';
}

static void start(void)
{
    http_connection_close(&connection);
    http_connection_open(&connection, &handler, 0);
    output_length = 0;
    later_count = 0;
    asked = 0;
}

static void say(const char *text, size_t step, uint64_t now)
{
    size_t size = strlen(text);
    size_t sent = 0;
    while (sent < size) {
        size_t piece = size - sent < step ? size - sent : step;
        size_t taken = http_connection_input(&connection, (const uint8_t *)text + sent, piece, now);
        CHECK(taken <= piece);
        sent += taken;
        size_t before = output_length;
        take(step, now);
        CHECK(taken > 0 || output_length > before); /* it always goes on */
    }
}

static unsigned count(const char *what)
{
    unsigned found = 0;
    for (const char *at = output; (at = strstr(at, what)) != NULL; at++) {
        found++;
    }
    return found;
}

#define GET(path) "GET /" path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void pipelined_requests_are_answered_in_order(void)
{
    for (size_t step = 1; step < 200; step += 7) {
        start();
        say(GET("one") "POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" GET("three"),
            step, 0);
        CHECK_EQUAL(count("HTTP/1.1 200 OK\r\n"), 3);
        const char *one = strstr(output, "\r\n\r\none 0\n");
        const char *two = strstr(output, "\r\n\r\ntwo 3\n");
        const char *three = strstr(output, "\r\n\r\nthree 0\n");
        CHECK(one != NULL && two > one && three > two);
        CHECK_EQUAL(count("Connection: close"), 0);
        CHECK(http_connection_idle(&connection));
    }
}

static void close_is_honoured(void)
{
    start();
    say("GET /one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET("two"), 1000, 0);
    CHECK_EQUAL(count("HTTP/1.1 200 OK\r\n"), 1);
    CHECK_EQUAL(count("Connection: close\r\n"), 1);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_LINGERING);
    CHECK_EQUAL(http_connection_input(&connection, (const uint8_t *)"x", 1, 1), 1);
    http_connection_tick(&connection, HTTP_LINGER_US);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_CLOSED);
}

static void refusals_of_the_head_leave_no_body_behind(void)
{
    start();
    say(GET("refused") GET("next"), 1000, 0);
    CHECK_EQUAL(count("HTTP/1.1 405 Method Not Allowed\r\n"), 1);
    CHECK_EQUAL(count("Allow: NONE\r\n"), 1);
    CHECK_EQUAL(
        count("{\"error\":{\"code\":\"methodNotAllowed\",\"message\":\"no \\\"way\\\"?\"}}\n"), 1);
    CHECK_EQUAL(count("next 0"), 1);
    start();
    say("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" GET("smuggled"), 1000,
        0);
    CHECK_EQUAL(count("HTTP/1.1 "), 1);
    CHECK_EQUAL(count("Connection: close\r\n"), 1);
    CHECK_EQUAL(asked, 0);
}

static void broken_requests_end_the_connection(void)
{
    start();
    say("GARBAGE\r\n" GET("next"), 1000, 0);
    CHECK_EQUAL(count("HTTP/1.1 400 Bad Request\r\n"), 1);
    CHECK_EQUAL(count("Connection: close\r\n"), 1);
    CHECK_EQUAL(count("\"code\":\"badRequest\""), 1);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_LINGERING);
}

static void head_gets_no_body(void)
{
    start();
    say("HEAD /one HTTP/1.1\r\nHost: x\r\n\r\n" GET("nothing") GET("three"), 1000, 0);
    CHECK_EQUAL(count("Content-Length: 6\r\n"), 1);
    CHECK_EQUAL(count("one 0"), 0);
    CHECK_EQUAL(count("nothing 0"), 0);
    CHECK_EQUAL(count("HTTP/1.1 204 No Content\r\n"), 1);
    CHECK_EQUAL(count("Content-Length"), 2); /* none with 204 */
    CHECK_EQUAL(count("\r\n\r\nthree 0\n"), 1);
}

static void continue_is_said_when_expected(void)
{
    start();
    say("POST /one HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", 1000,
        0);
    CHECK(strcmp(output, "HTTP/1.1 100 Continue\r\n\r\n") == 0);
    say("abc", 1, 0);
    CHECK_EQUAL(count("HTTP/1.1 200 OK\r\n"), 1);
    CHECK_EQUAL(count("one 3\n"), 1);
}

static void slow_clients_are_cut_off(void)
{
    start(); /* says nothing */
    http_connection_tick(&connection, HTTP_HEAD_US - 1);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_READING);
    http_connection_tick(&connection, HTTP_HEAD_US);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_CLOSED);

    start(); /* a byte now and then */
    for (uint64_t i = 0; i < 9; i++) {
        say(&"GET /abcd"[i], 1, i == 0 ? 0 : i * 1000000);
        http_connection_tick(&connection, i * 1000000);
    }
    http_connection_tick(&connection, HTTP_HEAD_US);
    take(1000, HTTP_HEAD_US);
    CHECK_EQUAL(count("HTTP/1.1 4"), 1); /* 408, or 400: the trickle above repeats itself */

    start();
    say("POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r", 1000, 5);
    CHECK(http_connection_expendable(&connection));
    say("\na", 1000, 5);
    CHECK(!http_connection_expendable(&connection));
    http_connection_tick(&connection, HTTP_BODY_US + 5);
    take(1000, HTTP_BODY_US);
    CHECK_EQUAL(count("HTTP/1.1 408 Request Timeout\r\n"), 1);

    start(); /* idle after a request */
    say(GET("one"), 1000, 5);
    http_connection_tick(&connection, HTTP_IDLE_US + 4);
    CHECK(http_connection_idle(&connection));
    http_connection_tick(&connection, HTTP_IDLE_US + 5);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_CLOSED);

    start(); /* does not read */
    CHECK(http_connection_input(&connection, (const uint8_t *)GET("one"), strlen(GET("one")), 7) >
          0);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_WRITING);
    http_connection_sent(&connection, 1, 1000007);
    http_connection_tick(&connection, HTTP_WRITE_US + 7);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_WRITING);
    http_connection_tick(&connection, HTTP_WRITE_US + 1000007);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_CLOSED);
}

static void handlers_may_ask_for_time(void)
{
    start();
    later_count = 2;
    CHECK(http_connection_input(&connection, (const uint8_t *)GET("one"), strlen(GET("one")), 0) >
          0);
    CHECK_EQUAL(connection.state, HTTP_CONNECTION_WAITING);
    CHECK(!http_connection_expendable(&connection));
    CHECK_EQUAL(http_connection_input(&connection, (const uint8_t *)"G", 1, 0), 0);
    http_connection_tick(&connection, 999);
    CHECK_EQUAL(asked, 1);
    http_connection_tick(&connection, 1000);
    http_connection_tick(&connection, 2000);
    take(1000, 2000);
    CHECK_EQUAL(asked, 3);
    CHECK_EQUAL(count("one 0\n"), 1);
    start();
    later_count = 1000;
    CHECK(http_connection_input(&connection, (const uint8_t *)GET("one"), strlen(GET("one")), 0) >
          0);
    for (uint64_t now = 0; now < 100000; now += 1000) {
        http_connection_tick(&connection, now);
        take(1000, now);
    }
    CHECK_EQUAL(count("HTTP/1.1 503 "), 1);
}

static void response_fields_are_whole_or_absent(void)
{
    struct http_response response = {.status = 200};
    char long_value[600];
    memset(long_value, 'v', sizeof(long_value) - 1);
    long_value[sizeof(long_value) - 1] = '\0';
    for (unsigned i = 0; i < 50; i++) {
        http_response_field(&response, "Name", "a value of some length");
        http_response_field(&response, "Long", long_value);
    }
    char head[HTTP_RESPONSE_HEAD];
    size_t length = http_response_head(&response, false, head);
    CHECK_EQUAL(strlen(head), length);
    CHECK(length > 4 && strcmp(head + length - 4, "\r\n\r\n") == 0);
    CHECK(strstr(head, "Long") == NULL);
    http_response_clear(&response);
}

int main(void)
{
    http_connection_open(&connection, &handler, 0);
    pipelined_requests_are_answered_in_order();
    close_is_honoured();
    refusals_of_the_head_leave_no_body_behind();
    broken_requests_end_the_connection();
    head_gets_no_body();
    continue_is_said_when_expected();
    slow_clients_are_cut_off();
    handlers_may_ask_for_time();
    response_fields_are_whole_or_absent();
    http_connection_close(&connection);
    return 0;
}
