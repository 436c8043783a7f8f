/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints, notifications, reply objects and what they lend; what waiting threads are told. */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "model.h"
#include "tcb.h"

/* --- what a thread finds in its registers --- */

static void told(struct m_object *thread, uint64_t status, uint64_t info, uint64_t badge)
{
    thread->thread.message =
        (struct m_message){.known = M_TOLD_ALL, .status = status, .info = info, .badge = badge};
}

static void told_status(struct m_object *thread, uint64_t status)
{
    thread->thread.message = (struct m_message){.known = M_TOLD_STATUS, .status = status};
}

static void fails(struct m_object *thread)
{
    thread->thread.state = M_RUNNABLE;
    told(thread, BH_ERROR_CANCELLED, 0, 0);
}

/* --- queues --- */

static void enqueue(struct m_object *object, struct m_object *thread, bool by_priority)
{
    if (object->queue_length == M_QUEUE) {
        abort();
    }
    uint64_t at = object->queue_length;
    while (by_priority && at > 0 && object->queue[at - 1]->thread.priority < thread->thread.priority) {
        object->queue[at] = object->queue[at - 1];
        at--;
    }
    object->queue[at] = thread;
    object->queue_length++;
    thread->thread.waits_for = object;
}

static void dequeue(struct m_object *thread)
{
    struct m_object *object = thread->thread.waits_for;
    uint64_t at = 0;
    while (object->queue[at] != thread) {
        at++;
    }
    for (object->queue_length--; at < object->queue_length; at++) {
        object->queue[at] = object->queue[at + 1];
    }
    thread->thread.waits_for = NULL;
    if (thread->thread.state == M_BLOCKED_RECV && thread->thread.reply != NULL) {
        thread->thread.reply->receiver = NULL;
        thread->thread.reply = NULL;
    }
}

/* --- reply objects and loans --- */

static void lend(struct m_object *reply, struct m_object *caller, struct m_object *callee)
{
    struct m_object *sc = caller->thread.sched_context;
    reply->caller = caller;
    caller->thread.reply = reply;
    caller->thread.state = M_BLOCKED_REPLY;
    if (callee->thread.sched_context == NULL && sc != NULL) {
        caller->thread.sched_context = NULL;
        callee->thread.sched_context = sc;
        sc->tcb = callee;
        reply->lent = sc;
        sc->loans[sc->loan_count++] = reply;
    }
}

/* The caller that waited, who has back what it lent; NULL: nobody. */
static struct m_object *take_caller(struct m_object *reply)
{
    struct m_object *caller = reply->caller;
    struct m_object *sc = reply->lent;
    if (caller == NULL) {
        return NULL;
    }
    reply->caller = reply->lent = NULL;
    caller->thread.reply = NULL;
    if (sc != NULL) {
        uint64_t at = 0;
        while (sc->loans[at] != reply) {
            at++;
        }
        while (caller->thread.sched_context == NULL && sc->loan_count > at + 1) {
            sc->loans[--sc->loan_count]->lent = NULL; /* it is not to be handed on after it was taken back */
        }
        for (sc->loan_count--; at < sc->loan_count; at++) {
            sc->loans[at] = sc->loans[at + 1];
        }
        if (caller->thread.sched_context == NULL) {
            if (sc->tcb != NULL) {
                sc->tcb->thread.sched_context = NULL;
            }
            sc->tcb = caller;
            caller->thread.sched_context = sc;
        }
    }
    return caller;
}

void reply_gone(struct m_object *reply)
{
    if (reply->receiver != NULL) {
        reply->receiver->thread.reply = NULL;
    }
    struct m_object *caller = take_caller(reply);
    if (caller != NULL) {
        fails(caller);
    }
}

void sched_context_take(struct m_object *sc)
{
    if (sc->tcb != NULL) {
        sc->tcb->thread.sched_context = NULL;
        sc->tcb = NULL;
    }
    while (sc->loan_count > 0) {
        sc->loans[--sc->loan_count]->lent = NULL;
    }
}

/* --- messages --- */

