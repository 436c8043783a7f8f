/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfprintf for domains that leave the FP registers alone: all of C17 7.21.6.1 but %a %e %f %g
 * (printed as "?"), wide characters and %n. Domains that say FP get musl's own.
 */

#include "stdio_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct conversion {
    bool left, plus, space, alternate, zero;
    int width;
    int precision; /* negative: none given */
};

struct output {
    FILE *file;
    long count;
};

static void put(struct output *out, const char *text, size_t length)
{
    if (length > 0 && !(out->file->flags & F_ERR))
        __fwritex((const void *)text, length, out->file);
    out->count += (long)length;
}

static void pad(struct output *out, char with, long count)
{
    char block[32];
    if (count <= 0)
        return;
    memset(block, with, sizeof(block));
    for (; count > (long)sizeof(block); count -= (long)sizeof(block))
        put(out, block, sizeof(block));
    put(out, block, (size_t)count);
}

static void put_text(struct output *out, const struct conversion *conv, const char *text)
{
    if (text == NULL)
        text = "(null)";
    size_t length = conv->precision < 0 ? strlen(text) : strnlen(text, (size_t)conv->precision);
    long padding = conv->width - (long)length;
    if (!conv->left)
        pad(out, ' ', padding);
    put(out, text, length);
    if (conv->left)
        pad(out, ' ', padding);
}

static void put_number(struct output *out, const struct conversion *conv, uint64_t value,
                       unsigned base, bool upper, const char *prefix)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24]; /* 22 octal digits at most */
    char *first = text + sizeof(text);
    for (; value != 0; value /= base)
        *--first = digits[value % base];

    long length = text + sizeof(text) - first;
    long minimum = conv->precision < 0 ? 1 : conv->precision;
    if (base == 8 && conv->alternate && minimum <= length)
        minimum = length + 1;
    long zeros = minimum > length ? minimum - length : 0;
    long padding = conv->width - (long)strlen(prefix) - zeros - length;
    if (conv->zero && !conv->left && conv->precision < 0 && padding > 0) {
        zeros += padding;
        padding = 0;
    }
    if (!conv->left)
        pad(out, ' ', padding);
    put(out, prefix, strlen(prefix));
    pad(out, '0', zeros);
    put(out, first, (size_t)length);
    if (conv->left)
        pad(out, ' ', padding);
}

static const char *parse_number(const char *format, int *value)
{
    *value = 0;
    for (; *format >= '0' && *format <= '9'; format++)
        *value = *value > INT_MAX / 10 - 1 ? INT_MAX / 10 : *value * 10 + (*format - '0');
    return format;
}

static const char *parse_flags(const char *format, struct conversion *conv)
{
    for (;; format++) {
        switch (*format) {
        case '-':
            conv->left = true;
            break;
        case '+':
            conv->plus = true;
            break;
        case ' ':
            conv->space = true;
            break;
        case '#':
            conv->alternate = true;
            break;
        case '0':
            conv->zero = true;
            break;
        default:
            return format;
        }
    }
}

/* The integer that a length modifier (its size in bytes; 8 for anything long) says is next. */
static int64_t next_signed(va_list *ap, int size)
{
    if (size == 8)
        return va_arg(*ap, int64_t);
    int value = va_arg(*ap, int);
    return size == 1 ? (signed char)value : size == 2 ? (short)value : value;
}

static uint64_t next_unsigned(va_list *ap, int size)
{
    if (size == 8)
        return va_arg(*ap, uint64_t);
    unsigned value = va_arg(*ap, unsigned);
    return size == 1 ? (unsigned char)value : size == 2 ? (unsigned short)value : value;
}

static const char *convert(struct output *out, const char *format, va_list *ap)
{
    struct conversion conv = {.precision = -1};
    format = parse_flags(format, &conv);
    if (*format == '*') {
        format++;
        conv.width = va_arg(*ap, int);
        if (conv.width < 0) {
            conv.left = true;
            conv.width = conv.width == INT_MIN ? INT_MAX : -conv.width;
        }
    } else {
        format = parse_number(format, &conv.width);
    }
    if (*format == '.' && format[1] == '*') {
        format += 2;
        conv.precision = va_arg(*ap, int);
    } else if (*format == '.') {
        format = parse_number(format + 1, &conv.precision);
    }

    int size = 4;
    for (;; format++) {
        if (*format == 'h')
            size = size == 2 ? 1 : 2;
        else if (*format == 'l' || *format == 'j' || *format == 'z' || *format == 't' ||
                 *format == 'L')
            size = 8;
        else
            break;
    }

    switch (*format) {
    case 'd':
    case 'i': {
        int64_t value = next_signed(ap, size);
        uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
        const char *sign = value < 0 ? "-" : conv.plus ? "+" : conv.space ? " " : "";
        put_number(out, &conv, magnitude, 10, false, sign);
        break;
    }
    case 'u':
        put_number(out, &conv, next_unsigned(ap, size), 10, false, "");
        break;
    case 'o':
        put_number(out, &conv, next_unsigned(ap, size), 8, false, "");
        break;
    case 'x':
    case 'X': {
        uint64_t value = next_unsigned(ap, size);
        const char *prefix = !conv.alternate || value == 0 ? "" : *format == 'X' ? "0X" : "0x";
        put_number(out, &conv, value, 16, *format == 'X', prefix);
        break;
    }
    case 'p':
        put_number(out, &conv, (uintptr_t)va_arg(*ap, void *), 16, false, "0x");
        break;
    case 'c': {
        char text[2] = {(char)va_arg(*ap, int), 0};
        long padding = conv.width - 1;
        if (!conv.left)
            pad(out, ' ', padding);
        put(out, text, 1);
        if (conv.left)
            pad(out, ' ', padding);
        break;
    }
    case 's':
        put_text(out, &conv, va_arg(*ap, const char *));
        break;
    case 'm':
        put_text(out, &conv, strerror(errno));
        break;
    case '%':
        put(out, "%", 1);
        break;
    case '\0':
        return format;
    default:
        put(out, "?", 1);
        break;
    }
    return format + 1;
}

int vfprintf(FILE *restrict file, const char *restrict format, va_list arguments)
{
    struct output out = {.file = file};
    va_list ap;
    va_copy(ap, arguments);
    FLOCK(file);

    /* A stream without a buffer gets one for the call, so that a line is one write. */
    unsigned char buffer[80];
    unsigned char *saved_buffer = NULL;
    int saved_error = file->flags & F_ERR;
    file->flags &= ~(unsigned)F_ERR;
    if (file->buf_size == 0) {
        saved_buffer = file->buf;
        file->buf = buffer;
        file->buf_size = sizeof(buffer);
        file->wpos = file->wbase = file->wend = 0;
    }
    bool writable = file->wend != NULL || __towrite(file) == 0;
    while (writable && *format != '\0') {
        size_t literal = strcspn(format, "%");
        put(&out, format, literal);
        format += literal;
        if (*format == '%')
            format = convert(&out, format + 1, &ap);
    }
    if (saved_buffer != NULL) {
        file->write(file, 0, 0);
        if (file->wpos == NULL)
            file->flags |= F_ERR;
        file->buf = saved_buffer;
        file->buf_size = 0;
        file->wpos = file->wbase = file->wend = 0;
    }
    bool failed = !writable || (file->flags & F_ERR) || out.count > INT_MAX;
    file->flags |= (unsigned)saved_error;

    FUNLOCK(file);
    va_end(ap);
    return failed ? -1 : (int)out.count;
}
