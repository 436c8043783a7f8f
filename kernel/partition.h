/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partitions of time. Each scheduling context belongs to one, and is used in windows of that partition only. A schedule
 * is a frame of windows that is repeated for ever; without one, partition 0 has all the time and the others none.
 * Threads on foreign contexts are ready in the run queues of the context's partition meanwhile, so that the change of
 * window takes the same time however many there are.
 */
#ifndef KERNEL_PARTITION_H
#define KERNEL_PARTITION_H

#include <bh/object.h>

#include "deadline.h"
#include "tcb.h"

struct ready_bits {
    _Alignas(64) uint64_t word[4]; /* a bit for each priority with a non-empty queue */
    uint64_t summary;              /* a bit for each word that is not 0 */
};

struct partition_frame {
    uint32_t count; /* of windows; 0: no schedule */
    struct {
        uint64_t length; /* ticks */
        uint8_t partition;
    } window[BH_SCHEDULE_WINDOWS];
};

/* Where a core is in the schedule, which is one for all. */
struct partition_schedule {
    uint32_t current;         /* window */
    uint64_t end;             /* of that */
    struct deadline deadline; /* at `end` */
};

/* The current window ends. */
void partition_window_due(struct core *core, struct deadline *deadline);

/* Operations of SchedControl. */
enum bh_error partition_invoke(struct all_cores *all, struct invocation *invocation);

#endif
