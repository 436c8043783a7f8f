/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/mmio.h"

#include <string.h>

/* The index of the first region whose base is above `address`. */
static unsigned mmio_upper(const struct mmio_bus *bus, uint64_t address)
{
    unsigned low = 0;
    unsigned high = bus->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (bus->region[middle].base <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint64_t nothing_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)device, (void)offset, (void)bytes;
    return 0;
}

static void nothing_written(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)device, (void)offset, (void)bytes, (void)value;
}

const struct mmio_region *mmio_search(struct mmio_bus *bus, uint64_t address)
{
    unsigned index = mmio_upper(bus, address);
    if (index == 0) {
        return NULL;
    }
    const struct mmio_region *region = &bus->region[index - 1];
    if (address - region->base >= region->size) {
        return NULL;
    }
    *mmio_recent(bus, address) = region;
    return region;
}

bool mmio_add(struct mmio_bus *bus, const struct mmio_region *region)
{
    if (bus->count == VM_MMIO_REGIONS || region->size == 0 ||
        region->base + (region->size - 1) < region->base) {
        return false;
    }
    unsigned index = mmio_upper(bus, region->base);
    if (index > 0 && region->base - bus->region[index - 1].base < bus->region[index - 1].size) {
        return false;
    }
    if (index < bus->count && bus->region[index].base - region->base < region->size) {
        return false;
    }
    memset(bus->recent, 0, sizeof(bus->recent));
    memmove(&bus->region[index + 1], &bus->region[index],
            (bus->count - index) * sizeof(bus->region[0]));
    struct mmio_region *copy = &bus->region[index];
    *copy = *region;
    copy->read = region->read != NULL ? region->read : nothing_read;
    copy->write = region->write != NULL ? region->write : nothing_written;
    bus->count++;
    return true;
}

bool mmio_remove(struct mmio_bus *bus, uint64_t base)
{
    unsigned index = mmio_upper(bus, base);
    if (index == 0 || bus->region[index - 1].base != base) {
        return false;
    }
    memset(bus->recent, 0, sizeof(bus->recent));
    memmove(&bus->region[index - 1], &bus->region[index],
            (bus->count - index) * sizeof(bus->region[0]));
    bus->count--;
    bus->region[bus->count] = (struct mmio_region){0};
    return true;
}
