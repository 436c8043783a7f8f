/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames: where they can be mapped, how, and how they go away. */
#include "harness.h"

#include "guest.h"

#define VSPACE BH_ROOT_SLOT_VSPACE
#define ALL BH_RIGHTS_ALL
#define R BH_RIGHT_READ
#define W BH_RIGHT_WRITE
#define X BH_RIGHT_GRANT

static bh_cptr fault_endpoint, fault_reply;
static volatile uint64_t probe_done;

static void probe_read(uint64_t address)
{
    (void)*(volatile uint64_t *)address;
    probe_done = 1;
}

static void probe_write(uint64_t address)
{
    *(volatile uint64_t *)address = 1;
    probe_done = 1;
}

/* Whether a thread of its own gets away with the access. */
static bool allowed(void (*access)(uint64_t), uint64_t address)
{
    if (fault_endpoint == 0 || type_of(fault_endpoint) != BH_TYPE_ENDPOINT) {
        fault_endpoint = new_object(BH_TYPE_ENDPOINT);
        fault_reply = new_object(BH_TYPE_REPLY);
    }
    probe_done = 0;
    struct thread thread = thread_start_faulting(access, address, PRIORITY_HIGH, fault_endpoint);
    struct bh_message message = bh_nb_recv(fault_endpoint, fault_reply);
    CHECK_EQUAL(message.status == BH_OK, probe_done == 0);
    delete_cap(thread.tcb);
    delete_cap(thread.ipc_frame);
    return probe_done == 1;
}

static void setup(void)
{
    fault_endpoint = 0;
}

static void a_mapped_frame_is_memory(void)
{
    setup();
    volatile uint64_t *words = map_new_frame();
    for (uint64_t i = 0; i < 512; i++) {
        words[i] = i * 3;
    }
    for (uint64_t i = 0; i < 512; i++) {
        CHECK_EQUAL(words[i], i * 3);
    }
}

static void two_mappings_show_the_same_memory(void)
{
    setup();
    bh_cptr frame = new_frame();
    volatile uint64_t *a = map_frame(frame, R | W);
    volatile uint64_t *b = map_frame(new_copy(frame, ALL), R);
    a[7] = 0x1122;
    CHECK_EQUAL(b[7], 0x1122);
    CHECK(!allowed(probe_write, (uint64_t)b));
    CHECK(allowed(probe_read, (uint64_t)b));
}

static void unmap_takes_the_page_away(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = (uint64_t)map_frame(frame, R | W);
    CHECK(allowed(probe_read, address));
    CHECK_OK(bh_frame_unmap(frame));
    CHECK(!allowed(probe_read, address));
    CHECK_OK(bh_frame_unmap(frame));
}

static void deleting_the_frame_takes_the_page_away(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = (uint64_t)map_frame(frame, R | W);
    *(volatile uint64_t *)address = 5;
    delete_cap(frame);
    CHECK(!allowed(probe_read, address));
}

static void deleting_a_copy_takes_only_its_own_mapping(void)
{
    setup();
    bh_cptr frame = new_frame();
    bh_cptr copy = new_copy(frame, ALL);
    volatile uint64_t *a = map_frame(frame, R | W);
    uint64_t b = (uint64_t)map_frame(copy, R | W);
    delete_cap(copy);
    CHECK(!allowed(probe_read, b));
    a[0] = 9;
    CHECK_EQUAL(a[0], 9);
}

static void mapping_again_changes_rights(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = (uint64_t)map_frame(frame, R);
    CHECK(!allowed(probe_write, address));
    CHECK_OK(bh_frame_map(frame, VSPACE, address, R | W, 0));
    CHECK(allowed(probe_write, address));
    CHECK_OK(bh_frame_map(frame, VSPACE, address, R, 0));
    CHECK(!allowed(probe_write, address));
    CHECK(allowed(probe_read, address));
}

static void a_copied_frame_is_unmapped(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = (uint64_t)map_frame(frame, R | W);
    bh_cptr copy = new_copy(frame, ALL);
    CHECK_OK(bh_frame_unmap(copy));
    CHECK(allowed(probe_read, address));
    CHECK_OK(bh_frame_map(copy, VSPACE, window_page(), R, 0));
}

static void a_moved_frame_keeps_its_mapping(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = (uint64_t)map_frame(frame, R | W);
    bh_cptr slot = new_slot();
    CHECK_OK(bh_cnode_move(BH_ROOT_SLOT_CNODE, slot, BH_ROOT_SLOT_CNODE, frame));
    CHECK(allowed(probe_read, address));
    CHECK_OK(bh_frame_unmap(slot));
    CHECK(!allowed(probe_read, address));
}

static void a_frame_has_one_mapping(void)
{
    setup();
    bh_cptr frame = new_frame();
    (void)map_frame(frame, R | W);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, window_page(), R, 0), BH_ERROR_BUSY, 0);
}

