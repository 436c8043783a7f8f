/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables, in a space in which nothing runs: what is mapped is seen from what the kernel answers. */
#include "harness.h"

#define R BH_RIGHT_READ
#define ALL BH_RIGHTS_ALL

#define PLACE UINT64_C(0x40000000)

static bh_cptr space;

static void setup(void)
{
    space = new_object(BH_TYPE_VSPACE);
}

static bh_cptr new_table(uint64_t address)
{
    bh_cptr table = new_object(BH_TYPE_PAGE_TABLE);
    CHECK_OK(bh_page_table_map(table, space, address));
    return table;
}

/* The level of the table that is missing on the way to a page, or 0. */
static uint64_t missing(uint64_t address)
{
    bh_cptr frame = new_frame();
    struct bh_result result = bh_frame_map(frame, space, address, R, 0);
    CHECK(result.error == BH_OK || result.error == BH_ERROR_NO_TABLE);
    delete_cap(frame);
    return result.error == BH_OK ? 0 : result.value[0];
}

static void tables_fill_the_way_from_the_top(void)
{
    setup();
    CHECK_EQUAL(missing(PLACE), 2);
    (void)new_table(PLACE);
    CHECK_EQUAL(missing(PLACE), 3);
    (void)new_table(PLACE + 0x5000);
    CHECK_EQUAL(missing(PLACE), 0);
    CHECK_EQUAL(missing(PLACE + 0x1ff000), 0);
    CHECK_EQUAL(missing(PLACE + 0x200000), 3);
    CHECK_EQUAL(missing(PLACE + 0x40000000), 2);
    (void)new_table(BH_SPACE_SIZE - 1);
    (void)new_table(BH_SPACE_SIZE - 1);
    CHECK_EQUAL(missing(BH_SPACE_SIZE - BH_PAGE_SIZE), 0);
}

static void every_kind_of_space_takes_tables(void)
{
    static const enum bh_type types[] = {BH_TYPE_VSPACE, BH_TYPE_GUEST_SPACE, BH_TYPE_IO_SPACE};
    for (size_t i = 0; i < 3; i++) {
        space = new_object(types[i]);
        (void)new_table(PLACE);
        (void)new_table(PLACE);
        CHECK_EQUAL(missing(PLACE), 0);
    }
}

static void where_nothing_is_missing_no_table_goes(void)
{
    setup();
    (void)new_table(PLACE);
    (void)new_table(PLACE);
    bh_cptr table = new_object(BH_TYPE_PAGE_TABLE);
    CHECK_ERROR(bh_page_table_map(table, space, PLACE), BH_ERROR_NOT_EMPTY, 2);
    CHECK_OK(bh_frame_map(new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS), space, PLACE + 0x200000, R, 0));
    CHECK_ERROR(bh_page_table_map(table, space, PLACE + 0x200000), BH_ERROR_NOT_EMPTY, 2);
    CHECK_OK(bh_page_table_map(table, space, PLACE + 0x400000));
}

static void a_table_is_in_one_place(void)
{
    setup();
    bh_cptr table = new_table(PLACE);
    CHECK_ERROR(bh_page_table_map(table, space, PLACE), BH_ERROR_BUSY, 0);
    CHECK_ERROR(bh_page_table_map(table, space, PLACE + 0x40000000), BH_ERROR_BUSY, 0);
    CHECK_ERROR(bh_page_table_map(table, new_object(BH_TYPE_VSPACE), PLACE), BH_ERROR_BUSY, 0);
}

static void table_map_checks_its_arguments(void)
{
    setup();
    bh_cptr table = new_object(BH_TYPE_PAGE_TABLE);
    CHECK_ERROR(bh_page_table_map(table, 0, PLACE), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_page_table_map(table, table, PLACE), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_page_table_map(table, space, BH_SPACE_SIZE), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_page_table_map(table, space, UINT64_MAX), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_page_table_map(new_slot(), space, PLACE), BH_ERROR_INVALID_CAPABILITY, 0);
}

