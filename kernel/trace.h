/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace (bh/trace.h). In a kernel built without it nothing of it is left, arguments included. */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include <bh/trace.h>

struct tcb;

#ifdef BULKHEAD_KERNEL_TRACE
/* Writes an entry to the ring of the core that this runs on. `tcb` may be NULL. */
void trace(enum bh_trace_kind kind, const struct tcb *tcb, uint64_t word0, uint64_t word1);

/* By core; a core without one (NULL) writes nothing. Set once. */
extern struct bh_trace_ring *trace_rings[BH_CORES_MAX];
#else
#define trace(kind, tcb, word0, word1) ((void)0)
#endif

/* The number of a thread; NULL: 0. */
#define trace_thread(tcb) ((tcb) != NULL ? (uint32_t)(pointer_paddr(tcb).value >> BH_TCB_BITS) : 0)

#endif
