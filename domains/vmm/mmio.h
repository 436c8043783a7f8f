/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMIO bus: regions of device.h, sorted by address. An access that is not naturally aligned, or
 * that hangs over the edge of a region, reads as zero and is ignored on writing, as one inside a
 * device hole is.
 */
#ifndef DOMAINS_VMM_MMIO_H
#define DOMAINS_VMM_MMIO_H

#include <stddef.h>

#include "domains/vmm/device.h"

/* Zeroed before its first use. */
struct mmio_bus {
    struct mmio_region region[VM_MMIO_REGIONS]; /* sorted by base, apart from each other */
    unsigned count;
    unsigned last; /* index of where the last access went */
};

/* device.h's vm_mmio_add and vm_mmio_remove, without the check against guest memory. */
bool mmio_add(struct mmio_bus *bus, const struct mmio_region *region);
bool mmio_remove(struct mmio_bus *bus, uint64_t base);

/* The region that `address` lies in, or NULL; the second form when it is not that of the last
 * access. */
const struct mmio_region *mmio_search(struct mmio_bus *bus, uint64_t address);

static inline const struct mmio_region *mmio_find(struct mmio_bus *bus, uint64_t address)
{
    const struct mmio_region *region = &bus->region[bus->last];
    return address - region->base < region->size ? region : mmio_search(bus, address);
}

/* The low `bytes` bytes of `value`. */
static inline uint64_t mmio_truncate(uint64_t value, unsigned bytes)
{
    return value & (UINT64_MAX >> (64 - 8 * bytes));
}

/* Whether a device may see an access: aligned, and not over the region's end. */
static inline bool mmio_proper(const struct mmio_region *region, uint64_t address, unsigned bytes)
{
    return (address & (bytes - 1)) == 0 && bytes <= region->size - (address - region->base);
}

/* False: `address` is in no region (nothing has happened). `bytes` is 1, 2, 4 or 8. */
static inline bool mmio_read(struct mmio_bus *bus, uint64_t address, unsigned bytes,
                             uint64_t *value)
{
    const struct mmio_region *region = mmio_find(bus, address);
    *value = 0;
    if (region == NULL) {
        return false;
    }
    if (mmio_proper(region, address, bytes)) {
        *value = mmio_truncate(region->read(region->device, address - region->base, bytes), bytes);
    }
    return true;
}

static inline bool mmio_write(struct mmio_bus *bus, uint64_t address, unsigned bytes,
                              uint64_t value)
{
    const struct mmio_region *region = mmio_find(bus, address);
    if (region == NULL) {
        return false;
    }
    if (mmio_proper(region, address, bytes)) {
        region->write(region->device, address - region->base, bytes, mmio_truncate(value, bytes));
    }
    return true;
}

/*
 * A 32-bit register behind an access of any width: what reads `bytes` at `offset` of the register's
 * value. For devices whose registers are words and that do not mind how they are read.
 */
static inline uint64_t mmio_part(uint32_t value, uint64_t offset, unsigned bytes)
{
    return mmio_truncate((uint64_t)value >> (8 * (offset & 3)), bytes);
}

#endif
