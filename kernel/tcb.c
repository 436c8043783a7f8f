/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcb.h"

#include <bh/syscall.h>

#include "aarch64/cpu.h"
#include "core.h"
#include "endpoint.h"
#include "fastpath.h"
#include "invocation.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "scheduler.h"
#include "vcpu.h"

void tcb_init(struct tcb *tcb, struct core *core)
{
    tcb->core = core;
    tcb->context.pstate = PSTATE_EL0;
}

struct bh_ipc_buffer *tcb_ipc_buffer(const struct tcb *tcb)
{
    struct cap frame = tcb->slots[TCB_SLOT_IPC_BUFFER].cap;
    return frame.type == BH_TYPE_FRAME ? cap_object(frame) : NULL;
}

void tcb_cancel_wait(struct all_cores *all, struct tcb *tcb)
{
    struct core *core = tcb->core;
    if (core->current == tcb) {
        core_stop(all, core);
    }
    enum tcb_state was = tcb->state;
    bool waits = was != TCB_RUNNABLE && was != TCB_BLOCKED_WFI;
    reply_stop_callee(all, tcb->reply);
    switch (tcb->state) {
    case TCB_RUNNABLE:
        scheduler_unready(core, tcb);
        break;
    case TCB_BLOCKED_SEND:
    case TCB_BLOCKED_RECV:
        endpoint_remove_waiter(tcb);
        break;
    case TCB_BLOCKED_WAIT:
        notification_remove_waiter(tcb->blocked_on, tcb);
        break;
    case TCB_BLOCKED_REPLY:
        (void)reply_detach(core, tcb->reply);
        break;
    case TCB_BLOCKED_WFI:
        break;
    case TCB_INACTIVE:
    case TCB_SUSPENDED:
    case TCB_FAULTED:
        return;
    }
    tcb->state = TCB_SUSPENDED;
    if (waits && tcb->sending_fault) {
        tcb->sending_fault = false; /* the faulting instruction is tried again */
    } else if (waits) {
        /* An svc instruction that was interrupted in its wait is executed again. The short ways into a wait
         * (fastpath.c) do not keep its number. */
        if (was == TCB_BLOCKED_REPLY || was == TCB_BLOCKED_RECV) {
            tcb->context.x[12] = was == TCB_BLOCKED_REPLY ? BH_SYS_CALL : BH_SYS_RECV;
        }
        tcb->context.pc -= INSTRUCTION_SIZE;
    }
}

void tcb_fail(struct core *core, struct tcb *tcb, enum bh_error error)
{
    if (tcb->sending_fault) {
        tcb->sending_fault = false;
        tcb->state = TCB_FAULTED;
        core->reschedule = 1;
        return;
    }
    tcb_return(tcb, error, 0, 0);
    tcb->state = TCB_RUNNABLE;
    scheduler_ready(core, tcb);
}

void tcb_destroy(struct all_cores *all, struct tcb *tcb)
{
    struct core *core = tcb->core;

    tcb_cancel_wait(all, tcb);
    tcb->state = TCB_INACTIVE;
    if (tcb->sched_context != NULL) {
        tcb->sched_context->tcb = NULL;
        tcb->sched_context = NULL;
    }
    notification_unbind(tcb);
    if (tcb->vcpu != NULL) {
        vcpu_unbind(all, tcb->vcpu);
    }
    core_evict_fp(all, core, &tcb->fp);
    if (core->current == tcb) {
        core->current = NULL;
        core->reschedule = 1;
    }
}

void tcb_fault(struct core *core, struct tcb *tcb, enum bh_fault label, uint64_t word1, uint64_t word2)
{
    enum tcb_slot slot = label == BH_FAULT_TIMEOUT ? TCB_SLOT_TIMEOUT_ENDPOINT : TCB_SLOT_FAULT_ENDPOINT;
    struct cap handler = tcb->slots[slot].cap;

    trace(BH_TRACE_FAULT, tcb, label, word1);
    tcb->fault.label = label;
    tcb->fault.word[0] = tcb->context.pc;
    tcb->fault.word[1] = word1;
    tcb->fault.word[2] = word2;
    if (handler.type != BH_TYPE_ENDPOINT || ((struct endpoint *)cap_object(handler))->core != core) {
        tcb->state = TCB_FAULTED;
        core->reschedule = 1;
        return;
    }
    if (label == BH_FAULT_TIMEOUT || !fastpath_fault(core, handler)) {
        endpoint_send(core, cap_object(handler), tcb,
                      (struct send){.badge = handler.badge, .call = true, .fault = true});
    }
}

void tcb_timeout(struct core *core, struct tcb *tcb)
{
    const struct sched_context *sc = tcb->sched_context;
    if (tcb->state == TCB_RUNNABLE && tcb->slots[TCB_SLOT_TIMEOUT_ENDPOINT].cap.type == BH_TYPE_ENDPOINT) {
        tcb_fault(core, tcb, BH_FAULT_TIMEOUT, sc->badge, sc->consumed);
    }
}

/* --- Invocations --- */

