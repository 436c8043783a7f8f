/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/tracer/stream.h"

#include <string.h>

static uint32_t finish(const struct stream *stream, void *buffer, enum bh_trace_block_kind kind,
                       uint32_t core, uint64_t first, uint32_t count, uint32_t entry_size)
{
    *(struct bh_trace_block *)buffer = (struct bh_trace_block){.magic = BH_TRACE_BLOCK_MAGIC,
                                                               .frequency = stream->frequency,
                                                               .first = first,
                                                               .count = count,
                                                               .kind = (uint16_t)kind,
                                                               .core = (uint16_t)core};
    return (uint32_t)sizeof(struct bh_trace_block) + count * entry_size;
}

static uint32_t capacity(uint32_t size, uint32_t entry_size)
{
    return (size - (uint32_t)sizeof(struct bh_trace_block)) / entry_size;
}

static uint32_t copy_threads(struct stream *stream, void *buffer, uint32_t size)
{
    uint64_t end = __atomic_load_n(&stream->threads->count, __ATOMIC_ACQUIRE);
    uint64_t first = stream->threads_sent;
    if (end - first > BH_TRACE_THREADS) {
        first = end - BH_TRACE_THREADS;
    }
    struct bh_trace_thread *to = (void *)((uint8_t *)buffer + sizeof(struct bh_trace_block));
    uint32_t limit = capacity(size, sizeof(*to));
    uint32_t count = end - first < limit ? (uint32_t)(end - first) : limit;
    for (uint32_t i = 0; i < count; i++) {
        to[i] = stream->threads->entry[(first + i) % BH_TRACE_THREADS];
    }
    stream->threads_sent = first + count;
    return finish(stream, buffer, BH_TRACE_BLOCK_THREADS, 0, first, count, sizeof(*to));
}

/* The oldest entry that is still whole when the core has written `next`. */
static uint64_t oldest(uint64_t next)
{
    return next < BH_TRACE_ENTRIES ? 0 : next - BH_TRACE_ENTRIES + 1;
}

/* How many entries could be copied; those are numbered from *first on. */
static uint32_t copy_entries(const struct bh_trace_ring *ring, uint64_t *first,
                             struct bh_trace_entry *to, uint32_t limit)
{
    uint64_t next = __atomic_load_n(&ring->next, __ATOMIC_ACQUIRE);
    if (*first < oldest(next)) {
        *first = oldest(next);
    }
    uint32_t count = next - *first < limit ? (uint32_t)(next - *first) : limit;
    for (uint32_t i = 0; i < count; i++) {
        to[i] =
            *(const volatile struct bh_trace_entry *)&ring->entry[(*first + i) % BH_TRACE_ENTRIES];
    }
    /* What the core has overwritten meanwhile is no copy of anything (bh/trace.h). */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    uint64_t whole = oldest(__atomic_load_n(&ring->next, __ATOMIC_RELAXED));
    if (*first < whole) {
        uint32_t lost = whole - *first < count ? (uint32_t)(whole - *first) : count;
        memmove(to, to + lost, (count - lost) * sizeof(*to));
        *first = whole;
        count -= lost;
    }
    return count;
}

uint32_t stream_next(struct stream *stream, void *buffer, uint32_t size)
{
    if (__atomic_load_n(&stream->threads->count, __ATOMIC_RELAXED) != stream->threads_sent) {
        return copy_threads(stream, buffer, size);
    }
    struct bh_trace_entry *to = (void *)((uint8_t *)buffer + sizeof(struct bh_trace_block));
    for (uint32_t i = 0; i < stream->core_count; i++) {
        uint32_t core = stream->turn;
        stream->turn = (core + 1) % stream->core_count;
        uint64_t first = stream->sent[core];
        uint32_t count =
            copy_entries(&stream->rings[core], &first, to, capacity(size, sizeof(*to)));
        stream->sent[core] = first + count;
        if (count != 0) {
            return finish(stream, buffer, BH_TRACE_BLOCK_EVENTS, core, first, count, sizeof(*to));
        }
    }
    return 0;
}
