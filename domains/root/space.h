/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces and the memory mapped into them.
 *
 * A region is memory that root lends to one or more spaces: a row of frames in somebody's arena. A
 * frame capability has one mapping, so each further mapping of a region goes through copies, whose
 * slots belong to the region's arena: when the arena is destroyed the memory disappears from all
 * spaces.
 */
#ifndef ROOT_SPACE_H
#define ROOT_SPACE_H

#include "domains/root/memory.h"

struct space {
    bh_cptr cap;          /* VSpace, GuestSpace or IOSpace */
    struct arena *tables; /* where its page tables come from */
};

/* Maps a frame, with page tables as they are needed. False: no memory for them, or something is
 * mapped there. */
bool space_map(const struct space *space, bh_cptr frame, uint64_t address, uint64_t rights,
               uint64_t attributes);

struct region {
    struct arena *arena;
    uint32_t frame;     /* slot of the first */
    uint32_t count;     /* frames */
    uint32_t size_bits; /* of each: 12 or 21 */
    bool mapped;        /* the frames themselves are; further mappings take copies */
};

/* Makes `size` bytes (rounded up to frames) of cleared memory. False: there is not as much. */
bool region_make(struct region *region, struct arena *arena, uint64_t size, unsigned size_bits);

/* Maps frames [first, first + count) of the region from `address` on. */
bool region_map_part(struct region *region, const struct space *space, uint64_t address,
                     uint64_t rights, uint32_t first, uint32_t count);
bool region_map(struct region *region, const struct space *space, uint64_t address,
                uint64_t rights);

#endif