static void unmapping_a_table_removes_what_is_below(void)
{
    setup();
    bh_cptr level2 = new_table(PLACE);
    bh_cptr level3 = new_table(PLACE);
    bh_cptr frame = new_frame();
    CHECK_OK(bh_frame_map(frame, space, PLACE, R, 0));
    CHECK_OK(bh_page_table_unmap(level2));
    CHECK_EQUAL(missing(PLACE), 2);
    CHECK_OK(bh_page_table_unmap(level2));
    /* What hung below is nowhere now: it can be unmapped, and used elsewhere. */
    CHECK_OK(bh_frame_unmap(frame));
    CHECK_OK(bh_page_table_unmap(level3));
    CHECK_OK(bh_page_table_map(level3, space, PLACE + 0x40000000));
    CHECK_OK(bh_page_table_map(level2, space, PLACE + 0x40000000));
    CHECK_OK(bh_frame_map(frame, space, PLACE + 0x40000000, R, 0));
}

/* A table that comes back must not bring old entries along. */
static void a_table_is_empty_when_it_is_mapped_again(void)
{
    setup();
    (void)new_table(PLACE);
    bh_cptr level3 = new_table(PLACE);
    bh_cptr frame = new_frame();
    CHECK_OK(bh_frame_map(frame, space, PLACE, R, 0));
    CHECK_OK(bh_page_table_unmap(level3));
    CHECK_OK(bh_page_table_map(level3, space, PLACE + 0x200000));
    CHECK_OK(bh_frame_map(new_frame(), space, PLACE + 0x200000, R, 0));
}

static void deleting_a_table_removes_what_is_below(void)
{
    setup();
    bh_cptr level2 = new_table(PLACE);
    bh_cptr level3 = new_table(PLACE);
    bh_cptr frame = new_frame();
    CHECK_OK(bh_frame_map(frame, space, PLACE, R, 0));
    delete_cap(level3);
    CHECK_EQUAL(missing(PLACE), 3);
    delete_cap(level2);
    CHECK_EQUAL(missing(PLACE), 2);
    CHECK_OK(bh_frame_unmap(frame));
}

/* The frame's old place is taken by another's mapping: unmapping the first must not touch that. */
static void a_stale_mapping_does_not_remove_a_new_one(void)
{
    setup();
    (void)new_table(PLACE);
    bh_cptr level3 = new_table(PLACE);
    bh_cptr frame = new_frame();
    CHECK_OK(bh_frame_map(frame, space, PLACE, R, 0));
    delete_cap(level3);
    (void)new_table(PLACE);
    bh_cptr other = new_frame();
    CHECK_OK(bh_frame_map(other, space, PLACE, R, 0));
    CHECK_OK(bh_frame_unmap(frame));
    CHECK_ERROR(bh_frame_map(new_frame(), space, PLACE, R, 0), BH_ERROR_NOT_EMPTY, 2);
    delete_cap(frame);
    CHECK_ERROR(bh_frame_map(new_frame(), space, PLACE, R, 0), BH_ERROR_NOT_EMPTY, 2);
}

static void a_deleted_space_leaves_frames_and_tables_free(void)
{
    setup();
    bh_cptr level2 = new_table(PLACE);
    bh_cptr level3 = new_table(PLACE);
    bh_cptr frame = new_frame();
    CHECK_OK(bh_frame_map(frame, space, PLACE, R, 0));
    delete_cap(space);
    CHECK_OK(bh_frame_unmap(frame));
    space = new_object(BH_TYPE_VSPACE);
    CHECK_OK(bh_page_table_map(level2, space, PLACE));
    CHECK_OK(bh_page_table_map(level3, space, PLACE));
    CHECK_OK(bh_frame_map(frame, space, PLACE, R, 0));
    delete_cap(space);
    delete_cap(frame);
    delete_cap(level3);
    delete_cap(level2);
}

/* Identifiers are given back: more spaces can be made than there are tags, one after another. */
static void identifiers_are_used_again(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, BH_VSPACE_BITS);
    bh_cptr slot = new_slot();
    for (int i = 0; i < 5000; i++) {
        static const enum bh_type types[] = {BH_TYPE_VSPACE, BH_TYPE_GUEST_SPACE, BH_TYPE_IO_SPACE};
        CHECK_OK(bh_untyped_retype(untyped, types[i % 3], 0, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE, slot, 1));
        delete_cap(slot);
    }
    space = new_object(BH_TYPE_VSPACE);
    (void)new_table(PLACE);
}

