/* SPDX-License-Identifier: BSD-2-Clause */
/* bh_untyped_retype. */
#include "harness.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define NEXT BH_RETYPE_NEXT

static uint64_t address_of(bh_cptr cap)
{
    return CHECK_OK(bh_cnode_inspect(CNODE, cap)).value[3];
}

static void retype_makes_every_type(void)
{
    static const struct {
        enum bh_type type;
        uint64_t size_bits;
        uint64_t bits;
    } types[] = {
        {BH_TYPE_UNTYPED, 6, 6},
        {BH_TYPE_CNODE, 4, 9},
        {BH_TYPE_TCB, 0, BH_TCB_BITS},
        {BH_TYPE_ENDPOINT, 0, BH_ENDPOINT_BITS},
        {BH_TYPE_REPLY, 0, BH_REPLY_BITS},
        {BH_TYPE_NOTIFICATION, 0, BH_NOTIFICATION_BITS},
        {BH_TYPE_SCHED_CONTEXT, 0, BH_SCHED_CONTEXT_BITS},
        {BH_TYPE_FRAME, 12, 12},
        {BH_TYPE_FRAME, 21, 21},
        {BH_TYPE_PAGE_TABLE, 0, BH_PAGE_TABLE_BITS},
        {BH_TYPE_VSPACE, 0, BH_VSPACE_BITS},
        {BH_TYPE_GUEST_SPACE, 0, BH_GUEST_SPACE_BITS},
        {BH_TYPE_IO_SPACE, 0, BH_IO_SPACE_BITS},
        {BH_TYPE_VCPU, 0, BH_VCPU_BITS},
    };
    uint64_t base = address_of(test_untyped);
    uint64_t end = base;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        bh_cptr cap = new_sized(types[i].type, types[i].size_bits);
        struct bh_result slot = CHECK_OK(bh_cnode_inspect(CNODE, cap));
        CHECK_EQUAL(slot.value[0], types[i].type);
        CHECK_EQUAL(slot.value[3] & ((UINT64_C(1) << types[i].bits) - 1), 0);
        CHECK(slot.value[3] >= end);
        end = slot.value[3] + (UINT64_C(1) << types[i].bits);
        CHECK(end <= base + (UINT64_C(1) << TEST_UNTYPED_BITS));
    }
}

static void retype_refuses_types_that_are_not_made(void)
{
    static const uint64_t types[] = {BH_TYPE_NULL,          BH_TYPE_IRQ_CONTROL, BH_TYPE_IRQ_HANDLER,
                                     BH_TYPE_SCHED_CONTROL, BH_TYPE_IO_CONTROL,  BH_TYPE_MACHINE,
                                     BH_TYPE_COUNT,         32 + BH_TYPE_TCB,    UINT64_MAX,
                                     (UINT64_C(1) << 32) | BH_TYPE_TCB};
    bh_cptr slot = new_slot();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_ERROR(bh_invoke(test_untyped, BH_OP_UNTYPED_RETYPE, types[i], 12, NEXT, CNODE, slot, 1),
                    BH_ERROR_INVALID_ARGUMENT, 1);
        CHECK_EQUAL(type_of(slot), BH_TYPE_NULL);
    }
}

static void retype_does_not_turn_memory_into_device_memory(void)
{
    struct bh_result result = bh_untyped_retype(test_untyped, BH_TYPE_DEVICE_UNTYPED, 12, NEXT, CNODE, new_slot(), 1);
    CHECK(result.error == BH_ERROR_INVALID_ARGUMENT || result.error == BH_ERROR_ILLEGAL_OPERATION);
    CHECK_EQUAL(result.argument, 1);
}

static void retype_refuses_sizes(void)
{
    static const struct {
        enum bh_type type;
        uint64_t size_bits;
    } bad[] = {
        {BH_TYPE_UNTYPED, 0},
        {BH_TYPE_UNTYPED, BH_UNTYPED_MIN_BITS - 1},
        {BH_TYPE_UNTYPED, BH_UNTYPED_MAX_BITS + 1},
        {BH_TYPE_UNTYPED, 64},
        {BH_TYPE_UNTYPED, UINT64_MAX},
        {BH_TYPE_FRAME, 0},
        {BH_TYPE_FRAME, 13},
        {BH_TYPE_FRAME, 22},
        {BH_TYPE_FRAME, (UINT64_C(1) << 32) | 12},
        {BH_TYPE_CNODE, 0},
        {BH_TYPE_CNODE, BH_CNODE_MAX_RADIX + 1},
        {BH_TYPE_CNODE, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERROR(bh_untyped_retype(test_untyped, bad[i].type, bad[i].size_bits, NEXT, CNODE, new_slot(), 1),
                    BH_ERROR_INVALID_ARGUMENT, 2);
    }
}

static void retype_refuses_counts(void)
{
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot, 0), BH_ERROR_INVALID_ARGUMENT,
                6);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot, BH_RETYPE_MAX_COUNT + 1),
                BH_ERROR_INVALID_ARGUMENT, 6);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot, UINT64_MAX),
                BH_ERROR_INVALID_ARGUMENT, 6);
}

