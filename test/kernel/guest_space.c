/* SPDX-License-Identifier: BSD-2-Clause */
/* GuestSpaces: what a guest reaches, and doorbells. */
#include "guest.h"

#define ALL BH_RIGHTS_ALL
#define R BH_RIGHT_READ
#define W BH_RIGHT_WRITE
#define X BH_RIGHT_GRANT

#define BELL (GUEST_MMIO + 0x50)

static void a_guest_may_have_writable_code(void)
{
    bh_cptr space = new_object(BH_TYPE_GUEST_SPACE);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), space, GUEST_RAM));
    }
    CHECK_OK(bh_frame_map(new_frame(), space, GUEST_RAM, R | W | X, 0));
}

static void guest_spaces_check_like_others(void)
{
    bh_cptr space = new_object(BH_TYPE_GUEST_SPACE);
    bh_cptr frame = new_frame();
    struct bh_result result = CHECK_ERROR(bh_frame_map(frame, space, GUEST_RAM, R, 0), BH_ERROR_NO_TABLE, 2);
    CHECK_EQUAL(result.value[0], 2);
    CHECK_ERROR(bh_frame_map(frame, space, BH_SPACE_SIZE, R, 0), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_frame_map(frame, space, GUEST_RAM + 4, R, 0), BH_ERROR_ALIGNMENT, 2);
    CHECK_ERROR(bh_frame_map(new_copy(frame, R), space, GUEST_RAM, R | W, 0), BH_ERROR_RIGHTS, 3);
}

static void memory_taken_from_a_guest_is_gone(void)
{
    struct guest guest = guest_new(test_tcb);
    guest.data[3] = 0x31;
    guest.frame->x[1] = GUEST_DATA + 24;
    guest_aim(&guest, guest_read);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[2], 0x31);
    CHECK_OK(bh_frame_unmap(guest.ram[2]));
    guest_aim(&guest, guest_read);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
    CHECK_EQUAL(guest.frame->ipa, GUEST_DATA + 24);
    CHECK_OK(bh_frame_map(guest.ram[2], guest.space, GUEST_DATA, R | W, 0));
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[2], 0x31);
    delete_cap(guest.ram[2]);
    guest_aim(&guest, guest_read);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
}

static void read_only_memory_cannot_be_written(void)
{
    struct guest guest = guest_new(test_tcb);
    CHECK_OK(bh_frame_map(guest.ram[2], guest.space, GUEST_DATA, R, 0));
    guest.frame->x[1] = GUEST_DATA + 8;
    guest.frame->x[2] = 0x99;
    guest_aim(&guest, guest_write);
    uint64_t bits;
    uint64_t reason = bh_vm_enter(&bits);
    CHECK(reason == BH_EXIT_ABORT || reason == BH_EXIT_MMIO);
    CHECK_EQUAL(guest.frame->far, GUEST_DATA + 8);
    CHECK_EQUAL(guest.data[1], 0);
    guest_aim(&guest, guest_read);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
}

static void data_without_execute_cannot_be_executed(void)
{
    struct guest guest = guest_new(test_tcb);
    CHECK_OK(bh_frame_map(guest.ram[2], guest.space, GUEST_DATA, R | W, 0));
    guest.frame->x[1] = GUEST_DATA;
    guest_aim(&guest, guest_jump);
    (void)GUEST_RUN(&guest, BH_EXIT_ABORT);
    CHECK_EQUAL(guest.frame->pc, GUEST_DATA);
    CHECK_EQUAL(guest.frame->esr >> 26, 0x20);
}

static void large_pages_serve_guests(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr large = new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS);
    CHECK_OK(bh_frame_map(new_copy(large, ALL), BH_ROOT_SLOT_VSPACE, WINDOW_LARGE, R | W, 0));
    CHECK_OK(bh_frame_map(large, guest.space, GUEST_RAM + 0x200000, R | W, 0));
    guest.frame->x[1] = GUEST_RAM + 0x3ffff8;
    guest.frame->x[2] = 0x1357;
    guest_aim(&guest, guest_write);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(*(volatile uint64_t *)(WINDOW_LARGE + 0x1ffff8), 0x1357);
    CHECK_OK(bh_frame_unmap(large));
    guest_aim(&guest, guest_write);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
}

