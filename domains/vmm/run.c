/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of a virtual machine with several vCPUs.
 *
 * A thread says in `control` that it is in the guest before it enters, and looks at the same time whether
 * something keeps it out. Whoever holds the lock can so keep any other vCPU out: it sets VCPU_HELD, and if
 * the vCPU is in the guest, kicks it and sleeps until its thread is back (vcpu_hold). A kick is a signal
 * of the thread's bound notification, which ends bh_vm_enter.
 *
 * The first thread, whose bound notification is the domain's, is also the one that serves devices and
 * deadlines, and the only one that calls root. It does so while its vCPU is off as well.
 */

#include <bh/syscall.h>

#include "domains/vmm/system.h"
#include "domains/vmm/vm.h"

/* The signals of the domain's notification, of which the first thread is told. */
static void serve(struct vcpu *vcpu, uint64_t bits)
{
    bits &= ~BH_SIGNAL_KICK;
    if (vcpu->index == 0 && bits != 0) {
        vm_lock(vcpu);
        vm_copy_counters(vcpu->vm);
        vm_signalled(vcpu->vm, bits);
        vm_unlock(vcpu);
    }
}

/* The thread is not in the guest (any more): whoever waits for that is told. */
static void leave(struct vcpu *vcpu)
{
    uint32_t control = __atomic_fetch_and(&vcpu->control, ~VCPU_IN_GUEST, __ATOMIC_SEQ_CST);
    if ((control & VCPU_HELD) != 0) {
        system_unpark(__atomic_load_n(&vcpu->vm->current, __ATOMIC_RELAXED));
    }
}

/* Waits until another vCPU turns this one on. */
static void wait_off(struct vcpu *vcpu)
{
    bool on = false;
    while (!on) {
        vm_lock(vcpu);
        if (vcpu->power == VCPU_ON_PENDING) {
            vcpu_reset(vcpu, vcpu->start.pc, vcpu->start.x0);
        }
        on = vcpu->power == VCPU_ON || vcpu->vm->stop_event != 0;
        vm_unlock(vcpu);
        if (!on) {
            serve(vcpu, system_wait_kick(vcpu->index));
        }
    }
}

/* True when the vCPU may be in the guest and `control` says that it is; false when the virtual machine has
 * stopped. */
static bool enter(struct vcpu *vcpu)
{
    for (;;) {
        uint32_t control = __atomic_fetch_or(&vcpu->control, VCPU_IN_GUEST, __ATOMIC_SEQ_CST);
        if (control == 0) {
            return true;
        }
        leave(vcpu);
        if ((control & VCPU_STOPPED) != 0) {
            return false;
        }
        if ((control & VCPU_NOT_ON) != 0) {
            wait_off(vcpu);
        } else { /* held: until the owner of the lock is done */
            vm_lock(vcpu);
            vm_unlock(vcpu);
        }
    }
}

void vcpu_run(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    while (enter(vcpu)) {
        uint64_t bits;
        uint64_t reason = bh_vm_enter(&bits);
        leave(vcpu);
        if (reason == BH_EXIT_NOTIFICATION) {
            serve(vcpu, bits);
        } else if (!vm_exit_alone(vm, vcpu, reason)) {
            vm_lock(vcpu);
            vm_exit(vm, vcpu, reason);
            vm_unlock(vcpu);
        }
    }
}
