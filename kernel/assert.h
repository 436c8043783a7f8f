/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's console (debug builds and start-up failures) and its own invariants. An assertion never depends on data
 * that a domain or guest controls.
 */
#ifndef KERNEL_ASSERT_H
#define KERNEL_ASSERT_H

#include <bh/types.h>

/* %s, %x (uint64_t in hexadecimal), %u (uint64_t in decimal). */
void kernel_print(const char *format, ...);
void kernel_putchar(char c);

__attribute__((noreturn)) void kernel_panic(const char *format, ...);

/* Start-up ends here: this machine, or what its loader has passed, is not what the kernel needs. */
__attribute__((noreturn)) void cannot_start(const char *format, ...);

static inline void start_requires(bool condition, const char *why_not)
{
    if (!condition) {
        cannot_start(why_not);
    }
}

#ifdef BULKHEAD_DEBUG
#define kernel_assert(condition)                                                                                       \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0)) {                                                                       \
            kernel_panic("%s:%u: %s", __FILE_NAME__, (uint64_t)__LINE__, #condition);                                  \
        }                                                                                                              \
    } while (0)
#else
#define kernel_assert(condition) ((void)sizeof(condition))
#endif

#endif
