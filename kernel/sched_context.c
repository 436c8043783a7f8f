/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched_context.h"

#include "core.h"
#include "invocation.h"
#include "reply.h"
#include "scheduler.h"

void sched_context_replenish(struct core *core, struct deadline *deadline)
{
    struct sched_context *sc =
        (struct sched_context *)((uint8_t *)deadline - offsetof(struct sched_context, replenishment));
    sc->remaining = sc->budget;
    sc->period_start = ticks_now();
    if (sc->tcb != NULL && sc->tcb->state == TCB_RUNNABLE) {
        scheduler_ready(core, sc->tcb);
    }
}

void sched_context_charge(struct core *core, uint64_t now)
{
    struct sched_context *sc = core->charged;
    if (sc == NULL) {
        core->now = now;
        return;
    }
    uint64_t used = now - core->now;
    core->now = now;
    sc->consumed += used;
    if (used < sc->remaining) {
        sc->remaining -= used;
        return;
    }
    if (sc->budget == sc->period) { /* a round-robin time slice */
        sc->remaining = sc->budget;
        if (core->current != NULL && core->current->sched_context == sc) {
            scheduler_yield(core);
        }
        return;
    }
    uint64_t next = sc->period_start + sc->period;
    if (next <= now) {
        sc->period_start = now;
        sc->remaining = sc->budget;
        return;
    }
    sc->remaining = 0;
    core->charged = NULL;
    deadline_set(core, &sc->replenishment, DEADLINE_REPLENISH, next);
    if (sc->tcb != NULL) {
        scheduler_unready(core, sc->tcb);
    }
}

void sched_context_give(struct sched_context *sc, struct tcb *to)
{
    if (sc->tcb != NULL) {
        sc->tcb->sched_context = NULL;
    }
    sc->tcb = to;
    to->sched_context = sc;
}

/* Nobody runs on it from here on. */
static void stop_charging(struct all_cores *all, struct sched_context *sc)
{
    if (sc->core->charged == sc) {
        core_stop(all, sc->core);
    }
    if (sc->core->charged == sc) {
        sched_context_charge(sc->core, ticks_now());
        sc->core->charged = NULL;
        sc->core->reschedule = 1;
    }
}

void sched_context_move(struct all_cores *all, struct sched_context *sc, struct core *core)
{
    stop_charging(all, sc);
    deadline_move(sc->core, core, &sc->replenishment);
    sc->core = core;
}

static void sched_context_take_away(struct all_cores *all, struct sched_context *sc)
{
    stop_charging(all, sc);
    if (sc->tcb != NULL) {
        scheduler_unready(sc->core, sc->tcb);
        sc->tcb->sched_context = NULL;
        sc->tcb = NULL;
    }
    reply_forget_lent(sc);
}

void sched_context_destroy(struct all_cores *all, struct sched_context *sc)
{
    sched_context_take_away(all, sc);
    deadline_clear(sc->core, &sc->replenishment);
}

enum bh_error sched_context_invoke(struct all_cores *all, struct invocation *invocation)
{
    struct sched_context *sc = cap_object(invocation->cap);

    switch (invocation->operation) {
    case BH_OP_SCHED_CONTEXT_BIND: {
        struct slot *slot;
        enum bh_error error = invocation_cap(invocation, 1, BH_TYPE_TCB, 0, &slot);
        if (error != BH_OK) {
            return error;
        }
        struct tcb *tcb = cap_object(slot->cap);
        if (sc->tcb != NULL || sc->lent != NULL) {
            return BH_ERROR_BUSY;
        }
        if (tcb->sched_context != NULL) {
            return invocation_fail(invocation, 1, BH_ERROR_BUSY);
        }
        sched_context_move(all, sc, tcb->core);
        sched_context_give(sc, tcb);
        if (tcb->state == TCB_RUNNABLE) {
            scheduler_ready(tcb->core, tcb);
        }
        return BH_OK;
    }
    case BH_OP_SCHED_CONTEXT_UNBIND:
        sched_context_take_away(all, sc);
        return BH_OK;
    case BH_OP_SCHED_CONTEXT_CONSUMED:
        invocation->result[0] = sc->consumed;
        if (sc->core->charged == sc) {
            invocation->result[0] += ticks_now() - sc->core->now;
        }
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

enum bh_error sched_control_invoke(struct all_cores *all, struct invocation *invocation)
{
    if (invocation->operation != BH_OP_SCHED_CONTROL_CONFIGURE) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    struct slot *slot;
    enum bh_error error = invocation_cap(invocation, 1, BH_TYPE_SCHED_CONTEXT, 0, &slot);
    if (error != BH_OK) {
        return error;
    }
    uint64_t budget = invocation->word[1];
    uint64_t period = invocation->word[2];
    uint64_t frequency;
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    if (period == 0 || period > 3600 * frequency) {
        return invocation_fail(invocation, 3, BH_ERROR_INVALID_ARGUMENT);
    }
    if (budget == 0 || budget > period) {
        return invocation_fail(invocation, 2, BH_ERROR_INVALID_ARGUMENT);
    }

    struct sched_context *sc = cap_object(slot->cap);
    uint64_t now = ticks_now();
    stop_charging(all, sc);
    deadline_clear(sc->core, &sc->replenishment);
    sc->budget = budget;
    sc->period = period;
    sc->remaining = budget;
    sc->period_start = now;
    if (sc->tcb != NULL && sc->tcb->state == TCB_RUNNABLE) {
        scheduler_ready(sc->core, sc->tcb);
    }
    return BH_OK;
}
