/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/vmm_devices/machine.h"

#include <stdarg.h>
#include <string.h>

#include "domains/vmm/memory_map.h"
#include "domains/vmm/system.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"
#include "test/unit/check.h"

#define SERVICES 8u

uint64_t bh_test_ticks;

static struct vm *machine;
static struct bh_domain_page *page;
static struct service *services[SERVICES];
static int64_t detached; /* index of the resource the VMM let go of last, or -1 */

struct vm *machine_new(void)
{
    machine = calloc(1, sizeof(*machine));
    page = calloc(1, sizeof(*page));
    CHECK(machine != NULL && page != NULL);
    guest_create(&machine->guest);
    return machine;
}

void machine_free(struct vm *vm)
{
    guest_destroy(&vm->guest);
    free(vm);
    free(page);
}

/* Everything of the VMM that a guest's access to nothing reaches. */
uint64_t machine_read(struct vm *vm, uint64_t address, unsigned bytes)
{
    const struct mmio_region *region = mmio_search(&vm->bus, address);
    return region != NULL ? mmio_read(region, address, bytes) : 0;
}

void machine_write(struct vm *vm, uint64_t address, unsigned bytes, uint64_t value)
{
    const struct mmio_region *region = mmio_search(&vm->bus, address);
    if (region != NULL) {
        mmio_write(region, address, bytes, value);
    }
}

void machine_signal(struct vm *vm, uint64_t bits)
{
    for (unsigned i = 0; i < vm->handler_count; i++) {
        if ((vm->handler[i].bits & bits) != 0) {
            vm->handler[i].handler(vm->handler[i].device, vm->handler[i].bits & bits);
        }
    }
}

void machine_expire(struct vm *vm)
{
    struct vm_timer *timer = vm->timer;
    CHECK(timer != NULL);
    vm->timer = NULL;
    timer->expired(timer->device);
}

/* --- device.h --- */

bool vm_mmio_add(struct vm *vm, const struct mmio_region *region)
{
    if (region->base + region->size > GUEST_BASE && region->base < GUEST_BASE + GUEST_SIZE) {
        return false;
    }
    return mmio_add(&vm->bus, region);
}

bool vm_mmio_remove(struct vm *vm, uint64_t base)
{
    return mmio_remove(&vm->bus, base);
}

void *guest_memory(struct vm *vm, uint64_t ipa, uint64_t length)
{
    return guest_pointer(&vm->guest, ipa, length);
}

void vm_raise_msi(struct vm *vm, uint64_t address, uint32_t data)
{
    if (address == GUEST_MSI_ADDRESS && data < 1024) {
        vm->messages[data]++;
    }
}

void vm_set_irq_level(struct vm *vm, uint32_t intid, bool level)
{
    uint32_t bit = 1u << (intid - GUEST_INTID_PCI_INTX);
    vm->lines = level ? vm->lines | bit : vm->lines & ~bit;
}

bool vm_on_signal(struct vm *vm, uint64_t bits, void (*handler)(void *device, uint64_t bits),
                  void *device)
{
    if (vm->handler_count == VM_SIGNAL_HANDLERS) {
        return false;
    }
    vm->handler[vm->handler_count].bits = bits;
    vm->handler[vm->handler_count].handler = handler;
    vm->handler[vm->handler_count++].device = device;
    return true;
}

void vm_timer_arm(struct vm *vm, struct vm_timer *timer, uint64_t deadline)
{
    timer->deadline = deadline;
    vm->timer = timer;
}

void vm_timer_disarm(struct vm *vm, struct vm_timer *timer)
{
    if (vm->timer == timer) {
        vm->timer = NULL;
    }
}

struct bh_vmm_statistics *vm_statistics(struct vm *vm)
{
    return &vm->statistics;
}

/* --- system.h --- */

void system_signal(uint64_t cap)
{
    CHECK(cap >= 1 && cap <= SERVICES && services[cap - 1] != NULL);
    struct service *service = services[cap - 1];
    service->signals++;
    if (!service->deferred) {
        service->run(service);
    }
}

bool system_random(void *buffer, uint64_t bytes)
{
    memset(buffer, 0x5a, bytes);
    return true;
}

/* --- runtime.h --- */

const struct bh_domain_page *bh_domain(void)
{
    return page;
}

const struct bh_resource *bh_resource_find(uint32_t kind, const char *name)
{
    for (uint32_t i = 0; i < page->resource_count; i++) {
        if (page->resource[i].state == BH_RESOURCE_ATTACHED && page->resource[i].kind == kind &&
            strcmp(page->resource[i].name, name) == 0) {
            return &page->resource[i];
        }
    }
    return NULL;
}

void bh_channel_attach(struct bh_channel *channel, const struct bh_resource *resource)
{
    bh_channel_open(channel, (void *)(uintptr_t)resource->address, &resource->geometry);
    channel->signal_cap = resource->cap;
    channel->wake_bits = resource->bits;
    channel->epoch = resource->epoch;
}

struct bh_root_answer bh_root_call(uint32_t request, uint64_t word0, uint64_t word1, uint64_t word2)
{
    (void)word1;
    (void)word2;
    CHECK_EQUAL(request, BH_ROOT_DETACHED);
    detached = (int64_t)word0;
    return (struct bh_root_answer){0};
}

void bh_log(const char *format, ...)
{
    (void)format;
}

uint64_t bh_ticks_from_us(uint64_t us)
{
    return us;
}

/* --- Services --- */

static void rings_clear(struct service *service)
{
    memset(service->memory, 0, bh_channel_data_offset(&service->resource->geometry));
    bh_channel_open(&service->channel, service->memory, &service->resource->geometry);
    (void)bh_ring_consumer_sleep(&service->channel.submit);
}

void service_create(struct service *service, struct vm *vm, const char *name, uint32_t protocol,
                    const struct bh_channel_geometry *geometry,
                    void (*run)(struct service *service))
{
    uint32_t index = page->resource_count++;
    CHECK(index < SERVICES);
    service->vm = vm;
    service->run = run;
    service->memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(geometry));
    CHECK(service->memory != NULL);
    service->resource = &page->resource[index];
    *service->resource = (struct bh_resource){.kind = BH_RESOURCE_CLIENT,
                                              .state = BH_RESOURCE_ATTACHED,
                                              .protocol = protocol,
                                              .epoch = 1,
                                              .address = (uintptr_t)service->memory,
                                              .size = bh_channel_bytes(geometry),
                                              .cap = index + 1,
                                              .bits = UINT64_C(256) << index,
                                              .geometry = *geometry};
    strncpy(service->resource->name, name, BH_NAME_MAX - 1);
    services[index] = service;
    memset(service->memory, 0xee, service->resource->size);
    rings_clear(service);
}

void service_destroy(struct service *service)
{
    free(service->memory);
}

bool service_detach(struct service *service)
{
    detached = -1;
    service->resource->state = BH_RESOURCE_DETACHING;
    machine_signal(service->vm, BH_SIGNAL_CONTROL);
    service->resource->state = BH_RESOURCE_UNUSED;
    return detached == service->resource - page->resource;
}

void service_attach(struct service *service)
{
    rings_clear(service);
    service->resource->epoch++;
    service->resource->state = BH_RESOURCE_ATTACHED;
    machine_signal(service->vm, BH_SIGNAL_CONTROL);
}

void service_publish(struct service *service)
{
    (void)bh_ring_release(&service->channel.submit);
    if (bh_ring_publish(&service->channel.complete)) {
        service->wakes++;
        machine_signal(service->vm, service->resource->bits);
    }
}
