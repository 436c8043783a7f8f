/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients with real rings against the server: every byte of the shown console arrives in order,
 * hostile peers hurt only themselves, no wake-up is lost. */
#include <string.h>

#include "domains/console/server.h"
#include "ipc/console.h"
#include "test/unit/check.h"

#define ENTRIES   16u
#define HISTORIES 4

static struct server server;
static struct bh_console_history histories[HISTORIES];
static unsigned signals[16]; /* received by the peer with this notification */

struct peer {
    struct bh_channel channel;
    struct bh_resource resource;
    void *memory;
};

static void count_signal(uint64_t notification)
{
    CHECK(notification < 16);
    signals[notification]++;
}

static void start(const char *wanted, bool raw)
{
    memset(histories, 0, sizeof(histories));
    memset(signals, 0, sizeof(signals));
    server_init(&server, histories, HISTORIES, wanted, raw, count_signal);
}

static struct peer *connect_as(uint32_t index, uint32_t protocol, const char *name,
                               const char *console)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    CHECK(peer != NULL);
    peer->resource = (struct bh_resource){
        .kind = BH_RESOURCE_SERVER,
        .protocol = protocol,
        .epoch = 1,
        .cap = index,
        .bits = UINT64_C(1) << (8 + index),
        .geometry = {.entries = ENTRIES, .submit_size = 64, .complete_size = 64},
    };
    snprintf(peer->resource.name, BH_NAME_MAX, "%s", name);
    snprintf(peer->resource.object, BH_NAME_MAX, "%s", console);
    size_t bytes = bh_channel_bytes(&peer->resource.geometry);
    peer->memory = aligned_alloc(BH_CHANNEL_PAGE, bytes);
    CHECK(peer->memory != NULL);
    memset(peer->memory, 0, bytes);
    peer->resource.address = (uintptr_t)peer->memory;
    bh_channel_open(&peer->channel, peer->memory, &peer->resource.geometry);
    server_attach(&server, index, &peer->resource);
    return peer;
}

static struct peer *connect_console(uint32_t index, const char *console)
{
    return connect_as(index, BH_PROTOCOL_CONSOLE, console, console);
}

static void disconnect(uint32_t index, struct peer *peer)
{
    server_detach(&server, index);
    free(peer->memory);
    free(peer);
}

/* As many chunks of the text as find room; returns the bytes that were sent. Signals when it must.
 */
static size_t put(struct peer *peer, const char *text, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        struct bh_console_chunk chunk = {0};
        chunk.length =
            length - sent < BH_CONSOLE_CHUNK_MAX ? (uint32_t)(length - sent) : BH_CONSOLE_CHUNK_MAX;
        memcpy(chunk.data, text + sent, chunk.length);
        if (bh_ring_produce(&peer->channel.submit, &chunk) != BH_RING_OK) {
            break;
        }
        sent += chunk.length;
    }
    if (bh_ring_publish(&peer->channel.submit)) {
        server_wake(&server, peer->resource.bits);
    }
    return sent;
}

static void put_all(struct peer *peer, const char *text)
{
    CHECK_EQUAL(put(peer, text, strlen(text)), strlen(text));
}

static void run(void)
{
    for (int i = 0; server_run(&server); i++) {
        CHECK(i < 1000);
    }
}

/* What the UART takes of the output, at most `limit` bytes. */
static size_t take(char *text, size_t limit)
{
    size_t total = 0, length;
    do {
        const uint8_t *data = output_front(&server.output, &length);
        length = length < limit - total ? length : limit - total;
        memcpy(text + total, data, length);
        output_take(&server.output, length);
        total += length;
    } while (length > 0);
    text[total] = 0;
    if (total > 0) {
        server_drained(&server);
    }
    return total;
}

static void expect(const char *expected)
{
    static char text[OUTPUT_SIZE + 1];
    run();
    (void)take(text, OUTPUT_SIZE);
    if (strcmp(text, expected) != 0) {
        fprintf(stderr, "seen: <%s>\nexpected: <%s>\n", text, expected);
        abort();
    }
}

static size_t input_of(struct peer *peer, char *text)
{
    size_t total = 0;
    struct bh_console_chunk chunk;
    while (bh_ring_consume(&peer->channel.complete, &chunk) == BH_RING_OK) {
        CHECK(chunk.length <= BH_CONSOLE_CHUNK_MAX);
        memcpy(text + total, chunk.data, chunk.length);
        total += chunk.length;
    }
    text[total] = 0;
    if (bh_ring_release(&peer->channel.complete)) {
        server_wake(&server, peer->resource.bits);
    }
    return total;
}

