/* SPDX-License-Identifier: BSD-2-Clause */
#include "sched_context.h"

#include "aarch64/cpu.h"
#include "core.h"
#include "invocation.h"
#include "partition.h"
#include "reply.h"
#include "scheduler.h"

static bool is_round_robin(const struct sched_context *sc)
{
    return sc->budget == sc->period;
}

/* Ticks from the end of a refill, if it is used as soon as it may be, to the next; negative if they overlap. */
static int64_t refill_gap(const struct refill *refill)
{
    return (int64_t)(refill[1].time - refill[0].time - refill[0].amount);
}

/* Makes two neighbours one, of which nothing may be used earlier than before. */
static void merge_refills(struct sched_context *sc, unsigned index)
{
    struct refill *refill = &sc->refill[index];
    if (refill_gap(refill) > 0) {
        refill[0].time = refill[1].time - refill[0].amount;
    }
    refill[0].amount += refill[1].amount;
    sc->refill_count--;
    for (unsigned i = index + 1; i < sc->refill_count; i++) {
        sc->refill[i] = sc->refill[i + 1];
    }
}

/* By how much the first of two neighbours is delayed when they become one: amount times time. */
static unsigned __int128 merge_cost(const struct refill *refill)
{
    int64_t gap = refill_gap(refill);
    return gap > 0 ? (unsigned __int128)gap * refill[0].amount : 0;
}

static void add_refill(struct sched_context *sc, uint64_t time, uint64_t amount)
{
    if (sc->refill_count == BH_REFILLS) {
        unsigned cheapest = 1;
        for (unsigned i = 2; i < BH_REFILLS - 1; i++) {
            cheapest = merge_cost(&sc->refill[i]) < merge_cost(&sc->refill[cheapest]) ? i : cheapest;
        }
        merge_refills(sc, cheapest);
    }
    struct refill *last = &sc->refill[sc->refill_count++];
    *last = (struct refill){time, amount};
    if (sc->refill_count > 1 && refill_gap(last - 1) <= 0) {
        merge_refills(sc, sc->refill_count - 2u);
    }
}

/* What may be used in one piece becomes one, and what is too little waits for more. */
static void settle_refills(struct sched_context *sc)
{
    while (sc->refill_count > 1 &&
           (refill_gap(sc->refill) <= 0 || sc->refill[0].amount < sched_context_budget_min() / 2)) {
        merge_refills(sc, 0);
    }
}

/* Time used from that of the first refill on comes back one period later. What was used too much is taken from the
 * refills that follow. */
static void use_refills(struct sched_context *sc, uint64_t used)
{
    while (used > 0) {
        struct refill head = sc->refill[0];
        uint64_t part = smaller(used, head.amount);
        sc->refill[0] = (struct refill){head.time + part, head.amount - part};
        add_refill(sc, head.time + sc->period, part);
        settle_refills(sc);
        used -= part;
    }
}

void sched_context_fill(struct sched_context *sc, uint64_t budget, uint64_t period, uint64_t now)
{
    sc->budget = budget;
    sc->period = period;
    sc->refill[0] = (struct refill){now, budget};
    sc->refill_count = 1;
}

LANDING_PAD void sched_context_replenish(struct core *core, struct deadline *deadline)
{
    struct sched_context *sc = container_of(deadline, struct sched_context, replenishment);
    if (sc->tcb != NULL && sc->tcb->state == TCB_RUNNABLE) {
        scheduler_ready(core, sc->tcb);
    }
}

void sched_context_start(struct core *core, struct sched_context *sc, uint64_t now)
{
    core->charged = sc;
    core->now = now;
    if (!is_round_robin(sc)) {
        sc->refill[0].time = now; /* it counts from its use */
        settle_refills(sc);
    }
    scheduler_set_timer(core);
}

/* Books the time of the context that runs. */
static void account(struct core *core, uint64_t now)
{
    struct sched_context *sc = core->charged;
    uint64_t used = now - core->now;
    core->now = now;
    sc->consumed += used;
    if (!is_round_robin(sc)) {
        use_refills(sc, used);
    } else if (used < sc->refill[0].amount) {
        sc->refill[0].amount -= used;
    } else { /* the end of a time slice */
        sc->refill[0].amount = sc->budget;
        if (core->current != NULL && core->current->sched_context == sc) {
            scheduler_yield(core);
        } else if (sc->tcb != NULL && sc->tcb->queued) { /* it ended while its thread was being replaced */
            scheduler_unready(core, sc->tcb);
            scheduler_ready(core, sc->tcb);
        }
    }
}

