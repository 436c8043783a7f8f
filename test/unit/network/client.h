/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of a NET channel, as tests need it: they may do what a decent client never
 * does. */
#ifndef TEST_UNIT_NETWORK_CLIENT_H
#define TEST_UNIT_NETWORK_CLIENT_H

#include <string.h>

#include "ipc/channel.h"
#include "ipc/net.h"
#include "test/unit/check.h"

#define CLIENT_ENTRIES 64u
#define CLIENT_DATA    (128u * BH_NET_BUFFER)
#define CLIENT_RECEIVE (64u * BH_NET_BUFFER) /* where the buffers for received frames begin */

static const struct bh_channel_geometry client_geometry = {
    .entries = CLIENT_ENTRIES,
    .submit_size = sizeof(struct bh_net_request),
    .complete_size = sizeof(struct bh_net_response),
    .data_size = CLIENT_DATA};

struct client {
    uint8_t *memory;
    struct bh_channel channel;
};

/* Makes the memory, and the server's view of it. */
static inline void client_open(struct client *client, struct bh_channel *server)
{
    client->memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&client_geometry));
    CHECK(client->memory != NULL);
    memset(client->memory, 0, bh_channel_bytes(&client_geometry));
    bh_channel_open(&client->channel, client->memory, &client_geometry);
    bh_channel_open(server, client->memory, &client_geometry);
}

static inline void client_submit(struct client *client, uint32_t id, uint32_t operation,
                                 uint32_t offset, uint32_t length)
{
    const struct bh_net_request request = {
        .id = id, .operation = operation, .offset = offset, .length = length};
    CHECK_EQUAL(bh_ring_produce(&client->channel.submit, &request), BH_RING_OK);
    (void)bh_ring_publish(&client->channel.submit);
}

static inline void client_post(struct client *client, uint32_t number)
{
    client_submit(client, number, BH_NET_RECEIVE, CLIENT_RECEIVE + number * BH_NET_BUFFER,
                  BH_NET_BUFFER);
}

static inline void put_mac(uint8_t *memory, uint64_t mac)
{
    for (unsigned i = 0; i < 6; i++) {
        memory[i] = (uint8_t)(mac >> (40 - 8 * i));
    }
}

/* A frame whose body's bytes all are `fill`. */
static inline void make_frame(uint8_t *memory, uint64_t source, uint64_t destination,
                              uint32_t length, uint8_t fill)
{
    memset(memory, fill, length);
    put_mac(memory, destination);
    put_mac(memory + 6, source);
    memory[12] = 0x08;
    memory[13] = 0x00;
}

static inline void client_send(struct client *client, uint32_t number, uint64_t source,
                               uint64_t destination, uint32_t length, uint8_t fill)
{
    make_frame(client->channel.data + number * BH_NET_BUFFER, source, destination, length, fill);
    client_submit(client, 1000 + number, BH_NET_TRANSMIT, number * BH_NET_BUFFER, length);
}

static inline bool client_next(struct client *client, struct bh_net_response *response)
{
    enum bh_ring_status status = bh_ring_consume(&client->channel.complete, response);
    CHECK(status != BH_RING_BROKEN);
    (void)bh_ring_release(&client->channel.complete);
    return status == BH_RING_OK;
}

static inline struct bh_net_response client_expect(struct client *client, uint32_t operation,
                                                   uint32_t status)
{
    struct bh_net_response response;
    CHECK(client_next(client, &response));
    CHECK_EQUAL(response.operation, operation);
    CHECK_EQUAL(response.status, status);
    return response;
}

static inline void client_expect_nothing(struct client *client)
{
    struct bh_net_response response;
    CHECK(!client_next(client, &response));
}

#endif
