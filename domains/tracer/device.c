/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/tracer/device.h"

#include <bh/syscall.h>
#include <string.h>

#include "libs/runtime/runtime.h"

#define RESET_POLL_US  1000u
#define RESET_LIMIT_US 1000000u

static const char *open_device(struct virtio_console *console)
{
    const struct bh_domain_page *page = bh_domain();
    const struct bh_resource *dma = bh_resource_find(BH_RESOURCE_DMA, NULL);
    if (dma == NULL || strcmp(dma->object, "virtio-console") != 0) {
        return "it has no virtio console";
    }
    const volatile void *config = NULL;
    struct virtio_bar bars[PCI_BARS] = {{0}};
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (resource->kind != BH_RESOURCE_MMIO || strcmp(resource->name, dma->name) != 0) {
            continue;
        }
        volatile void *address = (volatile void *)(uintptr_t)resource->address;
        if (resource->argument[0] == BH_MMIO_PCI_CONFIG) {
            config = address;
        } else if (resource->argument[0] < PCI_BARS) {
            bars[resource->argument[0]] = (struct virtio_bar){address, resource->size};
        }
    }
    if (config == NULL) {
        return "its virtio console has no configuration space";
    }
    return virtio_console_open(console, config, bars, (void *)(uintptr_t)dma->address, dma->size);
}

const char *device_start(struct virtio_console *console)
{
    const char *reason = open_device(console);
    if (reason != NULL) {
        return reason;
    }
    uint64_t limit = bh_ticks() + bh_ticks_from_us(RESET_LIMIT_US);
    while (!virtio_reset_done(&console->device)) {
        if (bh_ticks() >= limit) {
            return "its virtio console does not end its reset";
        }
        uint64_t bits;
        bh_deadline_set(bh_ticks() + bh_ticks_from_us(RESET_POLL_US));
        (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
    }
    return virtio_console_start(console);
}
