/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications: 64 bits that are set by signals and taken all at once by one waiter. A thread that a notification is
 * bound to also takes them while it receives on an endpoint or runs its guest.
 */
#ifndef KERNEL_NOTIFICATION_H
#define KERNEL_NOTIFICATION_H

#include "deadline.h"
#include "tcb.h"

struct notification {
    uint64_t bits;
    struct tcb *head, *tail; /* threads in BLOCKED_WAIT */
    struct tcb *bound;
    struct deadline deadline;
    uint64_t deadline_bits;
};

/* The bits that a signal by this capability sets. */
static inline uint64_t notification_badge(struct cap cap)
{
    return cap.badge != 0 ? cap.badge : 1;
}

void notification_signal(struct core *core, struct notification *notification, uint64_t bits);
void notification_deadline(struct core *core, struct deadline *deadline);
void notification_destroy(struct notification *notification);
void notification_remove_waiter(struct notification *notification, struct tcb *tcb);
void notification_unbind(struct tcb *tcb);

/* The system calls; `nonblocking` for Poll. */
void notification_wait(struct core *core, struct tcb *tcb, struct cap cap, bool nonblocking);

enum bh_error notification_invoke(struct core *core, struct invocation *invocation);

#endif
