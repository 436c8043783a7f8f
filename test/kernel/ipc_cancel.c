/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that go nowhere: what waits is told so. */
#include "harness.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define ALL BH_RIGHTS_ALL
#define WAITING UINT64_MAX

static const uint64_t none[BH_MESSAGE_REGISTERS];

static struct {
    bh_cptr endpoint[4];
    bh_cptr reply;
    volatile uint64_t status[4];
    volatile uint64_t badge[4];
} shared;

static void setup(void)
{
    shared.endpoint[0] = new_object(BH_TYPE_ENDPOINT);
    shared.reply = new_object(BH_TYPE_REPLY);
    for (int i = 0; i < 4; i++) {
        shared.endpoint[i] = shared.endpoint[0];
        shared.status[i] = WAITING;
        shared.badge[i] = 0;
    }
}

static void sender(uint64_t id)
{
    shared.status[id] = bh_send(shared.endpoint[id], bh_info(0, 0), none);
}

static void caller(uint64_t id)
{
    shared.status[id] = bh_call(shared.endpoint[id], bh_info(0, 0), none).status;
}

static void receiver(uint64_t id)
{
    struct bh_message message = bh_recv(shared.endpoint[id], id == 0 ? shared.reply : 0);
    shared.badge[id] = message.badge;
    shared.status[id] = message.status;
}

static void deleting_the_endpoint_ends_sends_and_calls(void)
{
    setup();
    (void)thread_start(sender, 0, PRIORITY_HIGH);
    (void)thread_start(caller, 1, PRIORITY_HIGH);
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_EQUAL(shared.status[1], WAITING);
    delete_cap(shared.endpoint[0]);
    CHECK_EQUAL(shared.status[0], BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
}

static void deleting_the_endpoint_ends_receives(void)
{
    setup();
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    (void)thread_start(receiver, 1, PRIORITY_HIGH);
    delete_cap(shared.endpoint[0]);
    CHECK_EQUAL(shared.status[0], BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
}

static void deleting_a_copy_of_the_endpoint_ends_nothing(void)
{
    setup();
    shared.endpoint[1] = new_mint(shared.endpoint[0], ALL, 5);
    (void)thread_start(sender, 1, PRIORITY_HIGH);
    delete_cap(shared.endpoint[1]);
    CHECK_EQUAL(shared.status[1], WAITING);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], 0).badge, 5);
    CHECK_EQUAL(shared.status[1], BH_OK);
}

static void deleting_the_reply_object_ends_the_call(void)
{
    setup();
    (void)thread_start(caller, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], shared.reply).status, BH_OK);
    CHECK_EQUAL(shared.status[0], WAITING);
    delete_cap(shared.reply);
    CHECK_EQUAL(shared.status[0], BH_ERROR_CANCELLED);
}

static void deleting_the_reply_object_of_a_waiting_receiver_refuses_calls(void)
{
    setup();
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    delete_cap(shared.reply);
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_EQUAL(bh_call(shared.endpoint[0], 0, none).status, BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_EQUAL(bh_send(shared.endpoint[0], 0, none), BH_OK);
    CHECK_EQUAL(shared.status[0], BH_OK);
}

/* The endpoint goes while the call is being served: the answer still comes. */
static void deleting_the_endpoint_leaves_calls_being_served(void)
{
    setup();
    (void)thread_start(caller, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], shared.reply).status, BH_OK);
    delete_cap(shared.endpoint[0]);
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_EQUAL(bh_send(shared.reply, 0, none), BH_OK);
    CHECK_EQUAL(shared.status[0], BH_OK);
}

static void receiving_again_gives_up_the_caller(void)
{
    setup();
    (void)thread_start(caller, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], shared.reply).status, BH_OK);
    (void)thread_start(caller, 1, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], shared.reply).status, BH_OK);
    CHECK_EQUAL(shared.status[0], BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[1], WAITING);
    CHECK_EQUAL(bh_send(shared.reply, 0, none), BH_OK);
    CHECK_EQUAL(shared.status[1], BH_OK);
}

static void without_a_reply_object_calls_are_refused(void)
{
    setup();
    (void)thread_start(receiver, 1, PRIORITY_HIGH); /* receives with reply 0 */
    CHECK_EQUAL(bh_call(shared.endpoint[0], 0, none).status, BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[1], WAITING);
    CHECK_EQUAL(bh_send(shared.endpoint[0], 0, none), BH_OK);
    CHECK_EQUAL(shared.status[1], BH_OK);
    /* The other order: the call waits first. */
    (void)thread_start(caller, 2, PRIORITY_HIGH);
    CHECK_EQUAL(bh_nb_recv(shared.endpoint[0], 0).status, BH_ERROR_WOULD_BLOCK);
    CHECK_EQUAL(shared.status[2], BH_ERROR_CANCELLED);
}

