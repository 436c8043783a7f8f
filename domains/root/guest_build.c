/* SPDX-License-Identifier: BSD-2-Clause */
#include <bh/syscall.h>
#include <string.h>

#include "domains/root/channel.h"
#include "domains/root/guest.h"
#include "domains/root/guest_config.h"
#include "domains/root/placement.h"
#include "domains/root/root.h"
#include "domains/root/share.h"
#include "domains/root/volumes.h"

#define VMM_CNODE_RADIX 6u
#define VMM_PAGE_FRAMES 2u
#define GUEST_RAM       UINT64_C(0x40000000) /* intermediate physical address */
#define OVERHEAD_LEAST  (UINT64_C(1) << 20)

/* What the VMM needs for each device that it makes. */
#define DISK_HEAP (UINT64_C(64) << 10)
#define PORT_HEAP (UINT64_C(16) << 10)

static const char *make_domain(struct guest *guest)
{
    const struct bh_guest_config *config = &guest->info.config;
    const struct description *description = &root.description;
    struct domain *vmm = domain_allocate(1 + DOMAINS_DESCRIBED, config->name);
    if (vmm == NULL) {
        return "too many domains";
    }
    vmm->is_vmm = true;
    guest->vmm = vmm;
    uint32_t core[DOMAIN_THREADS_MAX];
    const char *reason = placement_choose(&guest->settings, config->vcpu_count, core);
    if (reason != NULL) {
        return reason;
    }
    return domain_build(vmm, &(struct domain_plan){.program = description->guest_program,
                                                   .time = guest->settings.time,
                                                   .heap_size = description->guest_heap_size +
                                                                config->disk_count * DISK_HEAP +
                                                                config->net_count * PORT_HEAP,
                                                   .stack_size = description->guest_stack_size,
                                                   .arguments = "",
                                                   .thread_count = config->vcpu_count,
                                                   .core = core,
                                                   .cnode_radix = VMM_CNODE_RADIX,
                                                   .page_frames = VMM_PAGE_FRAMES});
}

/* The page with its configuration, written by root and read-only in the VMM. */
static const char *give_config(const struct guest *guest)
{
    struct domain *vmm = guest->vmm;
    uint64_t window = domain_window(vmm) + DOMAIN_WINDOW_OWN;
    uint64_t address = domain_address(vmm, BH_PAGE_SIZE, BH_PAGE_SIZE);
    struct region region;
    if (address == 0 || !region_make(&region, &vmm->arena, BH_PAGE_SIZE, BH_PAGE_BITS) ||
        !region_map(&region, &root.space, window, BH_RIGHT_READ | BH_RIGHT_WRITE) ||
        !region_map(&region, &vmm->space, address, BH_RIGHT_READ)) {
        return "no memory for its configuration";
    }
    memcpy((void *)window, &guest->info.config, sizeof(guest->info.config));
    struct bh_resource resource = {
        .kind = BH_RESOURCE_REGION, .name = "guest", .address = address, .size = BH_PAGE_SIZE};
    return domain_resource_add(vmm, &resource) < BH_DOMAIN_RESOURCE_MAX ? NULL : "too much";
}

static const char *give_memory(const struct guest *guest, const struct space *guest_space)
{
    struct domain *vmm = guest->vmm;
    uint64_t size = guest->info.config.memory;
    uint64_t address = domain_address(vmm, size, GUEST_MEMORY_UNIT);
    const uint64_t rights = BH_RIGHT_READ | BH_RIGHT_WRITE;
    struct region ram;
    if (address == 0 || !region_make(&ram, &vmm->arena, size, BH_LARGE_PAGE_BITS) ||
        !region_map(&ram, guest_space, GUEST_RAM, rights | BH_RIGHT_GRANT) ||
        !region_map(&ram, &vmm->space, address, rights)) {
        return "not enough memory";
    }
    struct bh_resource resource = {.kind = BH_RESOURCE_REGION,
                                   .name = "ram",
                                   .address = address,
                                   .size = size,
                                   .argument = {GUEST_RAM}};
    return domain_resource_add(vmm, &resource) < BH_DOMAIN_RESOURCE_MAX ? NULL : "too much";
}

/* The notifications by which the threads of several vCPUs stop and wait for each other. */
static bool give_notifications(struct domain *vmm, uint32_t index, struct bh_resource *resource)
{
    struct domain_thread *thread = &vmm->thread[index];
    const uint64_t own = BH_RIGHT_READ | BH_RIGHT_WRITE;
    thread->park = arena_make(&vmm->arena, BH_TYPE_NOTIFICATION, 0, 1);
    if (thread->park == 0) {
        return false;
    }
    /* The first thread waits for its own by BH_SLOT_NOTIFICATION. */
    uint32_t kick = domain_grant(vmm, thread->notification, index == 0 ? BH_RIGHT_WRITE : own,
                                 BH_SIGNAL_KICK);
    uint32_t park = domain_grant(vmm, thread->park, own, 0);
    resource->argument[BH_VCPU_ARGUMENT_KICK] = kick;
    resource->argument[BH_VCPU_ARGUMENT_PARK] = park;
    return kick != 0 && park != 0;
}

