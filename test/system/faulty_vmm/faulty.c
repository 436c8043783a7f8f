/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM that has been taken over by its guest: the real one, but for a hypercall by which the guest
 * makes it fault. The guest's name says how: fault-write, fault-execute, fault-instruction,
 * fault-spin.
 */
#include <string.h>

#include "domains/vmm/vm.h"

#define FAULT_CALL UINT32_C(0xc6000bad)
#define KERNEL     UINT64_C(0xffff000000000000) /* what no domain may touch */

void __real_psci_call(struct vm *vm, struct vcpu *vcpu);
void __wrap_psci_call(struct vm *vm, struct vcpu *vcpu);

static void fault(const char *name)
{
    if (strcmp(name, "fault-write") == 0) {
        *(volatile uint32_t *)KERNEL = 1;
    } else if (strcmp(name, "fault-execute") == 0) {
        void (*volatile nothing)(void) = NULL;
        nothing();
    } else if (strcmp(name, "fault-instruction") == 0) {
        __asm__ volatile("msr hcr_el2, xzr");
    } else if (strcmp(name, "fault-spin") == 0) {
        for (;;) {
            __asm__ volatile("");
        }
    }
}

void __wrap_psci_call(struct vm *vm, struct vcpu *vcpu)
{
    if ((uint32_t)vcpu->frame->x[0] == FAULT_CALL) {
        fault(vm->config->name);
    }
    __real_psci_call(vm, vcpu);
}