static void retype_makes_as_many_as_allowed_at_once(void)
{
    bh_cptr first = new_slots(BH_RETYPE_MAX_COUNT);
    CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, first, BH_RETYPE_MAX_COUNT));
    uint64_t base = address_of(first);
    for (uint64_t i = 0; i < BH_RETYPE_MAX_COUNT; i += 31) {
        CHECK_EQUAL(type_of(first + i), BH_TYPE_ENDPOINT);
        CHECK_EQUAL(address_of(first + i), base + (i << BH_ENDPOINT_BITS));
    }
    CHECK_EQUAL(type_of(first + BH_RETYPE_MAX_COUNT - 1), BH_TYPE_ENDPOINT);
}

static void retype_needs_a_cnode(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, endpoint, slot, 1),
                BH_ERROR_INVALID_CAPABILITY, 4);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, 0, slot, 1), BH_ERROR_INVALID_CAPABILITY, 4);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, UINT64_MAX, slot, 1),
                BH_ERROR_INVALID_CAPABILITY, 4);
}

static void retype_keeps_to_the_slots_of_the_cnode(void)
{
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 3);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, cnode, 8, 1), BH_ERROR_RANGE, 5);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, cnode, 5, 4), BH_ERROR_RANGE, 5);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, cnode, UINT64_MAX, 1), BH_ERROR_RANGE, 5);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, cnode, UINT64_MAX - 2, 4), BH_ERROR_RANGE,
                5);
    CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, cnode, 4, 4));
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, 7)).value[0], BH_TYPE_ENDPOINT);
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, 3)).value[0], BH_TYPE_NULL);
}

static void retype_overwrites_no_slot(void)
{
    bh_cptr first = new_slots(4);
    CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, first + 3, 1));
    uint64_t endpoint = address_of(first + 3);
    CHECK_ERROR(bh_untyped_retype(test_untyped, BH_TYPE_NOTIFICATION, 0, NEXT, CNODE, first, 4), BH_ERROR_NOT_EMPTY,
                5);
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_EQUAL(type_of(first + i), BH_TYPE_NULL);
    }
    CHECK_EQUAL(address_of(first + 3), endpoint);
}

static void retype_needs_an_untyped(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(slot, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot, 1), BH_ERROR_INVALID_CAPABILITY, 0);
    CHECK_ERROR(bh_untyped_retype(0, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot, 1), BH_ERROR_INVALID_CAPABILITY, 0);
    CHECK_ERROR(bh_untyped_retype(UINT64_MAX, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot, 1), BH_ERROR_INVALID_CAPABILITY,
                0);
    CHECK_ERROR(bh_untyped_retype(endpoint, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot, 1), BH_ERROR_ILLEGAL_OPERATION,
                0);
}

static void retype_puts_the_object_at_the_offset(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 16);
    bh_cptr slot = new_slots(2);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, 0x3000, CNODE, slot, 1));
    CHECK_EQUAL(address_of(slot), address_of(untyped) + 0x3000);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot + 1, 1));
    CHECK_EQUAL(address_of(slot + 1), address_of(untyped) + 0x4000);
}

static void retype_refuses_offsets(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 16);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, 0x800, CNODE, slot, 1), BH_ERROR_ALIGNMENT, 3);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_ENDPOINT, 0, 1, CNODE, slot, 1), BH_ERROR_ALIGNMENT, 3);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, 0x3000, CNODE, slot, 1));
    slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, 0x3000, CNODE, slot, 1), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, 0, CNODE, slot, 1), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, 0x10000, CNODE, slot, 1), BH_ERROR_NO_MEMORY,
                ANY_ARGUMENT);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, UINT64_MAX & ~UINT64_C(0xfff), CNODE, slot, 1),
                BH_ERROR_NO_MEMORY, ANY_ARGUMENT);
}

static void retype_gives_out_exactly_what_there_is(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr first = new_slots(65);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, first, 65), BH_ERROR_NO_MEMORY,
                ANY_ARGUMENT);
    CHECK_EQUAL(type_of(first), BH_TYPE_NULL);
    for (uint64_t i = 0; i < 64; i++) {
        CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, first + i, 1));
    }
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, first + 64, 1), BH_ERROR_NO_MEMORY,
                ANY_ARGUMENT);
}

