/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling contexts: the right to use a core for `budget` ticks in every `period`. A thread that calls a passive
 * thread (one without) lends it its own until the answer.
 */
#ifndef KERNEL_SCHED_CONTEXT_H
#define KERNEL_SCHED_CONTEXT_H

#include "deadline.h"
#include "tcb.h"

struct sched_context {
    struct core *core; /* of its thread, and of its deadline */
    struct tcb *tcb; /* who runs on it now */
    struct reply *lent; /* the newest reply object that will give it back */
    uint64_t budget, period;
    uint64_t remaining;
    uint64_t period_start;
    uint64_t consumed;
    struct deadline replenishment; /* queued: no budget until then */
};

void sched_context_destroy(struct all_cores *all, struct sched_context *sched_context);
void sched_context_replenish(struct core *core, struct deadline *deadline);

/* Books the time since the last call to whoever ran. */
void sched_context_charge(struct core *core, uint64_t now);

/* Lets it belong to a core. If its time runs, that ends. */
void sched_context_move(struct all_cores *all, struct sched_context *sched_context, struct core *core);

/* Moves a scheduling context to another thread, which has none. */
void sched_context_give(struct sched_context *sched_context, struct tcb *to);

enum bh_error sched_context_invoke(struct all_cores *all, struct invocation *invocation);
enum bh_error sched_control_invoke(struct all_cores *all, struct invocation *invocation);

#endif