static void a_guest_reaches_nothing_beyond_its_space(void)
{
    struct guest guest = guest_new(test_tcb);
    uint64_t here = CHECK_OK(bh_frame_address(new_frame())).value[0];
    const uint64_t addresses[] = {0, here | 0x100000, 0x08000000, 0x09000000, BH_SPACE_SIZE - 8};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        guest.frame->x[1] = addresses[i];
        guest_aim(&guest, guest_read);
        (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
        CHECK_EQUAL(guest.frame->ipa, addresses[i]);
    }
    /* An address that the tables cannot express: the guest gets the fault, or its VMM, never the access. */
    guest.frame->x[1] = UINT64_C(1) << 43;
    guest_aim(&guest, guest_read);
    uint64_t bits;
    uint64_t reason = bh_vm_enter(&bits);
    CHECK(reason == BH_EXIT_MMIO || reason == BH_EXIT_ABORT ||
          (reason == BH_EXIT_HVC && guest_hvc_immediate(&guest) == 0xdea));
}

/* --- doorbells --- */

static void a_doorbell_signals_and_lets_the_guest_go_on(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_guest_space_bind_doorbell(guest.space, 3, BELL, 4,
                                          new_mint(notification, BH_RIGHT_WRITE, 0x2000)));
    guest.frame->x[1] = BELL;
    guest_aim(&guest, guest_write);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    uint64_t bits;
    CHECK_EQUAL(bh_poll(notification, &bits), BH_OK);
    CHECK_EQUAL(bits, 0x2000);
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_DOORBELL], 1);
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_MMIO], 0);
}

static void a_doorbell_is_for_stores_in_its_range(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_guest_space_bind_doorbell(guest.space, 0, BELL, 4, notification));
    uint64_t bits;
    guest.frame->x[1] = BELL;
    guest_aim(&guest, guest_read);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
    guest.frame->x[1] = BELL + 8;
    guest_aim(&guest, guest_write);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
    guest.frame->x[1] = BELL - 8;
    guest_aim(&guest, guest_write);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
    CHECK_EQUAL(bh_poll(notification, &bits), BH_ERROR_WOULD_BLOCK);
}

static void an_unbound_doorbell_is_silent(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_guest_space_bind_doorbell(guest.space, 15, BELL, 4, notification));
    CHECK_OK(bh_guest_space_unbind_doorbell(guest.space, 15));
    CHECK_OK(bh_guest_space_unbind_doorbell(guest.space, 15));
    CHECK_ERROR(bh_guest_space_unbind_doorbell(guest.space, 16), BH_ERROR_RANGE, 1);
    guest.frame->x[1] = BELL;
    guest_aim(&guest, guest_write);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
    /* One whose notification is gone is none either. */
    CHECK_OK(bh_guest_space_bind_doorbell(guest.space, 15, BELL, 4, notification));
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 7);
    CHECK_OK(bh_guest_space_bind_doorbell(guest.space, 14, BELL + 0x100, 4,
                                          new_from(untyped, BH_TYPE_NOTIFICATION, 0)));
    revoke_cap(untyped);
    guest.frame->x[1] = BELL + 0x100;
    guest_aim(&guest, guest_write);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
}

