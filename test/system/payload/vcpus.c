/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest with four vCPUs that asks for others with wrong arguments, and then lets all of them turn each
 * other on and off, send SGIs and write the interrupt controller at random, all at the same time. The
 * first one prints, and turns the machine off while the others run.
 */
#include "payload.h"

#define CPUS   4u
#define ROUNDS 1000u

#define PSCI_CPU_ON        0xc4000003u
#define PSCI_AFFINITY_INFO 0xc4000004u

#define GICD_BASE   UINT64_C(0x08000000)
#define GICR_BASE   UINT64_C(0x080a0000)
#define GICR_STRIDE UINT64_C(0x20000)

static uint8_t stacks[CPUS][4096] __attribute__((aligned(16)));
static volatile uint32_t rounds[CPUS];
static volatile uint32_t all_on; /* until then nobody else turns a vCPU on */

static uint64_t entry_address(void)
{
    return (uint64_t)vcpu_start;
}

static uint64_t turn_on(uint64_t cpu)
{
    return hvc(PSCI_CPU_ON, cpu, entry_address(), (uint64_t)&stacks[cpu % CPUS][sizeof(stacks[0])]);
}

static void report(const char *what, uint64_t result)
{
    put(what);
    put((int64_t)result < 0 ? " -" : " ");
    put_number((int64_t)result < 0 ? -result : result);
    put("\n");
}

static uint32_t own_number(void)
{
    uint64_t mpidr;
    __asm__("mrs %0, mpidr_el1" : "=r"(mpidr));
    return (uint32_t)mpidr & 0xff;
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Nothing of that may hurt anybody but this guest. The UART's interrupt stays unused. */
static void do_something(uint64_t random)
{
    uint64_t offset = random >> 8 & 0xffc;
    uint32_t value = (uint32_t)(random >> 32);
    switch (random & 7) {
    case 0:
    case 1: /* to all in the list, or all others */
        __asm__ volatile("msr s3_0_c12_c11_5, %0" /* ICC_SGI1R_EL1 */
                         :
                         : "r"(random & 0x1000f00000f));
        break;
    case 2:
        write32(GICD_BASE + 0x80 + offset, value);
        break;
    case 3:
        write32(GICR_BASE + (random >> 20 & 3) * GICR_STRIDE + 0x10000 + offset, value);
        break;
    case 4:
        (void)read32(GICD_BASE + 0x200 + (offset & 0x1fc)); /* what is pending and active */
        break;
    case 5: /* IROUTER, and an MSI to go there */
        write32(GICD_BASE + 0x6000 + 8 * (128 + (random >> 24 & 0x1f)), value & 7);
        write32(UINT64_C(0x08020040), 128 + (uint32_t)(random >> 24 & 0x1f));
        break;
    case 6:
        (void)turn_on(value & 7);
        break;
    default:
        (void)hvc(PSCI_AFFINITY_INFO, value & 7, 0, 0);
        break;
    }
}

__attribute__((noreturn)) void vcpu_main(void)
{
    while (all_on == 0) {
    }
    uint32_t number = own_number();
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15) * (number + 1) + rounds[number];
    for (;;) {
        uint64_t random = next(&state);
        do_something(random);
        rounds[number]++;
        if ((random >> 60) == 0) {
            (void)hvc(PSCI_CPU_OFF, 0, 0, 0);
            machine_crash(); /* it returned */
        }
    }
}

static void wrong_arguments(void)
{
    uint64_t entry_at = entry_address();
    report("itself", turn_on(0));
    report("no such vCPU", turn_on(CPUS));
    report("another cluster", turn_on(0x101));
    report("aff3", turn_on((UINT64_C(1) << 32) + 1));
    report("nobody", hvc(PSCI_CPU_ON, UINT64_MAX, entry_at, 0));
    report("at 0", hvc(PSCI_CPU_ON, 1, 0, 0));
    report("at a device", hvc(PSCI_CPU_ON, 1, PL011_BASE, 0));
    report("unaligned", hvc(PSCI_CPU_ON, 1, entry_at + 2, 0));
    report("beyond memory", hvc(PSCI_CPU_ON, 1, UINT64_C(1) << 40, 0));
    report("at the end of addresses", hvc(PSCI_CPU_ON, 1, UINT64_MAX - 3, 0));
    report("in what state", hvc(PSCI_AFFINITY_INFO, 1, 0, 0));
    report("at another level", hvc(PSCI_AFFINITY_INFO, 1, 1, 0));
}

int main(void)
{
    put("begin\n");
    wrong_arguments();
    uint64_t state = 88172645463325252;
    for (uint32_t i = 1; i < CPUS; i++) {
        report("on", turn_on(i));
    }
    all_on = 1;
    bool all = false;
    while (!all) {
        all = true;
        for (uint32_t i = 1; i < CPUS; i++) {
            if (rounds[i] < ROUNDS) {
                all = false;
                (void)turn_on(i); /* it may have turned itself off */
            }
        }
        do_something(next(&state));
    }
    put("end\n");
    return 0;
}
