/* SPDX-License-Identifier: BSD-2-Clause */
#include "fastpath.h"

#include <bh/syscall.h>

#include "aarch64/cpu.h"
#include "endpoint.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "scheduler.h"
#include "space.h"
#include "vcpu.h"

_Static_assert(BH_SYS_SIGNAL == 0 && BH_SYS_POLL == 1 && BH_SYS_VM_ENTER == SYSCALL_VM_ENTER &&
                   BH_SYS_CALL == SYSCALL_VM_ENTER + 1 && BH_SYS_REPLY_RECV == SYSCALL_REPLY_RECV,
               "vectors.S");
_Static_assert(BH_ERROR_COUNT < SHORT_MORE, "status of short_result");

/* A message that is all in registers and takes no capability along. Bit 7 means nothing, and is left to the general
 * path. */
static inline bool is_plain(uint64_t info)
{
    _Static_assert(BH_INFO_CAP == 0x100 && BH_INFO_LENGTH_MASK == 0x7f, "one comparison for both");
    return (info & 0x1ff) <= BH_MESSAGE_REGISTERS;
}

struct pair {
    uint64_t word[2];
};

static inline void copy_message(const struct tcb *from, struct tcb *to, uint64_t info, uint64_t badge)
{
    const struct pair *source = (const struct pair *)&from->context.x[2];
    struct pair *words = (struct pair *)&to->context.x[2];
    uint64_t length = bh_info_length(info);
    if (length == 0) {
        /* nothing */
    } else if (length == 4) {
        words[0] = source[0];
        words[1] = source[1];
    } else if (length == 8) {
        words[0] = source[0];
        words[1] = source[1];
        words[2] = source[2];
        words[3] = source[3];
    } else {
        for (uint64_t i = 0; i < length; i++) {
            to->context.x[2 + i] = from->context.x[2 + i];
        }
    }
    to->context.x[0] = BH_OK;
    to->context.x[1] = info & BH_INFO_USER_MASK;
    to->context.x[10] = badge;
}

/* The server that a call or fault of the current thread wakes and lends its time to, if it runs next; or NULL. */
static inline struct tcb *find_server(const struct core *core, const struct endpoint *endpoint, struct cap *vspace)
{
    struct tcb *server = endpoint->head;
    if (endpoint->core != core || server == NULL || server->sched_context != NULL) {
        return NULL;
    }
    struct reply *reply = server->reply; /* receivers alone have one */
    *vspace = fastpath_vspace(server);
    return reply != NULL && reply->caller == NULL && fastpath_runs_next(core, server, *vspace) ? server : NULL;
}

/* Switches to the server, who has the message. */
static inline void call_server(struct core *core, struct endpoint *endpoint, struct tcb *server, struct cap vspace)
{
    struct tcb *caller = core->current;
    struct sched_context *sc = caller->sched_context; /* that runs: core->charged */
    struct reply *reply = server->reply;

    /* The server leaves the queue. */
    endpoint->head = server->next;
    if (__builtin_expect(server->next == NULL, 1)) {
        endpoint->tail = NULL;
    } else {
        server->next->previous = NULL;
        server->next = NULL;
    }
    server->blocked_on = NULL;
    server->reply = NULL;
    server->state = TCB_RUNNABLE;

    /* The caller waits in the reply object, and lends its time. */
    reply->receiver = NULL;
    reply->caller = caller;
    reply->lent = sc;
    reply->lent_before = sc->lent;
    sc->lent = reply;
    sc->tcb = server;
    server->sched_context = sc;
    caller->sched_context = NULL;
    caller->reply = reply;
    caller->state = TCB_BLOCKED_REPLY;
    fastpath_leave(caller);
    fastpath_switch(core, server, vspace);
}

/* The general path takes over, with the own lock's `ticket`. */
__attribute__((noinline)) static struct tcb *general(struct core *core, unsigned ipc, enum bh_syscall number,
                                                     union lock ticket)
{
    struct tcb *tcb = core->current;
    tcb->context.x[12] = number;
    if (lock_was_free(ticket) || core_wait(core, &core->lock, ticket, ENTRY_SYSTEM_CALL)) {
        syscall_ipc(core, tcb, ipc);
    }
    return NULL;
}

struct tcb *syscall_call(struct core *core)
{
    struct tcb *caller = core->current;
    union lock ticket = lock_ticket(&core->lock);
    if (!lock_was_free(ticket)) {
        goto slow;
    }
    uint64_t info = caller->context.x[1];
    struct cap cap;
    if (!fastpath_lookup(caller, caller->context.x[0], BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL, &cap) ||
        !is_plain(info)) {
        goto slow;
    }
    struct endpoint *endpoint = cap_object(cap);
    struct cap vspace;
    struct tcb *server = find_server(core, endpoint, &vspace);
    if (server == NULL) {
        goto slow;
    }
    copy_message(caller, server, info, cap.badge);
    trace(BH_TRACE_CALL, caller, trace_thread(server), info);
    call_server(core, endpoint, server, vspace);
    core_unlock(core);
    return server;

slow:
    return general(core, IPC_CALL, BH_SYS_CALL, ticket);
}

bool fastpath_fault(struct core *core, struct cap handler)
{
    struct tcb *tcb = core->current;
    struct endpoint *endpoint = cap_object(handler);
    struct cap vspace;
    struct tcb *server = find_server(core, endpoint, &vspace);
    if (server == NULL) {
        return false;
    }
    tcb->sending_fault = true;
    endpoint_transfer_fault(tcb, server, handler.badge);
    call_server(core, endpoint, server, vspace);
    return true;
}