static void doorbells_check_their_arguments(void)
{
    bh_cptr space = new_object(BH_TYPE_GUEST_SPACE);
    bh_cptr bell = new_object(BH_TYPE_NOTIFICATION);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, BH_DOORBELLS, BELL, 4, bell), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, UINT64_MAX, BELL, 4, bell), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL + 2, 4, bell), BH_ERROR_ALIGNMENT, 2);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BH_SPACE_SIZE, 4, bell), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL, 6, bell), BH_ERROR_ALIGNMENT, 3);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL, 0, bell), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, GUEST_MMIO + 0xffc, 8, bell), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL, UINT64_MAX & ~UINT64_C(3), bell), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL, 4, space), BH_ERROR_INVALID_CAPABILITY, 4);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL, 4, 0), BH_ERROR_INVALID_CAPABILITY, 4);
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL, 4, new_copy(bell, R)), BH_ERROR_RIGHTS, 4);
    CHECK_OK(bh_guest_space_bind_doorbell(space, 0, BELL, 4, bell));
    CHECK_ERROR(bh_guest_space_bind_doorbell(space, 0, BELL + 8, 4, bell), BH_ERROR_NOT_EMPTY, 1);
    CHECK_OK(bh_guest_space_bind_doorbell(space, 1, GUEST_MMIO, BH_PAGE_SIZE, bell));
}

static void a_doorbell_wakes_who_waits(void)
{
    struct guest_thread runner;
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_guest_space_bind_doorbell(guest.space, 0, BELL, 4, new_mint(notification, W, 0x40)));
    guest.frame->x[1] = BELL;
    guest_aim(&guest, guest_write);
    thread_resume(&runner.thread);
    uint64_t bits;
    CHECK_EQUAL(bh_wait(notification, &bits), BH_OK);
    CHECK_EQUAL(bits, 0x40);
    CHECK_EQUAL(runner.exit_count, 0); /* the guest has not come to its HVC yet */
}

static void two_guests_with_the_same_addresses_are_apart(void)
{
    struct guest a = guest_new(test_tcb);
    struct guest_thread runner;
    struct guest b;
    guest_thread_prepare(&runner, &b, PRIORITY_HIGH);
    a.data[3] = 0xaaa;
    b.data[3] = 0xbbb;
    a.frame->x[1] = b.frame->x[1] = GUEST_DATA + 24;
    guest_aim(&a, guest_read);
    guest_aim(&b, guest_read);
    (void)GUEST_RUN(&a, BH_EXIT_HVC);
    thread_resume(&runner.thread);
    guest_aim(&a, guest_read);
    (void)GUEST_RUN(&a, BH_EXIT_HVC);
    CHECK_EQUAL(runner.reason, BH_EXIT_HVC);
    CHECK_EQUAL(a.frame->x[2], 0xaaa);
    CHECK_EQUAL(b.frame->x[2], 0xbbb);
}

static void removing_a_table_takes_memory_from_a_guest(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr table = new_object(BH_TYPE_PAGE_TABLE);
    uint64_t address = GUEST_RAM + 0x200000;
    CHECK_OK(bh_page_table_map(table, guest.space, address));
    CHECK_OK(bh_frame_map(new_frame(), guest.space, address, R | W, 0));
    guest.frame->x[1] = address;
    guest_aim(&guest, guest_read);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_OK(bh_page_table_unmap(table));
    guest_aim(&guest, guest_read);
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
}

TEST_GROUP(guest_space, false, TEST_CASE(a_guest_may_have_writable_code), TEST_CASE(guest_spaces_check_like_others),
           TEST_CASE(memory_taken_from_a_guest_is_gone), TEST_CASE(read_only_memory_cannot_be_written),
           TEST_CASE(data_without_execute_cannot_be_executed), TEST_CASE(large_pages_serve_guests),
           TEST_CASE(a_guest_reaches_nothing_beyond_its_space),
           TEST_CASE(a_doorbell_signals_and_lets_the_guest_go_on), TEST_CASE(a_doorbell_is_for_stores_in_its_range),
           TEST_CASE(an_unbound_doorbell_is_silent), TEST_CASE(doorbells_check_their_arguments),
           TEST_CASE(a_doorbell_wakes_who_waits), TEST_CASE(two_guests_with_the_same_addresses_are_apart),
           TEST_CASE(removing_a_table_takes_memory_from_a_guest));
