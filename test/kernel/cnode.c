/* SPDX-License-Identifier: BSD-2-Clause */
/* CNode operations but revocation (revoke.c). */
#include "harness.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define ALL BH_RIGHTS_ALL

static struct bh_result look(bh_cptr cnode, uint64_t index)
{
    return CHECK_OK(bh_cnode_inspect(cnode, index));
}

static void copy_keeps_type_and_object(void)
{
    static const enum bh_type types[] = {BH_TYPE_TCB,    BH_TYPE_ENDPOINT,    BH_TYPE_NOTIFICATION, BH_TYPE_SCHED_CONTEXT,
                                         BH_TYPE_VSPACE, BH_TYPE_GUEST_SPACE, BH_TYPE_IO_SPACE,     BH_TYPE_VCPU};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        bh_cptr cap = new_object(types[i]);
        bh_cptr copy = new_copy(cap, ALL);
        CHECK_EQUAL(look(CNODE, copy).value[0], types[i]);
        CHECK_EQUAL(look(CNODE, copy).value[3], look(CNODE, cap).value[3]);
    }
    bh_cptr frame = new_copy(new_frame(), ALL);
    CHECK_EQUAL(look(CNODE, frame).value[2], BH_PAGE_BITS);
    bh_cptr cnode = new_copy(new_sized(BH_TYPE_CNODE, 5), ALL);
    CHECK_EQUAL(look(CNODE, cnode).value[2], 5);
}

static void copy_has_the_rights_of_both(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    CHECK_EQUAL(look(CNODE, endpoint).value[1], ALL);
    for (uint64_t rights = 0; rights <= ALL; rights++) {
        bh_cptr copy = new_copy(endpoint, rights);
        CHECK_EQUAL(look(CNODE, copy).value[1], rights);
        CHECK_EQUAL(look(CNODE, new_copy(copy, ALL)).value[1], rights);
        CHECK_EQUAL(look(CNODE, new_copy(copy, BH_RIGHT_WRITE)).value[1], rights & BH_RIGHT_WRITE);
    }
    CHECK_EQUAL(look(CNODE, new_copy(endpoint, UINT64_MAX)).value[1], ALL);
}

static void copy_keeps_the_badge(void)
{
    bh_cptr badged = new_mint(new_object(BH_TYPE_ENDPOINT), ALL, 0x1234567890);
    CHECK_EQUAL(look(CNODE, new_copy(badged, ALL)).value[2], 0x1234567890);
}

static void copy_refuses_what_is_not_there(void)
{
    bh_cptr slot = new_slots(2);
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, CNODE, slot + 1, ALL), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, CNODE, BH_ROOT_SLOT_NULL, ALL), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, endpoint, 0, ALL), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, slot + 1, 0, ALL), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_cnode_copy(slot + 1, slot, CNODE, endpoint, ALL), BH_ERROR_INVALID_CAPABILITY, 0);
}

static void copy_keeps_to_the_slots(void)
{
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    CHECK_ERROR(bh_cnode_copy(cnode, 4, CNODE, endpoint, ALL), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_copy(cnode, UINT64_MAX, CNODE, endpoint, ALL), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_copy(cnode, 0, cnode, 4, ALL), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_cnode_copy(cnode, 0, CNODE, UINT64_C(1) << boot_info->cnode_radix, ALL), BH_ERROR_RANGE, 3);
    CHECK_OK(bh_cnode_copy(cnode, 3, CNODE, endpoint, ALL));
}

static void copy_overwrites_no_slot(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr other = new_object(BH_TYPE_NOTIFICATION);
    CHECK_ERROR(bh_cnode_copy(CNODE, other, CNODE, endpoint, ALL), BH_ERROR_NOT_EMPTY, 1);
    CHECK_ERROR(bh_cnode_copy(CNODE, endpoint, CNODE, endpoint, ALL), BH_ERROR_NOT_EMPTY, 1);
    CHECK_EQUAL(type_of(other), BH_TYPE_NOTIFICATION);
}

static void copy_refuses_reply_and_page_table(void)
{
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, CNODE, new_object(BH_TYPE_REPLY), ALL), BH_ERROR_ILLEGAL_OPERATION, 3);
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, CNODE, new_object(BH_TYPE_PAGE_TABLE), ALL), BH_ERROR_ILLEGAL_OPERATION,
                3);
    CHECK_ERROR(bh_cnode_copy(CNODE, slot, CNODE, BH_ROOT_SLOT_IRQ_CONTROL, ALL), BH_ERROR_ILLEGAL_OPERATION, 3);
    CHECK_EQUAL(type_of(slot), BH_TYPE_NULL);
}

