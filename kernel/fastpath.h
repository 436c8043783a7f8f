/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual cases of the frequent system calls, done in one go. Each looks at everything first and changes nothing if
 * the case is another one; what it does is then exactly what the general path (endpoint.c, notification.c, scheduler.c)
 * would do. Called by vectors.S without any lock held.
 */
#ifndef KERNEL_FASTPATH_H
#define KERNEL_FASTPATH_H

#include "syscall.h"

/* The thread to go on with at the end of its system call, and no lock is held; or NULL: kernel_leave is next, with the
 * own lock held. */
struct tcb *syscall_call(struct core *core);
struct tcb *syscall_reply_recv(struct core *core);

/* The guest to enter, or nothing: kernel_leave is next. */
struct leave syscall_vm_enter(struct core *core);

/*
 * Signal and Poll while the caller's registers are still where they were. `status` is an error code, and `value` the
 * bits that Poll has taken; or SHORT_MORE and the caller, to be saved and to go on by syscall_entry; or SHORT_SWITCHED
 * and the caller, to be saved before the own lock is let go and the current thread is entered.
 */
struct short_result {
    uint64_t status, value;
};

#define SHORT_MORE     (UINT64_C(1) << SHORT_MORE_BIT)
#define SHORT_SWITCHED (SHORT_MORE | UINT64_C(1) << SHORT_SWITCHED_BIT)

struct short_result short_signal(struct core *core, bh_cptr cptr);
struct short_result short_poll(struct core *core, bh_cptr cptr);

#endif
