/* SPDX-License-Identifier: BSD-2-Clause */
/* A block channel in memory with both its ends: the test is the client, the code under test the
 * server. */
#ifndef TEST_UNIT_STORAGE_PEER_H
#define TEST_UNIT_STORAGE_PEER_H

#include <stdlib.h>

#include "domains/storage/disk.h"
#include "test/unit/check.h"

struct peer {
    struct bh_channel channel; /* the client's view */
    struct client client;      /* the server's */
    void *memory;
    unsigned signals; /* from the server */
};

#define PEERS_MAX 8

static struct peer *peers[PEERS_MAX];
static struct bh_service_statistics statistics;

static inline bool nobody_in_use(void *context, const char *name)
{
    (void)context;
    (void)name;
    return true;
}

/* What the domain does with bh_signal. */
static inline void signal_peer(uint64_t cap)
{
    CHECK(cap < PEERS_MAX && peers[cap] != NULL);
    peers[cap]->signals++;
}

static inline void peer_open(struct peer *peer, unsigned number, struct disk *disk,
                             const struct volume *volume, uint32_t entries, uint64_t data_size,
                             bool read_only)
{
    struct bh_channel_geometry geometry = {.entries = entries,
                                           .submit_size = sizeof(struct bh_block_request),
                                           .complete_size = sizeof(struct bh_block_response),
                                           .data_size = data_size};
    char name[] = "guest0";
    name[5] = (char)('0' + number);
    free(peer->memory);
    *peer = (struct peer){0};
    peer->memory = aligned_alloc(4096, (bh_channel_bytes(&geometry) + 4095) & ~UINT64_C(4095));
    CHECK(peer->memory != NULL);
    memset(peer->memory, 0, bh_channel_bytes(&geometry));
    bh_channel_open(&peer->channel, peer->memory, &geometry);
    struct bh_channel server = peer->channel;
    server.signal_cap = number;
    peers[number] = peer;
    client_open(&peer->client, name, &server, volume, read_only);
    peer->client.counters = counters_open(&statistics, name, nobody_in_use, NULL);
    disk_add_client(disk, &peer->client);
}

static inline bool peer_try(struct peer *peer, uint64_t id, enum bh_block_operation operation,
                            uint64_t sector, uint64_t offset, uint32_t length)
{
    struct bh_block_request request = {.id = id,
                                       .operation = (uint32_t)operation,
                                       .length = length,
                                       .sector = sector,
                                       .offset = offset};
    return bh_ring_produce(&peer->channel.submit, &request) == BH_RING_OK;
}

/* Publishes, and signals the server if it sleeps. */
static inline void peer_publish(struct peer *peer)
{
    if (bh_ring_publish(&peer->channel.submit)) {
        disk_wake_client(&peer->client);
    }
}

static inline void peer_submit(struct peer *peer, uint64_t id, enum bh_block_operation operation,
                               uint64_t sector, uint64_t offset, uint32_t length)
{
    CHECK(peer_try(peer, id, operation, sector, offset, length));
    peer_publish(peer);
}

static inline bool peer_take(struct peer *peer, struct bh_block_response *response)
{
    if (bh_ring_consume(&peer->channel.complete, response) != BH_RING_OK) {
        return false;
    }
    if (bh_ring_release(&peer->channel.complete)) {
        disk_wake_client(&peer->client);
    }
    return true;
}

static inline void peer_expect(struct peer *peer, uint64_t id, enum bh_block_status status)
{
    struct bh_block_response response;
    CHECK(peer_take(peer, &response));
    CHECK_EQUAL(response.id, id);
    CHECK_EQUAL(response.status, status);
}

static inline void peer_expect_none(struct peer *peer)
{
    struct bh_block_response response;
    CHECK(!peer_take(peer, &response));
}

#endif
