/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each core has of its own. A function that takes a `struct core *` runs on that core with interrupts masked and
 * may change all of it: passing the pointer is passing the possession. Kernel entries take it from TPIDR_EL2.
 */
#ifndef KERNEL_CORE_H
#define KERNEL_CORE_H

#include "context.h"
#include "deadline.h"
#include "partition.h"
#include "tcb.h"

struct core {
    struct tcb *current;  /* NULL only while idle */
    uint64_t reschedule;  /* schedule() has something to decide */
    struct vcpu *vcpu;    /* whose EL1 state, timer and list registers are in the hardware */
    struct tcb *candidate; /* runnable and in no queue: the thread that was woken last */
    uint64_t now;          /* when the running scheduling context was last charged */
    struct sched_context *charged; /* whose time runs */

    struct deadline_queue deadlines;
    uint64_t guest_entered;    /* when the running guest was entered */
    uint64_t timer_programmed; /* what the timer's comparator holds */

    struct bh_fp_state *fp;       /* whose FP/SIMD registers are in the hardware */
    bool fp_open;              /* native code may use them now */
    bool tpidrro_hidden;       /* the guest's TPIDRRO_EL0 is in vcpu->state, not in the hardware */

    int highest;  /* the highest priority with a thread in the run queues of `partition`, or -1 */
    uint8_t partition; /* whose window it is */
    struct partition_schedule schedule;
    struct run_queues queues[BH_PARTITIONS];

    uint32_t number;
    bool preempted; /* the invocation stopped at a preemption point and is to be issued again */
};

_Static_assert(offsetof(struct core, current) == CORE_CURRENT, "vectors.S");
_Static_assert(offsetof(struct core, vcpu) == CORE_VCPU, "vectors.S");
_Static_assert(offsetof(struct core, reschedule) == CORE_RESCHEDULE, "vectors.S");

static inline struct core *this_core(void)
{
    struct core *core;
    __asm__("mrs %0, tpidr_el2" : "=r"(core));
    return core;
}

#endif
