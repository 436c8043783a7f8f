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

#define MMIO_PAGE_BITS 12u
#define MMIO_RECENT    64u

/* Zeroed before its first use. */
struct mmio_bus {
    struct mmio_region region[VM_MMIO_REGIONS]; /* sorted by base, apart from each other */
    unsigned count;
    const struct mmio_region *recent[MMIO_RECENT]; /* by page number: where an access went */
};

/* device.h's vm_mmio_add and vm_mmio_remove, without the check against guest memory. */
bool mmio_add(struct mmio_bus *bus, const struct mmio_region *region);
bool mmio_remove(struct mmio_bus *bus, uint64_t base);

static inline const struct mmio_region **mmio_recent(struct mmio_bus *bus, uint64_t address)
{
    return &bus->recent[(address >> MMIO_PAGE_BITS) % MMIO_RECENT];
}

/* The region that `address` lies in if it was found of late, or NULL. */
static inline const struct mmio_region *mmio_find(struct mmio_bus *bus, uint64_t address)
{
    const struct mmio_region *region = *mmio_recent(bus, address);
    return region != NULL && address - region->base < region->size ? region : NULL;
}

/* The region that `address` lies in, or NULL. */
const struct mmio_region *mmio_search(struct mmio_bus *bus, uint64_t address);

/* The low `bytes` bytes of `value`. */
static inline uint64_t mmio_truncate(uint64_t value, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;
    return value << unused >> unused;
}

/* Whether a device may see an access: aligned, and not over the region's end. */
static inline bool mmio_proper(const struct mmio_region *region, uint64_t address, unsigned bytes)
{
    return (address & (bytes - 1)) == 0 && bytes <= region->size - (address - region->base);
}

/* `address` lies in the region; `bytes` is 1, 2, 4 or 8. */
static inline uint64_t mmio_read(const struct mmio_region *region, uint64_t address, unsigned bytes)
{
    if (!mmio_proper(region, address, bytes)) {
        return 0;
    }
    return mmio_truncate(region->read(region->device, address - region->base, bytes), bytes);
}

static inline void mmio_write(const struct mmio_region *region, uint64_t address, unsigned bytes,
                              uint64_t value)
{
    if (mmio_proper(region, address, bytes)) {
        region->write(region->device, address - region->base, bytes, mmio_truncate(value, bytes));
    }
}

/*
 * A 32-bit register behind an access of any width: what a read at `offset` begins with, of the
 * register's value; the bus cuts it off. For devices whose registers are words and that do not mind
 * how they are read.
 */
static inline uint64_t mmio_part(uint32_t value, uint64_t offset)
{
    return (uint64_t)value >> (8 * (offset & 3));
}

#endif
