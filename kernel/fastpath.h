/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual cases of Call and ReplyRecv, done in one go: the partner waits, the message fits the registers, and the
 * partner is the thread that runs next. Each looks at everything first and changes nothing if the case is another one;
 * what it does is then exactly what the general path (endpoint.c, scheduler.c) would do.
 */
#ifndef KERNEL_FASTPATH_H
#define KERNEL_FASTPATH_H

#include "core.h"

/* Whether the system call has been done, and another thread is current. */
bool fastpath_call(struct core *core, struct tcb *caller);
bool fastpath_reply_recv(struct core *core, struct tcb *server);

#endif
