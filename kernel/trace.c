/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"
#include "scheduler.h"

#ifdef BULKHEAD_KERNEL_TRACE

#define CORES_MAX 8

static struct bh_trace_ring *rings[CORES_MAX];

void trace_start(uint32_t core, struct bh_trace_ring *ring)
{
    ring->magic = BH_TRACE_MAGIC;
    rings[core] = ring;
}

void trace(enum bh_trace_kind kind, const struct tcb *tcb, uint64_t word0, uint64_t word1)
{
    uint32_t core = this_core()->number;
    struct bh_trace_ring *ring = rings[core];
    if (ring == NULL) {
        return;
    }
    uint64_t next = ring->next;
    /* Who sees any of this entry from another core must not see an older `next`. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ring->entry[next % BH_TRACE_ENTRIES] =
        (struct bh_trace_entry){ticks_now(), trace_thread(tcb), (uint16_t)core, (uint16_t)kind, {word0, word1}};
    __atomic_store_n(&ring->next, next + 1, __ATOMIC_RELEASE);
}

#endif
