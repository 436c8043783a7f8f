/* SPDX-License-Identifier: BSD-2-Clause */
#include "console.h"

#include <bh/syscall.h>

struct output {
    char *buffer;
    size_t size;
    size_t length;
};

static void put(struct output *output, char c)
{
    if (output->length + 1 < output->size) {
        output->buffer[output->length++] = c;
    }
}

static void put_number(struct output *output, uint64_t value, uint64_t base)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) {
        put(output, digits[--count]);
    }
}

static void put_string(struct output *output, const char *text)
{
    while (*text != '\0') {
        put(output, *text++);
    }
}

size_t format_text(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct output output = {buffer, size, 0};
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            put(&output, *format);
            continue;
        }
        format++;
        switch (*format) {
        case 's':
            put_string(&output, va_arg(arguments, const char *));
            break;
        case 'c':
            put(&output, (char)va_arg(arguments, int));
            break;
        case 'u':
            put_number(&output, va_arg(arguments, uint64_t), 10);
            break;
        case 'x':
            put_string(&output, "0x");
            put_number(&output, va_arg(arguments, uint64_t), 16);
            break;
        default:
            put(&output, *format);
            break;
        }
    }
    buffer[output.length] = '\0';
    return output.length;
}

void print(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    format_text(line, sizeof(line), format, arguments);
    va_end(arguments);
    for (const char *c = line; *c != '\0'; c++) {
        (void)bh_debug_putchar(*c);
    }
}
