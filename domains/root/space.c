/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/space.h"

#include <bh/syscall.h>

#define LEVELS 3u /* a mapping lacks two tables at the most */

bool space_map(const struct space *space, bh_cptr frame, uint64_t address, uint64_t rights,
               uint64_t attributes)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        struct bh_result result = bh_frame_map(frame, space->cap, address, rights, attributes);
        if (result.error != BH_ERROR_NO_TABLE) {
            return result.error == BH_OK;
        }
        uint32_t table = arena_make(space->tables, BH_TYPE_PAGE_TABLE, 0, 1);
        if (table == 0 || bh_page_table_map(table, space->cap, address).error != BH_OK) {
            return false;
        }
    }
    return false;
}

bool region_make(struct region *region, struct arena *arena, uint64_t size, unsigned size_bits)
{
    uint32_t count = (uint32_t)((size + (UINT64_C(1) << size_bits) - 1) >> size_bits);
    *region = (struct region){.arena = arena, .count = count, .size_bits = size_bits};
    region->frame = arena_make(arena, BH_TYPE_FRAME, size_bits, count);
    return region->frame != 0;
}

bool region_map_part(struct region *region, const struct space *space, uint64_t address,
                     uint64_t rights, uint32_t first, uint32_t count)
{
    uint32_t frame = region->frame + first;
    if (region->mapped) {
        uint32_t copies = arena_slots(region->arena, count);
        if (copies == 0) {
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (bh_cnode_copy(BH_ROOT_SLOT_CNODE, copies + i, BH_ROOT_SLOT_CNODE, frame + i,
                              BH_RIGHTS_ALL)
                    .error != BH_OK) {
                return false;
            }
        }
        frame = copies;
    }
    region->mapped = true;
    for (uint32_t i = 0; i < count; i++) {
        if (!space_map(space, frame + i, address + ((uint64_t)i << region->size_bits), rights, 0)) {
            return false;
        }
    }
    return true;
}

bool region_map(struct region *region, const struct space *space, uint64_t address, uint64_t rights)
{
    return region_map_part(region, space, address, rights, 0, region->count);
}