static void mint_sets_the_badge(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_EQUAL(look(CNODE, endpoint).value[2], 0);
    CHECK_EQUAL(look(CNODE, new_mint(endpoint, ALL, 1)).value[2], 1);
    CHECK_EQUAL(look(CNODE, new_mint(endpoint, ALL, UINT64_MAX)).value[2], UINT64_MAX);
    bh_cptr minted = new_mint(notification, BH_RIGHT_WRITE, 0x80);
    CHECK_EQUAL(look(CNODE, minted).value[2], 0x80);
    CHECK_EQUAL(look(CNODE, minted).value[1], BH_RIGHT_WRITE);
}

static void mint_refuses_badge_zero(void)
{
    CHECK_ERROR(bh_cnode_mint(CNODE, new_slot(), CNODE, new_object(BH_TYPE_ENDPOINT), ALL, 0),
                BH_ERROR_INVALID_ARGUMENT, 5);
}

static void mint_refuses_to_change_a_badge(void)
{
    bh_cptr badged = new_mint(new_object(BH_TYPE_ENDPOINT), ALL, 7);
    CHECK_ERROR(bh_cnode_mint(CNODE, new_slot(), CNODE, badged, ALL, 8), BH_ERROR_ILLEGAL_OPERATION, 3);
    CHECK_ERROR(bh_cnode_mint(CNODE, new_slot(), CNODE, new_copy(badged, ALL), ALL, 7), BH_ERROR_ILLEGAL_OPERATION,
                3);
}

static void mint_refuses_objects_without_badges(void)
{
    static const enum bh_type types[] = {BH_TYPE_TCB, BH_TYPE_SCHED_CONTEXT, BH_TYPE_VSPACE, BH_TYPE_VCPU,
                                         BH_TYPE_REPLY};
    bh_cptr slot = new_slot();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CHECK_ERROR(bh_cnode_mint(CNODE, slot, CNODE, new_object(types[i]), ALL, 1), BH_ERROR_ILLEGAL_OPERATION, 3);
    }
    CHECK_ERROR(bh_cnode_mint(CNODE, slot, CNODE, new_frame(), ALL, 1), BH_ERROR_ILLEGAL_OPERATION, 3);
    CHECK_ERROR(bh_cnode_mint(CNODE, slot, CNODE, BH_ROOT_SLOT_MACHINE, ALL, 1), BH_ERROR_ILLEGAL_OPERATION, 3);
}

static void mint_checks_slots_as_copy_does(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    CHECK_ERROR(bh_cnode_mint(cnode, 4, CNODE, endpoint, ALL, 1), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_mint(cnode, 0, cnode, 1, ALL, 1), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_cnode_mint(cnode, 0, cnode, 4, ALL, 1), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_cnode_mint(cnode, 0, endpoint, 0, ALL, 1), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_cnode_mint(CNODE, endpoint, CNODE, endpoint, ALL, 1), BH_ERROR_NOT_EMPTY, 1);
}

static void move_leaves_an_empty_slot(void)
{
    bh_cptr badged = new_mint(new_object(BH_TYPE_ENDPOINT), BH_RIGHT_WRITE, 9);
    struct bh_result before = look(CNODE, badged);
    bh_cptr slot = new_slot();
    CHECK_OK(bh_cnode_move(CNODE, slot, CNODE, badged));
    CHECK_EQUAL(type_of(badged), BH_TYPE_NULL);
    struct bh_result after = look(CNODE, slot);
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(after.value[i], before.value[i]);
    }
}

