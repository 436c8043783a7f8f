/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall.h"

#include <bh/syscall.h>

#include "aarch64/cpu.h"
#include "aarch64/gic.h"
#include "assert.h"
#include "endpoint.h"
#include "invocation.h"
#include "irq.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "scheduler.h"
#include "vcpu.h"

static enum bh_error send(struct core *core, struct tcb *tcb, unsigned ipc, struct all_cores *all)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    bool call = (ipc & IPC_CALL) != 0;

    if (cap.type == BH_TYPE_REPLY && !call) {
        struct reply *reply = cap_object(cap);
        if (reply->core != core) {
            return BH_ERROR_CORE;
        }
        endpoint_reply(core, tcb, reply, (cap.rights & BH_RIGHT_GRANT) != 0, all);
        tcb_return(tcb, BH_OK, 0, 0);
        return BH_OK;
    }
    enum bh_error error = cap_check(cap, BH_TYPE_ENDPOINT, call ? BH_RIGHT_WRITE | BH_RIGHT_CALL : BH_RIGHT_WRITE);
    if (error != BH_OK) {
        return error;
    }
    struct endpoint *endpoint = cap_object(cap);
    if (endpoint->core != core) {
        return BH_ERROR_CORE;
    }
    endpoint_send(core, endpoint, tcb,
                  (struct send){.badge = cap.badge,
                                .call = call,
                                .grant = (cap.rights & BH_RIGHT_GRANT) != 0,
                                .nonblocking = (ipc & IPC_NONBLOCKING) != 0,
                                .all = all});
    return BH_OK;
}

/* Lets an endpoint and a reply object belong to the core of the thread that receives by them. */
static bool claim_for_receiver(struct core *core, struct endpoint *endpoint, struct reply *reply)
{
    if ((endpoint->core != core && endpoint->head != NULL) ||
        (reply != NULL && reply->core != core && (reply->caller != NULL || reply->receiver != NULL))) {
        return false;
    }
    endpoint->core = core;
    if (reply != NULL) {
        reply->core = core;
    }
    return true;
}

/* No capability for BH_CPTR_NULL, whatever is in slot 0. */
static struct cap named_reply(const struct tcb *tcb)
{
    bh_cptr cptr = tcb->context.x[10];
    return cptr != BH_CPTR_NULL ? tcb_lookup_cap(tcb, cptr) : (struct cap){0};
}

static enum bh_error recv(struct core *core, struct tcb *tcb, unsigned ipc, struct all_cores *all)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    struct cap reply_cap = named_reply(tcb);
    struct reply *reply = reply_cap.type == BH_TYPE_REPLY ? cap_object(reply_cap) : NULL;

    if (reply == NULL && tcb->context.x[10] != BH_CPTR_NULL) {
        return BH_ERROR_INVALID_CAPABILITY;
    }
    enum bh_error error = cap_check(cap, BH_TYPE_ENDPOINT, BH_RIGHT_READ);
    if (error != BH_OK) {
        return error;
    }
    struct endpoint *endpoint = cap_object(cap);
    if (all != NULL && !claim_for_receiver(core, endpoint, reply)) {
        return BH_ERROR_CORE;
    }
    endpoint_recv(core, endpoint, tcb, reply, (ipc & IPC_NONBLOCKING) != 0, all);
    return BH_OK;
}

static void reply_before_recv(struct core *core, struct tcb *tcb, struct all_cores *all)
{
    struct cap cap = named_reply(tcb);
    if (cap.type == BH_TYPE_REPLY && ((struct reply *)cap_object(cap))->core == core) {
        endpoint_reply(core, tcb, cap_object(cap), (cap.rights & BH_RIGHT_GRANT) != 0, all);
    }
}

/* Whether a capability may go over, or an object moves to this core. */
static bool ipc_needs_all_cores(const struct core *core, const struct tcb *tcb, unsigned ipc)
{
    if ((ipc & (IPC_SEND | IPC_CALL | IPC_REPLY)) != 0 && (tcb->context.x[1] & BH_INFO_CAP) != 0) {
        return true;
    }
    if ((ipc & IPC_RECV) == 0) {
        return false;
    }
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    struct cap reply = named_reply(tcb);
    const struct endpoint *endpoint = cap.type == BH_TYPE_ENDPOINT ? cap_object(cap) : NULL;
    bool with_reply = reply.type == BH_TYPE_REPLY;
    return (endpoint != NULL && (endpoint->core != core || endpoint_offers_cap(endpoint, with_reply))) ||
           (with_reply && ((struct reply *)cap_object(reply))->core != core);
}

void syscall_ipc(struct core *core, struct tcb *tcb, unsigned ipc)
{
    struct all_cores held, *all = NULL;
    if (ipc_needs_all_cores(core, tcb, ipc)) {
        if (!all_cores_lock(core, &held)) {
            return;
        }
        all = &held;
    }
    if ((ipc & IPC_REPLY) != 0) {
        reply_before_recv(core, tcb, all);
    }
    enum bh_error error = (ipc & IPC_RECV) != 0 ? recv(core, tcb, ipc, all) : send(core, tcb, ipc, all);
    if (error != BH_OK) {
        tcb_return(tcb, error, 0, 0);
    }
    if (all != NULL) {
        all_cores_unlock(all);
    }
}

