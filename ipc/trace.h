/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the trace (bh/trace.h) outside the kernel: how root names threads, and the stream in which a tracer hands on
 * what it has read.
 *
 * A domain that `reads` the trace has two regions, both read-only: "trace", the ring of each core behind the other, and
 * "threads", the table below, which root writes.
 */
#ifndef IPC_TRACE_H
#define IPC_TRACE_H

#include <bh/trace.h>
#include <stdint.h>

#define BH_TRACE_NAME_MAX 32u
#define BH_TRACE_THREADS 256u

/* From `since` on the thread is the domain's: of several entries for a number the last one not after an event counts,
 * since memory of a destroyed domain may become another one's. */
struct bh_trace_thread {
    uint64_t since; /* ticks */
    uint32_t thread;
    uint32_t reserved;
    char name[BH_TRACE_NAME_MAX]; /* of a VMM: its guest's */
};

/* Entry n lies at n % BH_TRACE_THREADS. Root runs before all that read it, and never in the middle of a change. */
struct bh_trace_thread_table {
    uint64_t count; /* entries written so far, stored with release */
    uint64_t reserved[7];
    struct bh_trace_thread entry[BH_TRACE_THREADS];
};

/*
 * The stream is a sequence of blocks. `first` is the number of the first entry: where a block does not continue the one
 * before of the same kind and core, the entries between are lost.
 */
#define BH_TRACE_BLOCK_MAGIC UINT64_C(0x316b6c6272744842) /* "BHtrblk1", little-endian */

enum bh_trace_block_kind {
    BH_TRACE_BLOCK_EVENTS = 1,  /* `count` of struct bh_trace_entry follow */
    BH_TRACE_BLOCK_THREADS = 2, /* `count` of struct bh_trace_thread follow; `core` is 0 */
};

struct bh_trace_block {
    uint64_t magic;
    uint64_t frequency; /* of the system counter, Hz */
    uint64_t first;
    uint32_t count;
    uint16_t kind;
    uint16_t core;
};

_Static_assert(sizeof(struct bh_trace_entry) == 32, "tools/trace_format.py");
_Static_assert(sizeof(struct bh_trace_thread) == 48, "tools/trace_format.py");
_Static_assert(sizeof(struct bh_trace_block) == 32, "tools/trace_format.py");

#endif