static void type(const char *keys)
{
    for (; *keys != 0; keys++) {
        server_key(&server, (uint8_t)*keys);
    }
}

static void output_and_input_find_their_way(void)
{
    start("", false);
    struct peer *a = connect_console(1, "a");
    struct peer *b = connect_console(2, "b");
    expect("[console 1: a]\r\n");
    put_all(a, "hello\r\n");
    put_all(b, "world");
    expect("hello\r\n");
    type("ls\r");
    char text[512];
    CHECK_EQUAL(input_of(a, text), 3);
    CHECK(strcmp(text, "ls\r") == 0);
    CHECK_EQUAL(input_of(b, text), 0);
    type("\035"
         "2");
    expect("[console 2: b]\r\nworld");
    type("x\035]y");
    CHECK_EQUAL(input_of(b, text), 3);
    CHECK(strcmp(text, "x\035y") == 0);
    CHECK(!server.power_off);
    type("\035q");
    CHECK(server.power_off);
    disconnect(1, a);
    disconnect(2, b);
}

static void the_shown_console_loses_nothing(void)
{
    start("a", true);
    struct peer *a = connect_console(1, "a");
    struct peer *b = connect_console(2, "b");
    run();
    enum {
        TOTAL = 100000
    };
    static char sent[TOTAL], seen[TOTAL + 1], ignored[TOTAL];
    for (int i = 0; i < TOTAL; i++) {
        sent[i] = (char)(' ' + i * 7 % 90);
    }
    memset(ignored, '#', sizeof(ignored));
    size_t out = 0, in = 0, other = 0;
    srand(1);
    for (int step = 0; in < TOTAL; step++) {
        CHECK(step < 100000);
        size_t length = (size_t)rand() % 300;
        out += put(a, sent + out, length < TOTAL - out ? length : TOTAL - out);
        if (other < TOTAL) {
            other += put(b, ignored + other, TOTAL - other < 200 ? TOTAL - other : 200);
        }
        if (rand() % 3 == 0) {
            run();
        }
        in += take(seen + in, (size_t)rand() % 64); /* a slow UART */
        run();
        CHECK(output_length(&server.output) <= CONSOLES_AHEAD + BH_CONSOLE_CHUNK_MAX);
    }
    CHECK(memcmp(sent, seen, TOTAL) == 0);
    CHECK(other > 10000); /* the one in the background was not held up */
    disconnect(1, a);
    disconnect(2, b);
}

static void a_producer_without_room_is_signalled(void)
{
    start("", true);
    struct peer *a = connect_console(1, "a");
    run();
    static char block[8000], text[OUTPUT_SIZE + 1];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 4; i++) { /* until neither the queue nor the ring takes more */
        (void)put(a, block, sizeof(block));
        run();
    }
    CHECK_EQUAL(put(a, block, 60), 0);
    CHECK(bh_ring_producer_sleep(&a->channel.submit));
    unsigned before = signals[1];
    (void)take(text, 500);
    run();
    CHECK(signals[1] > before);
    bh_ring_producer_awake(&a->channel.submit);
    CHECK(put(a, block, 60) == 60);
    disconnect(1, a);
}

static void a_waiting_client_still_gets_input(void)
{
    start("", true);
    struct peer *a = connect_console(1, "a");
    run();
    static char block[8000], text[2048];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 4; i++) {
        (void)put(a, block, sizeof(block));
        run();
    }
    for (int i = 0; i < 40; i++) { /* more than the complete ring holds, one key each */
        type("k");
        run();
    }
    size_t got = input_of(a, text);
    CHECK_EQUAL(got, ENTRIES);
    run();
    got += input_of(a, text);
    CHECK_EQUAL(got, 40);
    disconnect(1, a);
}

