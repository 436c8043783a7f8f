/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bare-metal guests share. They find devices where every Bulkhead guest has them (QEMU's
 * `virt` machine), print on the PL011, and end by PSCI or by returning from main. The MMU is off:
 * all memory is Device memory.
 */
#ifndef TEST_SYSTEM_PAYLOAD_H
#define TEST_SYSTEM_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PL011_BASE   UINT64_C(0x09000000)
#define PVPANIC_BASE UINT64_C(0x09070000)
#define ECAM_BASE    UINT64_C(0x3f000000)
#define PCI_WINDOW   UINT64_C(0x10000000)
#define RAM_BASE     UINT64_C(0x40000000)

#define PSCI_VERSION    0x84000000u
#define PSCI_CPU_OFF    0x84000002u
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_RESET      0x84000009u

int main(void);

/* start.S: another vCPU begins here, with its stack in x0, and calls vcpu_main. */
extern void vcpu_start(void) __attribute__((visibility("hidden")));
__attribute__((noreturn)) void vcpu_main(void);

void put(const char *text);
void put_number(uint64_t value);
void put_line(const char *name, uint64_t value); /* "name value" */

uint64_t hvc(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3);
__attribute__((noreturn)) void machine_off(void);
__attribute__((noreturn)) void machine_crash(void); /* pvpanic */

/* Exceptions so far, and the syndrome of the last: the instructions at fault were skipped. */
struct exceptions {
    volatile uint64_t count;
    volatile uint64_t syndrome;
};
/* Hidden, so that it is not reached through a GOT, which nobody relocates here. */
extern struct exceptions exception_count __attribute__((visibility("hidden")));

/* Accesses of 1, 2, 4 and 8 bytes (bits 0 to 3), whatever comes of them. A read that faults gives
 * `value` back. */
uint64_t read_any(uint64_t address, unsigned size_bits, uint64_t value);
void write_any(uint64_t address, unsigned size_bits, uint64_t value);

static inline uint32_t read32(uint64_t address)
{
    return (uint32_t)read_any(address, 2, 0);
}

static inline void write32(uint64_t address, uint32_t value)
{
    write_any(address, 2, value);
}

/* The same sequence in every run. */
uint64_t random_next(void);

/* Time in milliseconds since the machine was turned on. */
uint64_t milliseconds(void);

#endif
