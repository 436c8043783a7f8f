/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mapping and unmapping write. The walk through the tables is left out: it ends at any level, at a descriptor of
 * the space with anything in it, and not at the same one each time. What is proved therefore holds of any tables, as
 * long as walks stay in those of the space.
 *
 * stub walk, space_find, tcb_lookup_cap
 */
#define BOUND_DESCRIPTORS 3 /* that walks end at: two of one space, one of another; of any content at any level */
#define UNWIND            4

#include "test/proof/kernel.h"

#include "kernel/space.c"

#define SPACE_ADDRESS UINT64_C(0x1000)

static struct space target, elsewhere; /* the space asked for, and one in which the capability may be mapped */
static uint64_t descriptors[BOUND_DESCRIPTORS];
static struct slot mapped;
static struct core core;
static struct all_cores all = {.core = &core};
static struct tcb caller;
static bool stage2_of_devices, invalidated, cleared;
static uint64_t pointed_to; /* the address that was last asked for, but for the space's */

static uint64_t *walk(struct space *space, vaddr_t address, unsigned level, unsigned *reached)
{
    PROVE((space == &target || space == &elsewhere) && level >= 1 && level <= 3);
    (void)address;
    uint64_t *entry = space == &elsewhere ? &descriptors[2] : &descriptors[any_within(0, 1)];
    *reached = (unsigned)any_within(1, level);
    ASSUME(*reached == level || !descriptor_is_table(*entry));
    return entry;
}

struct space *space_find(uint64_t index, uint64_t generation)
{
    (void)generation;
    return index == 0 || any_bool() ? NULL : any_bool() ? &target : &elsewhere;
}

struct cap tcb_lookup_cap(const struct tcb *tcb, bh_cptr cptr)
{
    PROVE(tcb == &caller);
    (void)cptr;
    return (struct cap){.type = any_bool() ? target.type & 31 : any_within(0, BH_TYPE_COUNT - 1) & 31,
                        .object = SPACE_ADDRESS};
}

static uint64_t memory[1]; /* of Frames and tables, which the kernel does not read */

void *paddr_pointer(paddr_t address)
{
    if (address.value == SPACE_ADDRESS) {
        return &target;
    }
    pointed_to = address.value;
    return memory;
}

paddr_t pointer_paddr(const void *pointer)
{
    PROVE(pointer == &target);
    return paddr(SPACE_ADDRESS);
}

struct core *this_core(void)
{
    return &core;
}

void clear_memory(void *pointer, uint64_t size)
{
    PROVE(pointer == memory && pointed_to == mapped.cap.object && size == BH_PAGE_SIZE);
    cleared = true;
}

paddr_t its_doorbell(void)
{
    return paddr(ANY(uint64_t));
}
bool smmu_is_stage2(void)
{
    return stage2_of_devices;
}
void synchronise_instructions(const void *pointer, uint64_t size)
{
    PROVE(pointer == memory && pointed_to == mapped.cap.object && size == UINT64_C(1) << mapped.cap.size_bits);
}
void tlb_invalidate_asid(uint32_t asid)
{
    (void)asid, invalidated = true;
}
void tlb_invalidate_vmid(uint32_t vmid)
{
    (void)vmid, invalidated = true;
}
void tlb_invalidate_address(uint32_t asid, vaddr_t address)
{
    (void)asid, (void)address, invalidated = true;
}
void tlb_invalidate_ipa(uint32_t vmid, vaddr_t address)
{
    (void)vmid, (void)address, invalidated = true;
}
void smmu_invalidate_asid(uint32_t asid)
{
    (void)asid, invalidated = true;
}
void smmu_invalidate_address(uint32_t asid, vaddr_t address)
{
    (void)asid, (void)address, invalidated = true;
}

static void any_space(struct space *space)
{
    space->type = any_within(BH_TYPE_VSPACE, BH_TYPE_IO_SPACE);
    space->index = ANY(uint32_t) & 0xfff;
    space->generation = ANY(uint32_t) & 0x1ffffff;
}

