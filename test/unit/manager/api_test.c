/* SPDX-License-Identifier: BSD-2-Clause */
/* The API from request text to answer text: every route, every refusal, and what root is asked. */
#include <string.h>

#include "domains/manager/api.h"
#include "test/unit/check.h"
#include "test/unit/manager/fake.h"

static struct fake fake;
static char answer[131072];

/* Sends a request and returns the status of the answer; `answer` holds all of it. */
static unsigned send(const char *text, size_t size)
{
    struct http_handler handler = api_handler(&fake.manager);
    static struct http_connection connection;
    http_connection_open(&connection, &handler, 0);
    uint64_t now = 0;
    size_t sent = 0;
    size_t length = 0;
    while (connection.state != HTTP_CONNECTION_LINGERING &&
           connection.state != HTTP_CONNECTION_CLOSED) {
        sent += http_connection_input(&connection, (const uint8_t *)text + sent, size - sent, now);
        size_t count;
        const char *data = http_connection_output(&connection, &count);
        CHECK(length + count < sizeof(answer));
        if (count > 0) {
            memcpy(answer + length, data, count);
            length += count;
            http_connection_sent(&connection, count, now);
        }
        now += 10000;
        http_connection_tick(&connection, now);
        CHECK(now < 100000000);
    }
    http_connection_close(&connection);
    answer[length] = '\0';
    CHECK(strncmp(answer, "HTTP/1.1 ", 9) == 0);
    return (unsigned)strtoul(answer + 9, NULL, 10);
}

static unsigned ask_bytes(const char *method, const char *path, const char *type, const void *body,
                          size_t length)
{
    static char text[80000];
    int head = snprintf(
        text, sizeof(text),
        "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer secret\r\n"
        "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
        method, path, type, length);
    memcpy(text + head, body, length);
    return send(text, (size_t)head + length);
}

static unsigned ask(const char *method, const char *path, const char *body)
{
    return ask_bytes(method, path, "application/json", body, strlen(body));
}

static const char *body(void)
{
    return strstr(answer, "\r\n\r\n") + 4;
}

static bool says(const char *what)
{
    return strstr(answer, what) != NULL;
}

static void fresh(void)
{
    fake_close(&fake);
    fake_open(&fake);
}

static void nobody_gets_in_without_the_token(void)
{
    static const char *const fields[] = {"", "Authorization: Bearer wrong\r\n",
                                         "Authorization: Basic secret\r\n"};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        int length = snprintf(text, sizeof(text),
                              "GET /v1/system HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
                              fields[i]);
        CHECK_EQUAL(send(text, (size_t)length), 401);
        CHECK(says("WWW-Authenticate: Bearer realm=\"bulkhead\"\r\n"));
        CHECK(says("\"code\":\"unauthorized\""));
        length =
            snprintf(text, sizeof(text),
                     "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", fields[i]);
        CHECK_EQUAL(send(text, (size_t)length), 401); /* and learns nothing of the paths */
    }
}

static void system_and_volumes(void)
{
    fresh();
    CHECK_EQUAL(ask("GET", "/v1/system", ""), 200);
    CHECK(says("\"uptimeNanoseconds\":2000000000"));
    CHECK(says("\"memory\":{\"totalBytes\":2147483648,\"freeBytes\":1073741824}"));
    CHECK(says("\"guests\":{\"total\":2,\"running\":1}"));
    CHECK(says("\"domains\":[{\"name\":\"storage\"},{\"name\":\"network\"}]"));
    CHECK_EQUAL(ask("GET", "/v1/volumes", ""), 200);
    CHECK(strcmp(body(),
                 "{\"volumes\":[{\"name\":\"kernel\",\"bytes\":33554432,\"readOnly\":true},"
                 "{\"name\":\"data\",\"bytes\":67108864,\"readOnly\":false},"
                 "{\"name\":\"huge\",\"bytes\":18446744073709551615,\"readOnly\":false}]}\n") == 0);
    CHECK_EQUAL(ask("HEAD", "/v1/volumes", ""), 200);
    CHECK_EQUAL(strlen(body()), 0);
    fake.manager.volumes = NULL;
    CHECK_EQUAL(ask("GET", "/v1/volumes", ""), 503);
    fake.guests.version = 1;
    CHECK_EQUAL(ask("GET", "/v1/system", ""), 503);
    CHECK_EQUAL(ask("GET", "/v1/guests", ""), 503);
}

