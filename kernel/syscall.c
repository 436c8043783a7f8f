/* SPDX-License-Identifier: BSD-2-Clause */
#include "syscall.h"

#include <bh/syscall.h>

#include "aarch64/cpu.h"
#include "assert.h"
#include "cnode.h"
#include "endpoint.h"
#include "fastpath.h"
#include "guest_space.h"
#include "invocation.h"
#include "io_space.h"
#include "irq.h"
#include "machine.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "scheduler.h"
#include "space.h"
#include "untyped.h"
#include "vcpu.h"

enum bh_error invocation_cap(struct invocation *invocation, uint64_t n, enum bh_type type, uint64_t rights,
                             struct slot **slot)
{
    struct slot *found = tcb_lookup(invocation->caller, invocation->word[n - 1]);
    if (found == NULL || found->cap.type != (uint64_t)type) {
        return invocation_fail(invocation, n, BH_ERROR_INVALID_CAPABILITY);
    }
    if ((found->cap.rights & rights) != rights) {
        return invocation_fail(invocation, n, BH_ERROR_RIGHTS);
    }
    *slot = found;
    return BH_OK;
}

enum bh_error invoke_object(struct core *core, struct invocation *invocation)
{
    switch (invocation->cap.type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
        return untyped_invoke(core, invocation);
    case BH_TYPE_CNODE:
        return cnode_invoke(core, invocation);
    case BH_TYPE_TCB:
        return tcb_invoke(core, invocation);
    case BH_TYPE_NOTIFICATION:
        return notification_invoke(core, invocation);
    case BH_TYPE_SCHED_CONTEXT:
        return sched_context_invoke(core, invocation);
    case BH_TYPE_SCHED_CONTROL:
        return sched_control_invoke(core, invocation);
    case BH_TYPE_FRAME:
        return frame_invoke(invocation);
    case BH_TYPE_PAGE_TABLE:
        return page_table_invoke(invocation);
    case BH_TYPE_GUEST_SPACE:
        return guest_space_invoke(core, invocation);
    case BH_TYPE_IO_CONTROL:
        return io_control_invoke(invocation);
    case BH_TYPE_IO_SPACE:
        return io_space_invoke(invocation);
    case BH_TYPE_VCPU:
        return vcpu_invoke(core, invocation);
    case BH_TYPE_IRQ_CONTROL:
        return irq_control_invoke(invocation);
    case BH_TYPE_IRQ_HANDLER:
        return irq_handler_invoke(invocation);
    case BH_TYPE_MACHINE:
        return machine_invoke(invocation);
    case BH_TYPE_NULL:
        return BH_ERROR_INVALID_CAPABILITY;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

static void invoke(struct core *core, struct tcb *tcb)
{
    struct invocation invocation = {.caller = tcb};
    enum bh_error error = BH_ERROR_INVALID_CAPABILITY;
    uint64_t operation = tcb->context.x[1];

    /* All 64 bits count; no operation has number 0. */
    invocation.operation = operation <= UINT32_MAX ? (enum bh_operation)operation : (enum bh_operation)0;

    for (unsigned i = 0; i < BH_MESSAGE_REGISTERS; i++) {
        invocation.word[i] = tcb->context.x[2 + i];
    }
    invocation.slot = tcb_lookup(tcb, tcb->context.x[0]);
    if (invocation.slot != NULL) {
        invocation.cap = invocation.slot->cap;
        error = invoke_object(core, &invocation);
    }
    if (core->preempted) {
        /* Issued again, with the same arguments, once the interrupt has been served. */
        core->preempted = false;
        tcb->context.pc -= 4;
        tcb->full_restore = 1;
        return;
    }
    tcb->context.x[0] = error;
    tcb->context.x[1] = invocation.argument;
    for (unsigned i = 0; i < 4; i++) {
        tcb->context.x[2 + i] = invocation.result[i];
    }
}

static inline void set_status(struct tcb *tcb, enum bh_error error)
{
    tcb->context.x[0] = error;
    tcb->context.x[1] = 0;
    tcb->context.x[10] = 0;
}

static void send(struct core *core, struct tcb *tcb, bool call, bool nonblocking)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);

    if (cap.type == BH_TYPE_REPLY && !call) {
        endpoint_reply(core, tcb, cap_object(cap), (cap.rights & BH_RIGHT_GRANT) != 0);
        set_status(tcb, BH_OK);
        return;
    }
    if (cap.type != BH_TYPE_ENDPOINT) {
        set_status(tcb, BH_ERROR_INVALID_CAPABILITY);
        return;
    }
    uint64_t needed = call ? BH_RIGHT_WRITE | BH_RIGHT_CALL : BH_RIGHT_WRITE;
    if ((cap.rights & needed) != needed) {
        set_status(tcb, BH_ERROR_RIGHTS);
        return;
    }
    endpoint_send(core, cap_object(cap), tcb,
                  (struct send){.badge = cap.badge,
                                .call = call,
                                .grant = (cap.rights & BH_RIGHT_GRANT) != 0,
                                .nonblocking = nonblocking});
}