/* Spaces and descriptors with anything in them, and a capability that may or may not be mapped. */
static void any_mapping(enum bh_type type, uint64_t size_bits)
{
    any_space(&target);
    any_space(&elsewhere);
    for (uint32_t i = 0; i < BOUND_DESCRIPTORS; i++) {
        descriptors[i] = ANY(uint64_t);
    }
    stage2_of_devices = any_bool();
    invalidated = cleared = false;
    uint64_t object = any_within(0x10000, (UINT64_C(1) << 47) - 1);
    ASSUME(is_aligned(object, (unsigned)size_bits));
    mapped.cap = (struct cap){.type = (uint64_t)type & 31,
                              .rights = any_within(0, 15) & 15,
                              .size_bits = (type == BH_TYPE_FRAME ? size_bits : 0) & 63,
                              .object = object & ((UINT64_C(1) << 48) - 1),
                              .data = ANY(uint64_t)};
}

static struct invocation any_invocation(enum bh_operation operation)
{
    return (struct invocation){.caller = &caller, .slot = &mapped, .cap = mapped.cap, .operation = operation,
                               .word = {ANY(uint64_t), ANY(uint64_t), ANY(uint64_t), ANY(uint64_t)}};
}

/* The descriptor that is not what it was before; at most one may be. */
static uint64_t *changed(const uint64_t before[BOUND_DESCRIPTORS])
{
    uint64_t *entry = NULL;
    for (uint32_t i = 0; i < BOUND_DESCRIPTORS; i++) {
        if (descriptors[i] != before[i]) {
            PROVE(entry == NULL);
            entry = &descriptors[i];
        }
    }
    return entry;
}

static uint64_t any_frame_bits(void)
{
    return any_bool() ? BH_PAGE_BITS : any_bool() ? BH_LARGE_PAGE_BITS : BH_HUGE_PAGE_BITS;
}

/* Mapping a Frame writes at most one descriptor, in the space asked for: a leaf of the Frame's address and size,
 * accessible to the domain with no more than the rights asked for and held, in a VSpace never both writable and
 * executable, never executable by the kernel; what was valid before was this Frame's, and leaves the TLB; an error
 * writes nothing. */
void prove_map(void)
{
    uint64_t bits = any_frame_bits();
    any_mapping(BH_TYPE_FRAME, bits);
    const uint64_t before[] = {descriptors[0], descriptors[1], descriptors[2]};
    struct cap cap = mapped.cap;
    struct invocation invocation = any_invocation(BH_OP_FRAME_MAP);
    uint64_t address = invocation.word[1], allowed = invocation.word[2] & cap.rights;

    enum bh_error error = frame_invoke(&all, &invocation);

    const uint64_t *entry = changed(before);
    PROVE(mapped.cap.head == cap.head && mapped.cap.mapping.device == cap.mapping.device);
    if (error != BH_OK) {
        REACHED("an error");
        PROVE(entry == NULL && mapped.cap.data == cap.data);
        return;
    }
    PROVE(is_aligned(address, (unsigned)bits) && address < BH_SPACE_SIZE);
    PROVE((cap.rights & BH_RIGHT_READ) != 0);
    PROVE((uint64_t)mapped.cap.mapping.page << BH_PAGE_BITS == address && mapped.cap.mapping.space == target.index &&
          mapped.cap.mapping.generation == target.generation);
    if (entry == NULL) {
        return; /* as it was mapped before */
    }
    PROVE(entry != &descriptors[2]);
    uint64_t leaf = *entry, old = before[entry - descriptors];
    if (descriptor_is_valid(old)) {
        REACHED("a mapping that changes");
        PROVE(descriptor_address(old).value == cap.object && invalidated);
    }
    PROVE(descriptor_is_valid(leaf) && descriptor_is_table(leaf) == (bits == BH_PAGE_BITS));
    PROVE(descriptor_address(leaf).value == cap.object);
    if (target.type == BH_TYPE_GUEST_SPACE || (target.type == BH_TYPE_IO_SPACE && stage2_of_devices)) {
        REACHED("a guest's leaf");
        PROVE((leaf & STAGE2_WRITE) == 0 || (allowed & BH_RIGHT_WRITE) != 0);
        PROVE((leaf & STAGE2_XN) != 0 || (allowed & BH_RIGHT_GRANT) != 0);
        PROVE(!cap.mapping.device || (leaf & STAGE2_MEMORY(15)) == STAGE2_MEMORY(1));
        return;
    }
    bool writable = (leaf & STAGE1_READ_ONLY) == 0, executable = (leaf & STAGE1_UXN) == 0;
    PROVE(!writable || (allowed & BH_RIGHT_WRITE) != 0);
    PROVE(!executable || (allowed & BH_RIGHT_GRANT) != 0);
    PROVE((leaf & STAGE1_PXN) != 0 && (leaf & STAGE1_USER) != 0 && (leaf & STAGE1_NOT_GLOBAL) != 0);
    PROVE(!cap.mapping.device || (leaf & STAGE1_ATTRIBUTE(7)) == STAGE1_ATTRIBUTE(MEMORY_DEVICE));
    if (target.type == BH_TYPE_VSPACE) {
        REACHED("a domain's leaf");
        PROVE(!writable || !executable);
    }
}

