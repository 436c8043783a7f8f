/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a VMM that was built for it (test/system/faulty_vmm) fault; in the thread of the second vCPU, if
 * there is one, while the first one goes on with other calls. */
#include "payload.h"

#define PSCI_CPU_ON 0xc4000003u

static uint8_t stack[4096] __attribute__((aligned(16)));

void vcpu_main(void)
{
    for (;;) {
        (void)hvc(0xc6000badu, 0, 0, 0);
    }
}

int main(void)
{
    put("begin\n");
    if (hvc(PSCI_CPU_ON, 1, (uint64_t)vcpu_start, (uint64_t)&stack[sizeof(stack)]) == 0) {
        for (;;) {
            (void)hvc(PSCI_VERSION, 0, 0, 0);
            (void)read32(PL011_BASE + 0x18);
        }
    }
    vcpu_main();
}
