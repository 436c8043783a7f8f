/* SPDX-License-Identifier: BSD-2-Clause */
/* bh_cnode_revoke: what counts as derived. */
#include "harness.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define ALL BH_RIGHTS_ALL

static void revoke_deletes_copies_and_keeps_the_capability(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr copy = new_copy(endpoint, ALL);
    bh_cptr copy_of_copy = new_copy(copy, ALL);
    bh_cptr minted = new_mint(endpoint, ALL, 4);
    bh_cptr minted_from_copy = new_mint(copy, ALL, 5);
    bh_cptr copy_of_minted = new_copy(minted, ALL);
    revoke_cap(endpoint);
    CHECK_EQUAL(type_of(endpoint), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(copy), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(copy_of_copy), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(minted), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(minted_from_copy), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(copy_of_minted), BH_TYPE_NULL);
}

static void revoke_of_a_badged_capability_spares_other_badges(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr one = new_mint(endpoint, ALL, 1);
    bh_cptr two = new_mint(endpoint, ALL, 2);
    bh_cptr copy_of_one = new_copy(one, ALL);
    bh_cptr copy_of_two = new_copy(two, ALL);
    bh_cptr plain = new_copy(endpoint, ALL);
    revoke_cap(one);
    CHECK_EQUAL(type_of(copy_of_one), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(one), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(two), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(copy_of_two), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(plain), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(endpoint), BH_TYPE_ENDPOINT);
}

/* Two that were given the same badge separately are not each other's children. */
static void revoke_spares_another_capability_of_the_same_badge(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr first = new_mint(endpoint, ALL, 6);
    bh_cptr second = new_mint(endpoint, ALL, 6);
    revoke_cap(first);
    revoke_cap(second);
    CHECK_EQUAL(type_of(first), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(second), BH_TYPE_ENDPOINT);
}

static void revoke_does_not_reach_upwards(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr copy = new_copy(endpoint, ALL);
    bh_cptr badged = new_mint(endpoint, ALL, 3);
    revoke_cap(copy);
    revoke_cap(badged);
    CHECK_EQUAL(type_of(endpoint), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(copy), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(badged), BH_TYPE_ENDPOINT);
}

static void revoke_spares_neighbouring_objects(void)
{
    bh_cptr first = new_slots(3);
    CHECK_OK(bh_untyped_retype(test_untyped, BH_TYPE_ENDPOINT, 0, BH_RETYPE_NEXT, CNODE, first, 3));
    bh_cptr copy = new_copy(first + 1, ALL);
    revoke_cap(first);
    revoke_cap(first + 2);
    CHECK_EQUAL(type_of(first + 1), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(copy), BH_TYPE_ENDPOINT);
    revoke_cap(first + 1);
    CHECK_EQUAL(type_of(copy), BH_TYPE_NULL);
    CHECK_EQUAL(type_of(first), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(first + 2), BH_TYPE_ENDPOINT);
}

static void revoke_follows_moved_capabilities(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr copy = new_copy(endpoint, ALL);
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    CHECK_OK(bh_cnode_move(cnode, 1, CNODE, copy));
    bh_cptr slot = new_slot();
    CHECK_OK(bh_cnode_move(CNODE, slot, CNODE, endpoint));
    revoke_cap(slot);
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, 1)).value[0], BH_TYPE_NULL);
    CHECK_EQUAL(type_of(slot), BH_TYPE_ENDPOINT);
}

static void revoke_works_across_cnodes(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 3);
    for (uint64_t i = 0; i < 8; i++) {
        CHECK_OK(bh_cnode_mint(cnode, i, CNODE, endpoint, ALL, i + 1));
    }
    revoke_cap(endpoint);
    for (uint64_t i = 0; i < 8; i++) {
        CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, i)).value[0], BH_TYPE_NULL);
    }
}

static void revoke_of_untyped_removes_everything(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 16);
    bh_cptr outside = new_sized(BH_TYPE_CNODE, 4);
    bh_cptr inner = new_from(untyped, BH_TYPE_UNTYPED, 14);
    static const enum bh_type types[] = {BH_TYPE_TCB,  BH_TYPE_ENDPOINT,   BH_TYPE_REPLY,      BH_TYPE_NOTIFICATION,
                                         BH_TYPE_VCPU, BH_TYPE_PAGE_TABLE, BH_TYPE_SCHED_CONTEXT};
    bh_cptr caps[7];
    for (size_t i = 0; i < 7; i++) {
        caps[i] = new_from(i % 2 == 0 ? untyped : inner, types[i], 0);
    }
    CHECK_OK(bh_cnode_copy(outside, 0, CNODE, caps[0], ALL));
    CHECK_OK(bh_cnode_mint(outside, 1, CNODE, caps[1], ALL, 1));
    CHECK_OK(bh_cnode_move(outside, 2, CNODE, caps[2]));
    revoke_cap(untyped);
    CHECK_EQUAL(type_of(inner), BH_TYPE_NULL);
    for (size_t i = 0; i < 7; i++) {
        CHECK_EQUAL(type_of(caps[i]), BH_TYPE_NULL);
    }
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(outside, i)).value[0], BH_TYPE_NULL);
    }
    /* All of it is free again. */
    bh_cptr again = new_slot();
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_UNTYPED, 16, 0, CNODE, again, 1));
}

