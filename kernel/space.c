/* SPDX-License-Identifier: BSD-2-Clause */
#include "space.h"

#include "aarch64/cpu.h"
#include "aarch64/descriptor.h"
#include "aarch64/its.h"
#include "aarch64/smmu.h"
#include "aarch64/tlb.h"
#include "assert.h"
#include "core.h"
#include "vcpu.h"

static struct {
    struct space *space;
    uint32_t generation;
} spaces[SPACE_MAX];

static uint32_t next_index = 1; /* where the search for a free one starts */

void space_init(struct space *space, enum bh_type type)
{
    uint32_t limit = type == BH_TYPE_GUEST_SPACE && vmid_bits() == 8 ? 256 : SPACE_MAX;
    for (uint32_t n = 1; n < limit; n++) {
        uint32_t index = (next_index + n) % limit;
        if (index != 0 && spaces[index].space == NULL) {
            spaces[index].space = space;
            spaces[index].generation = (spaces[index].generation + 1) & 0x1ffffff;
            space->type = type;
            space->index = index;
            space->generation = spaces[index].generation;
            next_index = index;
            return;
        }
    }
}

struct space *space_find(uint64_t index, uint64_t generation)
{
    if (index == 0 || index >= SPACE_MAX || spaces[index].generation != generation) {
        return NULL;
    }
    return spaces[index].space;
}

static void invalidate_all(const struct space *space)
{
    if (space->type == BH_TYPE_VSPACE) {
        tlb_invalidate_asid(space->index);
    } else if (space->type == BH_TYPE_GUEST_SPACE) {
        tlb_invalidate_vmid(space->index);
    } else {
        smmu_invalidate_asid(space->index);
    }
}

static void invalidate_page(const struct space *space, vaddr_t address)
{
    if (space->type == BH_TYPE_VSPACE) {
        tlb_invalidate_address(space->index, address);
    } else if (space->type == BH_TYPE_GUEST_SPACE) {
        tlb_invalidate_ipa(space->index, address);
    } else {
        smmu_invalidate_address(space->index, address);
    }
}

/* Whether the core's hardware may still walk the tables. */
static bool is_active(const struct core *core, const struct space *space)
{
    return core->space == space || core->guest_space == space;
}

void space_destroy(struct all_cores *all, struct space *space)
{
    if (space->type == BH_TYPE_NULL) {
        return;
    }
    if (space->type == BH_TYPE_IO_SPACE && space->bound != 0) {
        smmu_unbind(space);
    }
    spaces[space->index].space = NULL;
    for (uint32_t i = 0; i < core_count; i++) {
        struct core *core = core_by_number(i);
        if (!is_active(core, space)) {
            continue;
        }
        core_stop(all, core);
        if (core->guest_space == space) {
            vcpu_put(core);
        }
        if (core->space == space) {
            space_activate(core, (struct cap){0});
        }
    }
    invalidate_all(space);
    space->type = BH_TYPE_NULL;
}

void space_activate(struct core *core, struct cap cap)
{
    const struct space *space = cap.type == BH_TYPE_VSPACE ? cap_object(cap) : NULL;
    if (space == NULL || space->type == BH_TYPE_NULL) {
        core->space = NULL;
        ttbr_set_empty();
    } else {
        space_switch(core, space);
    }
}

/* --- Walking --- */

static unsigned level_shift(unsigned level)
{
    return BH_PAGE_BITS + 9 * (3 - level);
}

/*
 * The descriptor for `address` at `level` (1 to 3), or at the last level before it at which the walk ends; *reached is
 * set to the level of what is returned.
 */
static uint64_t *walk(struct space *space, vaddr_t address, unsigned level, unsigned *reached)
{
    unsigned at = 1;
    uint64_t *entry = &space->root[(address.value >> level_shift(1)) % SPACE_ROOT_ENTRIES];
    for (; at < level && descriptor_is_table(*entry); at++) {
        uint64_t *table = paddr_pointer(descriptor_address(*entry));
        entry = &table[(address.value >> level_shift(at + 1)) % 512];
    }
    *reached = at;
    return entry;
}

static unsigned frame_level(struct cap frame)
{
    return frame.size_bits == BH_PAGE_BITS ? 3 : frame.size_bits == BH_LARGE_PAGE_BITS ? 2 : 1;
}

