/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reply objects: each holds at most one caller that waits for its answer, and remembers the scheduling context that
 * went with the call.
 */
#ifndef KERNEL_REPLY_H
#define KERNEL_REPLY_H

#include "tcb.h"

struct reply {
    struct core *core;          /* of both */
    struct tcb *caller;         /* BLOCKED_REPLY */
    struct tcb *receiver;       /* BLOCKED_RECV: will fill this object */
    struct sched_context *lent; /* goes back to the caller with the answer */
    struct reply *lent_before;  /* the reply object that lent the same scheduling context before this one */
};

/* Links a caller that now waits; lends its scheduling context to `callee` if that has none. */
void reply_attach(struct reply *reply, struct tcb *caller, struct tcb *callee);

/* Unlinks the caller and gives back what it lent. NULL if nobody waits. */
struct tcb *reply_detach(struct core *core, struct reply *reply);

/* To be called before detaching with all locks: who runs on what was lent, on another core, leaves it. May be NULL. */
void reply_stop_callee(struct all_cores *all, const struct reply *reply);

void reply_destroy(struct all_cores *all, struct reply *reply);

/* The scheduling context is gone: no reply object gives it back. */
void reply_forget_lent(struct sched_context *sched_context);

#endif
