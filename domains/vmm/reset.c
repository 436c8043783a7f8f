/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/vm.h"

#include <string.h>

#include "domains/vmm/system.h"
#include "libs/runtime/runtime.h"

#define PSTATE_EL1H_MASKED UINT64_C(0x3c5) /* EL1h with D, A, I and F masked */

/* The bits of SCTLR_EL1 that are RES1 in Armv8.0: LSMAOE, nTLSMD, SPAN, EIS, TSCXT, EOS. MMU and
 * caches are off. */
#define SCTLR_RESET UINT64_C(0x30d00800)

#define MPIDR_RES1 (UINT64_C(1) << 31)

void vcpu_reset(struct vcpu *vcpu, uint64_t pc, uint64_t x0)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    struct vm *vm = vcpu->vm;
    if (vm->counter_offset == 0) {
        vm->counter_offset = bh_ticks(); /* the virtual counter starts at 0 */
    }
    memset(frame->x, 0, sizeof(frame->x));
    frame->x[0] = x0;
    frame->pc = pc;
    frame->pstate = PSTATE_EL1H_MASKED;

    frame->state = (struct bh_vcpu_state){
        .sctlr_el1 = SCTLR_RESET,
        .vmpidr = MPIDR_RES1 | vcpu->index,
        .vpidr = frame->host.midr, /* errata workarounds go by it */
        .cntvoff = vm->counter_offset,
    };
    system_vcpu_load(vcpu->index);

    vcpu->power = VCPU_ON;
    __atomic_fetch_and(&vcpu->control, ~VCPU_NOT_ON, __ATOMIC_RELAXED);
    vcpu->os_lock = 1;
    vcpu->debug_control = 0;
    physical_timer_reset(vcpu);
}