static void an_occupied_page_is_not_replaced(void)
{
    setup();
    bh_cptr frame = new_frame();
    volatile uint64_t *words = map_frame(frame, R | W);
    words[0] = 0x33;
    bh_cptr other = new_frame();
    CHECK_ERROR(bh_frame_map(other, VSPACE, (uint64_t)words, R, 0), BH_ERROR_NOT_EMPTY, 2);
    CHECK_ERROR(bh_frame_map(new_copy(frame, ALL), VSPACE, (uint64_t)words, R, 0), BH_ERROR_NOT_EMPTY, 2);
    CHECK_EQUAL(words[0], 0x33);
    CHECK_OK(bh_frame_map(other, VSPACE, window_page(), R, 0));
}

static void map_checks_the_address(void)
{
    setup();
    bh_cptr frame = new_frame();
    bh_cptr large = new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, WINDOW_BASE + 8, R, 0), BH_ERROR_ALIGNMENT, 2);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, WINDOW_BASE + 1, R, 0), BH_ERROR_ALIGNMENT, 2);
    CHECK_ERROR(bh_frame_map(large, VSPACE, WINDOW_LARGE + 0x1000, R, 0), BH_ERROR_ALIGNMENT, 2);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, BH_SPACE_SIZE, R, 0), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, UINT64_C(0xffffff8000000000), R, 0), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, UINT64_MAX - 0xfff, R, 0), BH_ERROR_RANGE, 2);
}

static void map_checks_the_space(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = window_page();
    CHECK_ERROR(bh_frame_map(frame, 0, address, R, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_frame_map(frame, new_slot(), address, R, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_frame_map(frame, frame, address, R, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_frame_map(frame, BH_ROOT_SLOT_TCB, address, R, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_frame_map(new_slot(), VSPACE, address, R, 0), BH_ERROR_INVALID_CAPABILITY, 0);
}

static void missing_tables_are_named(void)
{
    setup();
    bh_cptr frame = new_frame();
    bh_cptr large = new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS);
    struct bh_result result = CHECK_ERROR(bh_frame_map(frame, VSPACE, WINDOW_EMPTY, R, 0), BH_ERROR_NO_TABLE, 2);
    CHECK_EQUAL(result.value[0], 2);
    result = CHECK_ERROR(bh_frame_map(large, VSPACE, WINDOW_EMPTY, R, 0), BH_ERROR_NO_TABLE, 2);
    CHECK_EQUAL(result.value[0], 2);
    result = CHECK_ERROR(bh_frame_map(frame, VSPACE, WINDOW_LARGE, R, 0), BH_ERROR_NO_TABLE, 2);
    CHECK_EQUAL(result.value[0], 3);
}

static void a_mapping_has_no_more_rights_than_the_capability(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = window_page();
    bh_cptr read_only = new_copy(frame, R);
    CHECK_ERROR(bh_frame_map(read_only, VSPACE, address, R | W, 0), BH_ERROR_RIGHTS, 3);
    CHECK_ERROR(bh_frame_map(read_only, VSPACE, address, R | X, 0), BH_ERROR_RIGHTS, 3);
    CHECK_ERROR(bh_frame_map(new_copy(frame, W | X), VSPACE, address, R, 0), BH_ERROR_RIGHTS, 3);
    CHECK_OK(bh_frame_map(read_only, VSPACE, address, R, 0));
    CHECK(!allowed(probe_write, address));
}

static void writable_and_executable_is_refused(void)
{
    setup();
    CHECK_ERROR(bh_frame_map(new_frame(), VSPACE, window_page(), R | W | X, 0), BH_ERROR_INVALID_ARGUMENT, 3);
}

static void unknown_rights_and_attributes_are_refused(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = window_page();
    CHECK_ERROR(bh_frame_map(frame, VSPACE, address, 0, 0), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, address, R | 0x100, 0), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, address, R, 8), BH_ERROR_INVALID_ARGUMENT, 4);
    CHECK_ERROR(bh_frame_map(frame, VSPACE, address, R, UINT64_MAX), BH_ERROR_INVALID_ARGUMENT, 4);
    CHECK_OK(bh_frame_map(frame, VSPACE, address, R | W, BH_MAP_UNCACHED));
    *(volatile uint64_t *)address = 4;
    CHECK_EQUAL(*(volatile uint64_t *)address, 4);
}

static void only_a_vspace_guards_its_code(void)
{
    setup();
    struct guest guest;
    CHECK_ERROR(bh_frame_map(new_frame(), guest_space_new(&guest), 0, R | X, BH_MAP_GUARDED), BH_ERROR_INVALID_ARGUMENT, 4);
    CHECK_ERROR(bh_frame_map(new_frame(), new_object(BH_TYPE_IO_SPACE), 0, R, BH_MAP_GUARDED), BH_ERROR_INVALID_ARGUMENT, 4);
}

static void a_large_frame_is_mapped_whole(void)
{
    setup();
    bh_cptr large = new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS);
    CHECK_OK(bh_frame_map(large, VSPACE, WINDOW_LARGE, R | W, 0));
    for (uint64_t offset = 0; offset < UINT64_C(1) << BH_LARGE_PAGE_BITS; offset += 0x10000) {
        *(volatile uint64_t *)(WINDOW_LARGE + offset) = offset;
    }
    for (uint64_t offset = 0; offset < UINT64_C(1) << BH_LARGE_PAGE_BITS; offset += 0x10000) {
        CHECK_EQUAL(*(volatile uint64_t *)(WINDOW_LARGE + offset), offset);
    }
    CHECK_ERROR(bh_frame_map(new_frame(), VSPACE, WINDOW_LARGE + 0x3000, R, 0), BH_ERROR_NOT_EMPTY, 2);
    CHECK_OK(bh_frame_unmap(large));
    CHECK(!allowed(probe_read, WINDOW_LARGE + 0x1f0000));
}