/* The descriptor by which a capability is mapped, or NULL if it is not (or the space or a table is gone). */
static uint64_t *find_mapping(struct cap cap, unsigned level, bool table, struct space **space)
{
    *space = space_find(cap.mapping.space, cap.mapping.generation);
    if (*space == NULL) {
        return NULL;
    }
    unsigned reached;
    uint64_t *entry = walk(*space, vaddr((uint64_t)cap.mapping.page << BH_PAGE_BITS), level, &reached);
    if (reached != level || !descriptor_is_valid(*entry) || descriptor_address(*entry).value != cap.object ||
        (level < 3 && descriptor_is_table(*entry) != table)) {
        return NULL;
    }
    return entry;
}

static void write_descriptor(uint64_t *entry, uint64_t descriptor)
{
    *(volatile uint64_t *)entry = descriptor;
}

/* The hardware that walks the tables sees what was written before the domain runs again. Invalidating has this
 * barrier as well. */
static void write_new_descriptor(uint64_t *entry, uint64_t descriptor)
{
    write_descriptor(entry, descriptor);
    data_barrier();
}

/* --- Frames --- */

void frame_release(struct all_cores *all, struct slot *slot)
{
    struct space *space;
    uint64_t *entry = find_mapping(slot->cap, frame_level(slot->cap), false, &space);
    if (entry != NULL) {
        write_descriptor(entry, 0);
        invalidate_page(space, vaddr((uint64_t)slot->cap.mapping.page << BH_PAGE_BITS));
    }
    cap_set_mapping(&slot->cap, 0, 0, 0);
}

/* The space that argument 1 names and that argument 2, an address in it, fits. */
static enum bh_error target_space(struct invocation *invocation, unsigned alignment, struct space **space)
{
    struct cap cap = tcb_lookup_cap(invocation->caller, invocation->word[0]);
    if (cap.type != BH_TYPE_VSPACE && cap.type != BH_TYPE_GUEST_SPACE && cap.type != BH_TYPE_IO_SPACE) {
        return invocation_fail(invocation, 1, BH_ERROR_INVALID_CAPABILITY);
    }
    *space = cap_object(cap);
    if (!invocation_requires(invocation, 1, BH_ERROR_NO_TAG, (*space)->type != BH_TYPE_NULL) ||
        !invocation_requires(invocation, 2, BH_ERROR_ALIGNMENT, is_aligned(invocation->word[1], alignment)) ||
        !invocation_requires(invocation, 2, BH_ERROR_RANGE, invocation->word[1] < BH_SPACE_SIZE)) {
        return invocation->error;
    }
    return BH_OK;
}

static enum bh_error frame_map(struct invocation *invocation)
{
    struct slot *slot = invocation->slot;
    vaddr_t address = vaddr(invocation->word[1]);
    uint64_t rights = invocation->word[2];
    uint64_t attributes = invocation->word[3];
    unsigned level = frame_level(slot->cap);
    struct space *space;

    if (target_space(invocation, (unsigned)slot->cap.size_bits, &space) != BH_OK) {
        return invocation->error;
    }
    /* A processor's write there would be a message of who knows which device. */
    bool doorbell = slot->cap.mapping.device && slot->cap.object != 0 &&
                    slot->cap.object == align_down(its_doorbell().value, BH_PAGE_SIZE);
    const uint64_t mappable = BH_RIGHT_READ | BH_RIGHT_WRITE | BH_RIGHT_GRANT;
    const uint64_t writable_code = BH_RIGHT_WRITE | BH_RIGHT_GRANT;
    const uint64_t usual = BH_MAP_DEVICE | BH_MAP_UNCACHED;
    if (!invocation_requires(invocation, 1, BH_ERROR_ILLEGAL_OPERATION, !doorbell || space->type == BH_TYPE_IO_SPACE) ||
        !invocation_requires(invocation, 3, BH_ERROR_INVALID_ARGUMENT,
                             (rights & ~mappable) == 0 && (rights & BH_RIGHT_READ) != 0 &&
                                 (space->type != BH_TYPE_VSPACE || (rights & writable_code) != writable_code)) ||
        !invocation_requires(invocation, 3, BH_ERROR_RIGHTS, (rights & ~(uint64_t)slot->cap.rights) == 0) ||
        !invocation_requires(invocation, 4, BH_ERROR_INVALID_ARGUMENT,
                             attributes <= usual ||
                                 (attributes <= (usual | BH_MAP_GUARDED) && space->type == BH_TYPE_VSPACE))) {
        return invocation->error;
    }
    unsigned reached;
    uint64_t *entry = walk(space, address, level, &reached);
    if (reached != level) {
        if (descriptor_is_valid(*entry)) { /* a larger page */
            return invocation_fail(invocation, 2, BH_ERROR_NOT_EMPTY);
        }
        invocation->result[0] = reached + 1;
        return invocation_fail(invocation, 2, BH_ERROR_NO_TABLE);
    }
    struct space *mapped_in;
    uint64_t *mapped_by = find_mapping(slot->cap, level, false, &mapped_in);
    if (mapped_by != NULL && mapped_by != entry) {
        return BH_ERROR_BUSY;
    }
    if (mapped_by == NULL && descriptor_is_valid(*entry)) {
        return invocation_fail(invocation, 2, BH_ERROR_NOT_EMPTY);
    }