static void wrong_paths_methods_and_queries(void)
{
    fresh();
    static const char *const missing[] = {"/",
                                          "/v1",
                                          "/v1/",
                                          "/v2/system",
                                          "/v1/system/",
                                          "/v1/guests/debian1/x",
                                          "/v1/guests/debian1/start/x",
                                          "/v1/a/b/c/d/e/f/g/h/i/j"};
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        CHECK_EQUAL(ask("GET", missing[i], ""), 404);
    }
    CHECK_EQUAL(ask("PUT", "/v1/guests", ""), 405);
    CHECK(says("Allow: GET, HEAD, POST\r\n"));
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/start", ""), 405);
    CHECK(says("Allow: POST\r\n"));
    CHECK_EQUAL(ask("GET", "/v1/system?verbose=1", ""), 400);
    CHECK(says("unknownParameter"));
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console?to=1", ""), 400);
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console?from=1&from=2", ""), 400);
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console?from=-1", ""), 400);
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console?from=", ""), 400);
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console?from=18446744073709551616", ""), 400);
    CHECK_EQUAL(
        ask("GET", "/v1/guests/debian1/console?from=111111111111111111111111111111111111", ""),
        400);
    CHECK_EQUAL(ask("GET", "/v1/guests", "x"), 400);
    CHECK(says("unexpectedBody"));
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests", "text/plain", "{}", 2), 415);
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests", "application/jsonx", "{}", 2), 415);
    CHECK_EQUAL(ask("GET", "/v1/guests/nobody", ""), 404);
    CHECK(says("there is no guest \\\"nobody\\\""));
    CHECK_EQUAL(ask("GET", "/v1/guests/%22%0a%ff", ""), 404);
    CHECK(says("there is no guest \\\"\\\"??\\\""));
}

static void guests_are_shown(void)
{
    fresh();
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1", ""), 200);
    CHECK(says("\"name\":\"debian1\",\"state\":\"running\",\"reason\":\"a "
               "\\\"reason\\\"\\n?\",\"memory\":268435456"));
    CHECK(says("\"cpuTimeNanoseconds\":1000000000"));
    CHECK_EQUAL(ask("GET", "/v1/guests", ""), 200);
    CHECK(says("{\"guests\":[{\"name\":\"debian1\""));
    CHECK(says("{\"name\":\"off1\",\"state\":\"off\""));
}

#define FULL                                                                                     \
    "{\"name\":\"web-1\",\"memory\":\"512M\",\"vcpus\":3,\"kernel\":\"kernel\",\"initrd\":"      \
    "\"data\","                                                                                  \
    "\"initrdSize\":4096,\"commandLine\":\"console=ttyAMA0 "                                     \
    "quiet\",\"disks\":[{\"volume\":\"data\",\"readOnly\":true},"                                \
    "{\"volume\":\"huge\"}],\"networks\":[{\"network\":\"lan\",\"mac\":\"52:42:48:aA:00:01\"},{" \
    "\"network\":\"lan\"}],"                                                                     \
    "\"autostart\":true}"

