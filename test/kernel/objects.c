/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots, objects and memory of the running case. */
#include "harness.h"

#include "supervise.h"

static bh_cptr slot_first;
static bh_cptr slot_next;
static bh_cptr slot_end;
static uint64_t window_next;

void slots_begin(bh_cptr first, uint64_t end)
{
    slot_first = first;
    slot_next = first;
    slot_end = end;
}

void slots_reset(void)
{
    for (bh_cptr slot = slot_first; slot < slot_next; slot++) {
        (void)bh_cnode_delete(BH_ROOT_SLOT_CNODE, slot);
    }
    slot_next = slot_first;
}

void memory_reset(void)
{
    window_next = 0;
}

bh_cptr new_slots(uint64_t count)
{
    CHECK(count <= slot_end - slot_next);
    bh_cptr first = slot_next;
    slot_next += count;
    return first;
}

bh_cptr new_slot(void)
{
    return new_slots(1);
}

bh_cptr new_from(bh_cptr untyped, enum bh_type type, uint64_t size_bits)
{
    bh_cptr slot = new_slot();
    CHECK_OK(bh_untyped_retype(untyped, type, size_bits, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE, slot, 1));
    return slot;
}

bh_cptr new_sized(enum bh_type type, uint64_t size_bits)
{
    return new_from(test_untyped, type, size_bits);
}

bh_cptr new_object(enum bh_type type)
{
    return new_sized(type, 0);
}

bh_cptr new_copy(bh_cptr cap, uint64_t rights)
{
    bh_cptr slot = new_slot();
    CHECK_OK(bh_cnode_copy(BH_ROOT_SLOT_CNODE, slot, BH_ROOT_SLOT_CNODE, cap, rights));
    return slot;
}

bh_cptr new_mint(bh_cptr cap, uint64_t rights, uint64_t badge)
{
    bh_cptr slot = new_slot();
    CHECK_OK(bh_cnode_mint(BH_ROOT_SLOT_CNODE, slot, BH_ROOT_SLOT_CNODE, cap, rights, badge));
    return slot;
}

void delete_cap(bh_cptr cap)
{
    CHECK_OK(bh_cnode_delete(BH_ROOT_SLOT_CNODE, cap));
}

void revoke_cap(bh_cptr cap)
{
    CHECK_OK(bh_cnode_revoke(BH_ROOT_SLOT_CNODE, cap));
}

uint64_t type_of(bh_cptr cap)
{
    return CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, cap)).value[0];
}

const struct bh_boot_untyped *find_device_untyped(uint64_t address, uint64_t size)
{
    for (uint32_t i = 0; i < boot_info->untyped_count; i++) {
        const struct bh_boot_untyped *untyped = &boot_info->untyped[i];
        uint64_t untyped_size = UINT64_C(1) << untyped->size_bits;
        if (untyped->device && address >= untyped->address && address - untyped->address < untyped_size &&
            size <= untyped_size - (address - untyped->address)) {
            return untyped;
        }
    }
    return NULL;
}

bh_cptr new_device_frame(uint64_t address)
{
    const struct bh_boot_untyped *untyped = find_device_untyped(address, BH_PAGE_SIZE);
    if (untyped == NULL) {
        test_fail(__FILE__, __LINE__, "no device Untyped has %x", address);
    }
    bh_cptr slot = new_slot();
    CHECK_OK(bh_untyped_retype(untyped->slot, BH_TYPE_FRAME, BH_PAGE_BITS, address - untyped->address,
                               BH_ROOT_SLOT_CNODE, slot, 1));
    return slot;
}

uint64_t window_page(void)
{
    CHECK(window_next < WINDOW_PAGES);
    return WINDOW_BASE + BH_PAGE_SIZE * window_next++;
}

void *map_frame_with(bh_cptr frame, uint64_t rights, uint64_t attributes)
{
    uint64_t address = window_page();
    CHECK_OK(bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, address, rights, attributes));
    return (void *)address;
}

void *map_frame(bh_cptr frame, uint64_t rights)
{
    return map_frame_with(frame, rights, 0);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    for (size_t i = 0; i < size; i++) {
        target[i] = source[i];
    }
    return to;
}

void *memset(void *to, int value, size_t size)
{
    unsigned char *target = to;
    for (size_t i = 0; i < size; i++) {
        target[i] = (unsigned char)value;
    }
    return to;
}
