/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A single-producer, single-consumer ring of fixed-size entries in memory shared with a peer that is not trusted.
 *
 * Each side keeps its geometry and its own index in private memory and reads from the shared part only the other
 * side's index, once per look. An index that is impossible (more in flight than the ring holds) breaks the ring:
 * every later call says so and nothing more is read or written; the owner closes the channel. Entries are copied in
 * and out whole, so a peer that rewrites one can't change what has been checked.
 *
 * Indices run free over 32 bits. Ordering: an index is published with release and read with acquire. A side that is
 * about to sleep sets its `wants_signal`, then looks again; the other side, after publishing, reads that flag behind a
 * full fence. So a signal is never lost, and none is sent to a peer that is awake.
 */
#ifndef IPC_RING_H
#define IPC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bh_ring_shared {
    _Alignas(64) uint32_t produced; /* written by the producer */
    uint32_t producer_wants_signal; /* ... when it waits for space */
    _Alignas(64) uint32_t consumed; /* written by the consumer */
    uint32_t consumer_wants_signal; /* ... when it waits for entries */
};

_Static_assert(sizeof(struct bh_ring_shared) == 128, "two cache lines");

/* One side's private view. */
struct bh_ring {
    struct bh_ring_shared *shared;
    uint8_t *entries;
    uint32_t entry_size; /* bytes */
    uint32_t size;       /* entries, a power of two */
    uint32_t index;      /* this side's own index, published or not */
    uint32_t told;       /* ... as the other side sees it */
    bool broken;
};

enum bh_ring_status {
    BH_RING_OK = 0,
    BH_RING_EMPTY,
    BH_RING_FULL,
    BH_RING_BROKEN,
};

static inline size_t bh_ring_bytes(uint32_t size, uint32_t entry_size)
{
    return sizeof(struct bh_ring_shared) + (size_t)size * entry_size;
}

/*
 * Entries are copied by 64-bit words, each read or written exactly once whatever the compiler makes of the rest: the
 * peer may rewrite a place while it is copied, and the copy alone counts afterwards.
 */
typedef uint64_t __attribute__((may_alias)) bh_ring_word;
typedef uint64_t __attribute__((may_alias, aligned(4))) bh_ring_private_word;

static inline void bh_ring_copy_in_(void *place, const void *entry, uint32_t size)
{
    bh_ring_word *to = place;
    const bh_ring_private_word *from = entry;
    for (uint32_t words = size / 8; words != 0; words--) {
        __atomic_store_n(to++, *from++, __ATOMIC_RELAXED);
    }
}

static inline void bh_ring_copy_out_(void *entry, const void *place, uint32_t size)
{
    bh_ring_private_word *to = entry;
    const bh_ring_word *from = place;
    for (uint32_t words = size / 8; words != 0; words--) {
        *to++ = __atomic_load_n(from++, __ATOMIC_RELAXED);
    }
}

/*
 * Takes the view of one side on the ring at `memory`, which is aligned to 64 bytes. `size` is a power of two,
 * `entry_size` a multiple of 8; a caller's entries are aligned to 4 at least.
 */
static inline void bh_ring_open(struct bh_ring *ring, void *memory, uint32_t size, uint32_t entry_size)
{
    *ring = (struct bh_ring){.shared = memory,
                             .entries = (uint8_t *)memory + sizeof(struct bh_ring_shared),
                             .entry_size = entry_size,
                             .size = size};
}

/* Puts an entry into the ring; the consumer sees it after bh_ring_publish. OK, FULL or BROKEN. */
static inline enum bh_ring_status bh_ring_produce(struct bh_ring *ring, const void *entry)
{
    if (ring->broken) {
        return BH_RING_BROKEN;
    }
    uint32_t used = ring->index - __atomic_load_n(&ring->shared->consumed, __ATOMIC_ACQUIRE);
    if (used > ring->size) {
        ring->broken = true;
        return BH_RING_BROKEN;
    }
    if (used == ring->size) {
        return BH_RING_FULL;
    }
    bh_ring_copy_in_(ring->entries + (size_t)(ring->index & (ring->size - 1)) * ring->entry_size, entry,
                     ring->entry_size);
    ring->index++;
    return BH_RING_OK;
}

/* How many entries the producer can still put in: 0 when the ring is full or broken. */
static inline uint32_t bh_ring_space(struct bh_ring *ring)
{
    if (ring->broken) {
        return 0;
    }
    uint32_t used = ring->index - __atomic_load_n(&ring->shared->consumed, __ATOMIC_ACQUIRE);
    if (used > ring->size) {
        ring->broken = true;
        return 0;
    }
    return ring->size - used;
}

/* Makes all produced entries visible. True: there are new ones, the consumer sleeps, and must be signalled. */
static inline bool bh_ring_publish(struct bh_ring *ring)
{
    if (ring->broken || ring->told == ring->index) {
        return false;
    }
    ring->told = ring->index;
    __atomic_store_n(&ring->shared->produced, ring->index, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&ring->shared->consumer_wants_signal, __ATOMIC_RELAXED) != 0;
}

/* Copies the next entry out and frees its place (the producer sees that after bh_ring_release). OK, EMPTY, BROKEN. */
static inline enum bh_ring_status bh_ring_consume(struct bh_ring *ring, void *entry)
{
    if (ring->broken) {
        return BH_RING_BROKEN;
    }
    uint32_t available = __atomic_load_n(&ring->shared->produced, __ATOMIC_ACQUIRE) - ring->index;
    if (available > ring->size) {
        ring->broken = true;
        return BH_RING_BROKEN;
    }
    if (available == 0) {
        return BH_RING_EMPTY;
    }
    bh_ring_copy_out_(entry, ring->entries + (size_t)(ring->index & (ring->size - 1)) * ring->entry_size,
                      ring->entry_size);
    ring->index++;
    return BH_RING_OK;
}

/* Tells the producer that the consumed places are free. True: there are new ones, it waits for space, and must be
 * signalled. */
static inline bool bh_ring_release(struct bh_ring *ring)
{
    if (ring->broken || ring->told == ring->index) {
        return false;
    }
    ring->told = ring->index;
    __atomic_store_n(&ring->shared->consumed, ring->index, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_load_n(&ring->shared->producer_wants_signal, __ATOMIC_RELAXED) != 0;
}

/* The consumer is about to sleep. True: it may; false: entries have come (or the ring is broken), look again. */
static inline bool bh_ring_consumer_sleep(struct bh_ring *ring)
{
    __atomic_store_n(&ring->shared->consumer_wants_signal, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring->shared->produced, __ATOMIC_ACQUIRE) == ring->index) {
        return true;
    }
    __atomic_store_n(&ring->shared->consumer_wants_signal, 0, __ATOMIC_RELAXED);
    return false;
}

static inline void bh_ring_consumer_awake(struct bh_ring *ring)
{
    __atomic_store_n(&ring->shared->consumer_wants_signal, 0, __ATOMIC_RELAXED);
}

/* The same for a producer that waits for space. */
static inline bool bh_ring_producer_sleep(struct bh_ring *ring)
{
    __atomic_store_n(&ring->shared->producer_wants_signal, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ring->index - __atomic_load_n(&ring->shared->consumed, __ATOMIC_ACQUIRE) == ring->size) {
        return true;
    }
    __atomic_store_n(&ring->shared->producer_wants_signal, 0, __ATOMIC_RELAXED);
    return false;
}

static inline void bh_ring_producer_awake(struct bh_ring *ring)
{
    __atomic_store_n(&ring->shared->producer_wants_signal, 0, __ATOMIC_RELAXED);
}

#endif
