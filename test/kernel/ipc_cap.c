/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities that travel with messages. */
#include "harness.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define ALL BH_RIGHTS_ALL

static const uint64_t none[BH_MESSAGE_REGISTERS];

static struct {
    bh_cptr endpoint;
    bh_cptr reply;
    bh_cptr receive_slot;
    bh_cptr send_cap;
    struct bh_message message;
    volatile uint64_t received;
} shared;

static void setup(void)
{
    memset(&shared, 0, sizeof(shared));
    shared.endpoint = new_object(BH_TYPE_ENDPOINT);
    shared.reply = new_object(BH_TYPE_REPLY);
    shared.receive_slot = new_slot();
}

static void receiver(uint64_t slot)
{
    own_ipc_buffer()->receive_slot = slot;
    shared.message = bh_recv(shared.endpoint, shared.reply);
    shared.received++;
}

static void send_cap(bh_cptr endpoint, bh_cptr cap)
{
    own_ipc_buffer()->send_cap = cap;
    CHECK_EQUAL(bh_send(endpoint, bh_info(5, 0) | BH_INFO_CAP, none), BH_OK);
}

static void a_capability_arrives_in_the_receive_slot(void)
{
    setup();
    bh_cptr cap = new_mint(new_object(BH_TYPE_NOTIFICATION), BH_RIGHT_WRITE, 0x40);
    (void)thread_start(receiver, shared.receive_slot, PRIORITY_HIGH);
    send_cap(shared.endpoint, cap);
    CHECK_EQUAL(shared.received, 1);
    CHECK(shared.message.info & BH_INFO_CAP);
    CHECK_EQUAL(bh_info_label(shared.message.info), 5);
    struct bh_result sent = CHECK_OK(bh_cnode_inspect(CNODE, cap));
    struct bh_result arrived = CHECK_OK(bh_cnode_inspect(CNODE, shared.receive_slot));
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(arrived.value[i], sent.value[i]);
    }
}

static void what_arrived_goes_with_what_was_sent(void)
{
    setup();
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    (void)thread_start(receiver, shared.receive_slot, PRIORITY_HIGH);
    send_cap(shared.endpoint, notification);
    CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NOTIFICATION);
    revoke_cap(notification);
    CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NULL);
}

static void a_capability_needs_grant(void)
{
    setup();
    (void)thread_start(receiver, shared.receive_slot, PRIORITY_HIGH);
    bh_cptr no_grant = new_copy(shared.endpoint, BH_RIGHT_WRITE | BH_RIGHT_READ | BH_RIGHT_CALL);
    send_cap(no_grant, new_object(BH_TYPE_NOTIFICATION));
    CHECK_EQUAL(shared.received, 1);
    CHECK_EQUAL(shared.message.info & BH_INFO_CAP, 0);
    CHECK_EQUAL(bh_info_label(shared.message.info), 5);
    CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NULL);
}

static void a_receiver_takes_none_without_a_slot(void)
{
    setup();
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    send_cap(shared.endpoint, new_object(BH_TYPE_NOTIFICATION));
    CHECK_EQUAL(shared.received, 1);
    CHECK_EQUAL(shared.message.info & BH_INFO_CAP, 0);
    CHECK_EQUAL(type_of(0), BH_TYPE_NULL);
}

static void an_occupied_receive_slot_stays_as_it_is(void)
{
    setup();
    bh_cptr occupied = new_object(BH_TYPE_ENDPOINT);
    (void)thread_start(receiver, occupied, PRIORITY_HIGH);
    send_cap(shared.endpoint, new_object(BH_TYPE_NOTIFICATION));
    CHECK_EQUAL(shared.message.info & BH_INFO_CAP, 0);
    CHECK_EQUAL(type_of(occupied), BH_TYPE_ENDPOINT);
}

static void a_wild_receive_slot_is_ignored(void)
{
    setup();
    static const bh_cptr wild[] = {UINT64_MAX, UINT64_C(1) << 32};
    for (size_t i = 0; i < 2; i++) {
        (void)thread_start(receiver, wild[i], PRIORITY_HIGH);
        send_cap(shared.endpoint, new_object(BH_TYPE_NOTIFICATION));
        CHECK_EQUAL(shared.received, i + 1);
        CHECK_EQUAL(shared.message.info & BH_INFO_CAP, 0);
    }
}

static void a_capability_that_is_none_is_left_out(void)
{
    setup();
    bh_cptr bad[] = {new_slot(), 0, UINT64_MAX, shared.reply, test_untyped};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)thread_start(receiver, shared.receive_slot, PRIORITY_HIGH);
        send_cap(shared.endpoint, bad[i]);
        CHECK_EQUAL(shared.received, i + 1);
        CHECK_EQUAL(shared.message.info & BH_INFO_CAP, 0);
        CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NULL);
    }
}

static void waiting_sender(uint64_t cap)
{
    send_cap(shared.endpoint, cap);
}