static struct bh_ipc_buffer *buffer_of(const struct m_object *thread)
{
    const struct m_cap *frame = thread->slots[TCB_SLOT_IPC_BUFFER].cap;
    return frame != NULL ? paddr_pointer(paddr(frame->object->address)) : NULL;
}

static bool transfer_cap(struct m_object *from, struct m_object *to)
{
    const struct bh_ipc_buffer *source = buffer_of(from), *destination = buffer_of(to);
    if (source == NULL || destination == NULL || destination->receive_slot == 0) {
        return false;
    }
    struct m_slot *given = model_lookup(from, source->send_cap);
    struct m_slot *taken = model_lookup(to, destination->receive_slot);
    if (given == NULL || given->cap == NULL || taken == NULL || taken->cap != NULL ||
        cap_can_derive(given->cap, 0) != BH_OK) {
        return false;
    }
    (void)cap_insert(taken, given->cap, BH_RIGHTS_ALL, 0);
    return true;
}

static void transfer(struct m_object *from, struct m_object *to, uint64_t info, uint64_t badge, bool grant)
{
    const uint64_t *word = from->thread.word;
    uint64_t length = info & BH_INFO_LENGTH_MASK;
    info &= BH_INFO_USER_MASK;
    if (length > BH_MESSAGE_REGISTERS) {
        bool buffers = buffer_of(from) != NULL && buffer_of(to) != NULL;
        uint64_t most = buffers ? BH_MESSAGE_MAX : BH_MESSAGE_REGISTERS;
        info = (info & ~BH_INFO_LENGTH_MASK) | (length < most ? length : most);
    }
    if ((info & BH_INFO_CAP) != 0 && !(grant && transfer_cap(from, to))) {
        info &= ~BH_INFO_CAP;
    }
    told(to, BH_OK, info, badge);
    struct m_message *message = &to->thread.message;
    message->length = length < BH_MESSAGE_REGISTERS ? length : BH_MESSAGE_REGISTERS;
    memcpy(message->word, word, sizeof(message->word));
}

static bool meet(struct m_object *sender, struct m_object *receiver, struct m_object *reply)
{
    const struct m_thread *send = &sender->thread;
    if (send->send_call) {
        if (reply == NULL) {
            return false;
        }
        struct m_object *forgotten = take_caller(reply);
        if (forgotten != NULL) {
            fails(forgotten);
        }
    }
    transfer(sender, receiver, send->info, send->send_badge, send->send_grant);
    if (send->send_call) {
        lend(reply, sender, receiver);
    }
    return true;
}

static void send(struct m_object *thread, struct m_object *endpoint, bool nonblocking)
{
    struct m_object *receiver = endpoint->queue_length > 0 && endpoint->receivers ? endpoint->queue[0] : NULL;
    if (receiver == NULL) {
        if (nonblocking) {
            told_status(thread, BH_ERROR_WOULD_BLOCK);
            return;
        }
        thread->thread.state = M_BLOCKED_SEND;
        endpoint->receivers = false;
        enqueue(endpoint, thread, true);
        return;
    }
    struct m_object *reply = receiver->thread.reply;
    if (thread->thread.send_call && reply == NULL) {
        fails(thread);
        return;
    }
    dequeue(receiver);
    receiver->thread.state = M_RUNNABLE;
    (void)meet(thread, receiver, reply);
    if (!thread->thread.send_call) {
        told_status(thread, BH_OK);
    }
}

static void receive(struct m_object *thread, struct m_object *endpoint, struct m_object *reply, bool nonblocking)
{
    struct m_object *bound = thread->thread.notification;
    if (bound != NULL && bound->bits != 0) {
        told(thread, BH_OK, BH_INFO_NOTIFICATION, bound->bits);
        bound->bits = 0;
        return;
    }
    while (endpoint->queue_length > 0 && !endpoint->receivers) {
        struct m_object *sender = endpoint->queue[0];
        dequeue(sender);
        if (!meet(sender, thread, reply)) {
            fails(sender);
            continue;
        }
        if (!sender->thread.send_call) {
            sender->thread.state = M_RUNNABLE;
            told_status(sender, BH_OK);
        }
        return;
    }
    if (nonblocking) {
        told(thread, BH_ERROR_WOULD_BLOCK, 0, 0);
        return;
    }
    if (reply != NULL) {
        if (reply->receiver != NULL) {
            reply->receiver->thread.reply = NULL;
        }
        reply->receiver = thread;
    }
    thread->thread.reply = reply;
    thread->thread.state = M_BLOCKED_RECV;
    endpoint->receivers = true;
    enqueue(endpoint, thread, true);
}

