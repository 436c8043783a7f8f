/* SPDX-License-Identifier: BSD-2-Clause */
#include "notification.h"

#include "endpoint.h"
#include "invocation.h"
#include "scheduler.h"

void notification_remove_waiter(struct notification *notification, struct tcb *tcb)
{
    thread_queue_remove(&notification->queue, tcb);
    tcb->blocked_on = NULL;
}

void notification_signal(struct core *core, struct notification *notification, uint64_t bits)
{
    if (notification->core != core) {
        core_send(notification->core, &notification->core->notification_mail, &notification->mail, bits);
        return;
    }
    struct tcb *bound = notification->bound;
    if (bound != NULL && bound->state == TCB_BLOCKED_RECV) {
        endpoint_remove_waiter(bound);
        notification_hand_over(notification, bound, bits);
        scheduler_ready(core, bound);
        return;
    }
    struct tcb *waiter = notification->head;
    if (waiter != NULL) {
        notification_deliver(notification, waiter, bits);
        scheduler_ready(core, waiter);
        return;
    }
    notification->bits |= bits;
    if (bound != NULL && bound->state == TCB_BLOCKED_WFI) {
        bound->state = TCB_RUNNABLE; /* its guest's WFI ends, and with it bh_vm_enter */
        scheduler_ready(core, bound);
    }
}

LANDING_PAD void notification_deadline(struct core *core, struct deadline *deadline)
{
    struct notification *notification = container_of(deadline, struct notification, deadline);
    notification_signal(core, notification, notification->deadline_bits);
}

void notification_unbind(struct tcb *tcb)
{
    if (tcb->bound_notification != NULL) {
        tcb->bound_notification->bound = NULL;
        tcb->bound_notification = NULL;
    }
}

void notification_move(struct notification *notification, struct core *core)
{
    if (notification->mail.bits != 0) {
        core_take_mail(notification->core);
    }
    deadline_move(notification->core, core, &notification->deadline);
    notification->core = core;
}

bool notification_claim(struct notification *notification, struct core *core)
{
    if (notification->core != core) {
        if (notification->head != NULL || notification->bound != NULL) {
            return false;
        }
        notification_move(notification, core);
    }
    return true;
}

void notification_destroy(struct all_cores *all, struct notification *notification)
{
    struct core *core = notification->core;
    if (notification->mail.bits != 0) {
        core_take_mail(core);
    }
    while (notification->head != NULL) {
        struct tcb *waiter = notification->head;
        notification_remove_waiter(notification, waiter);
        tcb_fail(core, waiter, BH_ERROR_CANCELLED);
    }
    if (notification->bound != NULL) {
        notification_unbind(notification->bound);
    }
    deadline_clear(core, &notification->deadline);
}

void notification_wait(struct core *core, struct tcb *tcb, struct cap cap, bool nonblocking)
{
    struct notification *notification = cap_object(cap);
    if (notification->bits != 0) {
        tcb->context.x[0] = BH_OK;
        tcb->context.x[10] = notification->bits;
        notification->bits = 0;
        return;
    }
    if (nonblocking) {
        tcb->context.x[0] = BH_ERROR_WOULD_BLOCK;
        tcb->context.x[10] = 0;
        return;
    }
    tcb->state = TCB_BLOCKED_WAIT;
    tcb->blocked_on = notification;
    thread_queue_insert(&notification->queue, tcb, notification->tail);
    core->reschedule = 1;
}

enum bh_error notification_invoke(struct core *core, struct invocation *invocation)
{
    struct notification *notification = cap_object(invocation->cap);
    /* The deadline is the receiver's: those who may only signal could stop its clock, or signal bits that are not theirs. */
    const unsigned needed = BH_RIGHT_READ | BH_RIGHT_WRITE;
    if ((invocation->cap.rights & needed) != needed) {
        return BH_ERROR_RIGHTS;
    }
    switch (invocation->operation) {
    case BH_OP_NOTIFICATION_ARM:
        if (!invocation_requires(invocation, 2, BH_ERROR_INVALID_ARGUMENT, invocation->word[1] != 0)) {
            return invocation->error;
        }
        notification->deadline_bits = invocation->word[1];
        if (invocation->word[0] <= ticks_now()) {
            deadline_clear(notification->core, &notification->deadline);
            notification_signal(core, notification, notification->deadline_bits);
        } else {
            deadline_set(notification->core, &notification->deadline, DEADLINE_NOTIFICATION, invocation->word[0]);
        }
        return BH_OK;
    case BH_OP_NOTIFICATION_DISARM:
        deadline_clear(notification->core, &notification->deadline);
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
