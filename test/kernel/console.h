/* SPDX-License-Identifier: BSD-2-Clause */
/* Text to the kernel's console. Formats: %s, %c, %u and %x (uint64_t), %%. */
#ifndef TEST_KERNEL_CONSOLE_H
#define TEST_KERNEL_CONSOLE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Always terminated; what does not fit is cut. Returns the length. */
size_t format_text(char *buffer, size_t size, const char *format, va_list arguments);
void print(const char *format, ...);

#endif