/* A thread that could run between the parts of a change must be stopped first. */
static bool is_stopped(const struct tcb *tcb)
{
    return tcb->state == TCB_INACTIVE || tcb->state == TCB_SUSPENDED || tcb->state == TCB_FAULTED ||
           (tcb->state == TCB_BLOCKED_REPLY && tcb->sending_fault);
}

/* Replaces what a slot of the thread holds by a copy of `source`, or by nothing. */
static bool set_slot(struct all_cores *all, struct tcb *tcb, enum tcb_slot which, struct slot *source)
{
    struct slot *slot = &tcb->slots[which];
    if (!slot_delete(all, slot)) {
        return false;
    }
    struct cap derived;
    if (source != NULL && cap_derive(source->cap, BH_RIGHTS_ALL, 0, &derived) == BH_OK) {
        slot_insert_after(all, slot, derived, source);
    }
    return true;
}

/* Where faults are sent to; 0: nowhere. */
static enum bh_error handler_cap(struct invocation *invocation, uint64_t n, struct slot **slot)
{
    *slot = NULL;
    return invocation->word[n - 1] == BH_CPTR_NULL
               ? BH_OK
               : invocation_cap(invocation, n, BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL, slot);
}

static enum bh_error configure(struct all_cores *all, struct tcb *tcb, struct invocation *invocation)
{
    struct slot *cnode, *vspace, *fault, *buffer = NULL;

    if (!is_stopped(tcb)) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if (invocation_cap(invocation, 1, BH_TYPE_CNODE, 0, &cnode) != BH_OK ||
        invocation_cap(invocation, 2, BH_TYPE_VSPACE, 0, &vspace) != BH_OK ||
        handler_cap(invocation, 3, &fault) != BH_OK ||
        (invocation->word[3] != BH_CPTR_NULL &&
         (invocation_cap(invocation, 4, BH_TYPE_FRAME, BH_RIGHT_READ | BH_RIGHT_WRITE, &buffer) != BH_OK ||
          !invocation_requires(invocation, 4, BH_ERROR_INVALID_ARGUMENT,
                               buffer->cap.size_bits == BH_PAGE_BITS && !buffer->cap.mapping.device)))) {
        return invocation->error;
    }

    all->core->preempted = !set_slot(all, tcb, TCB_SLOT_CNODE, cnode) || !set_slot(all, tcb, TCB_SLOT_VSPACE, vspace) ||
                           !set_slot(all, tcb, TCB_SLOT_FAULT_ENDPOINT, fault) ||
                           !set_slot(all, tcb, TCB_SLOT_IPC_BUFFER, buffer);
    return BH_OK;
}

static enum bh_error set_timeout_endpoint(struct all_cores *all, struct tcb *tcb, struct invocation *invocation)
{
    struct slot *endpoint;
    enum bh_error error = handler_cap(invocation, 1, &endpoint);
    all->core->preempted = error == BH_OK && !set_slot(all, tcb, TCB_SLOT_TIMEOUT_ENDPOINT, endpoint);
    return error;
}

static enum bh_error set_priority(struct tcb *tcb, struct invocation *invocation)
{
    uint64_t limit = invocation->caller->max_controlled_priority;
    if (!invocation_requires(invocation, 1, BH_ERROR_RANGE, invocation->word[0] <= limit) ||
        !invocation_requires(invocation, 2, BH_ERROR_RANGE, invocation->word[1] <= limit)) {
        return invocation->error;
    }
    struct core *core = tcb->core;
    bool queued = tcb->queued;
    if (queued) {
        scheduler_unready(core, tcb);
    }
    tcb->priority = (uint8_t)invocation->word[0];
    tcb->max_controlled_priority = (uint8_t)invocation->word[1];
    if (queued) {
        scheduler_ready(core, tcb);
    }
    scheduler_ask(core);
    return BH_OK;
}

static enum bh_error write_registers(struct tcb *tcb, const struct invocation *invocation)
{
    if (!is_stopped(tcb)) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    struct core *core = tcb->core;
    if (core->current == tcb) {
        core->current = NULL; /* a fault handler's reply can't come before this */
        core->reschedule = 1;
    }
    tcb->context = (struct context){.pc = invocation->word[0],
                                    .pstate = PSTATE_EL0,
                                    .sp = invocation->word[1],
                                    .tpidr = invocation->word[5],
                                    .x = {invocation->word[2], invocation->word[3], invocation->word[4]}};
    tcb->in_guest = false;
    return BH_OK;
}

static enum bh_error read_registers(struct tcb *tcb, struct invocation *invocation)
{
    const uint64_t *registers = (const uint64_t *)&tcb->context;
    static const uint8_t place[] = {offsetof(struct context, sp) / 8, offsetof(struct context, pc) / 8,
                                    offsetof(struct context, pstate) / 8, offsetof(struct context, tpidr) / 8};
    if (!is_stopped(tcb)) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if (invocation->word[0] > 34) {
        return invocation_fail(invocation, 1, BH_ERROR_RANGE);
    }
    for (uint64_t i = 0; i < 4; i++) {
        uint64_t n = invocation->word[0] + i;
        invocation->result[i] = n < 31 ? registers[n] : n < 35 ? registers[place[n - 31]] : 0;
    }
    return BH_OK;
}

