/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the kernel would stop for good because it cannot start. */
#ifndef TEST_UNIT_KERNEL_START_H
#define TEST_UNIT_KERNEL_START_H

#include <setjmp.h>
#include <stddef.h>

#include "assert.h"

static jmp_buf start_stopped;
static const char *start_reason;

void cannot_start(const char *format, ...)
{
    start_reason = format;
    longjmp(start_stopped, 1);
}

/* NULL, or why the kernel does not start in the statement. */
#define WHY_NOT(statement)                                                                         \
    ({                                                                                             \
        start_reason = NULL;                                                                       \
        if (setjmp(start_stopped) == 0) {                                                          \
            statement;                                                                             \
        }                                                                                          \
        start_reason;                                                                              \
    })

#endif
