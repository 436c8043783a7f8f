/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/system.h"

#include <bh/syscall.h>

#include "ipc/domain.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

/* One vCPU for now: its capability is in a fixed slot. */
void system_vcpu_save(unsigned cpu)
{
    (void)cpu;
    if (bh_vcpu_save(BH_SLOT_VCPU).error != BH_OK) {
        bh_panic("the kernel refuses to save the vCPU");
    }
}

void system_vcpu_load(unsigned cpu)
{
    (void)cpu;
    if (bh_vcpu_load(BH_SLOT_VCPU).error != BH_OK) {
        bh_panic("the kernel refuses to load the vCPU");
    }
}

void system_arm(uint64_t deadline)
{
    if (deadline == UINT64_MAX) {
        bh_deadline_clear();
    } else {
        bh_deadline_set(deadline);
    }
}

uint64_t system_wait(void)
{
    uint64_t bits;
    if (bh_wait(BH_SLOT_NOTIFICATION, &bits) != BH_OK) {
        bh_panic("waiting for the notification failed");
    }
    return bits;
}

void system_signal(uint64_t cap)
{
    (void)bh_signal(cap); /* a peer that is gone needs no signal */
}

void system_guest_event(uint64_t event, uint64_t code)
{
    (void)bh_root_call(BH_ROOT_GUEST_EVENT, event, code, 0);
}

bool system_random(void *buffer, uint64_t bytes)
{
    return bh_random(buffer, bytes);
}