static enum bh_error resume(struct tcb *tcb)
{
    if (tcb->slots[TCB_SLOT_VSPACE].cap.type != BH_TYPE_VSPACE) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if (tcb->state == TCB_INACTIVE || tcb->state == TCB_SUSPENDED || tcb->state == TCB_FAULTED) {
        tcb->state = TCB_RUNNABLE;
        scheduler_ready(tcb->core, tcb);
    }
    return BH_OK;
}

static enum bh_error bind_notification(struct tcb *tcb, struct invocation *invocation)
{
    struct slot *slot;
    if (invocation_cap(invocation, 1, BH_TYPE_NOTIFICATION, BH_RIGHT_READ, &slot) != BH_OK) {
        return invocation->error;
    }
    struct notification *notification = cap_object(slot->cap);
    if (!invocation_requires(invocation, 0, BH_ERROR_BUSY, tcb->bound_notification == NULL) ||
        !invocation_requires(invocation, 1, BH_ERROR_BUSY, notification->bound == NULL) ||
        !invocation_requires(invocation, 1, BH_ERROR_CORE, notification_claim(notification, tcb->core))) {
        return invocation->error;
    }
    notification->bound = tcb;
    tcb->bound_notification = notification;
    return BH_OK;
}

static enum bh_error set_flags(struct all_cores *all, struct tcb *tcb, struct invocation *invocation)
{
    if ((invocation->word[0] & ~(uint64_t)BH_TCB_FP) != 0) {
        return invocation_fail(invocation, 1, BH_ERROR_INVALID_ARGUMENT);
    }
    struct core *core = tcb->core;
    tcb->flags = (uint8_t)invocation->word[0];
    if ((tcb->flags & BH_TCB_FP) == 0 && core->fp == &tcb->fp) {
        core_evict_fp(all, core, &tcb->fp);
        if (core->current == tcb) {
            core->fp_open = false;
            fp_access(false);
        }
    }
    return BH_OK;
}

/* The thread goes on at its new core; what it waits for it asks for again there. */
static enum bh_error set_affinity(struct all_cores *all, struct tcb *tcb, struct invocation *invocation)
{
    if (invocation->word[0] >= core_count) {
        return invocation_fail(invocation, 1, BH_ERROR_RANGE);
    }
    struct core *to = core_by_number(invocation->word[0]);
    struct core *from = tcb->core;
    struct sched_context *sc = tcb->sched_context;
    struct notification *bound = tcb->bound_notification;
    bool awaited = bound != NULL && bound->head != NULL && (bound->head != tcb || tcb->next != NULL);
    if (tcb->state == TCB_BLOCKED_REPLY || (sc != NULL && sc->lent != NULL) || awaited) {
        return BH_ERROR_BUSY; /* others of its core wait for it, or it for them */
    }
    if (from == to) {
        return BH_OK;
    }

    bool stopped = is_stopped(tcb);
    if (from->current == tcb && from == all->core) {
        scheduler_put(from);
    }
    tcb_cancel_wait(all, tcb);
    if (tcb->vcpu != NULL) {
        vcpu_evict(all, tcb->vcpu);
        deadline_move(from, to, &tcb->vcpu->deadline);
    }
    core_evict_fp(all, from, &tcb->fp);
    if (sc != NULL) {
        sched_context_move(all, sc, to);
    }
    if (bound != NULL) {
        notification_move(bound, to);
    }
    tcb->core = to;
    if (!stopped) {
        (void)resume(tcb);
    }
    return BH_OK;
}

LANDING_PAD enum bh_error tcb_invoke(struct all_cores *all, struct invocation *invocation)
{
    struct tcb *tcb = cap_object(invocation->cap);

    switch (invocation->operation) {
    case BH_OP_TCB_CONFIGURE:
        return configure(all, tcb, invocation);
    case BH_OP_TCB_SET_PRIORITY:
        return set_priority(tcb, invocation);
    case BH_OP_TCB_SET_TIMEOUT_ENDPOINT:
        return set_timeout_endpoint(all, tcb, invocation);
    case BH_OP_TCB_WRITE_REGISTERS:
        return write_registers(tcb, invocation);
    case BH_OP_TCB_READ_REGISTERS:
        return read_registers(tcb, invocation);
    case BH_OP_TCB_RESUME:
        return resume(tcb);
    case BH_OP_TCB_SUSPEND:
        tcb_cancel_wait(all, tcb);
        return BH_OK;
    case BH_OP_TCB_BIND_NOTIFICATION:
        return bind_notification(tcb, invocation);
    case BH_OP_TCB_UNBIND_NOTIFICATION:
        notification_unbind(tcb);
        return BH_OK;
    case BH_OP_TCB_SET_FLAGS:
        return set_flags(all, tcb, invocation);
    case BH_OP_TCB_SET_AFFINITY:
        return set_affinity(all, tcb, invocation);
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