/* Unmapping a Frame, or losing its capability, writes at most one descriptor: 0, over one of this Frame's, which leaves
 * the TLB; the capability forgets where it was. */
void prove_unmap(void)
{
    any_mapping(BH_TYPE_FRAME, any_frame_bits());
    const uint64_t before[] = {descriptors[0], descriptors[1], descriptors[2]};
    struct cap cap = mapped.cap;
    struct invocation invocation = any_invocation(BH_OP_FRAME_UNMAP);

    PROVE(frame_invoke(&all, &invocation) == BH_OK);

    const uint64_t *entry = changed(before);
    PROVE(mapped.cap.head == cap.head && mapped.cap.mapping.space == 0);
    if (entry != NULL) {
        REACHED("a mapping goes");
        PROVE(*entry == 0 && invalidated);
        PROVE(descriptor_address(before[entry - descriptors]).value == cap.object);
    }
}

/* Mapping a PageTable writes one descriptor, in the space asked for, that was not valid: a table at the PageTable's
 * address, cleared before; an error writes nothing. */
void prove_map_table(void)
{
    any_mapping(BH_TYPE_PAGE_TABLE, BH_PAGE_TABLE_BITS);
    const uint64_t before[] = {descriptors[0], descriptors[1], descriptors[2]};
    struct cap cap = mapped.cap;
    struct invocation invocation = any_invocation(BH_OP_PAGE_TABLE_MAP);

    enum bh_error error = page_table_invoke(&all, &invocation);

    const uint64_t *entry = changed(before);
    PROVE(mapped.cap.head == cap.head);
    if (error != BH_OK) {
        REACHED("an error");
        PROVE(entry == NULL && !cleared && mapped.cap.data == cap.data);
        return;
    }
    REACHED("a table");
    PROVE(entry != NULL && entry != &descriptors[2] && cleared);
    PROVE(!descriptor_is_valid(before[entry - descriptors]));
    PROVE(descriptor_is_table(*entry) && (*entry & ~DESCRIPTOR_ADDRESS) == (DESCRIPTOR_VALID | DESCRIPTOR_TABLE));
    PROVE(descriptor_address(*entry).value == cap.object);
}

/* Unmapping a PageTable writes at most one descriptor: 0, over a table at its address; its pages leave the TLB. */
void prove_unmap_table(void)
{
    any_mapping(BH_TYPE_PAGE_TABLE, BH_PAGE_TABLE_BITS);
    const uint64_t before[] = {descriptors[0], descriptors[1], descriptors[2]};
    struct cap cap = mapped.cap;
    struct invocation invocation = any_invocation(BH_OP_PAGE_TABLE_UNMAP);

    PROVE(page_table_invoke(&all, &invocation) == BH_OK);

    const uint64_t *entry = changed(before);
    PROVE(mapped.cap.head == cap.head && mapped.cap.mapping.space == 0);
    if (entry != NULL) {
        REACHED("a table goes");
        uint64_t old = before[entry - descriptors];
        PROVE(*entry == 0 && invalidated);
        PROVE(descriptor_is_table(old) && descriptor_address(old).value == cap.object);
    }
}