static void input_without_room_is_kept_then_dropped(void)
{
    start("", true);
    struct peer *a = connect_console(1, "a");
    run();
    for (unsigned i = 0; i < ENTRIES + CLIENT_INPUT_SIZE + 50; i++) {
        type("k");
        run();
    }
    char text[2048];
    size_t got = input_of(a, text);
    CHECK_EQUAL(got, ENTRIES);
    CHECK_EQUAL(signals[1], 0); /* it never slept */
    run();
    CHECK(bh_ring_consumer_sleep(&a->channel.complete) == false);
    got += input_of(a, text);
    run();
    CHECK_EQUAL(got, ENTRIES + CLIENT_INPUT_SIZE);
    CHECK(bh_ring_consumer_sleep(&a->channel.complete));
    type("z");
    CHECK_EQUAL(signals[1], 1);
    CHECK_EQUAL(input_of(a, text), 1);
    disconnect(1, a);
}

static void no_wakeup_is_lost(void)
{
    start("", true);
    struct peer *a = connect_console(1, "a");
    expect("");
    for (int i = 0; i < 100; i++) {
        put_all(a, "ping"); /* put signals only if the server sleeps */
        expect("ping");
    }
    disconnect(1, a);
}

static void an_impossible_chunk_breaks_its_channel_only(void)
{
    start("system", false);
    struct peer *a = connect_console(1, "a");
    struct peer *b = connect_console(2, "b");
    run();
    struct bh_console_chunk chunk = {.length = BH_CONSOLE_CHUNK_MAX + 1};
    CHECK(bh_ring_produce(&a->channel.submit, &chunk) == BH_RING_OK);
    (void)bh_ring_publish(&a->channel.submit);
    server_wake(&server, a->resource.bits);
    expect("console: channel of a: an impossible entry; not served any more\r\n");
    put_all(a, "ignored");
    server_wake(&server, a->resource.bits);
    put_all(b, "works");
    expect("");
    type("\035"
         "2x");
    expect("[console 2: b]\r\nworks");
    char text[16];
    CHECK_EQUAL(input_of(b, text), 1);
    b->channel.submit.shared->produced = 12345;
    server_wake(&server, b->resource.bits);
    type("\035"
         "0");
    CHECK(server_run(&server) == false);
    run();
    CHECK(strstr((const char *)histories[0].data, "channel of b: an impossible index") != NULL);
    static char ignored[OUTPUT_SIZE + 1];
    (void)take(ignored, OUTPUT_SIZE);
    type("\035"
         "2y"); /* input for a broken client goes nowhere */
    disconnect(1, a);
    disconnect(2, b);
    struct peer *again = connect_console(3, "a");
    put_all(again, "x");
    type("\035"
         "1");
    run();
    CHECK(take(ignored, OUTPUT_SIZE) > 0 && ignored[strlen(ignored) - 1] == 'x');
    disconnect(3, again);
}

static void unusable_channels_are_refused(void)
{
    start("system", false);
    struct bh_resource resource = {
        .protocol = BH_PROTOCOL_CONSOLE,
        .name = "evil",
        .object = "evil",
        .geometry = {.entries = 8, .submit_size = 4096, .complete_size = 64}};
    server_attach(&server, 1, &resource);
    resource.geometry.submit_size = 64;
    resource.geometry.complete_size = 8;
    server_attach(&server, 1, &resource);
    resource.geometry.complete_size = 64;
    resource.object[0] = 0;
    server_attach(&server, 1, &resource);
    expect("console: channel of evil: wrong size of submit entries; not served\r\n"
           "console: channel of evil: wrong size of complete entries; not served\r\n"
           "console: channel of evil: no name of a console; not served\r\n");
    CHECK(!server_serves(&server, 1, 0));
    server_detach(&server, 1);
}

static void logs_do_not_mix(void)
{
    start("system", false);
    struct peer *a = connect_as(1, BH_PROTOCOL_CONSOLE, "storage", "system");
    struct peer *b = connect_as(2, BH_PROTOCOL_CONSOLE, "network", "system");
    run();
    put_all(a, "storage: be");
    run();
    put_all(b, "network: up\n");
    run();
    put_all(a, "gun\nstorage: half");
    expect("network: up\r\nstorage: begun\r\n");
    disconnect(1, a);
    expect("storage: half\r\n");
    type("x"); /* logs read nothing */
    char text[16];
    CHECK_EQUAL(input_of(b, text), 0);
    disconnect(2, b);
}

