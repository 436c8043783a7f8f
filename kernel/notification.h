/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: 64 bits that are set by signals and taken all at once by one waiter. A thread that a notification is
 * bound to also takes them while it receives on an endpoint or runs its guest.
 */
#ifndef KERNEL_NOTIFICATION_H
#define KERNEL_NOTIFICATION_H

#include "core.h"

struct notification {
    struct core *core; /* of those who receive */
    uint64_t bits;
    union { /* threads in BLOCKED_WAIT */
        struct thread_queue queue;
        struct {
            struct tcb *head, *tail;
        };
    };
    struct tcb *bound;
    struct deadline deadline;
    uint64_t deadline_bits;
    struct mail mail; /* signals from other cores */
};

static inline struct notification *notification_of_mail(struct mail *mail)
{
    return container_of(mail, struct notification, mail);
}

/* The bits that a signal by this capability sets. */
static inline uint64_t notification_badge(struct cap cap)
{
    return cap.badge != 0 ? cap.badge : 1;
}

void notification_remove_waiter(struct notification *notification, struct tcb *tcb);

/* The thread, which waits in no queue any more, gets `bits` and those that are set. It is RUNNABLE then. */
static inline void notification_hand_over(struct notification *notification, struct tcb *tcb, uint64_t bits)
{
    tcb_return(tcb, BH_OK, BH_INFO_NOTIFICATION, bits | notification->bits);
    tcb->state = TCB_RUNNABLE;
    notification->bits = 0;
}

/* The same for the first of those that wait. */
static inline void notification_deliver(struct notification *notification, struct tcb *waiter, uint64_t bits)
{
    if (waiter->next == NULL) {
        notification->head = notification->tail = NULL;
        waiter->blocked_on = NULL;
    } else {
        notification_remove_waiter(notification, waiter);
    }
    notification_hand_over(notification, waiter, bits);
}

/* From any core. */
void notification_signal(struct core *core, struct notification *notification, uint64_t bits);
void notification_deadline(struct core *core, struct deadline *deadline);
void notification_destroy(struct all_cores *all, struct notification *notification);
void notification_unbind(struct tcb *tcb);

/* Lets the notification belong to a core, where a thread is about to wait for it or to be bound to it. All locks are held.
 * False: threads of another core wait for it. */
bool notification_claim(struct notification *notification, struct core *core);

/* The same with the one thread that it is bound to. */
void notification_move(struct notification *notification, struct core *core);

/* The system calls; `nonblocking` for Poll. */
void notification_wait(struct core *core, struct tcb *tcb, struct cap cap, bool nonblocking);

/* Needs the lock of the notification's core only. */
enum bh_error notification_invoke(struct core *core, struct invocation *invocation);

#endif