static void revoke_of_untyped_spares_what_is_outside(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr cnode = new_from(untyped, BH_TYPE_CNODE, 4);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_cnode_copy(cnode, 0, CNODE, notification, ALL));
    CHECK_OK(bh_cnode_copy(cnode, 1, CNODE, BH_ROOT_SLOT_TCB, ALL));
    CHECK_OK(bh_cnode_copy(cnode, 2, CNODE, CNODE, ALL));
    revoke_cap(untyped);
    CHECK_EQUAL(bh_signal(notification), BH_OK);
    CHECK_EQUAL(type_of(BH_ROOT_SLOT_TCB), BH_TYPE_TCB);
}

static void revoke_of_nothing_is_fine(void)
{
    CHECK_OK(bh_cnode_revoke(CNODE, new_slot()));
    CHECK_OK(bh_cnode_revoke(CNODE, new_object(BH_TYPE_REPLY)));
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    CHECK_ERROR(bh_cnode_revoke(cnode, 4), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_revoke(cnode, UINT64_MAX), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_revoke(new_slot(), 0), BH_ERROR_INVALID_CAPABILITY, 0);
}

static void revoke_of_many_finishes(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 12);
    for (uint64_t i = 0; i < 4096; i++) {
        CHECK_OK(bh_cnode_copy(cnode, i, CNODE, endpoint, ALL));
    }
    revoke_cap(endpoint);
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, 0)).value[0], BH_TYPE_NULL);
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, 4095)).value[0], BH_TYPE_NULL);
}

/* A thread's CNode, address space and IPC buffer stay as long as it has them. */
static void a_thread_holds_on_to_its_spaces(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 13);
    bh_cptr cnode = new_from(untyped, BH_TYPE_CNODE, 2);
    bh_cptr vspace = new_from(untyped, BH_TYPE_VSPACE, 0);
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    CHECK_OK(bh_tcb_configure(tcb, cnode, vspace, 0, 0));
    delete_cap(cnode);
    delete_cap(vspace);
    bh_cptr slot = new_slot();
    CHECK_ERROR(bh_untyped_retype(untyped, BH_TYPE_VSPACE, 0, 0, CNODE, slot, 1), BH_ERROR_RANGE, 3);
    delete_cap(tcb);
    CHECK_OK(bh_untyped_retype(untyped, BH_TYPE_VSPACE, 0, 0, CNODE, slot, 1));
}

/* The Untyped's own slot goes while it is being revoked. */
static void an_untyped_in_its_own_cnode_can_be_revoked(void)
{
    bh_cptr parent = new_sized(BH_TYPE_UNTYPED, 13);
    bh_cptr untyped = new_from(parent, BH_TYPE_UNTYPED, 13);
    bh_cptr cnode = new_from(untyped, BH_TYPE_CNODE, 4);
    (void)new_from(untyped, BH_TYPE_TCB, 0);
    CHECK_OK(bh_cnode_move(cnode, 3, CNODE, untyped));
    CHECK_OK(bh_cnode_copy(cnode, 2, CNODE, cnode, ALL));
    CHECK_OK(bh_cnode_revoke(cnode, 3));
    revoke_cap(parent);
    CHECK_EQUAL(type_of(cnode), BH_TYPE_NULL);
    CHECK_OK(bh_untyped_retype(parent, BH_TYPE_UNTYPED, 13, 0, CNODE, new_slot(), 1));
}

static void revoke_of_a_copy_spares_its_siblings(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr first = new_copy(endpoint, ALL);
    bh_cptr second = new_copy(endpoint, ALL);
    bh_cptr third = new_copy(endpoint, ALL);
    revoke_cap(second);
    revoke_cap(third);
    revoke_cap(first);
    CHECK_EQUAL(type_of(first), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(second), BH_TYPE_ENDPOINT);
    CHECK_EQUAL(type_of(third), BH_TYPE_ENDPOINT);
}

TEST_GROUP(revoke, true, TEST_CASE(revoke_deletes_copies_and_keeps_the_capability),
           TEST_CASE(revoke_of_a_badged_capability_spares_other_badges),
           TEST_CASE(revoke_spares_another_capability_of_the_same_badge), TEST_CASE(revoke_does_not_reach_upwards),
           TEST_CASE(revoke_spares_neighbouring_objects), TEST_CASE(revoke_follows_moved_capabilities),
           TEST_CASE(revoke_works_across_cnodes), TEST_CASE(revoke_of_untyped_removes_everything),
           TEST_CASE(revoke_of_untyped_spares_what_is_outside), TEST_CASE(revoke_of_nothing_is_fine),
           TEST_CASE(revoke_of_many_finishes), TEST_CASE(a_thread_holds_on_to_its_spaces),
           TEST_CASE(an_untyped_in_its_own_cnode_can_be_revoked),
           TEST_CASE(revoke_of_a_copy_spares_its_siblings));