static void signal(struct core *core, struct tcb *tcb)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    tcb->context.x[0] = cap_check(cap, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE);
    if (tcb->context.x[0] == BH_OK) {
        notification_signal(core, cap_object(cap), notification_badge(cap));
    }
}

/* Lets it move to this core. False: the call has failed, or is issued again. */
static bool claim_notification(struct core *core, struct tcb *tcb, struct notification *notification)
{
    struct all_cores all;
    if (!all_cores_lock(core, &all)) {
        return false;
    }
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]); /* there was a moment without any lock */
    bool there = cap.type == BH_TYPE_NOTIFICATION && cap_object(cap) == notification;
    bool claimed = there && notification_claim(notification, core);
    if (!claimed) {
        tcb_return(tcb, there ? BH_ERROR_CORE : BH_ERROR_INVALID_CAPABILITY, 0, 0);
    }
    all_cores_unlock(&all);
    return claimed;
}

static void wait(struct core *core, struct tcb *tcb, bool nonblocking)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    enum bh_error error = cap_check(cap, BH_TYPE_NOTIFICATION, BH_RIGHT_READ);
    struct notification *notification = cap_object(cap);
    if (error != BH_OK) {
        tcb_return(tcb, error, 0, 0);
    } else if (notification->core == core || claim_notification(core, tcb, notification)) {
        notification_wait(core, tcb, cap, nonblocking);
    }
}

void syscall_entry(struct core *core)
{
    struct tcb *tcb = core->current;

    if (!core_lock(core, ENTRY_SYSTEM_CALL)) {
        return;
    }
    switch (tcb->context.x[12]) {
    case BH_SYS_SEND:
        syscall_ipc(core, tcb, IPC_SEND);
        break;
    case BH_SYS_NB_SEND:
        syscall_ipc(core, tcb, IPC_SEND | IPC_NONBLOCKING);
        break;
    case BH_SYS_RECV:
        syscall_ipc(core, tcb, IPC_RECV);
        break;
    case BH_SYS_NB_RECV:
        syscall_ipc(core, tcb, IPC_RECV | IPC_NONBLOCKING);
        break;
    case BH_SYS_SIGNAL:
        signal(core, tcb);
        break;
    case BH_SYS_WAIT:
        wait(core, tcb, false);
        break;
    case BH_SYS_POLL:
        wait(core, tcb, true);
        break;
    case BH_SYS_YIELD:
        tcb_return(tcb, BH_OK, 0, 0);
        scheduler_yield(core);
        break;
    case BH_SYS_INVOKE:
        syscall_invoke(core, tcb);
        break;
    case BH_SYS_DEBUG_PUTCHAR:
#ifdef BULKHEAD_DEBUG
        kernel_putchar((char)tcb->context.x[0]);
        tcb_return(tcb, BH_OK, 0, 0);
#else
        tcb_return(tcb, BH_ERROR_NO_SYSCALL, 0, 0);
#endif
        break;
    default:
        tcb_fault(core, tcb, BH_FAULT_SYSCALL, tcb->context.x[12], 0);
        break;
    }
}

void native_exception(struct core *core)
{
    struct tcb *tcb = core->current;
    uint64_t esr = read_sysreg(esr_el2);

    if (!core_lock(core, ENTRY_OTHER)) {
        return;
    }
    uint64_t class = esr >> ESR_EC_SHIFT;
    if (class == ESR_EC_FP && (tcb->flags & BH_TCB_FP) != 0) {
        fp_switch(core, &tcb->fp);
        core->fp_open = true;
        fp_access(true);
    } else if (class == ESR_EC_INSTRUCTION_ABORT_LOWER || class == ESR_EC_DATA_ABORT_LOWER ||
               class == ESR_EC_PC_ALIGNMENT) {
        tcb_fault(core, tcb, BH_FAULT_VM, read_sysreg(far_el2), esr);
    } else {
        tcb_fault(core, tcb, BH_FAULT_EXCEPTION, 0, esr);
    }
}

/* Whether the current thread goes on: in its guest, or where it was interrupted, or after its system call. */
static inline bool goes_on(struct core *core, struct leave *leave)
{
    struct tcb *tcb = core->current;
    if (!tcb->in_guest) {
        *leave = (struct leave){tcb, NULL};
    } else if (vcpu_prepare(core, tcb)) {
        *leave = (struct leave){tcb->vcpu->frame, tcb->vcpu};
    } else {
        return false;
    }
    core_unlock(core);
    return true;
}

struct leave interrupt_entry(struct core *core)
{
    uint32_t intid = gic_acknowledge();
    bool there = core_lock(core, ENTRY_OTHER);
    if (there && core->current->in_guest) {
        struct bh_vcpu_frame *frame = core->current->vcpu->frame;
        frame->exits[BH_EXIT_IRQ]++;
        frame->guest_ticks += ticks_now() - core->guest_entered;
        trace(BH_TRACE_GUEST_EXIT, core->current, 0, frame->pc);
    }
    irq_handle(core, intid);
    struct leave leave;
    return there && core->reschedule == 0 && goes_on(core, &leave) ? leave : (struct leave){0};
}

struct leave kernel_leave(struct core *core)
{
    struct leave leave;
    do {
        if (core->reschedule != 0 || core->current == NULL) {
            schedule(core);
        }
    } while (!goes_on(core, &leave));
    return leave;
}
