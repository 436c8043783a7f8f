/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/device.h"

#include <stdlib.h>
#include <string.h>

#include "domains/storage/memory_disk.h"
#include "drivers/nvme/nvme.h"
#include "drivers/virtio_blk/virtio_blk.h"
#include "libs/runtime/runtime.h"

/* What a device consists of. */
struct parts {
    const volatile void *config;
    struct virtio_bar bar[PCI_BARS];
    uint8_t *memory;
    size_t memory_size;
    const struct bh_resource *irq;
};

static void find_parts(const char *name, struct parts *parts)
{
    const struct bh_domain_page *page = bh_domain();
    *parts = (struct parts){0};
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) != BH_RESOURCE_ATTACHED ||
            strncmp(resource->name, name, BH_NAME_MAX) != 0) {
            continue;
        }
        void *address = (void *)(uintptr_t)resource->address;
        if (resource->kind == BH_RESOURCE_MMIO && resource->argument[0] == BH_MMIO_PCI_CONFIG) {
            parts->config = address;
        } else if (resource->kind == BH_RESOURCE_MMIO && resource->argument[0] < PCI_BARS) {
            parts->bar[resource->argument[0]] =
                (struct virtio_bar){.address = address, .size = resource->size};
        } else if (resource->kind == BH_RESOURCE_DMA) {
            parts->memory = address;
            parts->memory_size = resource->size;
        } else if (resource->kind == BH_RESOURCE_IRQ) {
            parts->irq = resource;
        }
    }
}

/* NULL, and *error says why: the driver can't work with it. */
static struct block_device *open_driver(const char *driver, const struct parts *parts,
                                        const char **error)
{
    size_t memory_size = parts->memory_size - SCAN_BUFFER;
    struct block_device *block = NULL;
    *error = "there is no memory for its driver";
    if (strcmp(driver, "nvme") == 0) {
        struct nvme *nvme = calloc(1, sizeof *nvme);
        if (nvme != NULL) {
            *error = nvme_open(nvme, parts->bar[0].address, parts->bar[0].size,
                               pci_msix_enabled(parts->config), parts->memory, memory_size,
                               bh_timer_frequency());
            block = &nvme->block;
        }
    } else {
        struct virtio_blk *blk = calloc(1, sizeof *blk);
        if (blk != NULL) {
            *error = virtio_blk_open(blk, parts->config, parts->bar, parts->memory, memory_size,
                                     bh_timer_frequency());
            block = &blk->block;
        }
    }
    return *error == NULL ? block : NULL;
}

/* Seconds that a command may take, from the argument request-timeout. 0 is for machines whose time
 * runs on while the disk works, as QEMU's does with -icount sleep=off: there, any limit is too
 * short. */
static uint32_t patience(void)
{
    char value[16];
    char *end;
    if (!bh_argument("request-timeout", value, sizeof value)) {
        return DISK_PATIENCE;
    }
    unsigned long seconds = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || seconds > UINT16_MAX) {
        bh_log("argument request-timeout=%s: must be a number of seconds; %u is used", value,
               DISK_PATIENCE);
        return DISK_PATIENCE;
    }
    return (uint32_t)seconds;
}

static struct device *next_device(struct devices *devices, const char *name)
{
    if (devices->count == DEVICES_MAX) {
        bh_log("%s: left out: there are %u disks already", name, DEVICES_MAX);
        return NULL;
    }
    return &devices->device[devices->count];
}

static void open_device(struct devices *devices, const struct bh_resource *resource,
                        struct volume_table *volumes, uint64_t now)
{
    struct device *device = next_device(devices, resource->name);
    if (device == NULL) {
        return;
    }
    struct parts parts;
    find_parts(resource->name, &parts);
    const char *error = NULL;
    if (parts.config == NULL || parts.memory == NULL || parts.irq == NULL) {
        error = "it lacks its configuration space, its queue memory or its interrupt";
    } else if (parts.memory_size <= SCAN_BUFFER) {
        error = "its queue memory is too small";
    }
    struct block_device *block = NULL;
    if (error == NULL) {
        block = open_driver(resource->object, &parts, &error);
    }
    if (block == NULL) {
        bh_log("%s: can't be used: %s", resource->name, error);
        return;
    }
    device->irq_bits = parts.irq->bits;
    device->irq_cap = parts.irq->cap;
    disk_open(&device->disk, resource->name, block, volumes,
              parts.memory + parts.memory_size - SCAN_BUFFER, bh_timer_frequency(), patience());
    devices->count++;
    disk_start(&device->disk, now);
}

/* "NAME:BYTES" in the argument memory-volume */
static void open_memory_disk(struct devices *devices, struct volume_table *volumes, uint64_t now)
{
    char value[64];
    if (!bh_argument("memory-volume", value, sizeof value)) {
        return;
    }
    char *colon = strchr(value, ':');
    char *end = NULL;
    unsigned long long bytes = colon != NULL ? strtoull(colon + 1, &end, 10) : 0;
    size_t name_length = colon != NULL ? (size_t)(colon - value) : 0;
    if (name_length == 0 || name_length >= BH_VOLUME_NAME_MAX || bytes < BLOCK_SECTOR ||
        bytes % BLOCK_SECTOR != 0 || *end != '\0') {
        bh_log("argument memory-volume=%s: must be NAME:BYTES, a multiple of %u; ignored", value,
               BLOCK_SECTOR);
        return;
    }
    *colon = '\0';
    struct device *device = next_device(devices, value);
    if (device == NULL) {
        return;
    }
    struct memory_disk *disk = malloc(sizeof *disk);
    void *memory = calloc(1, bytes);
    if (disk == NULL || memory == NULL) {
        bh_log("volume %s: %llu bytes do not fit into the heap", value, bytes);
        free(disk);
        free(memory);
        return;
    }
    memory_disk_open(disk, memory, bytes / BLOCK_SECTOR);
    disk_open(&device->disk, value, &disk->block, volumes, NULL, bh_timer_frequency(), 0);
    devices->count++;
    disk_start(&device->disk, now);
}

void devices_open(struct devices *devices, struct volume_table *volumes, uint64_t now)
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        bool ours =
            strcmp(resource->object, "nvme") == 0 || strcmp(resource->object, "virtio-blk") == 0;
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED && ours &&
            resource->kind == BH_RESOURCE_MMIO && resource->argument[0] == BH_MMIO_PCI_CONFIG) {
            open_device(devices, resource, volumes, now);
        }
    }
    open_memory_disk(devices, volumes, now);
}
