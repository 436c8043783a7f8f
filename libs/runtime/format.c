/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/runtime/format.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct output {
    char *buffer;
    size_t room; /* characters, without the NUL */
    size_t length;
};

struct conversion {
    bool left;
    bool zero;
    size_t width;
    size_t precision; /* SIZE_MAX: none */
    unsigned bytes;   /* of an integer argument */
};

static void put(struct output *out, char c)
{
    if (out->length < out->room) {
        out->buffer[out->length++] = c;
    }
}

static void put_text(struct output *out, const char *text, size_t length)
{
    size_t room = out->room - out->length;
    size_t count = length < room ? length : room;
    memcpy(out->buffer + out->length, text, count);
    out->length += count;
}

static void pad(struct output *out, char c, size_t count)
{
    size_t room = out->room - out->length;
    count = count < room ? count : room;
    memset(out->buffer + out->length, c, count);
    out->length += count;
}

/* `sign` is what comes before zeros of padding: "", "-" or "0x". */
static void put_number(struct output *out, const struct conversion *conversion, const char *sign,
                       uint64_t value, unsigned base, const char *digits)
{
    char text[20]; /* 2^64 - 1 in decimal */
    size_t first = sizeof(text);
    do {
        text[--first] = digits[value % base];
        value /= base;
    } while (value != 0);

    size_t sign_length = strlen(sign);
    size_t length = sign_length + sizeof(text) - first;
    size_t padding = conversion->width > length ? conversion->width - length : 0;
    bool zeros = conversion->zero && !conversion->left;
    if (!zeros && !conversion->left) {
        pad(out, ' ', padding);
    }
    put_text(out, sign, sign_length);
    if (zeros) {
        pad(out, '0', padding);
    }
    put_text(out, text + first, sizeof(text) - first);
    if (conversion->left) {
        pad(out, ' ', padding);
    }
}

static void put_string(struct output *out, const struct conversion *conversion, const char *text)
{
    if (text == NULL) {
        text = "(null)";
    }
    size_t length = strnlen(text, conversion->precision);
    size_t padding = conversion->width > length ? conversion->width - length : 0;
    if (!conversion->left) {
        pad(out, ' ', padding);
    }
    put_text(out, text, length);
    if (conversion->left) {
        pad(out, ' ', padding);
    }
}

static const char *parse_number(const char *format, size_t *value)
{
    *value = 0;
    for (; *format >= '0' && *format <= '9'; format++) {
        if (*value <= SIZE_MAX / 10 - 1) {
            *value = *value * 10 + (size_t)(*format - '0');
        }
    }
    return format;
}

static const char *parse_length(const char *format, unsigned *bytes)
{
    *bytes = sizeof(int);
    for (;; format++) {
        switch (*format) {
        case 'h':
            *bytes = *bytes == sizeof(short) ? sizeof(char) : sizeof(short);
            break;
        case 'l':
        case 'z':
        case 'j':
        case 't':
            *bytes = sizeof(uint64_t);
            break;
        default:
            return format;
        }
    }
}

/* Arguments are passed on as a struct: a va_list that is a function's parameter has no address of
 * the right type. */
struct arguments {
    va_list list;
};

static size_t next_size(struct arguments *arguments, bool *negative)
{
    int value = va_arg(arguments->list, int);
    *negative = value < 0;
    return value < 0 ? (size_t)(-(int64_t)value) : (size_t)value;
}

static uint64_t next_unsigned(struct arguments *arguments, unsigned bytes)
{
    if (bytes == sizeof(uint64_t)) {
        return va_arg(arguments->list, uint64_t);
    }
    unsigned value = va_arg(arguments->list, unsigned);
    return bytes == sizeof(char)    ? (unsigned char)value
           : bytes == sizeof(short) ? (unsigned short)value
                                    : value;
}

static int64_t next_signed(struct arguments *arguments, unsigned bytes)
{
    if (bytes == sizeof(int64_t)) {
        return va_arg(arguments->list, int64_t);
    }
    int value = va_arg(arguments->list, int);
    return bytes == sizeof(char)    ? (signed char)value
           : bytes == sizeof(short) ? (short)value
                                    : value;
}

/* Parses what lies between '%' and the conversion's letter. */
static const char *parse(const char *format, struct conversion *conversion,
                         struct arguments *arguments)
{
    bool negative;
    *conversion = (struct conversion){.precision = SIZE_MAX};
    for (; *format == '-' || *format == '0'; format++) {
        conversion->left |= *format == '-';
        conversion->zero |= *format == '0';
    }
    if (*format == '*') {
        conversion->width = next_size(arguments, &negative);
        conversion->left |= negative;
        format++;
    } else {
        format = parse_number(format, &conversion->width);
    }
    if (*format == '.' && format[1] == '*') {
        conversion->precision = next_size(arguments, &negative);
        if (negative) {
            conversion->precision = SIZE_MAX;
        }
        format += 2;
    } else if (*format == '.') {
        format = parse_number(format + 1, &conversion->precision);
    }
    return parse_length(format, &conversion->bytes);
}

/* False: the conversion is unknown. */
static bool convert(struct output *out, char letter, const struct conversion *conversion,
                    struct arguments *arguments)
{
    switch (letter) {
    case 'd':
    case 'i': {
        int64_t value = next_signed(arguments, conversion->bytes);
        uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
        put_number(out, conversion, value < 0 ? "-" : "", magnitude, 10, "0123456789");
        return true;
    }
    case 'u':
        put_number(out, conversion, "", next_unsigned(arguments, conversion->bytes), 10,
                   "0123456789");
        return true;
    case 'x':
        put_number(out, conversion, "", next_unsigned(arguments, conversion->bytes), 16,
                   "0123456789abcdef");
        return true;
    case 'X':
        put_number(out, conversion, "", next_unsigned(arguments, conversion->bytes), 16,
                   "0123456789ABCDEF");
        return true;
    case 'p':
        put_number(out, conversion, "0x", (uintptr_t)va_arg(arguments->list, void *), 16,
                   "0123456789abcdef");
        return true;
    case 'c': {
        char text[2] = {(char)va_arg(arguments->list, int), 0};
        struct conversion one = *conversion;
        one.precision = 1;
        if (text[0] == 0) { /* strnlen would lose it */
            put(out, 0);
        } else {
            put_string(out, &one, text);
        }
        return true;
    }
    case 's':
        put_string(out, conversion, va_arg(arguments->list, const char *));
        return true;
    case '%':
        put(out, '%');
        return true;
    default:
        return false;
    }
}

size_t bh_format_list(char *buffer, size_t size, const char *format, va_list list)
{
    if (size == 0) {
        return 0;
    }
    struct output out = {.buffer = buffer, .room = size - 1};
    struct arguments arguments;
    va_copy(arguments.list, list);
    while (*format != 0) {
        const char *percent = format + strcspn(format, "%");
        put_text(&out, format, (size_t)(percent - format));
        if (*percent == 0) {
            break;
        }
        struct conversion conversion;
        const char *letter = parse(percent + 1, &conversion, &arguments);
        if (!convert(&out, *letter, &conversion, &arguments)) {
            put_text(&out, percent, strlen(percent));
            break;
        }
        format = letter + 1;
    }
    va_end(arguments.list);
    buffer[out.length] = 0;
    return out.length;
}

size_t bh_format(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = bh_format_list(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