    if (slot->cap.mapping.device) {
        attributes |= BH_MAP_DEVICE;
    }
    if (mapped_by != NULL) { /* break before make: Arm ARM D8.14.1 */
        write_descriptor(entry, 0);
        invalidate_page(space, address);
    }
    if ((rights & BH_RIGHT_GRANT) != 0 && !slot->cap.mapping.device) {
        synchronise_instructions(paddr_pointer(paddr(slot->cap.object)), UINT64_C(1) << slot->cap.size_bits);
    }
    enum bh_type format = (enum bh_type)space->type;
    if (format == BH_TYPE_IO_SPACE && smmu_is_stage2()) {
        format = BH_TYPE_GUEST_SPACE;
    }
    write_new_descriptor(entry, descriptor_leaf(format, paddr(slot->cap.object), level, rights, attributes));
    cap_set_mapping(&slot->cap, address.value >> BH_PAGE_BITS, space->index, space->generation);
    return BH_OK;
}

LANDING_PAD enum bh_error frame_invoke(struct all_cores *all, struct invocation *invocation)
{
    switch (invocation->operation) {
    case BH_OP_FRAME_MAP:
        return frame_map(invocation);
    case BH_OP_FRAME_UNMAP:
        frame_release(all, invocation->slot);
        return BH_OK;
    case BH_OP_FRAME_ADDRESS:
        invocation->result[0] = invocation->cap.object;
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

/* --- Page tables --- */

void page_table_release(struct slot *slot)
{
    for (unsigned level = 1; level <= 2; level++) {
        struct space *space;
        uint64_t *entry = find_mapping(slot->cap, level, true, &space);
        if (entry != NULL) {
            write_descriptor(entry, 0);
            invalidate_all(space);
            break;
        }
    }
    cap_set_mapping(&slot->cap, 0, 0, 0);
}

static enum bh_error page_table_map(struct invocation *invocation)
{
    struct slot *slot = invocation->slot;
    struct space *space;

    if (target_space(invocation, 0, &space) != BH_OK) {
        return invocation->error;
    }
    if (space_find(slot->cap.mapping.space, slot->cap.mapping.generation) != NULL) {
        return BH_ERROR_BUSY;
    }
    vaddr_t address = vaddr(invocation->word[1]);
    unsigned reached;
    uint64_t *entry = walk(space, address, 3, &reached);
    if (reached == 3 || descriptor_is_valid(*entry)) {
        return invocation_fail(invocation, 2, BH_ERROR_NOT_EMPTY);
    }

    clear_memory(paddr_pointer(paddr(slot->cap.object)), BH_PAGE_SIZE); /* it may have been mapped before */
    write_new_descriptor(entry, descriptor_table(paddr(slot->cap.object)));
    uint64_t start = align_down(address.value, UINT64_C(1) << level_shift(reached));
    cap_set_mapping(&slot->cap, start >> BH_PAGE_BITS, space->index, space->generation);
    return BH_OK;
}

LANDING_PAD enum bh_error page_table_invoke(struct all_cores *all, struct invocation *invocation)
{
    switch (invocation->operation) {
    case BH_OP_PAGE_TABLE_MAP:
        return page_table_map(invocation);
    case BH_OP_PAGE_TABLE_UNMAP:
        page_table_release(invocation->slot);
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

void space_map_at_boot(struct space *space, vaddr_t address, struct slot *frame, uint64_t rights, uint64_t attributes,
                       void *(*allocate_table)(void))
{
    unsigned reached;
    uint64_t *entry = walk(space, address, 3, &reached);
    while (reached != 3) {
        kernel_assert(!descriptor_is_valid(*entry));
        write_new_descriptor(entry, descriptor_table(pointer_paddr(allocate_table())));
        entry = walk(space, address, 3, &reached);
    }
    if ((rights & BH_RIGHT_GRANT) != 0) {
        synchronise_instructions(paddr_pointer(paddr(frame->cap.object)), BH_PAGE_SIZE);
    }
    write_new_descriptor(entry, descriptor_leaf(BH_TYPE_VSPACE, paddr(frame->cap.object), 3, rights, attributes));
    cap_set_mapping(&frame->cap, address.value >> BH_PAGE_BITS, space->index, space->generation);
}
