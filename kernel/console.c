/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own output on a PL011 (Arm DDI 0183): start-up failures, panics, and what debug builds say. */
#include "console.h"

#include <stdarg.h>

#include "assert.h"

#define UART_DR 0x00
#define UART_FR 0x18
#define UART_FR_TXFF (1u << 5)

static uint8_t *uart; /* NULL: silent */

void console_use(void *registers)
{
    uart = registers;
}

static void put(char c)
{
    while ((*(volatile uint32_t *)(uart + UART_FR) & UART_FR_TXFF) != 0) {
    }
    *(volatile uint32_t *)(uart + UART_DR) = (uint8_t)c;
}

void kernel_putchar(char c)
{
    if (uart == NULL) {
        return;
    }
    if (c == '\n') {
        put('\r');
    }
    put(c);
}

static void print_string(const char *text)
{
    while (*text != '\0') {
        kernel_putchar(*text++);
    }
}

static void print_number(uint64_t value, uint64_t base)
{
    char digits[20];
    unsigned count = 0;
    do {
        uint64_t digit = value % base;
        digits[count++] = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
        value /= base;
    } while (value != 0);
    while (count > 0) {
        kernel_putchar(digits[--count]);
    }
}

static void print(const char *format, va_list arguments)
{
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            kernel_putchar(*format);
        } else if (*++format == 's') {
            print_string(va_arg(arguments, const char *));
        } else if (*format == 'x') {
            print_number(va_arg(arguments, uint64_t), 16);
        } else {
            print_number(va_arg(arguments, uint64_t), 10);
        }
    }
}

void kernel_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print(format, arguments);
    va_end(arguments);
}

__attribute__((noreturn)) static void stop(const char *what, const char *format, va_list arguments)
{
    kernel_print("\nbulkhead: %s: ", what);
    print(format, arguments);
    kernel_putchar('\n');
    for (;;) {
        __asm__ volatile("wfi");
    }
}

__attribute__((noreturn)) void kernel_panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    stop("panic", format, arguments);
}

__attribute__((noreturn)) void cannot_start(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    stop("cannot start", format, arguments);
}

/* The kernel itself took an exception; called by vectors.S. */
__attribute__((noreturn)) void kernel_exception(uint64_t esr, uint64_t elr, uint64_t far)
{
    kernel_panic("exception in the kernel: ESR_EL2 0x%x, ELR_EL2 0x%x, FAR_EL2 0x%x", esr, elr, far);
}
