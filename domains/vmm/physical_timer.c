/* SPDX-License-Identifier: BSD-2-Clause */
/* The EL1 physical timer (Arm ARM D11.2.4), for guests that use it: its output is a deadline of the
 * VMM. */

#include "domains/vmm/vm.h"

#include "libs/runtime/runtime.h"

#define CONTROL_ENABLE 1u
#define CONTROL_MASK   2u
#define CONTROL_STATUS 4u

static bool condition_met(const struct physical_timer *timer)
{
    return (timer->control & CONTROL_ENABLE) != 0 && bh_ticks() >= timer->compare;
}

static void update(struct vcpu *vcpu)
{
    struct physical_timer *timer = &vcpu->physical_timer;
    bool met = condition_met(timer);
    bool masked = (timer->control & CONTROL_MASK) != 0;
    gic_set_level(&vcpu->vm->gic, vcpu->index, GUEST_INTID_PHYSICAL_TIMER, met && !masked);
    if ((timer->control & CONTROL_ENABLE) != 0 && !met && !masked) {
        vm_timer_arm(vcpu->vm, &timer->timer, timer->compare);
    } else {
        vm_timer_disarm(vcpu->vm, &timer->timer);
    }
}

static void expired(void *device)
{
    update(device);
}

void physical_timer_reset(struct vcpu *vcpu)
{
    vm_timer_disarm(vcpu->vm, &vcpu->physical_timer.timer);
    vcpu->physical_timer = (struct physical_timer){.timer = {.expired = expired, .device = vcpu}};
}

uint64_t physical_timer_read(struct vcpu *vcpu, uint32_t reg)
{
    const struct physical_timer *timer = &vcpu->physical_timer;
    switch (reg) {
    case PHYSICAL_TIMER_TVAL:
        return (uint32_t)(timer->compare - bh_ticks());
    case PHYSICAL_TIMER_CTL:
        return timer->control | (condition_met(timer) ? CONTROL_STATUS : 0);
    default:
        return timer->compare;
    }
}

void physical_timer_write(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
    struct physical_timer *timer = &vcpu->physical_timer;
    switch (reg) {
    case PHYSICAL_TIMER_TVAL:
        timer->compare = bh_ticks() + (uint64_t)(int64_t)(int32_t)value;
        break;
    case PHYSICAL_TIMER_CTL:
        timer->control = (uint32_t)value & (CONTROL_ENABLE | CONTROL_MASK);
        break;
    default:
        timer->compare = value;
        break;
    }
    update(vcpu);
}