static const char *give_vcpu(struct domain *vmm, uint32_t index, const struct space *guest_space)
{
    struct domain_thread *thread = &vmm->thread[index];
    thread->vcpu = arena_make(&vmm->arena, BH_TYPE_VCPU, 0, 1);
    uint64_t address = domain_address(vmm, BH_PAGE_SIZE, BH_PAGE_SIZE);
    struct region frame;
    if (thread->vcpu == 0 || address == 0 ||
        !region_make(&frame, &vmm->arena, BH_PAGE_SIZE, BH_PAGE_BITS) ||
        !region_map(&frame, &vmm->space, address, BH_RIGHT_READ | BH_RIGHT_WRITE)) {
        return "no memory for a virtual processor";
    }
    struct bh_resource resource = {.kind = BH_RESOURCE_REGION,
                                   .name = "vcpu",
                                   .address = address,
                                   .size = BH_PAGE_SIZE,
                                   .argument = {[BH_VCPU_ARGUMENT_INDEX] = index}};
    if (index == 0) {
        resource.cap = BH_SLOT_VCPU;
    } else {
        resource.cap = domain_grant(vmm, thread->vcpu, BH_RIGHTS_ALL, 0);
    }
    if (bh_vcpu_configure(thread->vcpu, thread->tcb, guest_space->cap, frame.frame).error !=
            BH_OK ||
        resource.cap == 0 ||
        (index == 0 && bh_cnode_copy(vmm->cnode, BH_SLOT_VCPU, BH_ROOT_SLOT_CNODE, thread->vcpu,
                                     BH_RIGHTS_ALL)
                               .error != BH_OK) ||
        (vmm->thread_count > 1 && !give_notifications(vmm, index, &resource)) ||
        domain_resource_add(vmm, &resource) == BH_DOMAIN_RESOURCE_MAX) {
        return "a virtual processor could not be set up";
    }
    return NULL;
}

static const char *give_processors(const struct guest *guest, const struct space *guest_space)
{
    struct domain *vmm = guest->vmm;
    if (bh_cnode_copy(vmm->cnode, BH_SLOT_GUEST_SPACE, BH_ROOT_SLOT_CNODE, guest_space->cap,
                      BH_RIGHTS_ALL)
            .error != BH_OK) {
        return "its address space could not be set up";
    }
    const char *reason = NULL;
    for (uint32_t i = 0; reason == NULL && i < vmm->thread_count; i++) {
        reason = give_vcpu(vmm, i, guest_space);
    }
    return reason;
}

/* A notification for the doorbell of one of its virtual devices. */
static const char *give_doorbell(struct domain *vmm, const char *device)
{
    struct bh_resource resource = {
        .kind = BH_RESOURCE_NOTIFY, .name = "doorbell", .bits = domain_next_bit(vmm)};
    strcpy(resource.object, device);
    resource.cap = domain_grant_notification(vmm, vmm, resource.bits);
    return resource.cap != 0 && domain_resource_add(vmm, &resource) < BH_DOMAIN_RESOURCE_MAX
               ? NULL
               : "too many devices";
}

static const char *give_disks(const struct guest *guest)
{
    const struct bh_guest_config *config = &guest->info.config;
    struct domain *vmm = guest->vmm;
    uint64_t boot_data = root.description.boot_data_size;
    const char *reason =
        channel_open_block(vmm, "kernel", config->kernel_volume, true, 16, boot_data);
    if (reason == NULL && config->initrd_volume[0] != 0) {
        reason = channel_open_block(vmm, "initrd", config->initrd_volume, true, 16, boot_data);
    }
    for (uint32_t i = 0; reason == NULL && i < config->disk_count; i++) {
        char name[] = {'d', 'i', 's', 'k', (char)('0' + i), 0};
        reason =
            channel_open_block(vmm, name, config->disk[i].volume, config->disk[i].read_only != 0, 0,
                               guest->settings.disk_data_size);
        reason = reason == NULL ? give_doorbell(vmm, name) : reason;
    }
    return reason;
}

static const char *give_ports(const struct guest *guest)
{
    const struct bh_guest_config *config = &guest->info.config;
    const char *reason = NULL;
    for (uint32_t i = 0; reason == NULL && i < config->net_count; i++) {
        char name[] = {'n', 'e', 't', (char)('0' + i), 0};
        reason = channel_open_net(guest->vmm, name, config->net[i].network, config->net[i].mac, 0,
                                  guest->settings.net_data_size);
        reason = reason == NULL ? give_doorbell(guest->vmm, name) : reason;
    }
    return reason;
}

static const char *give_consoles(const struct guest *guest)
{
    if (description_server(&root.description, BH_PROTOCOL_CONSOLE) == NULL) {
        return NULL; /* a system without consoles */
    }
    const char *reason = channel_open_console(guest->vmm, "console", guest->info.config.name);
    if (reason != NULL) {
        return reason;
    }
    return channel_open_log(guest->vmm);
}

const char *guest_build(struct guest *guest, enum bh_root_status *status)
{
    *status = BH_ROOT_NO_MEMORY;
    if (memory_free_bytes() < guest->info.config.memory + OVERHEAD_LEAST) {
        return "not enough memory";
    }
    const char *reason = make_domain(guest);
    if (reason != NULL) {
        return reason;
    }
    struct domain *vmm = guest->vmm;
    struct space guest_space = {.cap = arena_make(&vmm->arena, BH_TYPE_GUEST_SPACE, 0, 1),
                                .tables = &vmm->arena};
    if (guest_space.cap == 0) {
        return "no memory for its address space";
    }
    vmm->guest_space = guest_space.cap;
    reason = give_memory(guest, &guest_space);
    reason = reason == NULL ? give_processors(guest, &guest_space) : reason;
    reason = reason == NULL ? give_config(guest) : reason;
    reason = reason == NULL ? share_make(vmm, true, 0) : reason;
    reason = reason == NULL ? give_disks(guest) : reason;
    reason = reason == NULL ? give_ports(guest) : reason;
    reason = reason == NULL ? give_consoles(guest) : reason;
    if (reason == NULL) {
        *status = BH_ROOT_OK;
    }
    return reason;
}