static void guests_are_created(void)
{
    fresh();
    CHECK_EQUAL(ask("POST", "/v1/guests", FULL), 201);
    CHECK(says("Location: /v1/guests/web-1\r\n"));
    CHECK(says("\"disks\":[{\"volume\":\"data\",\"readOnly\":true},{\"volume\":\"huge\","
               "\"readOnly\":false}]"));
    CHECK(says("{\"network\":\"lan\",\"mac\":\"52:42:48:aa:00:01\"}"));
    const struct bh_guest_config *config = &fake.guests.guest[1].config;
    CHECK(strcmp(config->name, "web-1") == 0);
    CHECK_EQUAL(config->memory, UINT64_C(512) << 20);
    CHECK_EQUAL(config->vcpu_count, 3);
    CHECK_EQUAL(config->autostart, 1);
    CHECK(strcmp(config->initrd_volume, "data") == 0);
    CHECK_EQUAL(config->initrd_size, 4096);
    CHECK(strcmp(config->command_line, "console=ttyAMA0 quiet") == 0);
    CHECK_EQUAL(config->disk_count, 2);
    CHECK_EQUAL(config->disk[0].read_only, 1);
    CHECK_EQUAL(config->net_count, 2);
    CHECK_EQUAL(config->net[0].mac[3], 0xaa);
    CHECK_EQUAL(config->net[1].mac[0], 0);
    CHECK_EQUAL(ask("POST", "/v1/guests", FULL), 409);
    CHECK(says("guestExists"));
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests", "application/json; charset=utf-8",
                          "{\"name\":\"min\",\"memory\":16777216,\"kernel\":\"kernel\"}", 50),
                201);
}

struct definition {
    const char *json;
    unsigned status;
    const char *message; /* part of it */
};

#define DEFINITION(rest) "{\"name\":\"a\",\"memory\":\"64M\",\"kernel\":\"kernel\"" rest "}"

