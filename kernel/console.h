/* SPDX-License-Identifier: BSD-2-Clause */
/* See assert.h for what prints. */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <bh/types.h>

/* Where the UART's registers are at the moment; NULL: nowhere. */
void console_use(void *registers);

__attribute__((noreturn)) void kernel_exception(uint64_t esr, uint64_t elr, uint64_t far);

#endif
