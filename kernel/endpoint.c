/* SPDX-License-Identifier: BSD-2-Clause */
#include "endpoint.h"

#include "core.h"
#include "notification.h"
#include "reply.h"
#include "sched_context.h"
#include "scheduler.h"

static void enqueue(struct endpoint *endpoint, struct tcb *tcb, bool receivers)
{
    struct tcb *before = endpoint->tail;
    while (before != NULL && before->priority < tcb->priority) {
        before = before->previous;
    }
    thread_queue_insert(&endpoint->queue, tcb, before);
    endpoint->receivers = receivers;
    tcb->blocked_on = endpoint;
}

void endpoint_remove_waiter(struct tcb *tcb)
{
    thread_queue_remove(&((struct endpoint *)tcb->blocked_on)->queue, tcb);
    tcb->blocked_on = NULL;
    if (tcb->state == TCB_BLOCKED_RECV && tcb->reply != NULL) {
        tcb->reply->receiver = NULL;
        tcb->reply = NULL;
    }
}

/* Copies a derived capability into the receiver's slot. Whether one went over. */
static bool transfer_cap(struct all_cores *all, const struct tcb *from, const struct tcb *to)
{
    struct bh_ipc_buffer *source = tcb_ipc_buffer(from);
    struct bh_ipc_buffer *destination = tcb_ipc_buffer(to);
    if (source == NULL || destination == NULL) {
        return false;
    }
    /* Buffers are shared memory: each word is read once. */
    bh_cptr receive_cptr = *(volatile bh_cptr *)&destination->receive_slot;
    struct slot *source_slot = tcb_lookup(from, *(volatile bh_cptr *)&source->send_cap);
    struct slot *receive_slot = receive_cptr != BH_CPTR_NULL ? tcb_lookup(to, receive_cptr) : NULL;
    struct cap derived;
    if (source_slot == NULL || slot_empty(source_slot) || receive_slot == NULL || !slot_empty(receive_slot) ||
        cap_derive(source_slot->cap, BH_RIGHTS_ALL, 0, &derived) != BH_OK) {
        return false;
    }
    slot_insert_after(all, receive_slot, derived, source_slot);
    return true;
}

/* The words after those in registers. Returns the length that went over. */
static uint64_t transfer_buffer(const struct tcb *from, const struct tcb *to, uint64_t length)
{
    const struct bh_ipc_buffer *source = tcb_ipc_buffer(from);
    struct bh_ipc_buffer *destination = tcb_ipc_buffer(to);
    if (source == NULL || destination == NULL) {
        return BH_MESSAGE_REGISTERS;
    }
    length = smaller(length, BH_MESSAGE_MAX);
    for (uint64_t i = BH_MESSAGE_REGISTERS; i < length; i++) {
        destination->words[i] = source->words[i];
    }
    return length;
}

static void transfer(struct all_cores *all, const struct tcb *from, struct tcb *to, uint64_t badge, bool grant)
{
    uint64_t info = from->context.x[1] & BH_INFO_USER_MASK;
    uint64_t length = bh_info_length(info);

    if (length != 0) {
        uint64_t in_registers = smaller(length, BH_MESSAGE_REGISTERS);
        for (uint64_t i = 0; i < in_registers; i++) {
            to->context.x[2 + i] = from->context.x[2 + i];
        }
        if (length > BH_MESSAGE_REGISTERS) {
            info = (info & ~BH_INFO_LENGTH_MASK) | transfer_buffer(from, to, length);
        }
    }
    if ((info & BH_INFO_CAP) != 0 && !(grant && all != NULL && transfer_cap(all, from, to))) {
        info &= ~BH_INFO_CAP;
    }
    tcb_return(to, BH_OK, info, badge);
}

void endpoint_transfer_fault(const struct tcb *from, struct tcb *to, uint64_t badge)
{
    __builtin_memcpy(&to->context.x[2], from->fault.word, sizeof(from->fault.word));
    tcb_return(to, BH_OK, BH_INFO_FAULT | bh_info(from->fault.label, 3), badge);
}

/* Hands the message to the receiver, who has left the queue (or never was in it). A Call needs a reply object. */
static void meet(struct core *core, struct tcb *sender, struct tcb *receiver, struct reply *reply,
                 const struct send *send)
{
    if (send->call) {
        /* A reply object that is still in use gives up its old caller. */
        struct tcb *forgotten = reply_detach(core, reply);
        if (forgotten != NULL) {
            tcb_fail(core, forgotten, BH_ERROR_CANCELLED);
        }
    }
    if (send->fault) {
        endpoint_transfer_fault(sender, receiver, send->badge);
    } else {
        trace(send->call ? BH_TRACE_CALL : BH_TRACE_SEND, sender, trace_thread(receiver), sender->context.x[1]);
        transfer(send->all, sender, receiver, send->badge, send->grant);
    }
    if (send->call) {
        reply_attach(reply, sender, receiver);
        core->reschedule = 1;
    }
}

