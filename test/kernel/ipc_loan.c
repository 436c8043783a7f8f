/* SPDX-License-Identifier: BSD-2-Clause */
/* Passive servers: they run on their caller's scheduling context, which comes back whatever happens. */
#include "harness.h"

#define WAITING UINT64_MAX

static const uint64_t none[BH_MESSAGE_REGISTERS];

/* The kernel has a short way for messages that are all in registers, and a general one: each case takes both. */
static uint64_t message_length;

#define ON_BOTH_PATHS(name)                                                                                            \
    static void name##_once(void);                                                                                     \
    static void name(void)                                                                                             \
    {                                                                                                                  \
        message_length = 1;                                                                                            \
        name##_once();                                                                                                 \
        message_length = BH_MESSAGE_REGISTERS + 1;                                                                     \
        name##_once();                                                                                                 \
    }                                                                                                                  \
    static void name##_once(void)

static struct {
    bh_cptr endpoint[4];
    bh_cptr reply;
    volatile uint64_t status[4];
} shared;

static void setup(void)
{
    shared.endpoint[0] = new_object(BH_TYPE_ENDPOINT);
    shared.reply = new_object(BH_TYPE_REPLY);
    for (int i = 0; i < 4; i++) {
        shared.endpoint[i] = shared.endpoint[0];
        shared.status[i] = WAITING;
    }
}

static void caller(uint64_t id)
{
    shared.status[id] = bh_call(shared.endpoint[id], bh_info(0, message_length), none).status;
}

static void passive_server(uint64_t endpoint)
{
    bh_cptr reply = endpoint == shared.endpoint[0] ? shared.reply : shared.endpoint[3];
    struct bh_message message = bh_recv(endpoint, reply);
    while (message.status == BH_OK) {
        if (bh_info_label(message.info) == 1) { /* pass it on */
            message = bh_call(shared.endpoint[1], bh_info(0, message_length), message.word);
        } else if (bh_info_label(message.info) == 2) { /* never answer */
            uint64_t bits;
            (void)bh_wait(shared.endpoint[2], &bits);
        }
        message.word[0] += 10;
        message = bh_reply_recv(endpoint, bh_info(0, message_length), message.word, reply);
    }
}

static void sleeper(uint64_t endpoint)
{
    uint64_t bits;
    (void)bh_recv(endpoint, shared.endpoint[3]);
    (void)bh_wait(shared.endpoint[2], &bits);
}

