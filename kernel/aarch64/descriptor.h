/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 translation table descriptors, 4 KiB granule (Arm ARM D8.3), for stage 1 of the EL2&0 regime and of the
 * SMMU, and for stage 2.
 */
#ifndef KERNEL_DESCRIPTOR_H
#define KERNEL_DESCRIPTOR_H

#include "address.h"

#include <bh/object.h>

#define DESCRIPTOR_VALID (UINT64_C(1) << 0)
#define DESCRIPTOR_TABLE (UINT64_C(1) << 1) /* at levels 1 and 2; a page at level 3 */
#define DESCRIPTOR_ADDRESS UINT64_C(0x0000fffffffff000)

/* Stage 1 */
#define STAGE1_ATTRIBUTE(index) ((uint64_t)(index) << 2)
#define STAGE1_USER (UINT64_C(1) << 6)      /* AP[1]: accessible at EL0 */
#define STAGE1_READ_ONLY (UINT64_C(1) << 7) /* AP[2] */
#define STAGE1_INNER_SHAREABLE (UINT64_C(3) << 8)
#define STAGE1_ACCESSED (UINT64_C(1) << 10)
#define STAGE1_NOT_GLOBAL (UINT64_C(1) << 11)
#define STAGE1_GUARDED (UINT64_C(1) << 50) /* GP: branch targets are checked */
#define STAGE1_GUARDED_SHIFT 48            /* from BH_MAP_GUARDED */
#define STAGE1_PXN (UINT64_C(1) << 53)
#define STAGE1_UXN (UINT64_C(1) << 54)

/* Indices into MAIR_EL2 (and the MAIR of an SMMU context descriptor). */
enum memory_attribute { MEMORY_NORMAL = 0, MEMORY_DEVICE = 1, MEMORY_UNCACHED = 2 };
#define MAIR_VALUE UINT64_C(0x4404ff) /* write-back; Device-nGnRE; non-cacheable */

/* Stage 2 */
#define STAGE2_MEMORY(attribute) ((uint64_t)(attribute) << 2) /* 0xf write-back, 0x5 non-cacheable, 0x1 nGnRE */
#define STAGE2_READ (UINT64_C(1) << 6)
#define STAGE2_WRITE (UINT64_C(1) << 7)
#define STAGE2_INNER_SHAREABLE (UINT64_C(3) << 8)
#define STAGE2_ACCESSED (UINT64_C(1) << 10)
#define STAGE2_XN (UINT64_C(2) << 53) /* XN[1:0] = 0b10: not executable (D8.4.3) */

static inline bool descriptor_is_valid(uint64_t descriptor)
{
    return (descriptor & DESCRIPTOR_VALID) != 0;
}

static inline bool descriptor_is_table(uint64_t descriptor)
{
    return (descriptor & (DESCRIPTOR_VALID | DESCRIPTOR_TABLE)) == (DESCRIPTOR_VALID | DESCRIPTOR_TABLE);
}

static inline paddr_t descriptor_address(uint64_t descriptor)
{
    return paddr(descriptor & DESCRIPTOR_ADDRESS);
}

static inline uint64_t descriptor_table(paddr_t table)
{
    return table.value | DESCRIPTOR_TABLE | DESCRIPTOR_VALID;
}

/* A block (levels 1 and 2) or page of a space of `type`, with bh_rights (GRANT: execute) and bh_map_attributes. */
static inline uint64_t descriptor_leaf(enum bh_type type, paddr_t address, unsigned level, uint64_t rights,
                                       uint64_t attributes)
{
    uint64_t d = address.value | DESCRIPTOR_VALID | (level == 3 ? DESCRIPTOR_TABLE : 0);
    if (type == BH_TYPE_GUEST_SPACE) {
        unsigned memory = (attributes & BH_MAP_DEVICE) != 0 ? 0x1 : (attributes & BH_MAP_UNCACHED) != 0 ? 0x5 : 0xf;
        d |= STAGE2_MEMORY(memory) | STAGE2_ACCESSED | STAGE2_INNER_SHAREABLE;
        d |= (rights & BH_RIGHT_READ) != 0 ? STAGE2_READ : 0;
        d |= (rights & BH_RIGHT_WRITE) != 0 ? STAGE2_WRITE : 0;
        d |= (rights & BH_RIGHT_GRANT) != 0 ? 0 : STAGE2_XN;
        return d;
    }
    enum memory_attribute memory = (attributes & BH_MAP_DEVICE) != 0     ? MEMORY_DEVICE
                                   : (attributes & BH_MAP_UNCACHED) != 0 ? MEMORY_UNCACHED
                                                                         : MEMORY_NORMAL;
    d |= STAGE1_ATTRIBUTE(memory) | STAGE1_USER | STAGE1_ACCESSED | STAGE1_INNER_SHAREABLE | STAGE1_NOT_GLOBAL |
         STAGE1_PXN;
    d |= (rights & BH_RIGHT_WRITE) != 0 ? 0 : STAGE1_READ_ONLY;
    d |= (rights & BH_RIGHT_GRANT) != 0 ? 0 : STAGE1_UXN;
    d |= (attributes & BH_MAP_GUARDED) << STAGE1_GUARDED_SHIFT;
    return d;
}

#endif
