/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls. Their wrappers for programs in C, one for each operation of each object, are a library and no part
 * of the kernel: libs/syscall/bh/syscall.h, which documents each operation and its errors.
 *
 * Calling convention (AArch64): `svc #0` with the call's number in x12 and
 *   x0 capability, x1 message information or operation, x2-x9 words 0-7, x10 reply capability.
 * Results: x0 status or error, x1 message information or index of the argument at fault, x2-x9 words, x10 badge.
 * An invocation (BH_SYS_INVOKE) takes arguments 1 to 8 in x2-x9 and returns up to four values in x2-x5.
 * A system call preserves x18-x30 and SP. What x11-x17 come back with is undefined, and was the thread's own at some time.
 * FP/SIMD registers are preserved.
 */
#ifndef BH_SYSCALL_H
#define BH_SYSCALL_H

/* The kernel's entry tells the first five apart by these numbers. */
enum bh_syscall {
    BH_SYS_SIGNAL = 0,
    BH_SYS_POLL,
    BH_SYS_VM_ENTER,
    BH_SYS_CALL,
    BH_SYS_REPLY_RECV,
    BH_SYS_SEND,
    BH_SYS_NB_SEND,
    BH_SYS_RECV,
    BH_SYS_NB_RECV,
    BH_SYS_WAIT,
    BH_SYS_YIELD,
    BH_SYS_INVOKE,
    BH_SYS_DEBUG_PUTCHAR, /* debug kernels only */
    BH_SYS_COUNT
};

#endif
