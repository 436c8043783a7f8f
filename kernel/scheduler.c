/* SPDX-License-Identifier: BSD-2-Clause */
#include "scheduler.h"

#include "aarch64/cpu.h"
#include "aarch64/gic.h"
#include "assert.h"
#include "irq.h"
#include "sched_context.h"
#include "space.h"
#include "vcpu.h"

bool tcb_schedulable(const struct tcb *tcb)
{
    return tcb->state == TCB_RUNNABLE && tcb->sched_context != NULL && !sched_context_spent(tcb->sched_context) &&
           tcb->sched_context->budget != 0;
}

/* Whether a schedulable thread's time is of the partition whose window it is. */
static bool in_window(const struct core *core, const struct tcb *tcb)
{
    return tcb->sched_context->partition == core->partition;
}

static int highest(const struct ready_bits *ready)
{
    if (ready->summary == 0) {
        return -1;
    }
    int group = 63 - __builtin_clzll(ready->summary);
    return group * 64 + 63 - __builtin_clzll(ready->word[group]);
}

static void enqueue(struct core *core, struct tcb *tcb, bool at_head)
{
    unsigned partition = tcb->sched_context->partition;
    struct thread_queue *queue = &core->queue[partition][tcb->priority];
    struct ready_bits *ready = &core->ready[partition];
    kernel_assert(!tcb->queued);
    tcb->queued = true;
    if (queue->head == NULL) { /* the usual case, as short as it can be */
        tcb->next = tcb->previous = NULL;
        queue->head = queue->tail = tcb;
        ready->word[tcb->priority / 64] |= UINT64_C(1) << (tcb->priority % 64);
        ready->summary |= UINT64_C(1) << (tcb->priority / 64);
        if (partition == core->partition && tcb->priority > core->highest) {
            core->highest = tcb->priority;
        }
    } else {
        thread_queue_insert(queue, tcb, at_head ? NULL : queue->tail);
    }
}

static void dequeue(struct core *core, struct tcb *tcb)
{
    unsigned partition = tcb->sched_context->partition;
    struct thread_queue *queue = &core->queue[partition][tcb->priority];
    struct ready_bits *ready = &core->ready[partition];
    thread_queue_remove(queue, tcb);
    if (queue->head == NULL) {
        ready->word[tcb->priority / 64] &= ~(UINT64_C(1) << (tcb->priority % 64));
        if (ready->word[tcb->priority / 64] == 0) {
            ready->summary &= ~(UINT64_C(1) << (tcb->priority / 64));
        }
        if (partition == core->partition) {
            core->highest = highest(ready);
        }
    }
    tcb->queued = false;
}

void scheduler_ask(struct core *core)
{
    core->reschedule = 1;
    if (core != this_core()) {
        core_kick(core);
    }
}

void scheduler_ready(struct core *core, struct tcb *tcb)
{
    if (!tcb_schedulable(tcb) || tcb == core->current || tcb == core->candidate || tcb->queued) {
        scheduler_ask(core);
        return;
    }
    trace(BH_TRACE_WAKE, tcb, 0, 0);
    if (core->candidate == NULL && in_window(core, tcb)) {
        core->candidate = tcb;
    } else {
        enqueue(core, tcb, false);
    }
    scheduler_ask(core);
}

void scheduler_unready(struct core *core, struct tcb *tcb)
{
    if (tcb->queued) {
        dequeue(core, tcb);
    } else if (tcb == core->candidate) {
        core->candidate = NULL;
    } else if (tcb == core->current) {
        scheduler_ask(core);
    }
}

/* Takes the current thread off the core, remembering the registers that are live in the hardware. */
static void leave_current(struct core *core)
{
    struct tcb *tcb = core->current;
    if (tcb != NULL && !tcb->in_guest) {
        tcb->context.sp = read_sysreg(sp_el0);
        tcb->context.tpidr = read_sysreg(tpidr_el0);
    }
    core->current = NULL;
}

void scheduler_push(struct core *core, struct tcb *tcb)
{
    enqueue(core, tcb, true);
}

