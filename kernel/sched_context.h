/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling contexts: the right to use a core for `budget` ticks in any time of `period` ticks. A thread that calls a
 * passive thread (one without) lends it its own until the answer.
 *
 * Each is a sporadic server: time that was used comes back one period after its use, and what is not used stays. The
 * refills are in order of time, their amounts add up to the budget, and the first is the one that is used; when that is
 * in the future, `replenishment` is queued. A context whose budget equals its period has one refill, a time slice.
 */
#ifndef KERNEL_SCHED_CONTEXT_H
#define KERNEL_SCHED_CONTEXT_H

#include "aarch64/cpu.h"
#include "deadline.h"
#include "tcb.h"

struct refill {
    uint64_t time; /* from then on it may be used */
    uint64_t amount;
};

struct sched_context {
    struct core *core; /* of its thread, and of its deadline */
    struct tcb *tcb; /* who runs on it now */
    struct reply *lent; /* the newest reply object that will give it back */
    uint64_t budget, period;
    uint64_t consumed;
    uint64_t badge;                /* for the handler of its timeouts */
    struct deadline replenishment; /* queued: no budget until then */
    uint8_t partition;             /* it is used in windows of this one only */
    uint8_t refill_count;
    struct refill refill[BH_REFILLS];
};

#define SCHED_CONTEXT_PERIOD_MAX (3600 * read_sysreg(cntfrq_el0))

/* Budgets below this would be spent in the kernel. */
static inline uint64_t sched_context_budget_min(void)
{
    return read_sysreg(cntfrq_el0) / BH_BUDGETS_PER_SECOND;
}

/* Its budget is spent until the next refill. */
static inline bool sched_context_spent(const struct sched_context *sc)
{
    return sc->replenishment.kind != DEADLINE_NONE;
}

/* Grants a whole budget from `now` on. */
void sched_context_fill(struct sched_context *sched_context, uint64_t budget, uint64_t period, uint64_t now);

void sched_context_destroy(struct all_cores *all, struct sched_context *sched_context);
void sched_context_replenish(struct core *core, struct deadline *deadline);

/* Books the time since the last call to whoever ran. A thread whose budget is spent then waits, or has a timeout. */
void sched_context_charge(struct core *core, uint64_t now);

/* Lets it belong to a core. If its time runs, that ends. */
void sched_context_move(struct all_cores *all, struct sched_context *sched_context, struct core *core);
/* From now on its time runs. */
void sched_context_start(struct core *core, struct sched_context *sched_context, uint64_t now);

/* Moves a scheduling context to another thread, which has none. */
void sched_context_give(struct sched_context *sched_context, struct tcb *to);

enum bh_error sched_context_invoke(struct all_cores *all, struct invocation *invocation);
enum bh_error sched_control_invoke(struct all_cores *all, struct invocation *invocation);

#endif
