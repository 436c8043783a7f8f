/* SPDX-License-Identifier: BSD-2-Clause */
#include "fastpath.h"

#include "aarch64/cpu.h"
#include "aarch64/tlb.h"
#include "endpoint.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "scheduler.h"
#include "space.h"
#include "vcpu.h"

/* A message that is all in registers and takes no capability along. */
static inline bool is_plain(uint64_t info)
{
    return (info & BH_INFO_CAP) == 0 && bh_info_length(info) <= BH_MESSAGE_REGISTERS;
}

/* The capability that `cptr` names, if it is of this type and has these rights; else one of type NULL. */
static inline struct cap lookup(const struct tcb *tcb, bh_cptr cptr, enum bh_type type, uint64_t rights)
{
    struct cap cap = tcb_lookup_cap(tcb, cptr);
    return cap.type == (uint64_t)type && (cap.rights & rights) == rights ? cap : (struct cap){0};
}

/* Whether `next` may be switched to without asking the scheduler, once the current thread blocks. */
static inline bool runs_next(const struct core *core, const struct tcb *next)
{
    struct cap vspace = next->slots[TCB_SLOT_VSPACE].cap;
    return core->candidate == NULL && core->reschedule == 0 && !core->fp_open && core->fp != &next->fp &&
           vspace.type == BH_TYPE_VSPACE && ((const struct space *)cap_object(vspace))->type == BH_TYPE_VSPACE &&
           (int)next->priority >= scheduler_highest(core);
}

static inline void copy_message(const struct tcb *from, struct tcb *to, uint64_t info, uint64_t badge)
{
    switch (bh_info_length(info)) { /* no loop: two instructions a word */
    case 8:
        to->context.x[9] = from->context.x[9];
        __attribute__((fallthrough));
    case 7:
        to->context.x[8] = from->context.x[8];
        __attribute__((fallthrough));
    case 6:
        to->context.x[7] = from->context.x[7];
        __attribute__((fallthrough));
    case 5:
        to->context.x[6] = from->context.x[6];
        __attribute__((fallthrough));
    case 4:
        to->context.x[5] = from->context.x[5];
        __attribute__((fallthrough));
    case 3:
        to->context.x[4] = from->context.x[4];
        __attribute__((fallthrough));
    case 2:
        to->context.x[3] = from->context.x[3];
        __attribute__((fallthrough));
    case 1:
        to->context.x[2] = from->context.x[2];
        break;
    default:
        break;
    }
    to->context.x[0] = BH_OK;
    to->context.x[1] = info & BH_INFO_USER_MASK;
    to->context.x[10] = badge;
}

static inline void switch_to(struct core *core, struct tcb *from, struct tcb *to)
{
    from->context.sp = read_sysreg(sp_el0);
    from->context.tpidr = read_sysreg(tpidr_el0);
    write_sysreg(sp_el0, to->context.sp);
    write_sysreg(tpidr_el0, to->context.tpidr);
    vcpu_conceal(core, to);
    const struct space *space = cap_object(to->slots[TCB_SLOT_VSPACE].cap);
    space_switch(core, space);
    core->current = to;
}

bool fastpath_call(struct core *core, struct tcb *caller)
{
    uint64_t info = caller->context.x[1];
    struct cap cap =
        lookup(caller, caller->context.x[0], BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL);
    if (cap.type == BH_TYPE_NULL || !is_plain(info)) {
        return false;
    }
    struct endpoint *endpoint = cap_object(cap);
    struct tcb *server = endpoint->head;
    if (endpoint->core != core || server == NULL || !endpoint->receivers || server->sched_context != NULL) {
        return false;
    }
    struct reply *reply = server->reply;
    struct sched_context *sc = caller->sched_context;
    if (reply == NULL || reply->caller != NULL || sc == NULL || sc != core->charged || !runs_next(core, server)) {
        return false;
    }

    /* The server leaves the queue. */
    endpoint->head = server->next;
    if (server->next != NULL) {
        server->next->previous = NULL;
        server->next = NULL;
    } else {
        endpoint->tail = NULL;
    }
    server->blocked_on = NULL;
    server->reply = NULL;
    server->state = TCB_RUNNABLE;
    copy_message(caller, server, info, cap.badge);

    /* The caller waits in the reply object, and lends its time. */
    reply->receiver = NULL;
    reply->caller = caller;
    reply->lent = sc;
    reply->lent_before = sc->lent;
    sc->lent = reply;
    sc->tcb = server;
    server->sched_context = sc;
    caller->sched_context = NULL;
    caller->sending_fault = false;
    caller->reply = reply;
    caller->state = TCB_BLOCKED_REPLY;
    switch_to(core, caller, server);
    return true;
}

bool fastpath_reply_recv(struct core *core, struct tcb *server)
{
    uint64_t info = server->context.x[1];
    struct cap endpoint_cap = lookup(server, server->context.x[0], BH_TYPE_ENDPOINT, BH_RIGHT_READ);
    struct cap reply_cap = lookup(server, server->context.x[10], BH_TYPE_REPLY, 0);
    if (endpoint_cap.type == BH_TYPE_NULL || reply_cap.type == BH_TYPE_NULL || !is_plain(info)) {
        return false;
    }
    struct endpoint *endpoint = cap_object(endpoint_cap);
    struct reply *reply = cap_object(reply_cap);
    struct tcb *caller = reply->caller;
    struct sched_context *sc = server->sched_context;
    const struct notification *bound = server->bound_notification;
    if (endpoint->core != core || reply->core != core || endpoint->head != NULL || (bound != NULL && bound->bits != 0) || caller == NULL || caller->sending_fault ||
        reply->receiver != NULL || sc == NULL || reply->lent != sc || sc->lent != reply || sc != core->charged ||
        caller->sched_context != NULL || !runs_next(core, caller)) {
        return false;
    }

    /* The caller has its answer and its time back. */
    copy_message(server, caller, info, 0);
    sc->lent = reply->lent_before;
    sc->tcb = caller;
    caller->sched_context = sc;
    server->sched_context = NULL;
    caller->reply = NULL;
    caller->state = TCB_RUNNABLE;

    /* The server waits for the next call, alone in the queue. */
    reply->caller = NULL;
    reply->lent = NULL;
    reply->lent_before = NULL;
    reply->receiver = server;
    server->reply = reply;
    server->blocked_on = endpoint;
    server->next = server->previous = NULL;
    endpoint->head = endpoint->tail = server;
    endpoint->receivers = true;
    server->state = TCB_BLOCKED_RECV;
    switch_to(core, server, caller);
    return true;
}