static void answer(struct m_object *thread, struct m_object *reply, uint64_t info, bool grant)
{
    struct m_object *caller = take_caller(reply);
    if (caller != NULL) {
        transfer(thread, caller, info, 0, grant);
        caller->thread.state = M_RUNNABLE;
    }
}

void endpoint_gone(struct m_object *endpoint)
{
    while (endpoint->queue_length > 0) {
        struct m_object *thread = endpoint->queue[0];
        dequeue(thread);
        fails(thread);
    }
}

void endpoint_cancel(struct m_object *endpoint, uint64_t badge)
{
    for (uint64_t i = 0; !endpoint->receivers && i < endpoint->queue_length;) {
        struct m_object *thread = endpoint->queue[i];
        if (thread->thread.send_badge == badge) {
            dequeue(thread);
            fails(thread);
        } else {
            i++;
        }
    }
}

/* --- notifications --- */

static void wake(struct m_object *thread, struct m_object *notification, uint64_t bits)
{
    dequeue(thread);
    thread->thread.state = M_RUNNABLE;
    told(thread, BH_OK, BH_INFO_NOTIFICATION, bits | notification->bits);
    notification->bits = 0;
}

void notification_signalled(struct m_object *notification, uint64_t bits)
{
    struct m_object *bound = notification->tcb;
    if (bound != NULL && bound->thread.state == M_BLOCKED_RECV) {
        wake(bound, notification, bits);
    } else if (notification->queue_length > 0) {
        wake(notification->queue[0], notification, bits);
    } else {
        notification->bits |= bits;
    }
}

static void wait(struct m_object *thread, struct m_object *notification, bool nonblocking)
{
    if (notification->bits != 0) {
        told(thread, BH_OK, 0, notification->bits);
        thread->thread.message.known = M_TOLD_STATUS | M_TOLD_BADGE;
        notification->bits = 0;
    } else if (nonblocking) {
        told(thread, BH_ERROR_WOULD_BLOCK, 0, 0);
        thread->thread.message.known = M_TOLD_STATUS | M_TOLD_BADGE;
    } else {
        thread->thread.state = M_BLOCKED_WAIT;
        enqueue(notification, thread, false);
    }
}

void notification_let_go(struct m_object *thread)
{
    if (thread->thread.notification != NULL) {
        thread->thread.notification->tcb = NULL;
        thread->thread.notification = NULL;
    }
}

void notification_gone(struct m_object *notification)
{
    endpoint_gone(notification);
    if (notification->tcb != NULL) {
        notification_let_go(notification->tcb);
    }
}

/* --- threads --- */

void thread_stop_waiting(struct m_object *thread)
{
    switch (thread->thread.state) {
    case M_BLOCKED_SEND:
    case M_BLOCKED_RECV:
    case M_BLOCKED_WAIT:
        dequeue(thread);
        break;
    case M_BLOCKED_REPLY:
        (void)take_caller(thread->thread.reply);
        break;
    case M_RUNNABLE:
        break;
    default:
        return;
    }
    thread->thread.state = M_SUSPENDED;
}

/* --- system calls --- */

static struct m_cap *named(const struct m_object *thread, uint64_t cptr, enum bh_type type)
{
    struct m_slot *slot = model_lookup(thread, cptr);
    return slot != NULL && slot->cap != NULL && slot->cap->object->type == type ? slot->cap : NULL;
}

static struct m_cap *named_reply(const struct m_object *thread, const struct m_call *call)
{
    return call->x[10] != 0 ? named(thread, call->x[10], BH_TYPE_REPLY) : NULL;
}

