/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the case and the hostile domain: where things are in the domain's address space and CNode. */
#ifndef TEST_KERNEL_HOSTILE_HOSTILE_H
#define TEST_KERNEL_HOSTILE_HOSTILE_H

#include <bh/types.h>

#define HOSTILE_THREADS 4
#define HOSTILE_CNODE_RADIX 6

/* A page of stack for each thread; the counters are at the bottom of the first. */
#define HOSTILE_DATA UINT64_C(0x800000)
/* A page of IPC buffer for each thread, and behind them the virtual processor's frame. */
#define HOSTILE_BUFFERS UINT64_C(0x810000)
#define HOSTILE_PAGES (2 * HOSTILE_THREADS + 1)

/* Slot of the domain's own CNode. */
#define HOSTILE_OWN_CNODE 1

/* What a thread of the domain does: random system calls, for ever. */
__attribute__((noreturn)) void hostile_main(uint64_t seed, uint64_t thread);

#endif
