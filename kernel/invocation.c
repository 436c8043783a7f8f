/* SPDX-License-Identifier: BSD-2-Clause */
#include "invocation.h"

#include "cnode.h"
#include "core.h"
#include "guest_space.h"
#include "io_space.h"
#include "irq.h"
#include "machine.h"
#include "notification.h"
#include "sched_context.h"
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

enum bh_error invoke_object(struct all_cores *all, struct invocation *invocation)
{
    switch (invocation->cap.type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
        return untyped_invoke(all, invocation);
    case BH_TYPE_CNODE:
        return cnode_invoke(all, invocation);
    case BH_TYPE_TCB:
        return tcb_invoke(all, invocation);
    case BH_TYPE_NOTIFICATION:
        return notification_invoke(all->core, invocation);
    case BH_TYPE_SCHED_CONTEXT:
        return sched_context_invoke(all, invocation);
    case BH_TYPE_SCHED_CONTROL:
        return sched_control_invoke(all, invocation);
    case BH_TYPE_FRAME:
        return frame_invoke(all, invocation);
    case BH_TYPE_PAGE_TABLE:
        return page_table_invoke(all, invocation);
    case BH_TYPE_GUEST_SPACE:
        return guest_space_invoke(all, invocation);
    case BH_TYPE_IO_CONTROL:
        return io_control_invoke(all, invocation);
    case BH_TYPE_IO_SPACE:
        return io_space_invoke(all, invocation);
    case BH_TYPE_VCPU:
        return vcpu_invoke(all, invocation);
    case BH_TYPE_IRQ_CONTROL:
        return irq_control_invoke(all, invocation);
    case BH_TYPE_IRQ_HANDLER:
        return irq_handler_invoke(all, invocation);
    case BH_TYPE_MACHINE:
        return machine_invoke(all, invocation);
    case BH_TYPE_NULL:
        return BH_ERROR_INVALID_CAPABILITY;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

/* Operations that change nothing beyond this core. False: it is another one. */
static bool invoke_local(struct core *core, struct invocation *invocation, enum bh_error *error)
{
    switch (invocation->cap.type) {
    case BH_TYPE_NULL:
        *error = BH_ERROR_INVALID_CAPABILITY;
        return true;
    case BH_TYPE_NOTIFICATION:
        if (((struct notification *)cap_object(invocation->cap))->core != core) {
            return false;
        }
        *error = notification_invoke(core, invocation);
        return true;
    case BH_TYPE_VCPU:
        if (invocation->operation != BH_OP_VCPU_POST) {
            return false;
        }
        *error = vcpu_post(core, cap_object(invocation->cap), invocation);
        return true;
    case BH_TYPE_IRQ_HANDLER:
        if (invocation->operation != BH_OP_IRQ_HANDLER_ACK) {
            return false;
        }
        *error = irq_handler_ack(invocation);
        return true;
    default:
        return false;
    }
}

static void find_object(struct invocation *invocation, const struct tcb *tcb)
{
    invocation->slot = tcb_lookup(tcb, tcb->context.x[0]);
    invocation->cap = invocation->slot != NULL ? invocation->slot->cap : (struct cap){0};
}

static void finish_invocation(struct core *core, struct tcb *tcb, const struct invocation *invocation,
                              enum bh_error error)
{
    if (core->preempted) {
        /* Issued again, with the same arguments, once the interrupt has been served. */
        core->preempted = false;
        tcb->context.pc -= 4;
        tcb->full_restore = 1;
        return;
    }
    tcb->context.x[0] = error;
    tcb->context.x[1] = invocation->argument;
    for (unsigned i = 0; i < 4; i++) {
        tcb->context.x[2 + i] = invocation->result[i];
    }
}

void syscall_invoke(struct core *core, struct tcb *tcb)
{
    struct invocation invocation = {.caller = tcb};
    enum bh_error error;
    uint64_t operation = tcb->context.x[1];

    /* All 64 bits count; no operation has number 0. */
    invocation.operation = operation <= UINT32_MAX ? (enum bh_operation)operation : (enum bh_operation)0;

    for (unsigned i = 0; i < BH_MESSAGE_REGISTERS; i++) {
        invocation.word[i] = tcb->context.x[2 + i];
    }
    find_object(&invocation, tcb);
    if (invoke_local(core, &invocation, &error)) {
        finish_invocation(core, tcb, &invocation, error);
        return;
    }
    struct all_cores all;
    if (!all_cores_lock(core, &all)) {
        return;
    }
    find_object(&invocation, tcb); /* there was a moment without any lock */
    error = invoke_object(&all, &invocation);
    finish_invocation(core, tcb, &invocation, error); /* before another core may let the thread go on */
    all_cores_unlock(&all);
}
