/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns the kernel's rings into the stream of ipc/trace.h, one block at a time. */
#ifndef TRACER_STREAM_H
#define TRACER_STREAM_H

#include "ipc/trace.h"

struct stream {
    const struct bh_trace_ring *rings; /* of `core_count` cores, behind each other */
    const struct bh_trace_thread_table *threads;
    uint32_t core_count;
    uint64_t frequency;

    uint64_t threads_sent;
    uint64_t sent[BH_CORES_MAX]; /* entries of each core that are past */
    uint32_t turn;                   /* the core to begin with */
};

/*
 * Writes the next block to `buffer`, which is aligned as struct bh_trace_block is and has room for
 * that and one entry at the least. Returns its size; 0: there is nothing new.
 */
uint32_t stream_next(struct stream *stream, void *buffer, uint32_t size);

#endif
