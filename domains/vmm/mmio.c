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

/* The region that `address` lies in, or NULL. */
static const struct mmio_region *mmio_find(struct mmio_bus *bus, uint64_t address)
{
    const struct mmio_region *region = &bus->region[bus->last];
    if (address - region->base < region->size) {
        return region;
    }
    unsigned index = mmio_upper(bus, address);
    if (index == 0) {
        return NULL;
    }
    region = &bus->region[index - 1];
    if (address - region->base >= region->size) {
        return NULL;
    }
    bus->last = index - 1;
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
    memmove(&bus->region[index + 1], &bus->region[index],
            (bus->count - index) * sizeof(bus->region[0]));
    bus->region[index] = *region;
    bus->count++;
    bus->last = 0;
    return true;
}

bool mmio_remove(struct mmio_bus *bus, uint64_t base)
{
    unsigned index = mmio_upper(bus, base);
    if (index == 0 || bus->region[index - 1].base != base) {
        return false;
    }
    memmove(&bus->region[index - 1], &bus->region[index],
            (bus->count - index) * sizeof(bus->region[0]));
    bus->count--;
    bus->region[bus->count] = (struct mmio_region){0};
    bus->last = 0;
    return true;
}

/* Whether the device may see the access: aligned, and not over the region's end. */
static bool mmio_proper(const struct mmio_region *region, uint64_t offset, unsigned bytes)
{
    return ((region->base + offset) & (bytes - 1)) == 0 && bytes <= region->size - offset;
}

bool mmio_read(struct mmio_bus *bus, uint64_t address, unsigned bytes, uint64_t *value)
{
    const struct mmio_region *region = mmio_find(bus, address);
    if (region == NULL) {
        return false;
    }
    uint64_t offset = address - region->base;
    *value = 0;
    if (region->read != NULL && mmio_proper(region, offset, bytes)) {
        *value = mmio_truncate(region->read(region->device, offset, bytes), bytes);
    }
    return true;
}

bool mmio_write(struct mmio_bus *bus, uint64_t address, unsigned bytes, uint64_t value)
{
    const struct mmio_region *region = mmio_find(bus, address);
    if (region == NULL) {
        return false;
    }
    uint64_t offset = address - region->base;
    if (region->write != NULL && mmio_proper(region, offset, bytes)) {
        region->write(region->device, offset, bytes, mmio_truncate(value, bytes));
    }
    return true;
}