/* 1 GiB: level 1. The memory is of the machine's high PCI window; nothing is read from it. */
static void huge_pages_can_be_mapped(void)
{
    const uint64_t window = UINT64_C(0x8000000000), size = UINT64_C(1) << BH_HUGE_PAGE_BITS;
    const struct bh_boot_untyped *untyped = find_device_untyped(window, size);
    CHECK(untyped != NULL);
    bh_cptr huge = new_slot();
    CHECK_OK(bh_untyped_retype(untyped->slot, BH_TYPE_FRAME, BH_HUGE_PAGE_BITS, window - untyped->address,
                               BH_ROOT_SLOT_CNODE, huge, 1));
    CHECK_EQUAL(CHECK_OK(bh_frame_address(huge)).value[0], window);
    setup();
    CHECK_ERROR(bh_frame_map(huge, space, PLACE + 0x200000, R, 0), BH_ERROR_ALIGNMENT, 2);
    CHECK_ERROR(bh_frame_map(huge, space, BH_SPACE_SIZE, R, 0), BH_ERROR_RANGE, 2);
    CHECK_OK(bh_frame_map(huge, space, PLACE, R, 0));
    CHECK_ERROR(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), space, PLACE), BH_ERROR_NOT_EMPTY, 2);
    CHECK_ERROR(bh_frame_map(new_frame(), space, PLACE + 0x5000, R, 0), BH_ERROR_NOT_EMPTY, 2);
    CHECK_OK(bh_frame_map(huge, space, PLACE, R | BH_RIGHT_WRITE, 0));
    CHECK_OK(bh_frame_unmap(huge));
    (void)new_table(PLACE);
    CHECK_ERROR(bh_frame_map(huge, space, PLACE, R, 0), BH_ERROR_NOT_EMPTY, 2);
    CHECK_OK(bh_frame_map(huge, space, PLACE + size, R, 0));
}

/* An identifier comes round again: what a capability remembers of the old space must not touch the new one. */
static void a_new_space_with_an_old_identifier_is_another_space(void)
{
    setup();
    bh_cptr tables[2] = {new_table(PLACE), new_table(PLACE)};
    bh_cptr frame = new_frame();
    bh_cptr copy = new_copy(frame, ALL);
    bh_cptr other = new_frame();
    CHECK_OK(bh_frame_map(frame, space, PLACE, R, 0));
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, BH_VSPACE_BITS);
    delete_cap(space);
    space = new_slot();
    for (int i = 0; i < 4200; i++) { /* more than there are identifiers */
        CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_VSPACE, 0, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE, space, 1));
        CHECK_OK(bh_page_table_map(tables[0], space, PLACE));
        CHECK_OK(bh_page_table_map(tables[1], space, PLACE));
        CHECK_OK(bh_frame_map(copy, space, PLACE, R, 0));
        /* The first capability is mapped nowhere, and is not confused with its copy. */
        CHECK_ERROR(bh_frame_map(frame, space, PLACE, R, 0), BH_ERROR_NOT_EMPTY, 2);
        CHECK_ERROR(bh_frame_map(other, space, PLACE, R, 0), BH_ERROR_NOT_EMPTY, 2);
        delete_cap(space);
    }
}

TEST_GROUP(page_table, false, TEST_CASE(tables_fill_the_way_from_the_top), TEST_CASE(every_kind_of_space_takes_tables),
           TEST_CASE(where_nothing_is_missing_no_table_goes), TEST_CASE(a_table_is_in_one_place),
           TEST_CASE(table_map_checks_its_arguments), TEST_CASE(unmapping_a_table_removes_what_is_below),
           TEST_CASE(a_table_is_empty_when_it_is_mapped_again), TEST_CASE(deleting_a_table_removes_what_is_below),
           TEST_CASE(a_stale_mapping_does_not_remove_a_new_one),
           TEST_CASE(a_deleted_space_leaves_frames_and_tables_free), TEST_CASE(identifiers_are_used_again),
           TEST_CASE(huge_pages_can_be_mapped),
           TEST_CASE(a_new_space_with_an_old_identifier_is_another_space));