static void move_refuses_what_copy_refuses(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr other = new_object(BH_TYPE_ENDPOINT);
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    CHECK_ERROR(bh_cnode_move(CNODE, other, CNODE, endpoint), BH_ERROR_NOT_EMPTY, 1);
    CHECK_ERROR(bh_cnode_move(CNODE, endpoint, CNODE, endpoint), BH_ERROR_NOT_EMPTY, 1);
    CHECK_ERROR(bh_cnode_move(cnode, 4, CNODE, endpoint), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_move(cnode, 0, cnode, 4), BH_ERROR_RANGE, 3);
    CHECK_ERROR(bh_cnode_move(cnode, 0, cnode, 1), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_cnode_move(cnode, 0, endpoint, 1), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_EQUAL(type_of(endpoint), BH_TYPE_ENDPOINT);
}

static void move_takes_what_cannot_be_copied(void)
{
    bh_cptr reply = new_object(BH_TYPE_REPLY);
    bh_cptr table = new_object(BH_TYPE_PAGE_TABLE);
    bh_cptr slot = new_slots(2);
    CHECK_OK(bh_cnode_move(CNODE, slot, CNODE, reply));
    CHECK_OK(bh_cnode_move(CNODE, slot + 1, CNODE, table));
    CHECK_EQUAL(type_of(slot), BH_TYPE_REPLY);
    CHECK_EQUAL(type_of(slot + 1), BH_TYPE_PAGE_TABLE);
}

static void capabilities_cross_cnodes(void)
{
    bh_cptr a = new_sized(BH_TYPE_CNODE, 4);
    bh_cptr b = new_sized(BH_TYPE_CNODE, 4);
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    CHECK_OK(bh_cnode_mint(a, 3, CNODE, endpoint, ALL, 5));
    CHECK_OK(bh_cnode_copy(b, 7, a, 3, BH_RIGHT_READ));
    CHECK_OK(bh_cnode_move(a, 8, b, 7));
    CHECK_EQUAL(look(b, 7).value[0], BH_TYPE_NULL);
    CHECK_EQUAL(look(a, 8).value[0], BH_TYPE_ENDPOINT);
    CHECK_EQUAL(look(a, 8).value[1], BH_RIGHT_READ);
    CHECK_EQUAL(look(a, 8).value[2], 5);
    CHECK_OK(bh_cnode_delete(a, 3));
    CHECK_EQUAL(look(a, 8).value[0], BH_TYPE_ENDPOINT);
}

static void delete_of_an_empty_slot_is_fine(void)
{
    CHECK_OK(bh_cnode_delete(CNODE, new_slot()));
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    CHECK_OK(bh_cnode_delete(cnode, 3));
    CHECK_ERROR(bh_cnode_delete(cnode, 4), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_delete(cnode, UINT64_MAX), BH_ERROR_RANGE, 1);
}

static void delete_of_a_copy_leaves_the_object(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 7);
    bh_cptr notification = new_from(untyped, BH_TYPE_NOTIFICATION, 0);
    bh_cptr copy = new_copy(notification, ALL);
    CHECK_EQUAL(bh_signal(copy), BH_OK);
    delete_cap(notification);
    uint64_t bits;
    CHECK_EQUAL(bh_poll(copy, &bits), BH_OK);
    CHECK_EQUAL(bits, 1);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_NOTIFICATION, 0, BH_RETYPE_NEXT, CNODE, slot, 1),
                BH_ERROR_NO_MEMORY, ANY_ARGUMENT);
    delete_cap(copy);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_NOTIFICATION, 0, BH_RETYPE_NEXT, CNODE, slot, 1));
    CHECK_EQUAL(bh_poll(slot, &bits), BH_ERROR_WOULD_BLOCK);
}

static void deleting_a_cnode_deletes_what_is_in_it(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 6);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_TCB, 0, BH_RETYPE_NEXT, cnode, 0, 2));
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_TCB, 0, BH_RETYPE_NEXT, CNODE, slot, 1), BH_ERROR_NO_MEMORY,
                ANY_ARGUMENT);
    delete_cap(cnode);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_FRAME, 12, BH_RETYPE_NEXT, CNODE, slot, 1));
}

static void deleting_a_full_cnode_finishes(void)
{
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 12);
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    for (uint64_t i = 0; i < 4096; i++) {
        CHECK_OK(bh_cnode_mint(cnode, i, CNODE, endpoint, ALL, i + 1));
    }
    delete_cap(cnode);
    CHECK_EQUAL(type_of(endpoint), BH_TYPE_ENDPOINT);
    /* Nothing is derived from the endpoint any more. */
    revoke_cap(endpoint);
}

/* A CNode in itself, and two in each other: nobody can reach them, revocation still can. */
static void circles_of_cnodes_can_be_revoked(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 13);
    bh_cptr cnode = new_from(untyped, BH_TYPE_CNODE, 4);
    CHECK_OK(bh_cnode_copy(cnode, 1, CNODE, cnode, ALL));
    CHECK_OK(bh_cnode_move(cnode, 0, CNODE, cnode));
    bh_cptr a = new_from(untyped, BH_TYPE_CNODE, 4);
    bh_cptr b = new_from(untyped, BH_TYPE_CNODE, 4);
    CHECK_OK(bh_cnode_copy(a, 0, CNODE, b, ALL));
    CHECK_OK(bh_cnode_move(b, 0, CNODE, a));
    delete_cap(b);
    revoke_cap(untyped);
    bh_cptr slot = new_slot();
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_UNTYPED, 13, 0, CNODE, slot, 1));
}

/* Deep nesting must not take kernel stack per level. */
static void deep_chains_of_cnodes_can_be_deleted(void)
{
    bh_cptr inner = new_sized(BH_TYPE_CNODE, 1);
    for (int depth = 0; depth < 600; depth++) {
        bh_cptr outer = new_sized(BH_TYPE_CNODE, 1);
        CHECK_OK(bh_cnode_move(outer, 0, CNODE, inner));
        inner = outer;
    }
    delete_cap(inner);
}