static const struct definition wrong[] = {
    {"", 400, "no JSON"},
    {"{", 400, "no JSON"},
    {"nonsense", 400, "no JSON: error at byte 0"},
    {"{} x", 400, "goes on after"},
    {"{}{}", 400, "goes on after"},
    {"[]", 400, "a guest: must be an object"},
    {"1", 400, "must be an object"},
    {"null", 400, "must be an object"},
    {"[[[[[[[[[[[[]]]]]]]]]]]]", 400, "too deeply"},
    {"{\"name\":\"a\",\"name\":\"b\"}", 400, "name: given twice"},
    {DEFINITION(",\"disks\":[{\"volume\":\"a\",\"volume\":\"b\"}]"), 400, "volume: given twice"},
    {"{\"name\":\"a\\u0000b\"}", 400, "NUL"},
    {"{\"name\":\"a\nb\"}", 400, "control character"},
    {"{}", 400, "name: is missing"},
    {"{\"name\":1}", 400, "name: must be a string"},
    {"{\"name\":\"\"}", 400, "name: must not be empty"},
    {"{\"name\":\"Abc\"}", 400, "name: must be 1 to 31"},
    {"{\"name\":\"-a\"}", 400, "name: must be 1 to 31"},
    {"{\"name\":\"a-\"}", 400, "name: must be 1 to 31"},
    {"{\"name\":\"a/b\"}", 400, "name: must be 1 to 31"},
    {"{\"name\":\"abcdefghijklmnopqrstuvwxyz012345\"}", 400, "name: must be at most 31 characters"},
    {"{\"name\":\"a\"}", 400, "memory: is missing"},
    {"{\"name\":\"a\",\"memory\":true}", 400, "memory: must be a number of bytes, or"},
    {"{\"name\":\"a\",\"memory\":\"lots\"}", 400, "memory: \\\"lots\\\" is no size"},
    {"{\"name\":\"a\",\"memory\":-1}", 400, "memory: must be a whole number"},
    {"{\"name\":\"a\",\"memory\":1.5}", 400, "memory: must be a whole number"},
    {"{\"name\":\"a\",\"memory\":1e300}", 400, "memory: must be a whole number"},
    {"{\"name\":\"a\",\"memory\":\"8M\"}", 400, "memory: must be at least 16 MiB"},
    {"{\"name\":\"a\",\"memory\":\"17M\"}", 400, "memory: must be a multiple of 2 MiB"},
    {"{\"name\":\"a\",\"memory\":\"64M\"}", 400, "kernel: is missing"},
    {"{\"name\":\"a\",\"memory\":\"64M\",\"kernel\":\"\"}", 400, "kernel: must not be empty"},
    {DEFINITION(",\"vcpus\":0"), 400, "vcpus: must be 1 to 8"},
    {DEFINITION(",\"vcpus\":9"), 400, "vcpus: must be 1 to 8"},
    {DEFINITION(",\"vcpus\":1.5"), 400, "vcpus: must be 1 to 8"},
    {DEFINITION(",\"vcpus\":\"1\""), 400, "vcpus: must be a number"},
    {DEFINITION(",\"initrd\":null"), 400, "initrd: must be a string"},
    {DEFINITION(",\"initrdSize\":5"), 400, "initrdSize: there is no initrd"},
    {DEFINITION(",\"commandLine\":5"), 400, "commandLine: must be a string"},
    {DEFINITION(",\"commandLine\":\"\\n\""), 400, "commandLine: must consist of printable"},
    {DEFINITION(",\"commandLine\":\"\xc3\xa4\""), 400, "commandLine: must consist of printable"},
    {DEFINITION(",\"disks\":{}"), 400, "disks: must be an array"},
    {DEFINITION(",\"disks\":[1]"), 400, "disks[0]: must be an object"},
    {DEFINITION(",\"disks\":[{}]"), 400, "disks[0].volume: is missing"},
    {DEFINITION(",\"disks\":[{\"volume\":\"data\"},{\"volume\":\"data\",\"readonly\":true}]"), 400,
     "readonly: there is no such field in disks[1]"},
    {DEFINITION(",\"disks\":[{\"volume\":\"data\",\"readOnly\":1}]"), 400,
     "disks[0].readOnly: must be true or false"},
    {DEFINITION(",\"disks\":[{},{},{},{},{}]"), 400, "disks: must have at most 4"},
    {DEFINITION(",\"networks\":[{},{},{}]"), 400, "networks: must have at most 2"},
    {DEFINITION(",\"networks\":[{\"network\":\"lan\",\"mac\":\"52:42:48:00:00\"}]"), 400,
     "networks[0].mac: must be a"},
    {DEFINITION(",\"networks\":[{\"network\":\"lan\",\"mac\":\"52:42:48:00:00:0g\"}]"), 400,
     "networks[0].mac: must"},
    {DEFINITION(",\"networks\":[{\"network\":\"lan\",\"mac\":\"01:00:00:00:00:00\"}]"), 400,
     "not a group's"},
    {DEFINITION(",\"networks\":[{\"network\":\"lan\",\"mac\":\"00:00:00:00:00:00\"}]"), 400,
     "not all zero"},
    {DEFINITION(",\"autostart\":\"yes\""), 400, "autostart: must be true or false"},
    {DEFINITION(",\"cpus\":1"), 400, "cpus: there is no such field in a guest"},
    {"{\"name\":\"a\",\"memory\":\"64M\",\"kernel\":\"none\"}", 422,
     "kernel: there is no volume \\\"none\\\""},
    {DEFINITION(",\"disks\":[{\"volume\":\"data\"},{\"volume\":\"none\"}]"), 422,
     "disks[1].volume: there is no volume"},
    {DEFINITION(",\"networks\":[{\"network\":\"wan\"}]"), 422,
     "networks[0].network: there is no network \\\"wan\\\""},
};

static void wrong_definitions_are_refused_by_name(void)
{
    fresh();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        unsigned status = ask("POST", "/v1/guests", wrong[i].json);
        if (status != wrong[i].status || !says(wrong[i].message)) {
            fprintf(stderr, "%s\n%s\n", wrong[i].json, answer);
        }
        CHECK_EQUAL(status, wrong[i].status);
        CHECK(says(wrong[i].message));
        CHECK(says("{\"error\":{\"code\":\""));
    }
    CHECK_EQUAL(fake.guests.guest[1].state, BH_GUEST_NONE);
}