static void call_send(struct m_object *thread, const struct m_call *call, bool is_call, bool nonblocking)
{
    const struct m_cap *reply = named(thread, call->x[0], BH_TYPE_REPLY);
    const struct m_cap *endpoint = named(thread, call->x[0], BH_TYPE_ENDPOINT);
    const uint64_t needed = is_call ? BH_RIGHT_WRITE | BH_RIGHT_CALL : BH_RIGHT_WRITE;
    if (reply != NULL && !is_call) {
        answer(thread, reply->object, call->x[1], (reply->rights & BH_RIGHT_GRANT) != 0);
        told(thread, BH_OK, 0, 0);
    } else if (endpoint == NULL) {
        told(thread, BH_ERROR_INVALID_CAPABILITY, 0, 0);
    } else if ((endpoint->rights & needed) != needed) {
        told(thread, BH_ERROR_RIGHTS, 0, 0);
    } else {
        thread->thread.info = call->x[1];
        thread->thread.send_badge = endpoint->badge;
        thread->thread.send_call = is_call;
        thread->thread.send_grant = (endpoint->rights & BH_RIGHT_GRANT) != 0;
        send(thread, endpoint->object, nonblocking);
    }
}

static void call_receive(struct m_object *thread, const struct m_call *call, bool nonblocking)
{
    const struct m_cap *endpoint = named(thread, call->x[0], BH_TYPE_ENDPOINT);
    const struct m_cap *reply = named_reply(thread, call);
    if (endpoint == NULL || (call->x[10] != 0 && reply == NULL)) {
        told(thread, BH_ERROR_INVALID_CAPABILITY, 0, 0);
    } else if ((endpoint->rights & BH_RIGHT_READ) == 0) {
        told(thread, BH_ERROR_RIGHTS, 0, 0);
    } else {
        receive(thread, endpoint->object, reply != NULL ? reply->object : NULL, nonblocking);
    }
}

static void call_notification(struct m_object *thread, const struct m_call *call, uint64_t right)
{
    const struct m_cap *notification = named(thread, call->x[0], BH_TYPE_NOTIFICATION);
    uint64_t error = notification == NULL                    ? BH_ERROR_INVALID_CAPABILITY
                     : (notification->rights & right) == 0 ? BH_ERROR_RIGHTS
                                                             : BH_OK;
    if (error != BH_OK) {
        told(thread, error, 0, 0);
        if (right == BH_RIGHT_WRITE) {
            told_status(thread, error);
        }
    } else if (right == BH_RIGHT_WRITE) {
        told_status(thread, BH_OK);
        notification_signalled(notification->object, notification->badge != 0 ? notification->badge : 1);
    } else {
        wait(thread, notification->object, call->x[12] == BH_SYS_POLL);
    }
}

void ipc_call(struct m_object *thread, const struct m_call *call)
{
    memcpy(thread->thread.word, &call->x[2], sizeof(thread->thread.word));
    switch (call->x[12]) {
    case BH_SYS_CALL:
        call_send(thread, call, true, false);
        break;
    case BH_SYS_SEND:
    case BH_SYS_NB_SEND:
        call_send(thread, call, false, call->x[12] == BH_SYS_NB_SEND);
        break;
    case BH_SYS_REPLY_RECV: {
        const struct m_cap *reply = named_reply(thread, call);
        if (reply != NULL) {
            answer(thread, reply->object, call->x[1], (reply->rights & BH_RIGHT_GRANT) != 0);
        }
        call_receive(thread, call, false);
        break;
    }
    case BH_SYS_RECV:
    case BH_SYS_NB_RECV:
        call_receive(thread, call, call->x[12] == BH_SYS_NB_RECV);
        break;
    case BH_SYS_SIGNAL:
        call_notification(thread, call, BH_RIGHT_WRITE);
        break;
    case BH_SYS_WAIT:
    case BH_SYS_POLL:
        call_notification(thread, call, BH_RIGHT_READ);
        break;
    case BH_SYS_YIELD:
        told(thread, BH_OK, 0, 0);
        break;
    default: /* the rest is not modelled */
        abort();
    }
}
