/* SPDX-License-Identifier: BSD-2-Clause */
#include "payload.h"

struct exceptions exception_count;

void put(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((read32(PL011_BASE + 0x18) & 0x20) != 0) { /* UARTFR.TXFF */
        }
        write_any(PL011_BASE, 0, (uint8_t)*text);
    }
}

void put_number(uint64_t value)
{
    char text[24];
    size_t at = sizeof(text);
    text[--at] = '\0';
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(text + at);
}

void put_line(const char *name, uint64_t value)
{
    put(name);
    put(" ");
    put_number(value);
    put("\n");
}

uint64_t hvc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    register uint64_t r0 __asm__("x0") = function;
    register uint64_t r1 __asm__("x1") = x1;
    register uint64_t r2 __asm__("x2") = x2;
    register uint64_t r3 __asm__("x3") = x3;
    __asm__ volatile("hvc #0" : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3) : : "memory");
    return r0;
}

void machine_off(void)
{
    (void)hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;) {
    }
}

void machine_crash(void)
{
    write_any(PVPANIC_BASE, 0, 1);
    for (;;) {
    }
}

uint64_t read_any(uint64_t address, unsigned size_bits, uint64_t value)
{
    switch (size_bits) {
    case 0:
        __asm__ volatile("ldrb %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    case 1:
        __asm__ volatile("ldrh %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    case 2:
        __asm__ volatile("ldr %w0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    default:
        __asm__ volatile("ldr %0, [%1]" : "+r"(value) : "r"(address) : "memory");
        break;
    }
    return value;
}

void write_any(uint64_t address, unsigned size_bits, uint64_t value)
{
    switch (size_bits) {
    case 0:
        __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    case 1:
        __asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    case 2:
        __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    default:
        __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
        break;
    }
}

uint64_t random_next(void)
{
    /* xorshift64* (Vigna 2016) */
    static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t milliseconds(void)
{
    uint64_t count;
    uint64_t frequency;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tmrs %1, cntfrq_el0"
                     : "=r"(count), "=r"(frequency));
    return count / (frequency / 1000);
}