static void every_answer_of_root_has_its_status(void)
{
    static const unsigned statuses[] = {
        [BH_ROOT_DENIED] = 403,    [BH_ROOT_BAD_REQUEST] = 400,    [BH_ROOT_NO_SUCH_GUEST] = 404,
        [BH_ROOT_EXISTS] = 409,    [BH_ROOT_NO_SUCH_VOLUME] = 422, [BH_ROOT_NO_SUCH_NETWORK] = 422,
        [BH_ROOT_NO_MEMORY] = 507, [BH_ROOT_WRONG_STATE] = 409,    [BH_ROOT_VOLUME_BUSY] = 409,
        [BH_ROOT_FULL] = 507,      [BH_ROOT_FULL + 1] = 500};
    fresh();
    for (uint64_t i = 1; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        fake.forced = i;
        CHECK_EQUAL(ask("POST", "/v1/guests", DEFINITION("")), statuses[i]);
        CHECK_EQUAL(ask("POST", "/v1/guests/debian1/stop", ""), statuses[i]);
        CHECK(says("debian1"));
    }
    fresh();
    fake.manager.request = NULL;
    CHECK_EQUAL(ask("POST", "/v1/guests", FULL), 403);
    CHECK_EQUAL(ask("DELETE", "/v1/guests/debian1", ""), 403);
}

static void guests_are_started_and_stopped(void)
{
    fresh();
    CHECK_EQUAL(ask("POST", "/v1/guests/off1/start", ""), 200);
    CHECK(says("\"state\":\"starting\""));
    CHECK_EQUAL(ask("POST", "/v1/guests/off1/start", "{}"), 409);
    CHECK(says("guest \\\"off1\\\": it is starting"));
    CHECK_EQUAL(ask("POST", "/v1/guests/debian1/pause", ""), 200);
    CHECK(says("\"state\":\"paused\""));
    CHECK_EQUAL(ask("POST", "/v1/guests/debian1/resume", ""), 200);
    CHECK_EQUAL(ask("POST", "/v1/guests/debian1/resume", ""), 409);
    CHECK_EQUAL(ask("POST", "/v1/guests/debian1/stop", ""), 200);
    CHECK(says("\"state\":\"off\""));
    CHECK_EQUAL(ask("DELETE", "/v1/guests/debian1", ""), 204);
    CHECK_EQUAL(ask("DELETE", "/v1/guests/debian1", ""), 404);
}

static void counters_are_fresh_and_exact(void)
{
    fresh();
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/counters", ""), 200);
    CHECK_EQUAL(fake.refreshes, 1);
    CHECK(says("\"hvc\":77")); /* written down after it was asked for */
    CHECK(says("\"mmio\":18446744073709551600"));
    CHECK(says("\"droppedFrames\":5"));
    CHECK(says("\"memory\":{\"guestBytes\":268435456"));
    CHECK_EQUAL(ask("GET", "/v1/guests/off1/counters", ""), 200);
    CHECK_EQUAL(fake.refreshes, 1);
    CHECK(says("\"hvc\":0"));
}

static void consoles_are_read(void)
{
    fresh();
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console", ""), 200);
    CHECK(says("Content-Type: application/octet-stream\r\n"));
    CHECK(says("X-Console-From: 0\r\nX-Console-Next: 7\r\n"));
    CHECK(strcmp(body(), "login: ") == 0);
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console?from=5", ""), 200);
    CHECK(strcmp(body(), ": ") == 0);
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console?from=7", ""), 200);
    CHECK(says("Content-Length: 0\r\n"));
    CHECK_EQUAL(ask("GET", "/v1/guests/off1/console", ""), 200);
    CHECK(says("X-Console-Next: 0\r\n"));
    memcpy(fake.history[2].name, "system", 7);
    memcpy(fake.history[2].data, "root: hello\n", 12);
    fake.history[2].written = 12;
    CHECK_EQUAL(ask("GET", "/v1/system/console?from=6", ""), 200);
    CHECK(strcmp(body(), "hello\n") == 0);
    fake.manager.history = NULL;
    CHECK_EQUAL(ask("GET", "/v1/guests/debian1/console", ""), 503);
}