static void retype_makes_nothing_larger_than_the_untyped(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_FRAME, 21, NEXT, CNODE, slot, 1), BH_ERROR_NO_MEMORY, ANY_ARGUMENT);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_UNTYPED, 37, NEXT, CNODE, slot, 1), BH_ERROR_NO_MEMORY,
                ANY_ARGUMENT);
    /* 2^47 bytes: the product must not overflow. */
    bh_cptr many = new_slots(BH_RETYPE_MAX_COUNT);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_UNTYPED, 37, NEXT, CNODE, many, BH_RETYPE_MAX_COUNT),
                BH_ERROR_NO_MEMORY, ANY_ARGUMENT);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, NEXT, CNODE, slot, 1));
}

static void untyped_starts_over_when_its_objects_are_gone(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr first = new_slots(2);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_TCB, 0, NEXT, CNODE, first, 2));
    uint64_t base = address_of(first);
    delete_cap(first);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_TCB, 0, NEXT, CNODE, first, 1), BH_ERROR_NO_MEMORY, ANY_ARGUMENT);
    delete_cap(first + 1);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_TCB, 0, NEXT, CNODE, first, 2));
    CHECK_EQUAL(address_of(first), base);
}

static void untyped_is_used_up_by_a_child_untyped(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 13);
    bh_cptr child = new_from(untyped, BH_TYPE_UNTYPED, 12);
    bh_cptr other = new_from(untyped, BH_TYPE_UNTYPED, 12);
    CHECK_EQUAL(address_of(child), address_of(untyped));
    CHECK_EQUAL(address_of(other), address_of(untyped) + 0x1000);
    bh_cptr frame = new_from(child, BH_TYPE_FRAME, 12);
    CHECK_EQUAL(address_of(frame), address_of(child));
    /* The child's slot goes; its Frame is still derived from the parent, which so stays full. */
    delete_cap(child);
    CHECK_EQUAL(type_of(frame), BH_TYPE_FRAME);
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, NEXT, CNODE, child, 1), BH_ERROR_NO_MEMORY,
                ANY_ARGUMENT);
}

/* Two capabilities of the same Untyped could hand out the same memory twice. */
static void untyped_cannot_be_copied(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, CNODE, untyped, BH_RIGHTS_ALL), BH_ERROR_ILLEGAL_OPERATION, 3);
    (void)new_from(untyped, BH_TYPE_ENDPOINT, 0);
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, CNODE, untyped, BH_RIGHTS_ALL), BH_ERROR_ILLEGAL_OPERATION, 3);
    CHECK_EQUAL(type_of(slot), BH_TYPE_NULL);
}

static void untyped_can_be_moved_with_what_it_made(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr endpoint = new_from(untyped, BH_TYPE_ENDPOINT, 0);
    bh_cptr slot = new_slots(2);
    CHECK_OK(bh_cnode_move(CNODE, slot, CNODE, untyped));
    CHECK_OK(bh_untyped_retype(slot, BH_TYPE_ENDPOINT, 0, NEXT, CNODE, slot + 1, 1));
    CHECK_EQUAL(address_of(slot + 1), address_of(endpoint) + 64);
    revoke_cap(slot);
    CHECK_EQUAL(type_of(endpoint), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(slot + 1), BH_TYPE_NULL);
}

static void fresh_memory_is_clear_after_use(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 14);
    for (int round = 0; round < 3; round++) {
        bh_cptr frame = new_from(untyped, BH_TYPE_FRAME, 12);
        uint64_t *words = map_frame(frame, BH_RIGHT_READ | BH_RIGHT_WRITE);
        for (size_t i = 0; i < BH_PAGE_SIZE / 8; i++) {
            CHECK_EQUAL(words[i], 0);
            words[i] = UINT64_C(0xa5a5a5a5a5a5a5a5);
        }
        delete_cap(frame);
    }
}

/* A page table's entries must not show in a Frame made of the same memory, nor a Frame's bytes in a CNode. */
static void memory_is_clear_across_types(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr frame = new_from(untyped, BH_TYPE_FRAME, 12);
    uint64_t *words = map_frame(frame, BH_RIGHT_READ | BH_RIGHT_WRITE);
    for (size_t i = 0; i < BH_PAGE_SIZE / 8; i++) {
        words[i] = UINT64_MAX;
    }
    delete_cap(frame);
    bh_cptr cnode = new_from(untyped, BH_TYPE_CNODE, 7);
    for (uint64_t i = 0; i < 128; i++) {
        CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, i)).value[0], BH_TYPE_NULL);
    }
    CHECK_OK(bh_cnode_copy(cnode, 5, CNODE, BH_ROOT_SLOT_TCB, BH_RIGHTS_ALL));
    delete_cap(cnode);
    frame = new_from(untyped, BH_TYPE_FRAME, 12);
    words = map_frame(frame, BH_RIGHT_READ);
    for (size_t i = 0; i < BH_PAGE_SIZE / 8; i++) {
        CHECK_EQUAL(words[i], 0);
    }
}

