/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What musl makes system calls with; found before musl's own arch/aarch64/syscall_arch.h.
 *
 * There is no Linux kernel below a domain. Each Linux system call that musl makes becomes a call of
 * bh_libc_syscall(), implemented in libs/runtime: it serves what a domain needs of them (memory,
 * clocks, console output, futexes) and returns -ENOSYS for the rest. It returns what the system call
 * would: a result, or a negated errno.
 */

#ifndef BULKHEAD_MUSL_SYSCALL_ARCH_H
#define BULKHEAD_MUSL_SYSCALL_ARCH_H

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

extern long bh_libc_syscall(long n, long a, long b, long c, long d, long e, long f);

static inline long __syscall0(long n)
{
    return bh_libc_syscall(n, 0, 0, 0, 0, 0, 0);
}

static inline long __syscall1(long n, long a)
{
    return bh_libc_syscall(n, a, 0, 0, 0, 0, 0);
}

static inline long __syscall2(long n, long a, long b)
{
    return bh_libc_syscall(n, a, b, 0, 0, 0, 0);
}

static inline long __syscall3(long n, long a, long b, long c)
{
    return bh_libc_syscall(n, a, b, c, 0, 0, 0);
}

static inline long __syscall4(long n, long a, long b, long c, long d)
{
    return bh_libc_syscall(n, a, b, c, d, 0, 0);
}

static inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
    return bh_libc_syscall(n, a, b, c, d, e, 0);
}

static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    return bh_libc_syscall(n, a, b, c, d, e, f);
}

#define IPC_64 0

#endif
