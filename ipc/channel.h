/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel joins a client and a server: a submit ring (client to server), a complete ring (server to client), a data
 * region, and a notification each way. Root lays the memory out and tells both sides its geometry in their domain
 * pages (domain.h); nothing in the shared memory is believed about sizes.
 *
 * Layout: submit ring, complete ring (each at a multiple of 64 bytes), then the data region at the next multiple of
 * the page size. What an entry means is the protocol's business (block.h, net.h, console.h).
 *
 * The epoch counts the attachments of a server to the region. After a restart of the server root clears the rings and
 * attaches both sides again with the next epoch; the client submits anew what its own table of requests in flight
 * says is unanswered.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include "ipc/ring.h"

#define BH_CHANNEL_PAGE 4096u

struct bh_channel_geometry {
    uint32_t entries;       /* of each ring; a power of two, at most BH_CHANNEL_ENTRIES_MAX */
    uint32_t submit_size;   /* bytes of a submit entry, a multiple of 8 */
    uint32_t complete_size; /* bytes of a complete entry, a multiple of 8 */
    uint32_t reserved;
    uint64_t data_size; /* bytes, a multiple of BH_CHANNEL_PAGE; may be 0 */
};

#define BH_CHANNEL_ENTRIES_MAX 4096u

struct bh_channel {
    struct bh_ring submit;
    struct bh_ring complete;
    uint8_t *data;
    uint64_t data_size;
    uint64_t signal_cap; /* notification of the peer, bh_cptr */
    uint64_t wake_bits;  /* bits of this domain's notification by which the peer signals */
    uint32_t epoch;
};

static inline uint64_t bh_channel_complete_offset(const struct bh_channel_geometry *geometry)
{
    return (bh_ring_bytes(geometry->entries, geometry->submit_size) + 63) & ~UINT64_C(63);
}

static inline uint64_t bh_channel_data_offset(const struct bh_channel_geometry *geometry)
{
    uint64_t end = bh_channel_complete_offset(geometry) + bh_ring_bytes(geometry->entries, geometry->complete_size);
    return (end + BH_CHANNEL_PAGE - 1) & ~(uint64_t)(BH_CHANNEL_PAGE - 1);
}

/* Bytes of the whole region. */
static inline uint64_t bh_channel_bytes(const struct bh_channel_geometry *geometry)
{
    return bh_channel_data_offset(geometry) + geometry->data_size;
}

static inline void bh_channel_open(struct bh_channel *channel, void *memory, const struct bh_channel_geometry *geometry)
{
    *channel = (struct bh_channel){.data = (uint8_t *)memory + bh_channel_data_offset(geometry),
                                   .data_size = geometry->data_size};
    bh_ring_open(&channel->submit, memory, geometry->entries, geometry->submit_size);
    bh_ring_open(&channel->complete, (uint8_t *)memory + bh_channel_complete_offset(geometry), geometry->entries,
                 geometry->complete_size);
}

/* Whether [offset, offset + length) lies in the data region; `offset` and `length` must be the caller's own copies. */
static inline bool bh_channel_range_ok(const struct bh_channel *channel, uint64_t offset, uint64_t length)
{
    return offset <= channel->data_size && length <= channel->data_size - offset;
}

static inline bool bh_channel_broken(const struct bh_channel *channel)
{
    return channel->submit.broken || channel->complete.broken;
}

#endif
