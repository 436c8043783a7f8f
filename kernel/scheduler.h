/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choosing the next thread: the highest priority first, round robin within a priority. The current thread and the one
 * woken last are in no queue, so that the usual case, waking a thread and switching to it, touches none.
 */
#ifndef KERNEL_SCHEDULER_H
#define KERNEL_SCHEDULER_H

#include "aarch64/cpu.h"
#include "core.h"
#include "trace.h"

/* Ticks of the system counter. */
static inline uint64_t ticks_now(void)
{
    return read_sysreg(cntpct_el0);
}

bool tcb_schedulable(const struct tcb *tcb);

/* The highest priority with a thread in its run queue, or -1. */
static inline int scheduler_highest(const struct core *core)
{
    return core->highest;
}

/* Lets a core schedule anew; from another core with all locks. */
void scheduler_ask(struct core *core);

/* Takes the current thread off the core before the core has chosen another. It stays runnable. */
void scheduler_put(struct core *core);

/* The thread may run now (it has become RUNNABLE, or got budget). */
void scheduler_ready(struct core *core, struct tcb *tcb);

/* The thread may not run any more (it is no longer RUNNABLE, or lost its budget). */
void scheduler_unready(struct core *core, struct tcb *tcb);

/* The current thread, which another is about to replace, goes before the others of its priority. */
void scheduler_push(struct core *core, struct tcb *tcb);

/* The current thread goes behind the others of its priority. */
void scheduler_yield(struct core *core);

/* From now on threads run that use time of this partition. */
void scheduler_set_partition(struct core *core, uint8_t partition);

/* Chooses a thread, waiting for an interrupt if there is none, and makes it the core's current one. */
void schedule(struct core *core);

/* Has this core's timer interrupt at `when` (UINT64_MAX: never), if it is not to do that anyway. */
static inline void scheduler_program(struct core *core, uint64_t when)
{
    if (when != core->timer_programmed) {
        if (when == UINT64_MAX || core->timer_programmed == UINT64_MAX) {
            timer_program(when);
        } else {
            write_sysreg(cntp_cval_el0, when); /* it is on */
        }
        core->timer_programmed = when;
    }
}

/* Programs the core's timer for whatever comes first. */
void scheduler_set_timer(struct core *core);

#endif
