/* SPDX-License-Identifier: BSD-2-Clause */
#include "invocation.h"

#include "cnode.h"
#include "core.h"
#include "guest_space.h"
#include "irq.h"
#include "machine.h"
#include "notification.h"
#include "sched_context.h"
#include "space.h"
#include "vcpu.h"

enum bh_error invocation_cap(struct invocation *invocation, uint64_t n, enum bh_type type, uint64_t rights,
                             struct slot **slot)
{
    struct slot *found = tcb_lookup(invocation->caller, invocation->word[n - 1]);
    enum bh_error error = found != NULL ? cap_check(found->cap, type, rights) : BH_ERROR_INVALID_CAPABILITY;
    *slot = found;
    return error == BH_OK ? BH_OK : invocation_fail(invocation, n, error);
}

enum bh_error invocation_copy(struct invocation *invocation, uint64_t n, enum bh_type type, uint64_t rights,
                              struct slot **slot, struct cap *copy)
{
    if (invocation_cap(invocation, n, type, rights, slot) != BH_OK) {
        return invocation->error;
    }
    enum bh_error error = cap_derive((*slot)->cap, BH_RIGHTS_ALL, 0, copy);
    return error == BH_OK ? BH_OK : invocation_fail(invocation, n, error);
}

LANDING_PAD static enum bh_error invoke_notification(struct all_cores *all, struct invocation *invocation)
{
    return notification_invoke(all->core, invocation);
}

static enum bh_error (*const handlers[BH_TYPE_COUNT])(struct all_cores *, struct invocation *) = {
    [BH_TYPE_UNTYPED] = untyped_invoke,
    [BH_TYPE_DEVICE_UNTYPED] = untyped_invoke,
    [BH_TYPE_CNODE] = cnode_invoke,
    [BH_TYPE_TCB] = tcb_invoke,
    [BH_TYPE_NOTIFICATION] = invoke_notification,
    [BH_TYPE_SCHED_CONTEXT] = sched_context_invoke,
    [BH_TYPE_SCHED_CONTROL] = sched_control_invoke,
    [BH_TYPE_FRAME] = frame_invoke,
    [BH_TYPE_PAGE_TABLE] = page_table_invoke,
    [BH_TYPE_GUEST_SPACE] = guest_space_invoke,
    [BH_TYPE_IO_CONTROL] = io_control_invoke,
    [BH_TYPE_IO_SPACE] = io_space_invoke,
    [BH_TYPE_VCPU] = vcpu_invoke,
    [BH_TYPE_IRQ_CONTROL] = irq_control_invoke,
    [BH_TYPE_IRQ_HANDLER] = irq_handler_invoke,
    [BH_TYPE_MACHINE] = machine_invoke,
};

enum bh_error invoke_object(struct all_cores *all, struct invocation *invocation)
{
    enum bh_type type = (enum bh_type)invocation->cap.type;
    if (type == BH_TYPE_NULL) {
        return BH_ERROR_INVALID_CAPABILITY;
    }
    return handlers[type] != NULL ? handlers[type](all, invocation) : BH_ERROR_ILLEGAL_OPERATION;
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

static inline void find_object(struct invocation *invocation)
{
    invocation->slot = tcb_lookup(invocation->caller, invocation->caller->context.x[0]);
    invocation->cap = invocation->slot != NULL ? invocation->slot->cap : (struct cap){0};
}

static void finish(struct core *core, struct invocation *invocation, enum bh_error error)
{
    struct context *context = &invocation->caller->context;
    if (core->preempted) {
        /* Issued again, with the same arguments, once the interrupt has been served. */
        core->preempted = false;
        context->pc -= INSTRUCTION_SIZE;
        return;
    }
    context->x[0] = error;
    context->x[1] = invocation->argument;
    __builtin_memcpy(&context->x[2], invocation->result, sizeof(invocation->result));
}

void syscall_invoke(struct core *core, struct tcb *tcb)
{
    struct invocation invocation;
    enum bh_error error;
    uint64_t operation = tcb->context.x[1];

    invocation.caller = tcb;
    /* All 64 bits count; no operation has number 0. */
    invocation.operation = operation <= UINT32_MAX ? (enum bh_operation)operation : (enum bh_operation)0;
    invocation.argument = 0;
    __builtin_memcpy(invocation.word, &tcb->context.x[2], sizeof(invocation.word));
    __builtin_memset(invocation.result, 0, sizeof(invocation.result));
    find_object(&invocation);
    if (invoke_local(core, &invocation, &error)) {
        finish(core, &invocation, error);
        return;
    }
    struct all_cores all = {core};
    if (core_count > 1) {
        if (!all_cores_lock(core, &all)) {
            return;
        }
        find_object(&invocation); /* there was a moment without any lock */
    }
    error = invoke_object(&all, &invocation);
    finish(core, &invocation, error); /* before another core may let the thread go on */
    if (core_count > 1) {
        all_cores_unlock(&all);
    }
}