/* Where a table is, no large page fits. */
static void a_large_frame_does_not_replace_a_table(void)
{
    setup();
    bh_cptr large = new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS);
    CHECK_ERROR(bh_frame_map(large, VSPACE, WINDOW_BASE, R, 0), BH_ERROR_NOT_EMPTY, 2);
}

static void frame_address_is_the_physical_one(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = CHECK_OK(bh_frame_address(frame)).value[0];
    CHECK_EQUAL(address, CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, frame)).value[3]);
    CHECK_EQUAL(address & (BH_PAGE_SIZE - 1), 0);
    CHECK_EQUAL(CHECK_OK(bh_frame_address(new_device_frame(0x09010000))).value[0], 0x09010000);
}

static void device_registers_can_be_read(void)
{
    setup();
    uint64_t rtc = (uint64_t)map_frame(new_device_frame(0x09010000), R | W);
    /* PL031 peripheral identification (TRM 3.3.9): 0x31, 0x10. */
    CHECK_EQUAL(read32(rtc + 0xfe0), 0x31);
    CHECK_EQUAL(read32(rtc + 0xfe4), 0x10);
}

static void an_ipc_buffer_need_not_be_mapped(void)
{
    setup();
    struct thread thread = thread_prepare(probe_read, WINDOW_BASE, PRIORITY_HIGH);
    CHECK_OK(bh_frame_unmap(thread.ipc_frame));
    thread_aim(&thread, probe_read, (uint64_t)&probe_done);
    probe_done = 0;
    thread_resume(&thread);
    CHECK_EQUAL(probe_done, 1);
}

/* What the processor remembers of a table goes with it. */
static void removing_a_table_takes_its_pages_away(void)
{
    setup();
    bh_cptr table = new_object(BH_TYPE_PAGE_TABLE);
    CHECK_OK(bh_page_table_map(table, VSPACE, WINDOW_LARGE));
    CHECK_OK(bh_frame_map(new_frame(), VSPACE, WINDOW_LARGE, R | W, 0));
    *(volatile uint64_t *)WINDOW_LARGE = 1;
    CHECK(allowed(probe_read, WINDOW_LARGE));
    CHECK_OK(bh_page_table_unmap(table));
    CHECK(!allowed(probe_read, WINDOW_LARGE));
    CHECK_OK(bh_page_table_map(table, VSPACE, WINDOW_LARGE));
    CHECK_OK(bh_frame_map(new_frame(), VSPACE, WINDOW_LARGE, R | W, 0));
    CHECK(allowed(probe_write, WINDOW_LARGE));
    delete_cap(table);
    CHECK(!allowed(probe_read, WINDOW_LARGE));
}

TEST_GROUP(frame, false, TEST_CASE(a_mapped_frame_is_memory), TEST_CASE(two_mappings_show_the_same_memory),
           TEST_CASE(unmap_takes_the_page_away), TEST_CASE(deleting_the_frame_takes_the_page_away),
           TEST_CASE(deleting_a_copy_takes_only_its_own_mapping), TEST_CASE(mapping_again_changes_rights),
           TEST_CASE(a_copied_frame_is_unmapped), TEST_CASE(a_moved_frame_keeps_its_mapping),
           TEST_CASE(a_frame_has_one_mapping), TEST_CASE(an_occupied_page_is_not_replaced),
           TEST_CASE(map_checks_the_address), TEST_CASE(map_checks_the_space), TEST_CASE(missing_tables_are_named),
           TEST_CASE(a_mapping_has_no_more_rights_than_the_capability),
           TEST_CASE(writable_and_executable_is_refused), TEST_CASE(unknown_rights_and_attributes_are_refused),
           TEST_CASE(only_a_vspace_guards_its_code),
           TEST_CASE(a_large_frame_is_mapped_whole), TEST_CASE(a_large_frame_does_not_replace_a_table),
           TEST_CASE(frame_address_is_the_physical_one), TEST_CASE(device_registers_can_be_read),
           TEST_CASE(an_ipc_buffer_need_not_be_mapped),
           TEST_CASE(removing_a_table_takes_its_pages_away));
