/* SPDX-License-Identifier: BSD-2-Clause */
#include "reply.h"

#include "core.h"
#include "sched_context.h"
#include "scheduler.h"

void reply_attach(struct reply *reply, struct tcb *caller, struct tcb *callee)
{
    reply->caller = caller;
    caller->reply = reply;
    caller->state = TCB_BLOCKED_REPLY;
    bool timeout = caller->sending_fault && caller->fault.label == BH_FAULT_TIMEOUT; /* nothing left to lend */
    if (callee->sched_context == NULL && caller->sched_context != NULL && !timeout) {
        struct sched_context *sc = caller->sched_context;
        sched_context_give(sc, callee);
        reply->lent = sc;
        reply->lent_before = sc->lent;
        sc->lent = reply;
    }
}

/* Takes `reply` out of the stack of its scheduling context's loans. */
static void unlink_loan(struct reply *reply)
{
    struct reply **link = &reply->lent->lent;
    while (*link != reply) {
        link = &(*link)->lent_before;
    }
    *link = reply->lent_before;
    reply->lent = NULL;
    reply->lent_before = NULL;
}

struct tcb *reply_detach(struct core *core, struct reply *reply)
{
    struct tcb *caller = reply->caller;
    if (caller == NULL) {
        return NULL;
    }
    reply->caller = NULL;
    caller->reply = NULL;
    struct sched_context *sc = reply->lent;
    if (sc != NULL) {
        bool returns = caller->sched_context == NULL;
        while (returns && sc->lent != reply) {
            unlink_loan(sc->lent); /* whoever has it now lent it on: that comes to nothing */
        }
        unlink_loan(reply);
        if (returns) {
            if (sc->tcb != NULL) {
                scheduler_unready(core, sc->tcb);
            }
            sched_context_give(sc, caller);
        }
    }
    return caller;
}

void reply_stop_callee(struct all_cores *all, const struct reply *reply)
{
    if (reply != NULL && reply->lent != NULL && reply->core->charged == reply->lent) {
        core_stop(all, reply->core);
    }
}

void reply_destroy(struct all_cores *all, struct reply *reply)
{
    reply_stop_callee(all, reply);
    if (reply->receiver != NULL) {
        reply->receiver->reply = NULL;
        reply->receiver = NULL;
    }
    struct tcb *caller = reply_detach(reply->core, reply);
    if (caller != NULL) {
        tcb_fail(reply->core, caller, BH_ERROR_CANCELLED);
    }
}

void reply_forget_lent(struct sched_context *sc)
{
    while (sc->lent != NULL) {
        unlink_loan(sc->lent);
    }
}
