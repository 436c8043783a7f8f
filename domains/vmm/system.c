/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/system.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/vmm/gic.h"
#include "ipc/domain.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

/* Capabilities of each vCPU. Those of threads that wait for their first kick are read from the domain
 * page: nobody may have filled this in yet. */
static struct {
    bh_cptr vcpu, kick, park;
} caps[GIC_CPUS];

static bh_cptr bound_notification(unsigned cpu)
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (resource->kind == BH_RESOURCE_REGION && strcmp(resource->name, "vcpu") == 0 &&
            resource->argument[BH_VCPU_ARGUMENT_INDEX] == cpu) {
            return resource->argument[BH_VCPU_ARGUMENT_KICK];
        }
    }
    return BH_CPTR_NULL;
}

void system_vcpu_use(const struct bh_resource *resource)
{
    uint64_t index = resource->argument[BH_VCPU_ARGUMENT_INDEX];
    caps[index].vcpu = resource->cap;
    caps[index].kick = resource->argument[BH_VCPU_ARGUMENT_KICK];
    caps[index].park = resource->argument[BH_VCPU_ARGUMENT_PARK];
}

void system_vcpu_save(unsigned cpu)
{
    if (bh_vcpu_save(caps[cpu].vcpu).error != BH_OK) {
        bh_panic("the kernel refuses to save vCPU %u", cpu);
    }
}

void system_vcpu_load(unsigned cpu)
{
    if (bh_vcpu_load(caps[cpu].vcpu).error != BH_OK) {
        bh_panic("the kernel refuses to load vCPU %u", cpu);
    }
}

void system_vcpu_post(unsigned cpu, uint32_t intid)
{
    (void)bh_vcpu_post(caps[cpu].vcpu, intid);
}

void system_kick(unsigned cpu)
{
    (void)bh_signal(caps[cpu].kick);
}

uint64_t system_wait_kick(unsigned cpu)
{
    bh_cptr cap = cpu == 0 ? (bh_cptr)BH_SLOT_NOTIFICATION : bound_notification(cpu);
    uint64_t bits;
    if (bh_wait(cap, &bits) != BH_OK) {
        bh_panic("vCPU %u: waiting for its notification failed", cpu);
    }
    return bits;
}

void system_park(unsigned cpu)
{
    uint64_t bits;
    if (bh_wait(caps[cpu].park, &bits) != BH_OK) {
        bh_panic("vCPU %u: waiting for the lock failed", cpu);
    }
}

void system_unpark(unsigned cpu)
{
    (void)bh_signal(caps[cpu].park);
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
