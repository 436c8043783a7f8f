/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What musl gets instead of Linux: see libs/musl/arch/syscall_arch.h. A domain has memory, time,
 * random numbers and standard output; there are no files, processes or signals, and one thread. The
 * answers are Linux's: a result or a negated errno.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "libs/runtime/heap.h"
#include "libs/runtime/log.h"
#include "libs/runtime/runtime.h"
#include "libs/runtime/time_math.h"

#define FUTEX_OPERATION_MASK 0x7f /* without FUTEX_PRIVATE and FUTEX_CLOCK_REALTIME */
#define FUTEX_WAIT           0
#define FUTEX_WAKE           1

long bh_libc_syscall(long n, long a, long b, long c, long d, long e, long f);

static bool is_output(long descriptor)
{
    return descriptor == 1 || descriptor == 2;
}

static long map(size_t length, long flags)
{
    if ((flags & MAP_ANONYMOUS) == 0) {
        return -ENODEV;
    }
    if ((flags & MAP_FIXED) != 0) {
        return -EINVAL;
    }
    void *memory = page_heap_map(runtime_heap(), length);
    return memory != NULL ? (long)memory : -ENOMEM;
}

static long write_vector(const struct iovec *vector, long count)
{
    size_t total = 0;
    for (long i = 0; i < count; i++) {
        log_stream(vector[i].iov_base, vector[i].iov_len);
        total += vector[i].iov_len;
    }
    return (long)total;
}

/* All clocks count from the start of the machine: a domain knows no date unless somebody tells it.
 */
static long read_clock(struct timespec *time)
{
    uint64_t frequency = bh_timer_frequency();
    uint64_t ticks = bh_ticks();
    time->tv_sec = (time_t)(ticks / frequency);
    time->tv_nsec = (long)time_ns_part(ticks, frequency);
    return 0;
}

static long futex(const volatile int *address, long operation, int value, const void *timeout)
{
    switch (operation & FUTEX_OPERATION_MASK) {
    case FUTEX_WAKE:
        return 0;
    case FUTEX_WAIT:
        if (*address != value) {
            return -EAGAIN;
        }
        if (timeout != NULL) {
            return -ETIMEDOUT;
        }
        bh_panic("waits for a lock that only it could release");
    default:
        return -ENOSYS;
    }
}

/* Standard output is line-buffered if it is a terminal; a log wants lines. */
static long output_control(long request, struct winsize *size)
{
    if (request != TIOCGWINSZ) {
        return -ENOTTY;
    }
    *size = (struct winsize){0};
    return 0;
}

long bh_libc_syscall(long n, long a, long b, long c, long d, long e, long f)
{
    (void)e, (void)f;
    switch (n) {
    case SYS_mmap:
        return map((size_t)b, d);
    case SYS_munmap:
        return page_heap_unmap(runtime_heap(), (void *)a, (size_t)b) ? 0 : -EINVAL;
    case SYS_brk:
        return (long)page_heap_break(runtime_heap(), (void *)a);
    case SYS_write:
        if (!is_output(a)) {
            return -EBADF;
        }
        log_stream((const char *)b, (size_t)c);
        return c;
    case SYS_writev:
        return is_output(a) ? write_vector((const struct iovec *)b, c) : -EBADF;
    case SYS_ioctl:
        return is_output(a) ? output_control(b, (struct winsize *)c) : -EBADF;
    case SYS_clock_gettime:
        return read_clock((struct timespec *)b);
    case SYS_getrandom:
        (void)bh_random((void *)a, (size_t)b);
        return b;
    case SYS_set_tid_address:
    case SYS_gettid:
    case SYS_getpid:
        return 1;
    case SYS_futex:
        return futex((const volatile int *)a, b, (int)c, (const void *)d);
    case SYS_tkill:
    case SYS_kill:
        bh_panic("ended by signal %ld", b); /* abort() and raise() */
    case SYS_exit:
    case SYS_exit_group:
        bh_panic("ended with status %ld", a);
    default:
        return -ENOSYS;
    }
}