static void inspect_tells_what_a_slot_holds(void)
{
    struct bh_result empty = look(CNODE, new_slot());
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(empty.value[i], 0);
    }
    CHECK_EQUAL(look(CNODE, test_untyped).value[2], TEST_UNTYPED_BITS);
    CHECK_EQUAL(look(CNODE, new_sized(BH_TYPE_CNODE, 3)).value[2], 3);
    CHECK_EQUAL(look(CNODE, new_sized(BH_TYPE_FRAME, 21)).value[2], 21);
    CHECK_EQUAL(look(CNODE, BH_ROOT_SLOT_IRQ_CONTROL).value[3], 0);
    CHECK_EQUAL(look(CNODE, BH_ROOT_SLOT_SCHED_CONTROL).value[3], 0);
    bh_cptr frame = new_frame();
    CHECK_EQUAL(look(CNODE, frame).value[3], CHECK_OK(bh_frame_address(frame)).value[0]);
}

static void inspect_keeps_to_the_slots(void)
{
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 3);
    CHECK_ERROR(bh_cnode_inspect(cnode, 8), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_inspect(cnode, UINT64_MAX), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_inspect(new_slot(), 0), BH_ERROR_INVALID_CAPABILITY, 0);
    CHECK_ERROR(bh_cnode_inspect(new_object(BH_TYPE_ENDPOINT), 0), BH_ERROR_ILLEGAL_OPERATION, 0);
}

static void unknown_operations_are_refused(void)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    static const uint64_t operations[] = {0, 0x0f, 0x11, 0x27, 0x4f, 0x100, UINT64_C(1) << 32 | 0x20, UINT64_MAX};
    bh_cptr caps[] = {CNODE,
                      test_untyped,
                      new_object(BH_TYPE_TCB),
                      new_object(BH_TYPE_ENDPOINT),
                      new_object(BH_TYPE_NOTIFICATION),
                      new_object(BH_TYPE_SCHED_CONTEXT),
                      new_frame(),
                      new_object(BH_TYPE_PAGE_TABLE),
                      new_object(BH_TYPE_VSPACE),
                      new_object(BH_TYPE_GUEST_SPACE),
                      new_object(BH_TYPE_IO_SPACE),
                      new_object(BH_TYPE_VCPU),
                      new_object(BH_TYPE_REPLY),
                      BH_ROOT_SLOT_IRQ_CONTROL,
                      BH_ROOT_SLOT_SCHED_CONTROL,
                      BH_ROOT_SLOT_IO_CONTROL,
                      BH_ROOT_SLOT_MACHINE};
    for (size_t cap = 0; cap < sizeof(caps) / sizeof(caps[0]); cap++) {
        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
            /* All 64 bits of the operation's number count. */
            struct bh_message result = bh_syscall_message_(BH_SYS_INVOKE, caps[cap], operations[i], 0, none);
            CHECK_EQUAL(result.status, BH_ERROR_ILLEGAL_OPERATION);
            CHECK_EQUAL(result.info, 0);
        }
    }
}

TEST_GROUP(cnode, true, TEST_CASE(copy_keeps_type_and_object), TEST_CASE(copy_has_the_rights_of_both),
           TEST_CASE(copy_keeps_the_badge), TEST_CASE(copy_refuses_what_is_not_there),
           TEST_CASE(copy_keeps_to_the_slots), TEST_CASE(copy_overwrites_no_slot),
           TEST_CASE(copy_refuses_reply_and_page_table), TEST_CASE(mint_sets_the_badge),
           TEST_CASE(mint_refuses_badge_zero), TEST_CASE(mint_refuses_to_change_a_badge),
           TEST_CASE(mint_refuses_objects_without_badges), TEST_CASE(mint_checks_slots_as_copy_does),
           TEST_CASE(move_leaves_an_empty_slot), TEST_CASE(move_refuses_what_copy_refuses),
           TEST_CASE(move_takes_what_cannot_be_copied), TEST_CASE(capabilities_cross_cnodes),
           TEST_CASE(delete_of_an_empty_slot_is_fine), TEST_CASE(delete_of_a_copy_leaves_the_object),
           TEST_CASE(deleting_a_cnode_deletes_what_is_in_it), TEST_CASE(deleting_a_full_cnode_finishes),
           TEST_CASE(circles_of_cnodes_can_be_revoked), TEST_CASE(deep_chains_of_cnodes_can_be_deleted),
           TEST_CASE(inspect_tells_what_a_slot_holds), TEST_CASE(inspect_keeps_to_the_slots),
           TEST_CASE(unknown_operations_are_refused));
