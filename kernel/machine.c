/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include "aarch64/cpu.h"
#include "invocation.h"

struct machine machine;

/* SMC Calling Convention (DEN0028): function in W0. */
#define PSCI_CPU_ON 0xc4000003u
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

static int64_t firmware_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    if (machine.psci_hvc) {
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    } else {
        __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    }
    return (int64_t)x0;
}

bool machine_start_cpu(uint64_t affinity, paddr_t entry, uint64_t argument)
{
    return firmware_call(PSCI_CPU_ON, affinity, entry.value, argument) == 0;
}

__attribute__((noreturn)) static void stop(uint64_t function)
{
    for (;;) {
        (void)firmware_call(function, 0, 0, 0);
        wait_for_interrupt();
    }
}

LANDING_PAD enum bh_error machine_invoke(struct all_cores *all, struct invocation *invocation)
{
    switch (invocation->operation) {
    case BH_OP_MACHINE_OFF:
        stop(PSCI_SYSTEM_OFF);
    case BH_OP_MACHINE_RESET:
        stop(PSCI_SYSTEM_RESET);
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