/* Two threads receive with the same reply object: the later one has it. */
static void a_reply_object_goes_with_its_last_receiver(void)
{
    setup();
    bh_cptr other = new_object(BH_TYPE_ENDPOINT);
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    shared.endpoint[1] = shared.endpoint[0];
    shared.endpoint[0] = other;
    (void)thread_start(receiver, 0, PRIORITY_HIGH); /* as id 0: with the reply object */
    CHECK_EQUAL(bh_call(shared.endpoint[1], 0, none).status, BH_ERROR_CANCELLED);
    shared.endpoint[2] = other;
    (void)thread_start(caller, 2, PRIORITY_HIGH);
    CHECK_EQUAL(shared.status[0], BH_OK);
    CHECK_EQUAL(shared.status[2], WAITING);
    CHECK_EQUAL(bh_send(shared.reply, 0, none), BH_OK);
    CHECK_EQUAL(shared.status[2], BH_OK);
}

static void cancel_badged_ends_sends_of_that_badge_only(void)
{
    setup();
    shared.endpoint[1] = new_mint(shared.endpoint[0], ALL, 1);
    shared.endpoint[2] = new_mint(shared.endpoint[0], ALL, 2);
    shared.endpoint[3] = new_copy(shared.endpoint[1], ALL);
    (void)thread_start(sender, 1, PRIORITY_HIGH);
    (void)thread_start(sender, 2, PRIORITY_HIGH);
    (void)thread_start(caller, 3, PRIORITY_HIGH);
    (void)thread_start(sender, 0, PRIORITY_HIGH);
    CHECK_OK(bh_cnode_cancel_badged(CNODE, shared.endpoint[1]));
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[3], BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[2], WAITING);
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], 0).badge, 2);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], 0).badge, 0);
    CHECK_EQUAL(bh_nb_recv(shared.endpoint[0], 0).status, BH_ERROR_WOULD_BLOCK);
}

static void cancel_badged_spares_receivers(void)
{
    setup();
    shared.endpoint[1] = new_mint(shared.endpoint[0], ALL, 1);
    (void)thread_start(receiver, 0, PRIORITY_HIGH);
    CHECK_OK(bh_cnode_cancel_badged(CNODE, shared.endpoint[1]));
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_EQUAL(bh_send(shared.endpoint[0], 0, none), BH_OK);
    CHECK_EQUAL(shared.status[0], BH_OK);
}

static void cancel_badged_checks_its_arguments(void)
{
    setup();
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 2);
    CHECK_ERROR(bh_cnode_cancel_badged(cnode, 4), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_cnode_cancel_badged(cnode, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_cnode_cancel_badged(CNODE, BH_ROOT_SLOT_TCB), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_cnode_cancel_badged(new_slot(), 0), BH_ERROR_INVALID_CAPABILITY, 0);
}

/* A caller that is deleted while it is being served leaves the reply object usable. */
static void deleting_the_caller_frees_the_reply_object(void)
{
    setup();
    struct thread thread = thread_start(caller, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], shared.reply).status, BH_OK);
    delete_cap(thread.tcb);
    CHECK_EQUAL(bh_send(shared.reply, 0, none), BH_OK);
    (void)thread_start(caller, 1, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], shared.reply).status, BH_OK);
    CHECK_EQUAL(bh_send(shared.reply, 0, none), BH_OK);
    CHECK_EQUAL(shared.status[1], BH_OK);
}

static void deleting_waiting_threads_leaves_the_queue_whole(void)
{
    setup();
    shared.endpoint[1] = new_mint(shared.endpoint[0], ALL, 1);
    shared.endpoint[2] = new_mint(shared.endpoint[0], ALL, 2);
    shared.endpoint[3] = new_mint(shared.endpoint[0], ALL, 3);
    struct thread first = thread_start(sender, 1, PRIORITY_HIGH);
    struct thread second = thread_start(sender, 2, PRIORITY_HIGH);
    (void)thread_start(sender, 3, PRIORITY_HIGH);
    delete_cap(second.tcb);
    delete_cap(first.tcb);
    CHECK_EQUAL(bh_recv(shared.endpoint[0], 0).badge, 3);
    CHECK_EQUAL(bh_nb_recv(shared.endpoint[0], 0).status, BH_ERROR_WOULD_BLOCK);
}

TEST_GROUP(ipc_cancel, false, TEST_CASE(deleting_the_endpoint_ends_sends_and_calls),
           TEST_CASE(deleting_the_endpoint_ends_receives), TEST_CASE(deleting_a_copy_of_the_endpoint_ends_nothing),
           TEST_CASE(deleting_the_reply_object_ends_the_call),
           TEST_CASE(deleting_the_reply_object_of_a_waiting_receiver_refuses_calls),
           TEST_CASE(deleting_the_endpoint_leaves_calls_being_served), TEST_CASE(receiving_again_gives_up_the_caller),
           TEST_CASE(without_a_reply_object_calls_are_refused), TEST_CASE(a_reply_object_goes_with_its_last_receiver),
           TEST_CASE(cancel_badged_ends_sends_of_that_badge_only), TEST_CASE(cancel_badged_spares_receivers),
           TEST_CASE(cancel_badged_checks_its_arguments), TEST_CASE(deleting_the_caller_frees_the_reply_object),
           TEST_CASE(deleting_waiting_threads_leaves_the_queue_whole));
