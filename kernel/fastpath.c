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

/* A message that is all in registers and takes no capability along. */
static inline bool is_plain(uint64_t info)
{
    return (info & BH_INFO_CAP) == 0 && bh_info_length(info) <= BH_MESSAGE_REGISTERS;
}

/* The object that `cptr` names, if it is of this type and the capability has these rights; else NULL. */
static inline void *lookup(const struct tcb *tcb, bh_cptr cptr, enum bh_type type, uint64_t rights, uint64_t *badge)
{
    const struct slot *slot = tcb_lookup(tcb, cptr);
    if (slot == NULL || slot->cap.type != (uint64_t)type || (slot->cap.rights & rights) != rights) {
        return NULL;
    }
    *badge = slot->cap.badge;
    return cap_object(slot->cap);
}

/* Whether `next` may be switched to without asking the scheduler, once the current thread blocks. */
static inline bool runs_next(const struct core *core, const struct tcb *next)
{
    return core->reschedule == 0 && !core->fp_open && core->fp != &next->fp &&
           next->slots[TCB_SLOT_VSPACE].cap.type == BH_TYPE_VSPACE && (int)next->priority >= core->highest;
}

static inline void copy_message(const struct tcb *from, struct tcb *to, uint64_t info, uint64_t badge)
{
    uint64_t length = bh_info_length(info);
    if (length != 0) {
        const uint64_t *source = &from->context.x[2];
        uint64_t *word = &to->context.x[2];
        if ((length & 8) != 0) {
            for (unsigned i = 0; i < 8; i++) {
                word[i] = source[i];
            }
        } else {
            if ((length & 4) != 0) {
                for (unsigned i = 0; i < 4; i++) {
                    *word++ = *source++;
                }
            }
            if ((length & 2) != 0) {
                *word++ = *source++;
                *word++ = *source++;
            }
            if ((length & 1) != 0) {
                *word = *source;
            }
        }
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
    space_switch(core, cap_object(to->slots[TCB_SLOT_VSPACE].cap));
    core->current = to;
    trace(BH_TRACE_SWITCH, to, to->priority, 0);
}

static inline bool call(struct core *core, struct tcb *caller)
{
    uint64_t info = caller->context.x[1];
    uint64_t badge;
    struct endpoint *endpoint =
        lookup(caller, caller->context.x[0], BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL, &badge);
    if (endpoint == NULL || !is_plain(info) || endpoint->core != core) {
        return false;
    }
    struct tcb *server = endpoint->head;
    if (server == NULL || !endpoint->receivers || server->sched_context != NULL) {
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
    copy_message(caller, server, info, badge);
    trace(BH_TRACE_CALL, caller, trace_thread(server), info);

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

struct tcb *syscall_call(struct core *core)
{
    struct tcb *caller = core->current;
    if (!core_lock(core, ENTRY_SYSTEM_CALL)) {
        return NULL;
    }
    if (call(core, caller)) {
        core_unlock(core);
        return core->current;
    }
    syscall_ipc(core, caller, IPC_CALL);
    return NULL;
}

static inline bool reply_recv(struct core *core, struct tcb *server)
{
    uint64_t info = server->context.x[1];
    uint64_t badge;
    struct endpoint *endpoint = lookup(server, server->context.x[0], BH_TYPE_ENDPOINT, BH_RIGHT_READ, &badge);
    struct reply *reply = lookup(server, server->context.x[10], BH_TYPE_REPLY, 0, &badge);
    if (endpoint == NULL || reply == NULL || !is_plain(info) || endpoint->core != core || reply->core != core) {
        return false;
    }
    struct tcb *caller = reply->caller;
    struct sched_context *sc = server->sched_context;
    const struct notification *bound = server->bound_notification;
    if (endpoint->head != NULL || (bound != NULL && bound->bits != 0) || caller == NULL || caller->sending_fault ||
        reply->receiver != NULL || sc == NULL || reply->lent != sc || sc->lent != reply || sc != core->charged ||
        caller->sched_context != NULL || !runs_next(core, caller)) {
        return false;
    }

    /* The caller has its answer and its time back. */
    copy_message(server, caller, info, 0);
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
    switch_to(core, server, caller);
    return true;
}

struct tcb *syscall_reply_recv(struct core *core)
{
    struct tcb *server = core->current;
    if (!core_lock(core, ENTRY_SYSTEM_CALL)) {
        return NULL;
    }
    if (reply_recv(core, server)) {
        core_unlock(core);
        return core->current;
    }
    syscall_ipc(core, server, IPC_REPLY | IPC_RECV);
    return NULL;
}

struct leave syscall_vm_enter(struct core *core)
{
    struct tcb *tcb = core->current;
    if (!core_lock(core, ENTRY_VM_ENTER)) {
        return (struct leave){0};
    }
    vcpu_enter(core, tcb);
    struct vcpu *vcpu = tcb->vcpu;
    if (!tcb->in_guest || core->reschedule != 0 || core->vcpu != vcpu || core->fp != &vcpu->state.fp ||
        !vcpu_prepare(core, tcb)) {
        return (struct leave){0};
    }
    core->guest_entered = ticks_now();
    core_unlock(core);
    return (struct leave){vcpu_frame(vcpu), vcpu};
}

static inline struct short_result more(struct tcb *tcb, enum bh_syscall number)
{
    tcb->context.x[12] = number;
    return (struct short_result){SHORT_MORE, (uint64_t)tcb};
}

/* Wakes `waiter`, the first of those that wait for the notification, and runs it at once. False: it is not to run now.
 */
static inline bool signal_and_switch(struct core *core, struct tcb *tcb, struct notification *notification,
                                     struct tcb *waiter, uint64_t bits)
{
    struct sched_context *sc = waiter->sched_context;
    if (waiter->priority <= tcb->priority || sc == NULL || sched_context_spent(sc) || sc->budget == 0 ||
        sc->partition != core->partition || !runs_next(core, waiter)) {
        return false;
    }
    uint64_t now = ticks_now();
    sched_context_charge(core, now);
    if (core->reschedule != 0 || core->charged == NULL) {
        return false;
    }
    notification_deliver(notification, waiter, bits);
    tcb->context.x[0] = BH_OK;
    scheduler_push(core, tcb);
    switch_to(core, tcb, waiter);
    sched_context_start(core, sc, now);
    return true;
}

struct short_result short_signal(struct core *core, bh_cptr cptr)
{
    struct tcb *tcb = core->current;
    uint64_t badge;
    if (!core_try_lock(core)) {
        return more(tcb, BH_SYS_SIGNAL);
    }
    struct notification *notification = lookup(tcb, cptr, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &badge);
    if (notification != NULL && notification->core == core &&
        (notification->bound == NULL || notification->bound->state == TCB_RUNNABLE)) {
        uint64_t bits = badge != 0 ? badge : 1;
        struct tcb *waiter = notification->head;
        if (waiter == NULL) {
            notification->bits |= bits;
            core_unlock(core);
            return (struct short_result){BH_OK, 0};
        }
        if (signal_and_switch(core, tcb, notification, waiter, bits)) {
            return (struct short_result){SHORT_SWITCHED, (uint64_t)tcb};
        }
    }
    core_unlock(core);
    return more(tcb, BH_SYS_SIGNAL);
}

struct short_result short_poll(struct core *core, bh_cptr cptr)
{
    struct tcb *tcb = core->current;
    uint64_t badge;
    if (!core_try_lock(core)) {
        return more(tcb, BH_SYS_POLL);
    }
    struct notification *notification = lookup(tcb, cptr, BH_TYPE_NOTIFICATION, BH_RIGHT_READ, &badge);
    if (notification == NULL || notification->core != core) {
        core_unlock(core);
        return more(tcb, BH_SYS_POLL);
    }
    uint64_t bits = notification->bits;
    notification->bits = 0;
    core_unlock(core);
    return (struct short_result){bits != 0 ? BH_OK : BH_ERROR_WOULD_BLOCK, bits};
}
