/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"
#include "scheduler.h"

#ifdef BULKHEAD_KERNEL_TRACE

struct bh_trace_ring *trace_rings[BH_CORES_MAX];

void trace(enum bh_trace_kind kind, const struct tcb *tcb, uint64_t word0, uint64_t word1)
{
    struct bh_trace_ring *ring = trace_rings[this_core()->number];
    if (ring == NULL) {
        return;
    }
    uint64_t next = ring->next;
    /* Who sees any of this entry from another core must not see an older `next`. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ring->entry[next % BH_TRACE_ENTRIES] =
        (struct bh_trace_entry){ticks_now(), trace_thread(tcb), kind, {word0, word1}};
    __atomic_store_n(&ring->next, next + 1, __ATOMIC_RELEASE);
}

#endif
