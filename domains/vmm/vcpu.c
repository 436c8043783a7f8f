/* SPDX-License-Identifier: BSD-2-Clause */
/* What one vCPU's thread does to other vCPUs (see run.c), and to all of them. */

#include "domains/vmm/system.h"
#include "domains/vmm/vm.h"

void vm_copy_counters(struct vm *vm)
{
    struct bh_vmm_statistics *statistics = vm->statistics;
    for (unsigned i = 0; i < BH_EXIT_COUNT && i < BH_STATISTICS_EXITS; i++) {
        uint64_t count = 0;
        for (unsigned j = 0; j < vm->vcpu_count; j++) {
            count += vm->vcpu[j].frame->exits[i];
        }
        statistics->exits[i] = count;
    }
    uint64_t ticks = 0;
    for (unsigned j = 0; j < vm->vcpu_count; j++) {
        ticks += vm->vcpu[j].frame->guest_ticks;
    }
    statistics->guest_ticks = ticks;
}

void vcpu_hold(struct vcpu *vcpu)
{
    unsigned own = vcpu->vm->current;
    if (vcpu->index == own) {
        return;
    }
    uint32_t control = __atomic_fetch_or(&vcpu->control, VCPU_HELD, __ATOMIC_SEQ_CST);
    if ((control & VCPU_IN_GUEST) == 0) {
        return;
    }
    system_kick(vcpu->index);
    while ((__atomic_load_n(&vcpu->control, __ATOMIC_ACQUIRE) & VCPU_IN_GUEST) != 0) {
        system_park(own);
    }
}

void vcpu_let_go(struct vcpu *vcpu)
{
    if (vcpu->index != vcpu->vm->current) {
        __atomic_fetch_and(&vcpu->control, ~VCPU_HELD, __ATOMIC_RELEASE);
    }
}

void vm_stop(struct vm *vm, uint64_t event, uint64_t code)
{
    if (vm->stop_event != 0) {
        return;
    }
    vm->stop_event = event;
    vm->stop_code = code;
    for (unsigned i = 0; vm->vcpu_count > 1 && i < vm->vcpu_count; i++) {
        __atomic_fetch_or(&vm->vcpu[i].control, VCPU_STOPPED, __ATOMIC_SEQ_CST);
        if (i != vm->current) {
            system_kick(i);
        }
    }
}
