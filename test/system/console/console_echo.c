/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the console for console_test.py. It greets and then answers each byte of input: f
 * with a flood of numbered lines, b by breaking the protocol, x by a panic, anything else with
 * itself in brackets.
 */
#include <stdbool.h>
#include <string.h>

#include <bh/syscall.h>

#include "ipc/console.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

#define FLOOD_LINES 3000

static struct bh_channel channel;

static void publish(void)
{
    if (bh_ring_publish(&channel.submit)) {
        (void)bh_signal(channel.signal_cap);
    }
}

static void wait(void)
{
    uint64_t bits;
    (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
    if ((bits & BH_SIGNAL_CONTROL) != 0) {
        bh_domain_changed();
    }
}

static void put_chunk(const struct bh_console_chunk *chunk)
{
    while (bh_ring_produce(&channel.submit, chunk) == BH_RING_FULL) {
        publish();
        if (bh_ring_producer_sleep(&channel.submit)) {
            wait();
        }
        bh_ring_producer_awake(&channel.submit);
    }
}

static void put(const char *text, size_t length)
{
    while (length > 0) {
        struct bh_console_chunk chunk = {0};
        chunk.length = length < BH_CONSOLE_CHUNK_MAX ? (uint32_t)length : BH_CONSOLE_CHUNK_MAX;
        memcpy(chunk.data, text, chunk.length);
        put_chunk(&chunk);
        text += chunk.length;
        length -= chunk.length;
    }
    publish();
}

static void flood(void)
{
    char line[96];
    for (unsigned i = 0; i < FLOOD_LINES; i++) {
        put(line, bh_format(line, sizeof(line), "flood %05u %s\r\n", i,
                            "the quick brown fox jumps over the lazy dog"));
    }
    put("end of flood\r\n", strlen("end of flood\r\n"));
}

static void answer(uint8_t byte)
{
    char text[8];
    struct bh_console_chunk impossible = {.length = BH_CONSOLE_CHUNK_MAX + 1};
    switch (byte) {
    case 'f':
        flood();
        break;
    case 'b':
        put_chunk(&impossible);
        publish();
        break;
    case 'x':
        bh_panic("panics as it was told to");
    default:
        put(text, bh_format(text, sizeof(text), "<%c>", byte));
    }
}

int main(void)
{
    const struct bh_resource *resource = bh_resource_find(BH_RESOURCE_CLIENT, "console");
    if (resource == NULL) {
        bh_panic("has no console");
    }
    bh_channel_attach(&channel, resource);
    bh_log("starts");
    char line[64];
    put(line, bh_format(line, sizeof(line), "here is %s\r\n> ", bh_domain()->name));
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);

    for (;;) {
        struct bh_console_chunk chunk;
        while (bh_ring_consume(&channel.complete, &chunk) == BH_RING_OK) {
            for (uint32_t i = 0; i < chunk.length && i < BH_CONSOLE_CHUNK_MAX; i++) {
                answer(chunk.data[i]);
            }
        }
        if (bh_ring_release(&channel.complete)) {
            (void)bh_signal(channel.signal_cap);
        }
        if (bh_ring_consumer_sleep(&channel.complete)) {
            wait();
        }
        bh_ring_consumer_awake(&channel.complete);
    }
}
