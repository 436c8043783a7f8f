/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls its hypervisor with random functions and arguments, by HVC and SMC, and with random
 * immediates. */
#include "payload.h"

#define CALLS 20000u

static uint64_t call(bool secure, const uint64_t argument[4])
{
    register uint64_t r0 __asm__("x0") = argument[0];
    register uint64_t r1 __asm__("x1") = argument[1];
    register uint64_t r2 __asm__("x2") = argument[2];
    register uint64_t r3 __asm__("x3") = argument[3];
    if (secure) {
        __asm__ volatile("smc #0"
                         : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
                         :
                         : "memory", "x4", "x5", "x6", "x7");
    } else {
        __asm__ volatile("hvc #0"
                         : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
                         :
                         : "memory", "x4", "x5", "x6", "x7");
    }
    return r0;
}

/* Those that end the guest, or that need not return. */
static bool ends(uint64_t function)
{
    uint32_t number = (uint32_t)function & 0xff1fu;
    bool psci = ((uint32_t)function & 0xbf000000u) == 0x84000000u;
    return psci && (number == 2 || number == 8 || number == 9 || number == 0x12 || number == 0x0e ||
                    number == 1);
}

static uint64_t pick_function(void)
{
    static const uint32_t owner[] = {0x80000000, 0x84000000, 0x86000000,
                                     0xc4000000, 0xc6000000, 0x04000000};
    uint64_t random = random_next();
    switch (random & 3) {
    case 0:
        return random_next();
    case 1:
        return (uint32_t)random_next();
    default:
        return owner[(random >> 2) % (sizeof(owner) / sizeof(owner[0]))] | (random >> 8 & 0x1f);
    }
}

int main(void)
{
    put("begin\n");
    for (unsigned i = 0; i < CALLS; i++) {
        uint64_t argument[4];
        for (unsigned j = 0; j < 4; j++) {
            uint64_t random = random_next();
            argument[j] = (random & 1) != 0 ? random_next() : random % 8;
        }
        argument[0] = pick_function();
        if (!ends(argument[0])) {
            (void)call(random_next() % 2 != 0, argument);
        }
    }
    __asm__ volatile("hvc #1\n\thvc #0x1234\n\thvc #0xffff" : : : "x0", "x1", "x2", "x3", "memory");
    __asm__ volatile("smc #1\n\tsmc #0x1234\n\tsmc #0xffff" : : : "x0", "x1", "x2", "x3", "memory");
    put_line("psci", hvc(PSCI_VERSION, 0, 0, 0));
    put("end\n");
    return 0;
}