/* If its first refill is in the future, nothing runs on the context until then. */
static void wait_for_refill(struct core *core, struct sched_context *sc, uint64_t now)
{
    if (sc->refill[0].time <= now) {
        return;
    }
    deadline_set(core, &sc->replenishment, DEADLINE_REPLENISH, sc->refill[0].time);
    if (core->charged == sc) {
        core->charged = NULL;
    }
    if (sc->tcb != NULL) {
        scheduler_unready(core, sc->tcb);
    }
}

void sched_context_charge(struct core *core, uint64_t now)
{
    struct sched_context *sc = core->charged;
    if (sc == NULL) {
        core->now = now;
        return;
    }
    account(core, now);
    wait_for_refill(core, sc, now);
    if (sched_context_spent(sc) && sc->tcb != NULL) {
        tcb_timeout(core, sc->tcb);
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

static enum bh_error bind(struct all_cores *all, struct sched_context *sc, struct invocation *invocation)
{
    struct slot *slot;
    if (invocation_cap(invocation, 1, BH_TYPE_TCB, 0, &slot) != BH_OK) {
        return invocation->error;
    }
    struct tcb *tcb = cap_object(slot->cap);
    if (!invocation_requires(invocation, 0, BH_ERROR_BUSY, sc->tcb == NULL && sc->lent == NULL) ||
        !invocation_requires(invocation, 1, BH_ERROR_BUSY, tcb->sched_context == NULL)) {
        return invocation->error;
    }
    sched_context_move(all, sc, tcb->core);
    sched_context_give(sc, tcb);
    if (tcb->state == TCB_RUNNABLE) {
        scheduler_ready(tcb->core, tcb);
    }
    return BH_OK;
}

LANDING_PAD enum bh_error sched_context_invoke(struct all_cores *all, struct invocation *invocation)
{
    struct sched_context *sc = cap_object(invocation->cap);

    switch (invocation->operation) {
    case BH_OP_SCHED_CONTEXT_BIND:
        return bind(all, sc, invocation);
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

LANDING_PAD enum bh_error sched_control_invoke(struct all_cores *all, struct invocation *invocation)
{
    if (invocation->operation != BH_OP_SCHED_CONTROL_CONFIGURE) {
        return partition_invoke(all, invocation);
    }
    struct slot *slot;
    uint64_t budget = invocation->word[1];
    uint64_t period = invocation->word[2];
    if (invocation_cap(invocation, 1, BH_TYPE_SCHED_CONTEXT, 0, &slot) != BH_OK ||
        !invocation_requires(invocation, 3, BH_ERROR_INVALID_ARGUMENT,
                             period != 0 && period <= SCHED_CONTEXT_PERIOD_MAX) ||
        !invocation_requires(invocation, 2, BH_ERROR_INVALID_ARGUMENT,
                             budget >= sched_context_budget_min() && budget <= period) ||
        !invocation_requires(invocation, 5, BH_ERROR_RANGE, invocation->word[4] < BH_PARTITIONS)) {
        return invocation->error;
    }

    struct sched_context *sc = cap_object(slot->cap);
    uint64_t now = ticks_now();
    struct core *core = sc->core;
    stop_charging(all, sc);
    bool runnable = sc->tcb != NULL && sc->tcb->state == TCB_RUNNABLE;
    bool goes_on = runnable && !is_round_robin(sc) && budget != period;
    uint64_t left = sc->refill[0].time <= now ? sc->refill[0].amount : 0;
    if (runnable) {
        scheduler_unready(core, sc->tcb);
    }
    deadline_clear(core, &sc->replenishment);
    sched_context_fill(sc, budget, period, now);
    sc->badge = invocation->word[3];
    sc->partition = (uint8_t)invocation->word[4];
    if (goes_on && left < budget) { /* nothing is granted twice: the rest comes one period later */
        sc->refill[0].amount = left;
        add_refill(sc, now + period, budget - left);
        settle_refills(sc);
    }
    wait_for_refill(core, sc, now);
    if (runnable) {
        scheduler_ready(core, sc->tcb);
    }
    return BH_OK;
}
