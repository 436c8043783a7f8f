/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both sides of a ring and of a channel against a peer that writes the shared memory at any time: each read of it gives
 * any value, whatever was written before.
 */
static uint64_t reads, first_read; /* by the operation: the peer's index comes first */

#define __atomic_load_n(place, order)        \
    ({                                       \
        __typeof__(*(place)) any = *(place); \
        any = ANY(__typeof__(any));          \
        if (reads++ == 0) {                  \
            first_read = any;                \
        }                                    \
        any;                                 \
    })
#define __atomic_store_n(place, value, order) (*(place) = (value))
#define __atomic_thread_fence(order)          ((void)(order))

#include "ipc/ring.h"
#include "ipc/channel.h"

#define BOUND_ENTRIES    8 /* entries of a ring: 1, 2, 4 or 8 */
#define BOUND_ENTRY_SIZE 32 /* bytes of an entry: 8, 16, 24 or 32 */
#define UNWIND           5

/* A ring in memory that ends where it ends, at any point of its life. */
static struct bh_ring any_ring(void)
{
    uint32_t entries = 1u << any_within(0, 3);
    uint32_t entry_size = 8 * (uint32_t)any_within(1, BOUND_ENTRY_SIZE / 8);
    struct bh_ring ring;
    bh_ring_open(&ring, __CPROVER_allocate(bh_ring_bytes(entries, entry_size), 0), entries, entry_size);
    ring.index = ANY(uint32_t);
    ring.told = ANY(uint32_t);
    ring.broken = any_bool();
    return ring;
}

/* What no operation changes, and what a broken ring keeps. */
static void prove_kept(const struct bh_ring *before, const struct bh_ring *after)
{
    PROVE(after->shared == before->shared && after->entries == before->entries);
    PROVE(after->size == before->size && after->entry_size == before->entry_size);
    if (before->broken) {
        PROVE(after->broken && after->index == before->index && after->told == before->told);
    }
}

/* A producer writes inside its ring only and moves its index by one per entry, never further than the ring's size past the
 * consumer's, whatever that reads as. */
void prove_produce(void)
{
    struct bh_ring ring = any_ring(), before = ring;
    uint64_t entry[BOUND_ENTRY_SIZE / 8];
    enum bh_ring_status status = bh_ring_produce(&ring, entry);
    prove_kept(&before, &ring);
    PROVE(ring.told == before.told);
    if (status == BH_RING_OK) {
        REACHED("an entry is produced");
        PROVE(!before.broken && ring.index == before.index + 1);
        PROVE(ring.index - (uint32_t)first_read <= ring.size);
    } else {
        PROVE(ring.index == before.index);
        PROVE((status == BH_RING_BROKEN) == ring.broken);
        if (status == BH_RING_FULL) {
            REACHED("the ring is full");
        } else {
            PROVE(status == BH_RING_BROKEN);
            REACHED("the ring is broken");
        }
    }
}

/* A consumer reads inside its ring only and moves its index by one per entry, never past the producer's nor when that is
 * further ahead than the ring's size, whatever it reads as. */
void prove_consume(void)
{
    struct bh_ring ring = any_ring(), before = ring;
    uint64_t entry[BOUND_ENTRY_SIZE / 8];
    enum bh_ring_status status = bh_ring_consume(&ring, entry);
    prove_kept(&before, &ring);
    PROVE(ring.told == before.told);
    if (status == BH_RING_OK) {
        REACHED("an entry is consumed");
        PROVE(!before.broken && ring.index == before.index + 1);
        PROVE((uint32_t)first_read - before.index - 1 < ring.size);
    } else {
        PROVE(ring.index == before.index);
        PROVE((status == BH_RING_BROKEN) == ring.broken);
        if (status == BH_RING_EMPTY) {
            REACHED("the ring is empty");
        } else {
            PROVE(status == BH_RING_BROKEN);
            REACHED("the ring is broken");
        }
    }
}

/* All other operations write the indices and flags only, and publish the side's own index and nothing else. */
void prove_others(void)
{
    struct bh_ring ring = any_ring(), before = ring;
    uint32_t known = ring.index; /* what the shared index of this side must be after publishing */
    switch (any_within(0, 7)) {
    case 0:
        PROVE(bh_ring_space(&ring) <= ring.size);
        break;
    case 1:
        if (bh_ring_publish(&ring)) {
            REACHED("the consumer is to be signalled");
            PROVE(ring.shared->produced == known);
        }
        PROVE(ring.broken || ring.told == ring.index);
        break;
    case 2:
        if (bh_ring_release(&ring)) {
            REACHED("the producer is to be signalled");
            PROVE(ring.shared->consumed == known);
        }
        PROVE(ring.broken || ring.told == ring.index);
        break;
    case 3:
        (void)bh_ring_consumer_sleep(&ring);
        break;
    case 4:
        bh_ring_consumer_awake(&ring);
        break;
    case 5:
        (void)bh_ring_producer_sleep(&ring);
        break;
    default:
        bh_ring_producer_awake(&ring);
        REACHED("the last operation");
        break;
    }
    prove_kept(&before, &ring);
    PROVE(ring.index == before.index);
}

/* A channel's two rings and its data lie one after the other in its memory, for every geometry that root may choose. */
void prove_channel(void)
{
    struct bh_channel_geometry geometry = {
        .entries = 1u << any_within(0, 12),
        .submit_size = 8 * (uint32_t)any_within(1, 512),
        .complete_size = 8 * (uint32_t)any_within(1, 512),
        .data_size = BH_CHANNEL_PAGE * any_within(0, UINT32_MAX),
    };
    uint64_t complete = bh_channel_complete_offset(&geometry), data = bh_channel_data_offset(&geometry);
    PROVE(geometry.entries <= BH_CHANNEL_ENTRIES_MAX);
    PROVE(bh_ring_bytes(geometry.entries, geometry.submit_size) <= complete && complete % 64 == 0);
    PROVE(complete + bh_ring_bytes(geometry.entries, geometry.complete_size) <= data && data % BH_CHANNEL_PAGE == 0);
    PROVE(data + geometry.data_size == bh_channel_bytes(&geometry) && data <= bh_channel_bytes(&geometry));
    REACHED("any geometry");
}

/* A range that a channel accepts lies in its data, for all offsets and lengths. */
void prove_range(void)
{
    struct bh_channel channel = {.data_size = ANY(uint64_t)};
    uint64_t offset = ANY(uint64_t), length = ANY(uint64_t);
    bool inside = offset <= channel.data_size && offset + length >= offset && offset + length <= channel.data_size;
    PROVE(bh_channel_range_ok(&channel, offset, length) == inside);
    if (inside) {
        REACHED("a range inside");
    }
}
