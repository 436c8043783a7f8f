/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of a block channel (block.h): the table of requests in flight. It lies in the client's private
 * memory, so that a storage domain can lose everything: after a new attachment bh_block_client_attach submits again
 * what is unanswered. Single-threaded; no system calls: where a function says "signal", the caller does
 * bh_signal(client->channel.signal_cap).
 *
 *     bh_block_client_init(&client, &channel)
 *     bh_block_client_submit(...) as often as wanted, then bh_block_client_publish: signal if true
 *     on the channel's wake bits:
 *         bh_block_client_awake(&client);
 *         do { while (bh_block_client_next(&client, &done)) ...; } while (!bh_block_client_sleep(&client));
 *
 * A response is believed only when it names a request in flight; any other breaks the ring, so that a hostile server
 * can't keep the client busy. A broken client (bh_channel_broken) gets and takes nothing until the next attachment.
 */
#ifndef IPC_BLOCK_CLIENT_H
#define IPC_BLOCK_CLIENT_H

#include "ipc/block.h"
#include "ipc/channel.h"

#define BH_BLOCK_CLIENT_MAX 256u /* requests in flight */

struct bh_block_slot {
    struct bh_block_request request; /* id: slot number in the low, its use count in the high half */
    void *cookie;
    bool busy;
};

struct bh_block_client {
    struct bh_channel channel;
    bool attached;
    uint32_t capacity; /* slots in use at the most: all of them always fit into the ring */
    uint32_t free_count;
    uint16_t free[BH_BLOCK_CLIENT_MAX];
    struct bh_block_slot slot[BH_BLOCK_CLIENT_MAX];
};

struct bh_block_done {
    struct bh_block_request request; /* as it was submitted */
    void *cookie;
    uint32_t status; /* enum bh_block_status, or whatever else the server wrote: anything but OK has failed */
};

/* Starts on a freshly attached channel, which it copies. */
static inline void bh_block_client_init(struct bh_block_client *client, const struct bh_channel *channel)
{
    *client = (struct bh_block_client){.channel = *channel, .attached = true};
    client->capacity = channel->submit.size < BH_BLOCK_CLIENT_MAX ? channel->submit.size : BH_BLOCK_CLIENT_MAX;
    for (uint32_t i = 0; i < client->capacity; i++) {
        client->free[client->free_count++] = (uint16_t)(client->capacity - 1 - i);
    }
}

static inline uint32_t bh_block_client_in_flight(const struct bh_block_client *client)
{
    return client->capacity - client->free_count;
}

/*
 * Puts a request into the ring; `cookie` comes back with its answer. The server sees it after publish.
 * OK, FULL (try again after an answer) or BROKEN (broken or detached: try again after the next attachment).
 */
static inline enum bh_ring_status bh_block_client_submit(struct bh_block_client *client,
                                                         enum bh_block_operation operation, uint64_t sector,
                                                         uint64_t offset, uint32_t length, void *cookie)
{
    if (!client->attached) {
        return BH_RING_BROKEN;
    }
    if (client->free_count == 0) {
        return BH_RING_FULL;
    }
    uint32_t index = client->free[client->free_count - 1];
    struct bh_block_slot *slot = &client->slot[index];
    uint64_t uses = (slot->request.id >> 32) + 1;
    slot->request = (struct bh_block_request){.id = (uses << 32) | index,
                                              .operation = (uint32_t)operation,
                                              .length = length,
                                              .sector = sector,
                                              .offset = offset};
    enum bh_ring_status status = bh_ring_produce(&client->channel.submit, &slot->request);
    if (status == BH_RING_OK) {
        slot->cookie = cookie;
        slot->busy = true;
        client->free_count--;
    }
    return status;
}

/*
 * Makes the submitted requests visible. True: signal. Places in the complete ring are freed first, so that it has room
 * for an answer to each request and the server never waits for it.
 */
static inline bool bh_block_client_publish(struct bh_block_client *client)
{
    if (!client->attached) {
        return false;
    }
    (void)bh_ring_release(&client->channel.complete);
    return bh_ring_publish(&client->channel.submit);
}

/* Takes the next answer. */
static inline bool bh_block_client_next(struct bh_block_client *client, struct bh_block_done *done)
{
    struct bh_block_response response;
    if (!client->attached || bh_ring_consume(&client->channel.complete, &response) != BH_RING_OK) {
        return false;
    }
    uint64_t index = response.id & UINT32_MAX;
    if (index >= client->capacity || !client->slot[index].busy || client->slot[index].request.id != response.id) {
        client->channel.complete.broken = true;
        return false;
    }
    struct bh_block_slot *slot = &client->slot[index];
    slot->busy = false;
    client->free[client->free_count++] = (uint16_t)index;
    *done = (struct bh_block_done){.request = slot->request, .cookie = slot->cookie, .status = response.status};
    return true;
}

/* No signal is wanted until the next sleep: answers are looked for anyway. */
static inline void bh_block_client_awake(struct bh_block_client *client)
{
    if (client->attached) {
        bh_ring_consumer_awake(&client->channel.complete);
    }
}

/*
 * Frees the places of the answers taken and asks for a signal at the next one. False: there are more already. A client
 * that is broken or detached may sleep: BH_SIGNAL_CONTROL announces the next attachment.
 */
static inline bool bh_block_client_sleep(struct bh_block_client *client)
{
    if (!client->attached || client->channel.complete.broken) {
        return true;
    }
    (void)bh_ring_release(&client->channel.complete);
    return bh_ring_consumer_sleep(&client->channel.complete);
}

/* Nothing of the channel's memory is touched from here on. */
static inline void bh_block_client_detach(struct bh_block_client *client)
{
    client->attached = false;
}

/*
 * A server is attached anew and has the rings cleared: submits all that is unanswered, under the ids it had. Signal
 * afterwards in any case. False: the new channel has smaller rings or another data size, which root never does; the
 * client stays detached.
 */
static inline bool bh_block_client_attach(struct bh_block_client *client, const struct bh_channel *channel)
{
    if (channel->submit.size < client->capacity || channel->data_size != client->channel.data_size) {
        client->attached = false;
        return false;
    }
    client->channel = *channel;
    client->attached = true;
    for (uint32_t i = 0; i < client->capacity; i++) {
        if (client->slot[i].busy) {
            (void)bh_ring_produce(&client->channel.submit, &client->slot[i].request);
        }
    }
    (void)bh_ring_publish(&client->channel.submit);
    return true;
}

#endif
