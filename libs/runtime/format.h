/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting without floating point, memory or locale.
 *
 * Conversions: %d %i %u %x %X %c %s %p %%, with the flags '-' (left-justify) and '0', a width and,
 * for %s, a precision (each a number or '*'), and the lengths hh, h, l, ll, z, j, t. Any other
 * conversion comes out as it stands and ends the formatting: what its argument is, is unknown.
 */
#ifndef LIBS_RUNTIME_FORMAT_H
#define LIBS_RUNTIME_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most `size` - 1 characters and a NUL (nothing at all if size is 0). Returns the number
 * of characters written, without the NUL: text that does not fit is cut, and a result of size - 1
 * may mean that.
 */
size_t bh_format(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

size_t bh_format_list(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