struct tcb *syscall_reply_recv(struct core *core)
{
    struct tcb *server = core->current;
    union lock ticket = lock_ticket(&core->lock);
    if (!lock_was_free(ticket)) {
        goto slow;
    }
    uint64_t info = server->context.x[1];
    struct cap endpoint_cap, reply_cap;
    if (!fastpath_lookup(server, server->context.x[0], BH_TYPE_ENDPOINT, BH_RIGHT_READ, &endpoint_cap) ||
        server->context.x[10] == BH_CPTR_NULL ||
        !fastpath_lookup(server, server->context.x[10], BH_TYPE_REPLY, 0, &reply_cap) || !is_plain(info)) {
        goto slow;
    }
    struct endpoint *endpoint = cap_object(endpoint_cap);
    struct reply *reply = cap_object(reply_cap);
    if (endpoint->core != core || reply->core != core) {
        goto slow;
    }
    struct tcb *caller = reply->caller;
    struct sched_context *sc = server->sched_context;
    const struct notification *bound = server->bound_notification;
    /* What has lent its context has a caller. */
    if (endpoint->head != NULL || (bound != NULL && bound->bits != 0) || reply->lent != sc || sc->lent != reply ||
        reply->receiver != NULL || (caller->sending_fault && bh_info_label(info) != 0) ||
        caller->sched_context != NULL) {
        goto slow;
    }
    struct cap vspace = fastpath_vspace(caller);
    if (!fastpath_runs_next(core, caller, vspace)) {
        goto slow;
    }

    /* The caller has its answer and its time back. */
    if (__builtin_expect(caller->sending_fault, 0)) {
        caller->sending_fault = false; /* it goes on with the registers that it had */
    } else {
        copy_message(server, caller, info, 0);
    }
    trace(BH_TRACE_REPLY, server, trace_thread(caller), info);
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
    fastpath_leave(server);
    fastpath_switch(core, caller, vspace);
    core_unlock(core);
    return caller;

slow:
    return general(core, IPC_REPLY | IPC_RECV, BH_SYS_REPLY_RECV, ticket);
}

__attribute__((noinline)) static struct leave enter_later(struct core *core, union lock ticket)
{
    struct tcb *tcb = core->current;
    if (lock_was_free(ticket) || core_wait(core, &core->lock, ticket, ENTRY_VM_ENTER)) {
        vcpu_enter(core, tcb);
    }
    return (struct leave){0};
}

struct leave syscall_vm_enter(struct core *core)
{
    struct tcb *tcb = core->current;
    struct vcpu *vcpu = tcb->vcpu;
    union lock ticket = lock_ticket(&core->lock);
    if (!lock_was_free(ticket) || vcpu == NULL || core->whole_vcpu != vcpu) {
        return enter_later(core, ticket);
    }
    struct bh_vcpu_frame *frame = vcpu->frame;
    const struct notification *notification = tcb->bound_notification;
    if (frame == NULL || frame->pending_summary != 0 || vcpu->attention != 0 ||
        (notification != NULL && notification->bits != 0)) {
        return enter_later(core, ticket);
    }
    uint64_t pstate = __atomic_load_n(&frame->pstate, __ATOMIC_RELAXED) & PSTATE_ALLOWED;
    if (!pstate_is_allowed(pstate)) {
        return enter_later(core, ticket);
    }

    fastpath_leave(tcb);
    tcb->in_guest = true;
    vcpu->pstate = pstate;
    trace(BH_TRACE_GUEST_ENTER, tcb, frame->pc, 0);
    core->guest_entered = ticks_now();
    core_unlock(core);
    return (struct leave){frame, vcpu};
}

/* Books the time until `now`, if that is no more than a part of a time slice. */
static inline bool book(const struct core *core, uint64_t now)
{
    struct sched_context *sc = core->charged;
    uint64_t used = now - core->now;
    if (sc->budget != sc->period || used >= sc->refill[0].amount) {
        return false;
    }
    sc->refill[0].amount -= used;
    sc->consumed += used;
    return true;
}

/* fastpath_wake, see there. */
static inline __attribute__((always_inline)) bool wake(struct core *core, struct notification *notification,
                                                       uint64_t bits)
{
    struct tcb *tcb = core->current;
    struct tcb *waiter = notification->head;
    struct sched_context *sc = waiter->sched_context;
    struct cap vspace = fastpath_vspace(waiter);
    if (!fastpath_runs_next(core, waiter, vspace) || sc == NULL || sched_context_spent(sc) || sc->budget == 0 ||
        sc->budget != sc->period || sc->partition != core->partition) {
        return false;
    }
    uint64_t now = ticks_now();
    if (tcb != NULL) {
        if (waiter->priority <= tcb->priority || !book(core, now)) {
            return false;
        }
        scheduler_push(core, tcb);
        fastpath_leave(tcb);
    }

    notification_deliver(notification, waiter, bits);
    trace(BH_TRACE_WAKE, waiter, 0, 0);
    fastpath_switch(core, waiter, vspace);
    core->charged = sc;
    core->now = now;
    uint64_t end = now + sc->refill[0].amount;
    const struct deadline *first = core->deadlines.head;
    scheduler_program(core, first != NULL && first->when < end ? first->when : end);
    return true;
}

bool fastpath_wake(struct core *core, struct notification *notification, uint64_t bits)
{
    return wake(core, notification, bits);
}

struct short_result signal_waiter(struct core *core, struct notification *notification, uint64_t bits)
{
    struct tcb *tcb = core->current;
    tcb->context.x[0] = BH_OK;
    if (wake(core, notification, bits)) {
        return (struct short_result){SHORT_SWITCHED, (uint64_t)tcb};
    }
    notification_signal(core, notification, bits);
    return (struct short_result){SHORT_SCHEDULE, (uint64_t)tcb};
}
