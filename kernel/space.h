/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: VSpaces of native threads (EL2&0 stage 1), GuestSpaces (stage 2) and IOSpaces (SMMU stage 1). All
 * three translate 38 bits through tables of the VMSAv8-64 format with a 4 KiB granule, starting at level 1 (Arm ARM
 * D8.2): so the first table has 256 entries, half a page, and the other half of the page describes the space.
 *
 * Each space has an identifier that is its ASID or VMID and an index into the table of spaces. Frame and PageTable
 * capabilities remember where they are mapped by that index and its generation, so a space can go away without anyone
 * looking for its mappings.
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include "aarch64/tlb.h"
#include "core.h"
#include "invocation.h"

#define SPACE_ROOT_ENTRIES 256
#define SPACE_MAX 4096 /* index 0 is not used */

struct space_doorbell {
    uint64_t address, size; /* size 0: free */
};

/* An SMMUv3 stream that faulted (SMMUv3 7.3). */
struct space_io_fault {
    uint64_t count, type, address;
};

struct space {
    uint64_t root[SPACE_ROOT_ENTRIES];

    uint64_t type;  /* enum bh_type; NULL while it has no identifier */
    uint32_t index; /* identifier */
    uint32_t generation;
    _Alignas(64) union {
        struct { /* GuestSpace */
            struct slot doorbell_slots[BH_DOORBELLS]; /* Notifications */
            struct space_doorbell doorbells[BH_DOORBELLS];
        };
        struct { /* IOSpace */
            uint64_t context_descriptor[8]; /* read by the SMMU */
            uint64_t stream;
            uint64_t bound; /* to `stream` */
            struct space_io_fault fault;
        };
        uint8_t reserved[2048 - 64];
    };
};

_Static_assert(offsetof(struct space, type) == 2048, "the hardware reads the first half only");
_Static_assert(sizeof(struct space) == 4096, "a page");

/* Gives a new space its identifier; a space without one (all in use) refuses mappings with NO_TAG. */
void space_init(struct space *space, enum bh_type type);
void space_destroy(struct all_cores *all, struct space *space);

/* The space with this identifier and generation, or NULL if it is gone. */
struct space *space_find(uint64_t index, uint64_t generation);

/* Installs the VSpace that `cap` names (or none) for native code on this core. */
void space_activate(struct core *core, struct cap cap);

static inline void space_switch(struct core *core, const struct space *space)
{
    if (core->space != space) {
        core->space = space;
        ttbr_set(pointer_paddr(space), space->index);
    }
}

enum bh_error frame_invoke(struct all_cores *all, struct invocation *invocation);
enum bh_error page_table_invoke(struct all_cores *all, struct invocation *invocation);

/* A capability goes away: so does its mapping. */
void frame_release(struct all_cores *all, struct slot *slot);
void page_table_release(struct slot *slot);

/* Maps while root is built, with tables from `allocate_table` (cleared pages). */
void space_map_at_boot(struct space *space, vaddr_t address, struct slot *frame, uint64_t rights, uint64_t attributes,
                       void *(*allocate_table)(void));

#endif