static void large_frame_is_clear(void)
{
    bh_cptr frame = new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS);
    CHECK_OK(bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, WINDOW_LARGE, BH_RIGHT_READ, 0));
    const uint64_t *words = (const uint64_t *)WINDOW_LARGE;
    uint64_t or = 0;
    for (size_t i = 0; i < (1 << BH_LARGE_PAGE_BITS) / 8; i++) {
        or |= words[i];
    }
    CHECK_EQUAL(or, 0);
}

static void device_untyped_yields_frames_and_itself_only(void)
{
    const struct bh_boot_untyped *untyped = find_device_untyped(0x09010000, BH_PAGE_SIZE);
    CHECK(untyped != NULL);
    static const enum bh_type types[] = {BH_TYPE_CNODE, BH_TYPE_TCB, BH_TYPE_ENDPOINT, BH_TYPE_PAGE_TABLE,
                                         BH_TYPE_VSPACE, BH_TYPE_VCPU};
    bh_cptr slot = new_slot();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_ERROR(bh_untyped_retype(untyped->slot, types[i], 4, NEXT, CNODE, slot, 1), BH_ERROR_ILLEGAL_OPERATION,
                    1);
    }
    /* What comes of it stays device memory. */
    CHECK_OK(bh_untyped_retype(untyped->slot, BH_TYPE_DEVICE_UNTYPED, 12, 0x09010000 - untyped->address, CNODE, slot,
                               1));
    CHECK_EQUAL(type_of(slot), BH_TYPE_DEVICE_UNTYPED);
    bh_cptr frame = new_from(slot, BH_TYPE_FRAME, 12);
    CHECK_EQUAL(address_of(frame), 0x09010000);
    CHECK_ERROR(bh_untyped_retype(slot, BH_TYPE_FRAME, 12, NEXT, CNODE, new_slot(), 1), BH_ERROR_NO_MEMORY,
                ANY_ARGUMENT);
}

static void device_untyped_does_not_become_ordinary_memory(void)
{
    const struct bh_boot_untyped *untyped = find_device_untyped(0x09010000, BH_PAGE_SIZE);
    CHECK(untyped != NULL);
    bh_cptr slot = new_slot();
    struct bh_result result = bh_untyped_retype(untyped->slot, BH_TYPE_UNTYPED, 12, NEXT, CNODE, slot, 1);
    if (result.error == BH_OK) {
        CHECK_EQUAL(type_of(slot), BH_TYPE_DEVICE_UNTYPED);
    } else {
        CHECK_EQUAL(result.argument, 1);
        CHECK_EQUAL(type_of(slot), BH_TYPE_NULL);
    }
}

TEST_GROUP(untyped, true, TEST_CASE(retype_makes_every_type), TEST_CASE(retype_refuses_types_that_are_not_made),
           TEST_CASE(retype_does_not_turn_memory_into_device_memory), TEST_CASE(retype_refuses_sizes),
           TEST_CASE(retype_refuses_counts), TEST_CASE(retype_makes_as_many_as_allowed_at_once),
           TEST_CASE(retype_needs_a_cnode), TEST_CASE(retype_keeps_to_the_slots_of_the_cnode),
           TEST_CASE(retype_overwrites_no_slot), TEST_CASE(retype_needs_an_untyped),
           TEST_CASE(retype_puts_the_object_at_the_offset), TEST_CASE(retype_refuses_offsets),
           TEST_CASE(retype_gives_out_exactly_what_there_is), TEST_CASE(retype_makes_nothing_larger_than_the_untyped),
           TEST_CASE(untyped_starts_over_when_its_objects_are_gone), TEST_CASE(untyped_is_used_up_by_a_child_untyped),
           TEST_CASE(untyped_cannot_be_copied), TEST_CASE(untyped_can_be_moved_with_what_it_made),
           TEST_CASE(fresh_memory_is_clear_after_use), TEST_CASE(memory_is_clear_across_types),
           TEST_CASE(large_frame_is_clear), TEST_CASE(device_untyped_yields_frames_and_itself_only),
           TEST_CASE(device_untyped_does_not_become_ordinary_memory));