static void a_capability_travels_when_the_sender_waits_first(void)
{
    setup();
    (void)thread_start(waiting_sender, new_object(BH_TYPE_NOTIFICATION), PRIORITY_HIGH);
    own_ipc_buffer()->receive_slot = shared.receive_slot;
    struct bh_message message = bh_recv(shared.endpoint, 0);
    CHECK(message.info & BH_INFO_CAP);
    CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NOTIFICATION);
}

static void granting_server(uint64_t cap)
{
    struct bh_message message = bh_recv(shared.endpoint, shared.reply);
    CHECK_EQUAL(message.status, BH_OK);
    own_ipc_buffer()->send_cap = cap;
    CHECK_EQUAL(bh_send(shared.reply, bh_info(6, 0) | BH_INFO_CAP, none), BH_OK);
}

static void an_answer_can_carry_a_capability(void)
{
    setup();
    (void)thread_start(granting_server, new_object(BH_TYPE_NOTIFICATION), PRIORITY_HIGH);
    own_ipc_buffer()->receive_slot = shared.receive_slot;
    struct bh_message answer = bh_call(shared.endpoint, bh_info(0, 0), none);
    CHECK_EQUAL(answer.status, BH_OK);
    CHECK(answer.info & BH_INFO_CAP);
    CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NOTIFICATION);
}

/* Each side's capabilities are found in its own CNode. */
static void small_cnode_sender(uint64_t argument)
{
    (void)argument;
    own_ipc_buffer()->send_cap = 2;
    (void)bh_send(1, bh_info(0, 0) | BH_INFO_CAP, none);
    (void)bh_tcb_suspend(3);
}

static void capabilities_travel_between_cnodes(void)
{
    setup();
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    struct thread thread = thread_prepare(small_cnode_sender, 0, PRIORITY_HIGH);
    CHECK_OK(bh_cnode_copy(cnode, 1, CNODE, shared.endpoint, ALL));
    CHECK_OK(bh_cnode_mint(cnode, 2, CNODE, notification, BH_RIGHT_WRITE, 0x100));
    CHECK_OK(bh_cnode_copy(cnode, 3, CNODE, thread.tcb, ALL));
    CHECK_OK(bh_tcb_configure(thread.tcb, cnode, BH_ROOT_SLOT_VSPACE, test_faults, thread.ipc_frame));
    thread_resume(&thread);
    own_ipc_buffer()->receive_slot = shared.receive_slot;
    struct bh_message message = bh_recv(shared.endpoint, 0);
    CHECK(message.info & BH_INFO_CAP);
    struct bh_result arrived = CHECK_OK(bh_cnode_inspect(CNODE, shared.receive_slot));
    CHECK_EQUAL(arrived.value[0], BH_TYPE_NOTIFICATION);
    CHECK_EQUAL(arrived.value[1], BH_RIGHT_WRITE);
    CHECK_EQUAL(arrived.value[2], 0x100);
}

static void caller(uint64_t endpoint)
{
    shared.message = bh_call(endpoint, bh_info(0, 0), none);
}

static void sender_behind(uint64_t endpoint)
{
    send_cap(endpoint, shared.send_cap);
}

static void a_call_that_is_refused_does_not_cost_the_next_its_capability(void)
{
    setup();
    shared.send_cap = new_object(BH_TYPE_NOTIFICATION);
    (void)thread_start(caller, shared.endpoint, PRIORITY_HIGH);
    (void)thread_start(sender_behind, shared.endpoint, PRIORITY_HIGH);
    own_ipc_buffer()->receive_slot = shared.receive_slot;
    struct bh_message message = bh_recv(shared.endpoint, 0);
    CHECK_EQUAL(message.status, BH_OK);
    CHECK_EQUAL(shared.message.status, BH_ERROR_CANCELLED);
    CHECK(message.info & BH_INFO_CAP);
    CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NOTIFICATION);
}

static void no_reply_object_means_none_whatever_is_in_slot_0(void)
{
    bh_cptr reply = new_object(BH_TYPE_REPLY);
    CHECK_OK(bh_cnode_move(CNODE, BH_CPTR_NULL, CNODE, reply));
    a_call_that_is_refused_does_not_cost_the_next_its_capability();
    CHECK_OK(bh_cnode_delete(CNODE, BH_CPTR_NULL));
}

TEST_GROUP(ipc_cap, false, TEST_CASE(a_capability_arrives_in_the_receive_slot),
           TEST_CASE(what_arrived_goes_with_what_was_sent), TEST_CASE(a_capability_needs_grant),
           TEST_CASE(a_receiver_takes_none_without_a_slot), TEST_CASE(an_occupied_receive_slot_stays_as_it_is),
           TEST_CASE(a_wild_receive_slot_is_ignored), TEST_CASE(a_capability_that_is_none_is_left_out),
           TEST_CASE(a_capability_travels_when_the_sender_waits_first), TEST_CASE(an_answer_can_carry_a_capability),
           TEST_CASE(capabilities_travel_between_cnodes),
           TEST_CASE(a_call_that_is_refused_does_not_cost_the_next_its_capability),
           TEST_CASE(no_reply_object_means_none_whatever_is_in_slot_0));