static void nobody_logs_under_another_name(void)
{
    start("", false);
    struct peer *root = connect_as(1, BH_PROTOCOL_CONSOLE, "root", "system");
    struct peer *evil = connect_as(2, BH_PROTOCOL_CONSOLE, "evil", "system");
    struct peer *a = connect_console(3, "a");
    expect("[console 1: a]\r\n");
    put_all(evil, "bulkhead: exit 0\nroot: x\nevil: mine\nevil:\n\n");
    put_all(root, "bulkhead: system ready\nroot: x\n");
    expect("bulkhead: system ready\r\n");
    type("\035"
         "0");
    expect("[console 0: system]\r\n"
           "evil: bulkhead: exit 0\r\nevil: root: x\r\nevil: mine\r\nevil: evil:\r\nevil: \r\n"
           "bulkhead: system ready\r\nroot: x\r\n");
    disconnect(1, root);
    disconnect(2, evil);
    disconnect(3, a);
}

static void the_manager_types_into_any_console(void)
{
    start("", false);
    struct peer *a = connect_console(1, "a");
    struct peer *manager = connect_as(2, BH_PROTOCOL_CONSOLE_INPUT, "manager", "");
    run();
    struct bh_console_input input = {.console = "a", .length = 5, .data = "hello"};
    CHECK(bh_ring_produce(&manager->channel.submit, &input) == BH_RING_OK);
    input = (struct bh_console_input){.console = "none", .length = 1, .data = "x"};
    CHECK(bh_ring_produce(&manager->channel.submit, &input) == BH_RING_OK);
    input = (struct bh_console_input){.console = "system", .length = 1, .data = "x"};
    CHECK(bh_ring_produce(&manager->channel.submit, &input) == BH_RING_OK);
    input = (struct bh_console_input){.console = "a", .length = 0};
    CHECK(bh_ring_produce(&manager->channel.submit, &input) == BH_RING_OK);
    CHECK(bh_ring_publish(&manager->channel.submit));
    server_wake(&server, manager->resource.bits);
    run();
    char text[64];
    CHECK_EQUAL(input_of(a, text), 5);
    CHECK(strcmp(text, "hello") == 0);

    memset(input.console, 'a', sizeof(input.console)); /* no string */
    CHECK(bh_ring_produce(&manager->channel.submit, &input) == BH_RING_OK);
    (void)bh_ring_publish(&manager->channel.submit);
    server_wake(&server, manager->resource.bits);
    run();
    type("\035"
         "0");
    static char seen[OUTPUT_SIZE + 1];
    (void)take(seen, OUTPUT_SIZE);
    CHECK(strstr(seen, "channel of manager: an impossible entry") != NULL);
    disconnect(1, a);
    disconnect(2, manager);
}

static void last_words_are_heard(void)
{
    start("a", false);
    struct peer *a = connect_console(1, "a");
    run();
    expect("[console 1: a]\r\n");
    static char block[ENTRIES * BH_CONSOLE_CHUNK_MAX + 1];
    memset(block, 'x', sizeof(block) - 1);
    put_all(a, block);
    run();
    size_t more = put(a, block, sizeof(block) - 1);
    disconnect(1, a);
    static char seen[OUTPUT_SIZE + 1];
    CHECK_EQUAL(take(seen, OUTPUT_SIZE), sizeof(block) - 1 + more);
    CHECK(!server_serves(&server, 1, 1));
}

static void an_endless_writer_does_not_hold_up_the_others(void)
{
    start("system", true);
    struct peer *flood = connect_console(1, "flood");
    struct peer *quiet = connect_as(2, BH_PROTOCOL_CONSOLE, "storage", "system");
    static char block[ENTRIES * BH_CONSOLE_CHUNK_MAX];
    memset(block, 'x', sizeof(block));
    put_all(quiet, "storage: ok\n");
    for (int i = 0; i < 2; i++) {
        (void)put(flood, block, sizeof(block));
        (void)server_run(&server);
    }
    static char seen[OUTPUT_SIZE + 1];
    (void)take(seen, OUTPUT_SIZE);
    CHECK(strcmp(seen, "storage: ok\r\n") == 0);
    disconnect(1, flood);
    disconnect(2, quiet);
}

int main(void)
{
    output_and_input_find_their_way();
    the_shown_console_loses_nothing();
    a_producer_without_room_is_signalled();
    a_waiting_client_still_gets_input();
    input_without_room_is_kept_then_dropped();
    no_wakeup_is_lost();
    an_impossible_chunk_breaks_its_channel_only();
    unusable_channels_are_refused();
    logs_do_not_mix();
    nobody_logs_under_another_name();
    the_manager_types_into_any_console();
    last_words_are_heard();
    an_endless_writer_does_not_hold_up_the_others();
    return 0;
}