void scheduler_put(struct core *core)
{
    struct tcb *tcb = core->current;
    leave_current(core);
    sched_context_charge(core, ticks_now());
    core->charged = NULL;
    if (tcb_schedulable(tcb)) {
        enqueue(core, tcb, true);
    }
    core->reschedule = 1;
}

void scheduler_yield(struct core *core)
{
    struct tcb *tcb = core->current;
    if (tcb != NULL && tcb_schedulable(tcb) && scheduler_highest(core) >= tcb->priority) {
        leave_current(core);
        enqueue(core, tcb, false);
    }
    core->reschedule = 1;
}

void scheduler_set_partition(struct core *core, uint8_t partition)
{
    if (core->candidate != NULL) {
        enqueue(core, core->candidate, false);
        core->candidate = NULL;
    }
    core->partition = partition;
    core->highest = highest(&core->ready[partition]);
    core->reschedule = 1;
}

void scheduler_set_timer(struct core *core)
{
    uint64_t when = core->deadlines.head != NULL ? core->deadlines.head->when : UINT64_MAX;
    if (core->charged != NULL) {
        when = smaller(when, core->now + core->charged->refill[0].amount);
    }
    if (core != this_core()) {
        core->timer_programmed = UINT64_MAX; /* it looks itself when it is called */
        core_kick(core);
    } else {
        scheduler_program(core, when);
    }
}

static void enter_thread(struct core *core, struct tcb *tcb)
{
    core->current = tcb;
    trace(BH_TRACE_SWITCH, tcb, tcb->priority, 0);
    /* Also of a thread in its guest: bh_vm_enter may return instead of entering it. */
    write_sysreg(sp_el0, tcb->context.sp);
    write_sysreg(tpidr_el0, tcb->context.tpidr);
    vcpu_conceal(core, tcb);
    bool fp_open = core->fp == &tcb->fp;
    if (fp_open != core->fp_open) {
        core->fp_open = fp_open;
        fp_access(fp_open);
    }
    space_activate(core, tcb->slots[TCB_SLOT_VSPACE].cap);
}

static void idle(struct core *core)
{
    core->charged = NULL;
    scheduler_set_timer(core);
    trace(BH_TRACE_IDLE, NULL, 0, 0);
    while (core->current == NULL && core->candidate == NULL && scheduler_highest(core) < 0) {
        core_unlock(core);
        wait_for_interrupt();
        (void)core_lock(core, ENTRY_OTHER);
        irq_handle(core, gic_acknowledge());
    }
}

void schedule(struct core *core)
{
    for (;;) {
        core->reschedule = 0;
        struct tcb *best = core->current != NULL && tcb_schedulable(core->current) ? core->current : NULL;
        if (best != NULL && !in_window(core, best)) {
            leave_current(core);
            enqueue(core, best, true);
            best = NULL;
        }
        struct tcb *candidate = core->candidate;
        core->candidate = NULL;
        if (candidate != NULL) {
            if (best == NULL) {
                best = candidate;
            } else if (candidate->priority > best->priority) {
                leave_current(core);
                enqueue(core, best, true);
                best = candidate;
            } else {
                enqueue(core, candidate, false);
            }
        }
        int top = scheduler_highest(core);
        if (top >= 0 && (best == NULL || top > best->priority)) {
            if (best != NULL) {
                if (best == core->current) {
                    leave_current(core);
                }
                enqueue(core, best, best != candidate);
            }
            best = core->queue[core->partition][top].head;
            dequeue(core, best);
        }
        if (best == NULL) {
            leave_current(core);
            sched_context_charge(core, ticks_now());
            idle(core);
            if (core->current != NULL && core->reschedule == 0) { /* fastpath_wake has done the rest */
                return;
            }
            continue;
        }
        if (best != core->current) {
            leave_current(core);
            enter_thread(core, best);
        }
        if (core->charged != best->sched_context) {
            uint64_t now = ticks_now();
            sched_context_charge(core, now);
            if (core->reschedule != 0) { /* a timeout woke its handler */
                continue;
            }
            sched_context_start(core, best->sched_context, now);
        }
        if (core->reschedule == 0) {
            return;
        }
    }
}