static void recv(struct core *core, struct tcb *tcb, bool nonblocking)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    bh_cptr reply_cptr = tcb->context.x[10];
    struct cap reply = {0};

    if (reply_cptr != BH_CPTR_NULL) {
        reply = tcb_lookup_cap(tcb, reply_cptr);
        if (reply.type != BH_TYPE_REPLY) {
            set_status(tcb, BH_ERROR_INVALID_CAPABILITY);
            return;
        }
    }
    if (cap.type != BH_TYPE_ENDPOINT) {
        set_status(tcb, BH_ERROR_INVALID_CAPABILITY);
        return;
    }
    if ((cap.rights & BH_RIGHT_READ) == 0) {
        set_status(tcb, BH_ERROR_RIGHTS);
        return;
    }
    endpoint_recv(core, cap_object(cap), tcb, reply_cptr != BH_CPTR_NULL ? cap_object(reply) : NULL, nonblocking);
}

static void reply_recv(struct core *core, struct tcb *tcb)
{
    struct cap reply = tcb_lookup_cap(tcb, tcb->context.x[10]);
    if (reply.type == BH_TYPE_REPLY) {
        endpoint_reply(core, tcb, cap_object(reply), (reply.rights & BH_RIGHT_GRANT) != 0);
    }
    recv(core, tcb, false);
}

static void signal(struct core *core, struct tcb *tcb)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    if (cap.type != BH_TYPE_NOTIFICATION) {
        tcb->context.x[0] = BH_ERROR_INVALID_CAPABILITY;
        return;
    }
    if ((cap.rights & BH_RIGHT_WRITE) == 0) {
        tcb->context.x[0] = BH_ERROR_RIGHTS;
        return;
    }
    tcb->context.x[0] = BH_OK;
    notification_signal(core, cap_object(cap), notification_badge(cap));
}

static void wait(struct core *core, struct tcb *tcb, bool nonblocking)
{
    struct cap cap = tcb_lookup_cap(tcb, tcb->context.x[0]);
    if (cap.type != BH_TYPE_NOTIFICATION) {
        set_status(tcb, BH_ERROR_INVALID_CAPABILITY);
    } else if ((cap.rights & BH_RIGHT_READ) == 0) {
        set_status(tcb, BH_ERROR_RIGHTS);
    } else {
        notification_wait(core, tcb, cap, nonblocking);
    }
}

void syscall_entry(struct core *core)
{
    struct tcb *tcb = core->current;

    switch (tcb->context.x[12]) {
    case BH_SYS_VM_ENTER:
        vcpu_enter(core, tcb);
        break;
    case BH_SYS_CALL:
        if (fastpath_call(core, tcb)) {
            break;
        }
        send(core, tcb, true, false);
        break;
    case BH_SYS_REPLY_RECV:
        if (fastpath_reply_recv(core, tcb)) {
            break;
        }
        reply_recv(core, tcb);
        break;
    case BH_SYS_SEND:
        send(core, tcb, false, false);
        break;
    case BH_SYS_NB_SEND:
        send(core, tcb, false, true);
        break;
    case BH_SYS_RECV:
        recv(core, tcb, false);
        break;
    case BH_SYS_NB_RECV:
        recv(core, tcb, true);
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
        set_status(tcb, BH_OK);
        scheduler_yield(core);
        break;
    case BH_SYS_INVOKE:
        invoke(core, tcb);
        break;
    case BH_SYS_DEBUG_PUTCHAR:
#ifdef BULKHEAD_DEBUG
        kernel_putchar((char)tcb->context.x[0]);
        set_status(tcb, BH_OK);
#else
        set_status(tcb, BH_ERROR_NO_SYSCALL);
#endif
        break;
    default:
        tcb->full_restore = 1;
        tcb_fault(core, tcb, BH_FAULT_SYSCALL, tcb->context.x[12], 0);
        break;
    }
}

void native_exception(struct core *core)
{
    struct tcb *tcb = core->current;
    uint64_t esr = read_sysreg(esr_el2);

    switch (esr >> ESR_EC_SHIFT) {
    case ESR_EC_FP:
        if ((tcb->flags & BH_TCB_FP) != 0) {
            fp_switch(core, &tcb->fp);
            core->fp_open = true;
            fp_access(true);
            return;
        }
        tcb_fault(core, tcb, BH_FAULT_EXCEPTION, 0, esr);
        return;
    case ESR_EC_INSTRUCTION_ABORT_LOWER:
    case ESR_EC_DATA_ABORT_LOWER:
    case ESR_EC_PC_ALIGNMENT:
        tcb_fault(core, tcb, BH_FAULT_VM, read_sysreg(far_el2), esr);
        return;
    default:
        tcb_fault(core, tcb, BH_FAULT_EXCEPTION, 0, esr);
        return;
    }
}

void interrupt_entry(struct core *core)
{
    if (core->current->in_guest) {
        struct bh_vcpu_frame *frame = vcpu_frame(core->current->vcpu);
        frame->exits[BH_EXIT_IRQ]++;
        frame->guest_ticks += ticks_now() - core->guest_entered;
    }
    irq_handle(core);
}

struct leave kernel_leave(struct core *core)
{
    for (;;) {
        if (core->reschedule != 0 || core->current == NULL) {
            schedule(core);
        }
        struct tcb *tcb = core->current;
        if (!tcb->in_guest) {
            return (struct leave){tcb, NULL};
        }
        if (vcpu_prepare(core, tcb)) {
            core->guest_entered = ticks_now();
            return (struct leave){vcpu_frame(tcb->vcpu), tcb->vcpu};
        }
    }
}
