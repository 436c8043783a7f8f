/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include "aarch64/cpu.h"
#include "invocation.h"

struct machine machine;

/* SMC Calling Convention (DEN0028): function in W0. */
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

static void firmware_call(uint64_t function)
{
    register uint64_t x0 __asm__("x0") = function;
    if (machine.psci_hvc) {
        __asm__ volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    } else {
        __asm__ volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    }
}

__attribute__((noreturn)) void machine_off(void)
{
    firmware_call(PSCI_SYSTEM_OFF);
    for (;;) {
        wait_for_interrupt();
    }
}

__attribute__((noreturn)) void machine_reset(void)
{
    firmware_call(PSCI_SYSTEM_RESET);
    for (;;) {
        wait_for_interrupt();
    }
}

enum bh_error machine_invoke(struct invocation *invocation)
{
    switch (invocation->operation) {
    case BH_OP_MACHINE_OFF:
        machine_off();
    case BH_OP_MACHINE_RESET:
        machine_reset();
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
