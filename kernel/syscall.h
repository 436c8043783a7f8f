/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C side of kernel entries. vectors.S has saved the registers into the current thread's context (or its guest's
 * frame) and goes on with kernel_exit.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "core.h"

/* What an IPC system call consists of. */
enum ipc { IPC_SEND = 1, IPC_CALL = 2, IPC_REPLY = 4, IPC_RECV = 8, IPC_NONBLOCKING = 16 };

/* The general path. The own lock is held. */
void syscall_ipc(struct core *core, struct tcb *tcb, unsigned ipc);

/* A system call of the current thread: number in x12 of its context. */
void syscall_entry(struct core *core);

/* Any other synchronous exception of native code. */
void native_exception(struct core *core);

/* What vectors.S enters next. */
struct leave {
    void *registers;   /* struct tcb, or struct bh_vcpu_frame */
    struct vcpu *vcpu; /* of a guest; NULL: native */
};

/* A physical interrupt, out of native code or out of a guest. What goes on, with no lock held; or nothing: kernel_leave
 * is next. */
struct leave interrupt_entry(struct core *core);

/* The last step of every kernel entry: schedules if need be, and prepares the current thread, or its guest, to run. */
struct leave kernel_leave(struct core *core);

#endif
