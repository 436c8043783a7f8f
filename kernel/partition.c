/* SPDX-License-Identifier: BSD-2-Clause */
#include "partition.h"

#include "core.h"
#include "invocation.h"
#include "sched_context.h"
#include "scheduler.h"

static struct partition_frame running, next; /* `next` is being set */

static void begin_window(struct core *core, uint32_t index, uint64_t start)
{
    struct partition_schedule *schedule = &core->schedule;
    schedule->current = index;
    schedule->end = start + running.window[index].length;
    scheduler_set_partition(core, running.window[index].partition);
    deadline_set(core, &schedule->deadline, DEADLINE_WINDOW, schedule->end);
}

LANDING_PAD void partition_window_due(struct core *core, struct deadline *deadline)
{
    struct partition_schedule *schedule = &core->schedule;
    /* From the end of the last one, not from now: the frame does not drift. */
    begin_window(core, (schedule->current + 1) % running.count, schedule->end);
}

static enum bh_error set_window(struct partition_frame *frame, struct invocation *invocation)
{
    uint64_t index = invocation->word[0], partition = invocation->word[1], length = invocation->word[2];
    if (!invocation_requires(invocation, 1, BH_ERROR_RANGE, index <= frame->count && index < BH_SCHEDULE_WINDOWS) ||
        !invocation_requires(invocation, 2, BH_ERROR_RANGE, partition < BH_PARTITIONS) ||
        !invocation_requires(invocation, 3, BH_ERROR_INVALID_ARGUMENT,
                             length >= sched_context_budget_min() && length <= SCHED_CONTEXT_PERIOD_MAX)) {
        return invocation->error;
    }
    frame->window[index].length = length;
    frame->window[index].partition = (uint8_t)partition;
    frame->count += index == frame->count;
    return BH_OK;
}

static void start_schedule(void)
{
    uint64_t now = ticks_now();
    running = next;
    next.count = 0;
    for (uint32_t i = 0; i < core_count; i++) {
        struct core *core = core_by_number(i);
        deadline_clear(core, &core->schedule.deadline);
        if (running.count != 0) {
            begin_window(core, 0, now);
        } else {
            scheduler_set_partition(core, 0);
        }
        scheduler_ask(core);
    }
}

enum bh_error partition_invoke(struct all_cores *all, struct invocation *invocation)
{
    if (invocation->operation == BH_OP_SCHED_CONTROL_SET_WINDOW) {
        return set_window(&next, invocation);
    }
    if (invocation->operation != BH_OP_SCHED_CONTROL_START_SCHEDULE) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    start_schedule();
    return BH_OK;
}