static struct thread start_passive(bh_cptr endpoint)
{
    struct thread thread = thread_start(passive_server, endpoint, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    return thread;
}

ON_BOTH_PATHS(passive_server_runs_on_the_callers_time)
{
    setup();
    struct thread server = start_passive(shared.endpoint[0]);
    for (uint64_t i = 0; i < 20; i++) {
        const uint64_t word[BH_MESSAGE_REGISTERS] = {i};
        struct bh_message answer = bh_call(shared.endpoint[0], bh_info(0, message_length), word);
        CHECK_EQUAL(answer.status, BH_OK);
        CHECK_EQUAL(answer.word[0], i + 10);
    }
    uint64_t used = CHECK_OK(bh_sched_context_consumed(server.sched_context)).value[0];
    const uint64_t word[BH_MESSAGE_REGISTERS] = {1};
    (void)bh_call(shared.endpoint[0], bh_info(0, message_length), word);
    CHECK_EQUAL(CHECK_OK(bh_sched_context_consumed(server.sched_context)).value[0], used);
}

ON_BOTH_PATHS(a_loan_passes_through_a_chain_of_servers)
{
    setup();
    shared.endpoint[1] = new_object(BH_TYPE_ENDPOINT);
    shared.endpoint[3] = new_object(BH_TYPE_REPLY);
    (void)start_passive(shared.endpoint[0]);
    (void)start_passive(shared.endpoint[1]);
    for (uint64_t i = 0; i < 5; i++) {
        const uint64_t word[BH_MESSAGE_REGISTERS] = {i};
        struct bh_message answer = bh_call(shared.endpoint[0], bh_info(1, message_length), word);
        CHECK_EQUAL(answer.status, BH_OK);
        CHECK_EQUAL(answer.word[0], i + 20);
    }
}

static void passive_caller(uint64_t label)
{
    shared.status[1] = bh_call(shared.endpoint[0], bh_info((uint32_t)label, message_length), none).status;
}

ON_BOTH_PATHS(a_loan_comes_back_when_the_reply_object_is_deleted)
{
    setup();
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    struct thread server = start_passive(shared.endpoint[0]);
    (void)thread_start(passive_caller, 2, PRIORITY_HIGH); /* the server waits for ever, on this thread's time */
    CHECK_EQUAL(shared.status[1], WAITING);
    delete_cap(shared.reply);
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
    delete_cap(server.tcb);
}

ON_BOTH_PATHS(a_loan_comes_back_when_the_server_is_deleted_first)
{
    setup();
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    struct thread server = start_passive(shared.endpoint[0]);
    (void)thread_start(passive_caller, 2, PRIORITY_HIGH);
    delete_cap(server.tcb);
    CHECK_EQUAL(shared.status[1], WAITING);
    delete_cap(shared.reply);
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
}

ON_BOTH_PATHS(a_loan_survives_the_deletion_of_the_lender)
{
    setup();
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    (void)start_passive(shared.endpoint[0]);
    struct thread lender = thread_start(passive_caller, 2, PRIORITY_HIGH);
    delete_cap(lender.tcb);
    delete_cap(lender.sched_context);
    CHECK_EQUAL(bh_signal(shared.endpoint[2]), BH_OK);
    /* The server has no time to run on before it receives again: the next call waits. */
    (void)thread_start(caller, 0, PRIORITY_LOW);
    sleep_us(5000);
    CHECK_EQUAL(shared.status[0], WAITING);
}

static void lazy_receiver(uint64_t endpoint)
{
    struct bh_message message = bh_recv(endpoint, shared.reply);
    shared.status[2] = message.status;
}

/* While a call is being served another thread receives with the same reply object; then the server answers with it and
 * receives in one go. The reply object is the server's again, in every order and on every path. */
ON_BOTH_PATHS(answering_and_receiving_takes_the_reply_object_back)
{
    setup();
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    bh_cptr other = new_object(BH_TYPE_ENDPOINT);
    (void)start_passive(shared.endpoint[0]);
    (void)thread_start(passive_caller, 2, PRIORITY_HIGH); /* its server now waits for the notification */
    (void)thread_start(lazy_receiver, other, PRIORITY_HIGH);
    CHECK_EQUAL(bh_signal(shared.endpoint[2]), BH_OK);
    CHECK_EQUAL(shared.status[1], BH_OK);
    CHECK_EQUAL(bh_call(other, 0, none).status, BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[2], WAITING);
    const uint64_t word[BH_MESSAGE_REGISTERS] = {1};
    CHECK_EQUAL(bh_call(shared.endpoint[0], bh_info(0, message_length), word).word[0], 11);
}

/* client -> first -> second: the one in the middle goes away, then the client's reply object. */
ON_BOTH_PATHS(a_chain_of_loans_breaks_in_the_middle)
{
    setup();
    shared.endpoint[1] = new_object(BH_TYPE_ENDPOINT);
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    shared.endpoint[3] = new_object(BH_TYPE_REPLY);
    struct thread first = start_passive(shared.endpoint[0]);
    struct thread second = thread_start(sleeper, shared.endpoint[1], PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(second.sched_context));
    (void)thread_start(passive_caller, 1, PRIORITY_HIGH);
    CHECK_EQUAL(shared.status[1], WAITING);
    delete_cap(first.tcb);
    CHECK_EQUAL(shared.status[1], WAITING);
    delete_cap(shared.reply);
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
    CHECK_EQUAL(bh_send(shared.endpoint[3], 0, none), BH_OK); /* the second server's caller is gone */
}

ON_BOTH_PATHS(suspending_the_lender_takes_the_loan_back)
{
    setup();
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    (void)start_passive(shared.endpoint[0]);
    struct thread lender = thread_start(passive_caller, 2, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_suspend(lender.tcb));
    CHECK_ERROR(bh_sched_context_bind(lender.sched_context, test_tcb), BH_ERROR_BUSY, 0); /* it has its own again */
    CHECK_OK(bh_sched_context_unbind(lender.sched_context));
    CHECK_OK(bh_sched_context_bind(lender.sched_context, lender.tcb));
    CHECK_EQUAL(shared.status[1], WAITING);
}

/* The time that was lent goes for good while the server still works: the answer comes, but the client has none. */
ON_BOTH_PATHS(a_deleted_loan_does_not_come_back)
{
    setup();
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    struct thread server = start_passive(shared.endpoint[0]);
    struct thread lender = thread_start(passive_caller, 2, PRIORITY_HIGH);
    delete_cap(lender.sched_context);
    CHECK_OK(bh_sched_context_bind(server.sched_context, server.tcb));
    CHECK_EQUAL(bh_signal(shared.endpoint[2]), BH_OK);
    CHECK_EQUAL(shared.status[1], WAITING);
    bh_cptr spare = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, spare, 100000, 100000));
    CHECK_OK(bh_sched_context_bind(spare, lender.tcb));
    CHECK_EQUAL(shared.status[1], BH_OK);
}

static void late_server(uint64_t endpoint)
{
    uint64_t bits;
    (void)bh_recv(endpoint, shared.endpoint[3]);
    (void)bh_wait(shared.endpoint[2], &bits);
    (void)bh_send(shared.endpoint[3], 0, none);
}

static void mark(uint64_t id)
{
    shared.status[id] = BH_OK;
}

/* client -> first -> second: once the client has its time back, the second's answer gives none of it to the first. */
ON_BOTH_PATHS(what_a_client_took_back_is_not_given_on)
{
    setup();
    shared.endpoint[1] = new_object(BH_TYPE_ENDPOINT);
    shared.endpoint[2] = new_object(BH_TYPE_NOTIFICATION);
    shared.endpoint[3] = new_object(BH_TYPE_REPLY);
    (void)start_passive(shared.endpoint[0]);
    struct thread second = thread_start(late_server, shared.endpoint[1], PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(second.sched_context));
    struct thread client = thread_start(passive_caller, 1, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_suspend(client.tcb));
    thread_aim(&client, mark, 2);
    CHECK_OK(bh_sched_context_bind(second.sched_context, second.tcb));
    CHECK_EQUAL(bh_signal(shared.endpoint[2]), BH_OK);
    thread_resume(&client);
    CHECK_EQUAL(shared.status[2], BH_OK);
}

TEST_GROUP(ipc_loan, false, TEST_CASE(what_a_client_took_back_is_not_given_on), TEST_CASE(passive_server_runs_on_the_callers_time),
           TEST_CASE(a_loan_passes_through_a_chain_of_servers),
           TEST_CASE(a_loan_comes_back_when_the_reply_object_is_deleted),
           TEST_CASE(a_loan_comes_back_when_the_server_is_deleted_first),
           TEST_CASE(a_loan_survives_the_deletion_of_the_lender), TEST_CASE(a_chain_of_loans_breaks_in_the_middle),
           TEST_CASE(answering_and_receiving_takes_the_reply_object_back),
           TEST_CASE(suspending_the_lender_takes_the_loan_back), TEST_CASE(a_deleted_loan_does_not_come_back));