void endpoint_send(struct core *core, struct endpoint *endpoint, struct tcb *tcb, struct send send)
{
    struct tcb *receiver = endpoint->head;

    if (receiver == NULL || !endpoint->receivers) {
        if (send.nonblocking) {
            tcb->context.x[0] = BH_ERROR_WOULD_BLOCK;
            return;
        }
        tcb->state = TCB_BLOCKED_SEND;
        tcb->sending_badge = send.badge;
        tcb->sending_call = send.call;
        tcb->sending_grant = send.grant;
        tcb->sending_fault = send.fault;
        enqueue(endpoint, tcb, false);
        core->reschedule = 1;
        return;
    }
    struct reply *reply = receiver->reply;
    tcb->sending_fault = send.fault;
    if (send.call && reply == NULL) {
        tcb_fail(core, tcb, BH_ERROR_CANCELLED);
        return;
    }
    endpoint_remove_waiter(receiver);
    receiver->state = TCB_RUNNABLE;
    meet(core, tcb, receiver, reply, &send);
    if (!send.call) {
        tcb->context.x[0] = BH_OK;
    }
    scheduler_ready(core, receiver);
}

void endpoint_recv(struct core *core, struct endpoint *endpoint, struct tcb *tcb, struct reply *reply, bool nonblocking,
                   struct all_cores *all)
{
    struct notification *bound = tcb->bound_notification;
    if (bound != NULL && bound->bits != 0) {
        tcb_return(tcb, BH_OK, BH_INFO_NOTIFICATION, bound->bits);
        bound->bits = 0;
        return;
    }
    while (endpoint->head != NULL && !endpoint->receivers) {
        struct tcb *sender = endpoint->head;
        struct send send = {.badge = sender->sending_badge,
                            .call = sender->sending_call,
                            .grant = sender->sending_grant,
                            .fault = sender->sending_fault,
                            .all = all};
        endpoint_remove_waiter(sender);
        if (send.call && reply == NULL) {
            tcb_fail(core, sender, BH_ERROR_CANCELLED);
            continue;
        }
        meet(core, sender, tcb, reply, &send);
        if (!send.call) {
            sender->context.x[0] = BH_OK;
            sender->state = TCB_RUNNABLE;
            scheduler_ready(core, sender);
        } else if (tcb->sched_context != NULL && sched_context_spent(tcb->sched_context)) {
            tcb_timeout(core, tcb); /* the caller was out of time before its turn came */
        }
        return;
    }
    if (nonblocking) {
        tcb_return(tcb, BH_ERROR_WOULD_BLOCK, 0, 0);
        return;
    }
    if (reply != NULL) {
        if (reply->receiver != NULL) { /* taken over from another thread that waits with it */
            reply->receiver->reply = NULL;
        }
        reply->receiver = tcb;
    }
    tcb->reply = reply;
    tcb->state = TCB_BLOCKED_RECV;
    enqueue(endpoint, tcb, true);
    core->reschedule = 1;
}

void endpoint_reply(struct core *core, struct tcb *tcb, struct reply *reply, bool grant, struct all_cores *all)
{
    struct tcb *caller = reply_detach(core, reply);
    if (caller == NULL) {
        return;
    }
    trace(BH_TRACE_REPLY, tcb, trace_thread(caller), tcb->context.x[1]);
    if (caller->sending_fault) {
        /* The answer to a fault: label 0 lets the thread go on. */
        caller->sending_fault = false;
        caller->state = bh_info_label(tcb->context.x[1]) == 0 ? TCB_RUNNABLE : TCB_FAULTED;
    } else {
        transfer(all, tcb, caller, 0, grant);
        caller->state = TCB_RUNNABLE;
    }
    if (caller->state == TCB_RUNNABLE) {
        scheduler_ready(core, caller);
    }
}

void endpoint_cancel_badged(struct all_cores *all, struct endpoint *endpoint, uint64_t badge)
{
    struct tcb *tcb = endpoint->receivers ? NULL : endpoint->head;
    while (tcb != NULL) {
        struct tcb *next = tcb->next;
        if (tcb->sending_badge == badge && !tcb->sending_fault) {
            endpoint_remove_waiter(tcb);
            tcb_fail(endpoint->core, tcb, BH_ERROR_CANCELLED);
        }
        tcb = next;
    }
}

void endpoint_destroy(struct all_cores *all, struct endpoint *endpoint)
{
    while (endpoint->head != NULL) {
        struct tcb *tcb = endpoint->head;
        endpoint_remove_waiter(tcb);
        tcb_fail(endpoint->core, tcb, BH_ERROR_CANCELLED);
    }
}
