/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMIO bus: regions of device.h, sorted by address. An access that is not naturally aligned, or
 * that hangs over the edge of a region, reads as zero and is ignored on writing, as one inside a
 * device hole is.
 */
#ifndef DOMAINS_VMM_MMIO_H
#define DOMAINS_VMM_MMIO_H

#include "domains/vmm/device.h"

struct mmio_bus {
    struct mmio_region region[VM_MMIO_REGIONS]; /* sorted by base, apart from each other */
    unsigned count;
    unsigned last; /* where the last access went */
};

/* device.h's vm_mmio_add and vm_mmio_remove, without the check against guest memory. */
bool mmio_add(struct mmio_bus *bus, const struct mmio_region *region);
bool mmio_remove(struct mmio_bus *bus, uint64_t base);

/* False: `address` is in no region (nothing has happened). `bytes` is 1, 2, 4 or 8. */
bool mmio_read(struct mmio_bus *bus, uint64_t address, unsigned bytes, uint64_t *value);
bool mmio_write(struct mmio_bus *bus, uint64_t address, unsigned bytes, uint64_t value);

/* The low `bytes` bytes of `value`. */
static inline uint64_t mmio_truncate(uint64_t value, unsigned bytes)
{
    return bytes >= 8 ? value : value & ((UINT64_C(1) << (8 * bytes)) - 1);
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
