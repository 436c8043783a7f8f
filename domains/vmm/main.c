/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine monitor: one domain for each guest, with the guest's memory, its vCPUs and its
 * channels. Each vCPU has a thread; the first one does everything else.
 *
 * It finds what it holds in the domain page, loads the guest, and runs it until the guest or root
 * ends it. A VMM never ends by itself: it reports and waits until root destroys it.
 *
 * Arguments: time=SECONDS, what the guest's clock shows at its start, in seconds since 1970
 * (2024-01-01 without it).
 */

#include <stdlib.h>
#include <string.h>

#include <bh/syscall.h>

#include "domains/vmm/boot.h"
#include "domains/vmm/system.h"
#include "domains/vmm/vm.h"
#include "libs/runtime/runtime.h"

#define TIME_DEFAULT UINT64_C(1704067200) /* 2024-01-01 00:00 UTC */

/* Codes of BH_GUEST_EVENT_CRASHED beside enum bh_exit: what root gave is not enough. */
#define CODE_RESOURCES 256u

static struct vm the_vm;
static struct boot the_boot;

/* The end: no vCPU runs any more, everything is said, and root does the rest. Requests to give memory
 * back are still answered. */
static _Noreturn void stop(struct vm *vm, uint64_t event, uint64_t code)
{
    if (vm->vcpu_count > 1) {
        vm_lock(&vm->vcpu[0]); /* for good */
        for (unsigned i = 1; i < vm->vcpu_count; i++) {
            vcpu_hold(&vm->vcpu[i]);
        }
    }
    console_flush(&vm->console);
    system_guest_event(event, code);
    while (true) {
        vm_signalled(vm, system_wait());
    }
}

/* The vCPUs, in whatever order the domain page lists them; each one from 0 on has to be there. */
static bool find_processors(struct vm *vm)
{
    const struct bh_domain_page *page = bh_domain();
    unsigned found = 0;
    for (uint32_t i = 0; i < page->resource_count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        uint64_t index = resource->argument[BH_VCPU_ARGUMENT_INDEX];
        if (resource->kind != BH_RESOURCE_REGION || strcmp(resource->name, "vcpu") != 0 ||
            index >= GIC_CPUS) {
            continue;
        }
        struct vcpu *vcpu = &vm->vcpu[index];
        *vcpu = (struct vcpu){.vm = vm,
                              .frame = (struct bh_vcpu_frame *)resource->address,
                              .index = (unsigned)index,
                              .control = VCPU_NOT_ON};
        system_vcpu_use(resource);
        found |= 1u << index;
        vm->vcpu_count++;
    }
    return vm->vcpu_count > 0 && found == (1u << vm->vcpu_count) - 1;
}

/* Finds what every VMM needs. False: something is missing. */
static bool find_resources(struct vm *vm)
{
    const struct bh_domain_page *page = bh_domain();
    const struct bh_resource *config = bh_resource_find(BH_RESOURCE_REGION, "guest");
    const struct bh_resource *statistics = bh_resource_find(BH_RESOURCE_REGION, "statistics");
    vm->statistics = &vm->own_statistics;
    if (statistics != NULL && statistics->object[0] == '\0' &&
        statistics->size >= sizeof(*vm->statistics)) {
        vm->statistics = (struct bh_vmm_statistics *)statistics->address;
    }
    for (uint32_t i = 0; i < page->resource_count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED &&
            resource->kind == BH_RESOURCE_REGION && strcmp(resource->name, "ram") == 0 &&
            vm->ram_count < VM_RAM_REGIONS) {
            vm->ram[vm->ram_count++] = (struct vm_ram){resource->argument[0], resource->size,
                                                       (uint8_t *)resource->address};
        }
    }
    if (config == NULL || !find_processors(vm) || vm->ram_count == 0) {
        bh_log("root gave no configuration, no vCPU or no memory");
        return false;
    }
    vm->config = (const struct bh_guest_config *)config->address;
    return true;
}

static uint64_t start_time(void)
{
    char text[24];
    if (!bh_argument("time", text, sizeof(text))) {
        return TIME_DEFAULT;
    }
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*end != '\0' || end == text) {
        bh_log("arguments: time=%s is no number of seconds", text);
        return TIME_DEFAULT;
    }
    return value;
}

/* With one vCPU: without a lock. */
static void run_alone(struct vm *vm)
{
    struct vcpu *vcpu = &vm->vcpu[0];
    while (vm->stop_event == 0) {
        uint64_t bits;
        uint64_t reason = bh_vm_enter(&bits);
        if (reason == BH_EXIT_NOTIFICATION) {
            vm_copy_counters(vm);
            vm_signalled(vm, bits);
        } else {
            vm_exit(vm, vcpu, reason);
        }
    }
    vm_copy_counters(vm);
}

/* Another vCPU's thread. It is kicked for the first time when the guest turns the vCPU on, after the
 * first thread has made everything. */
void bh_thread_main(unsigned number)
{
    (void)system_wait_kick(number);
    bh_thread_adopt();
    vcpu_run(&the_vm.vcpu[number]);
    for (;;) {
        (void)system_wait_kick(number); /* root ends it */
    }
}

int main(void)
{
    struct vm *vm = &the_vm;
    if (!find_resources(vm) || !board_create(vm, start_time()) ||
        !console_start(&vm->console, vm, &vm->pl011) || !vm_pci_create(vm)) {
        stop(vm, BH_GUEST_EVENT_CRASHED, CODE_RESOURCES);
    }
    enum image_error error = boot_load(&the_boot, vm);
    if (error != IMAGE_OK) {
        stop(vm, BH_GUEST_EVENT_BAD_IMAGE, error);
    }
    system_guest_event(BH_GUEST_EVENT_RUNNING, 0);
    if (vm->vcpu_count > 1) {
        vcpu_run(&vm->vcpu[0]);
    } else {
        run_alone(vm);
    }
    stop(vm, vm->stop_event, vm->stop_code);
}