static void consoles_take_input(void)
{
    fresh();
    static uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    CHECK(bh_ring_consumer_sleep(&fake.console_server.submit));
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests/debian1/console", "text/plain", bytes, 50), 200);
    CHECK(strcmp(body(), "{\"accepted\":50}\n") == 0);
    CHECK_EQUAL(fake.signals, 1);
    size_t got = 0;
    struct bh_console_input input;
    while (bh_ring_consume(&fake.console_server.submit, &input) == BH_RING_OK) {
        CHECK(strcmp(input.console, "debian1") == 0);
        CHECK(input.length <= BH_CONSOLE_INPUT_MAX);
        CHECK(memcmp(input.data, bytes + got, input.length) == 0);
        got += input.length;
    }
    CHECK_EQUAL(got, 50);
    (void)bh_ring_release(&fake.console_server.submit);
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests/debian1/console", "x", bytes, 1000), 200);
    CHECK(strcmp(body(), "{\"accepted\":384}\n") == 0); /* as much as the ring holds */
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests/debian1/console", "x", bytes, 1), 503);
    CHECK(says("Retry-After: 1\r\n"));
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests/debian1/console", "x", bytes, 0), 200);
    fake.console_client.submit.broken = true;
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests/debian1/console", "x", bytes, 1), 503);
    fake.manager.console_input = NULL;
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests/debian1/console", "x", bytes, 1), 503);
    CHECK_EQUAL(ask_bytes("POST", "/v1/guests/nobody/console", "x", bytes, 1), 404);
}

static void the_machine_is_turned_off(void)
{
    static const char *const bad[] = {"{\"exitStatus\":256}",
                                      "{\"exitStatus\":-1}",
                                      "{\"exitStatus\":1.5}",
                                      "{\"exitStatus\":\"1\"}",
                                      "{\"status\":1}",
                                      "[]",
                                      "x"};
    fresh();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQUAL(ask("POST", "/v1/system/poweroff", bad[i]), 400);
    }
    CHECK_EQUAL(fake.manager.power, MANAGER_POWER_ON);
    CHECK_EQUAL(ask("POST", "/v1/system/poweroff", "{\"exitStatus\":255}"), 202);
    CHECK_EQUAL(fake.manager.power, MANAGER_POWER_OFF);
    CHECK_EQUAL(fake.manager.exit_status, 255);
    CHECK_EQUAL(ask("POST", "/v1/system/poweroff", ""), 202);
    CHECK_EQUAL(fake.manager.exit_status, 0);
    CHECK_EQUAL(ask("POST", "/v1/system/reboot", ""), 202);
    CHECK_EQUAL(fake.manager.power, MANAGER_POWER_REBOOT);
}

static uint32_t random_state = 7;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static void damaged_documents_do_no_harm(void)
{
    fresh();
    for (unsigned round = 0; round < 5000; round++) {
        char text[sizeof(FULL)];
        size_t size = sizeof(FULL) - 1;
        memcpy(text, FULL, sizeof(FULL));
        for (uint32_t i = 1 + next_random() % 4; i > 0; i--) {
            static const char likely[] = "{}[]\",:\\0e-. ";
            text[next_random() % size] = next_random() % 2 == 0
                                             ? (char)next_random()
                                             : likely[next_random() % (sizeof(likely) - 1)];
        }
        unsigned status =
            ask_bytes("POST", "/v1/guests", "application/json", text, next_random() % (size + 1));
        CHECK(status == 201 || status == 400 || status == 409 || status == 422 || status == 507);
        CHECK(says("Content-Type: application/json\r\n"));
    }
}

int main(void)
{
    fake_open(&fake);
    nobody_gets_in_without_the_token();
    system_and_volumes();
    wrong_paths_methods_and_queries();
    guests_are_shown();
    guests_are_created();
    wrong_definitions_are_refused_by_name();
    every_answer_of_root_has_its_status();
    guests_are_started_and_stopped();
    counters_are_fresh_and_exact();
    consoles_are_read();
    consoles_take_input();
    the_machine_is_turned_off();
    damaged_documents_do_no_harm();
    fake_close(&fake);
    return 0;
}
