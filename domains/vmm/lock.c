/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock of a virtual machine with several vCPUs: a word with one bit for each vCPU whose thread
 * waits, and one that says whether it is held. A waiter sleeps on a notification of its own, so that
 * threads on one core, whatever their budgets, never spin, and threads on other cores need not share
 * one. The bit of a waiter stays set until it has the lock: whoever unlocks meanwhile wakes it again.
 */

#include "domains/vmm/system.h"
#include "domains/vmm/vm.h"

#define LOCK_HELD (UINT32_C(1) << 31)

_Static_assert(GIC_CPUS < 31, "a bit for each waiter");

static __attribute__((noinline)) void lock_wait(struct vcpu *vcpu)
{
    uint32_t *lock = &vcpu->vm->lock;
    uint32_t waiter = UINT32_C(1) << vcpu->index;
    while ((__atomic_fetch_or(lock, LOCK_HELD | waiter, __ATOMIC_ACQUIRE) & LOCK_HELD) != 0) {
        system_park(vcpu->index);
    }
    __atomic_fetch_and(lock, ~waiter, __ATOMIC_RELAXED);
}

void vm_lock(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;
    if ((__atomic_fetch_or(&vm->lock, LOCK_HELD, __ATOMIC_ACQUIRE) & LOCK_HELD) != 0) {
        lock_wait(vcpu);
    }
    /* leave() in run.c reads it without the lock. */
    __atomic_store_n(&vm->current, vcpu->index, __ATOMIC_RELAXED);
}

/* Those that wait get their turn in the order of their numbers, beginning after the owner's. */
static __attribute__((noinline)) void lock_wake(const struct vcpu *vcpu, uint32_t waiters)
{
    uint32_t above = waiters & ~((UINT32_C(2) << vcpu->index) - 1);
    system_unpark((unsigned)__builtin_ctz(above != 0 ? above : waiters));
}

void vm_unlock(struct vcpu *vcpu)
{
    uint32_t waiters =
        __atomic_fetch_and(&vcpu->vm->lock, ~LOCK_HELD, __ATOMIC_RELEASE) & ~LOCK_HELD;
    if (waiters != 0) {
        lock_wake(vcpu, waiters);
    }
}
