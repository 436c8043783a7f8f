/* SPDX-License-Identifier: BSD-2-Clause */
/* A line goes into the ring whole or not at all. */
#include <string.h>

#include "ipc/console.h"
#include "libs/runtime/log_ring.h"
#include "test/unit/check.h"

int main(void)
{
    const struct bh_channel_geometry geometry = {
        .entries = 8, .submit_size = 64, .complete_size = 64, .data_size = 0};
    void *memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&geometry));
    CHECK(memory != NULL);
    memset(memory, 0, bh_channel_bytes(&geometry));
    struct bh_channel client, server;
    bh_channel_open(&client, memory, &geometry);
    bh_channel_open(&server, memory, &geometry);

    char line[4 * BH_CONSOLE_CHUNK_MAX + 10];
    for (size_t i = 0; i < sizeof(line); i++) {
        line[i] = (char)('a' + i % 26);
    }
    bool signal;
    CHECK(log_ring_put(&client, line, sizeof(line), &signal)); /* five chunks */
    CHECK(!signal);
    CHECK(!log_ring_put(&client, line, sizeof(line), &signal)); /* three places are left */
    CHECK(log_ring_put(&client, "short", 5, &signal));

    char seen[sizeof(line) + 5];
    size_t length = 0;
    struct bh_console_chunk chunk;
    while (bh_ring_consume(&server.submit, &chunk) == BH_RING_OK) {
        CHECK(chunk.length <= BH_CONSOLE_CHUNK_MAX && length + chunk.length <= sizeof(seen));
        memcpy(seen + length, chunk.data, chunk.length);
        length += chunk.length;
    }
    CHECK_EQUAL(length, sizeof(seen));
    CHECK(memcmp(seen, line, sizeof(line)) == 0);
    CHECK(memcmp(seen + sizeof(line), "short", 5) == 0);
    (void)bh_ring_release(&server.submit);

    CHECK(bh_ring_consumer_sleep(&server.submit));
    CHECK(log_ring_put(&client, line, sizeof(line), &signal));
    CHECK(signal);

    server.submit.shared->consumed = 1000; /* a server that lies */
    CHECK(!log_ring_put(&client, "x", 1, &signal));
    CHECK(bh_channel_broken(&client));
    CHECK(!log_ring_put(&client, "x", 1, &signal));
    free(memory);
    return 0;
}
