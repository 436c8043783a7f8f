/* SPDX-License-Identifier: BSD-2-Clause */
/* Timeout faults: what happens when a budget is spent and somebody wants to know. */
#include "harness.h"

#define CONTROL BH_ROOT_SLOT_SCHED_CONTROL
#define ENDPOINT_BADGE 77
#define CONTEXT_BADGE 0x123456789abc

static const uint64_t none[BH_MESSAGE_REGISTERS];
static volatile uint64_t count;
static volatile uint64_t status;
static bh_cptr endpoint; /* of the handler, which is the case's own thread */
static bh_cptr badged;
static bh_cptr reply;
static bh_cptr service[2];
static bh_cptr service_reply[2];

static void setup(void)
{
    count = 0;
    status = UINT64_MAX;
    endpoint = new_object(BH_TYPE_ENDPOINT);
    badged = new_mint(endpoint, BH_RIGHTS_ALL, ENDPOINT_BADGE);
    reply = new_object(BH_TYPE_REPLY);
    for (int i = 0; i < 2; i++) {
        service[i] = new_object(BH_TYPE_ENDPOINT);
        service_reply[i] = new_object(BH_TYPE_REPLY);
    }
}

static void counter(uint64_t argument)
{
    (void)argument;
    for (;;) {
        count++;
    }
}

static void configure(const struct thread *thread, uint64_t budget_us, uint64_t period_us)
{
    CHECK_OK(bh_sched_control_configure_in(CONTROL, thread->sched_context, ticks_from_us(budget_us),
                                           ticks_from_us(period_us), CONTEXT_BADGE, 0));
}

static struct thread start_counter(uint64_t budget_us, uint64_t period_us)
{
    struct thread thread = thread_prepare(counter, 0, PRIORITY_LOW);
    configure(&thread, budget_us, period_us);
    CHECK_OK(bh_tcb_set_timeout_endpoint(thread.tcb, badged));
    thread_resume(&thread);
    return thread;
}

static struct bh_message receive_timeout(void)
{
    struct bh_message message = bh_recv(endpoint, reply);
    CHECK_EQUAL(message.status, BH_OK);
    CHECK_EQUAL(message.info, BH_INFO_FAULT | bh_info(BH_FAULT_TIMEOUT, 3));
    CHECK_EQUAL(message.badge, ENDPOINT_BADGE);
    CHECK_EQUAL(message.word[1], CONTEXT_BADGE);
    return message;
}

static void answer(uint32_t label)
{
    CHECK_EQUAL(bh_send(reply, bh_info(label, 0), none), BH_OK);
}

static void no_message(void)
{
    CHECK_EQUAL(bh_nb_recv(endpoint, reply).status, BH_ERROR_WOULD_BLOCK);
}

static void a_spent_budget_is_a_timeout(void)
{
    setup();
    struct thread thread = start_counter(2000, 100000);
    uint64_t start = ticks_now();
    struct bh_message message = receive_timeout();
    uint64_t passed = ticks_now() - start;
    CHECK(passed >= ticks_from_us(2000) && passed < ticks_from_us(2100));
    CHECK(message.word[0] >= (uint64_t)counter && message.word[0] < (uint64_t)counter + 64);
    CHECK(message.word[2] >= ticks_from_us(2000) && message.word[2] < ticks_from_us(2010));
    CHECK_EQUAL(CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0], message.word[2]);
    uint64_t seen = count;
    sleep_us(150000); /* nobody answers */
    CHECK_EQUAL(count, seen);
}

static void an_answered_timeout_lets_the_thread_go_on_at_its_refill(void)
{
    setup();
    uint64_t start = ticks_now();
    (void)start_counter(2000, 20000);
    for (int i = 0; i < 3; i++) {
        (void)receive_timeout();
        uint64_t seen = count;
        answer(0);
        sleep_us(15000);
        CHECK_EQUAL(count, seen);
        sleep_us(6000);
        CHECK(count > seen);
    }
    (void)receive_timeout();
    CHECK(ticks_now() - start >= ticks_from_us(3 * 20000));
    CHECK(ticks_now() - start < ticks_from_us(3 * 20000 + 6000));
}

static void a_refused_timeout_stops_the_thread(void)
{
    setup();
    struct thread thread = start_counter(2000, 20000);
    (void)receive_timeout();
    uint64_t seen = count;
    answer(1);
    sleep_us(50000);
    CHECK_EQUAL(count, seen);
    no_message();
    thread_resume(&thread);
    (void)receive_timeout();
    CHECK(count > seen);
}

static void without_a_timeout_endpoint_a_thread_waits_for_its_refill(void)
{
    setup();
    struct thread thread = start_counter(2000, 20000);
    CHECK_OK(bh_tcb_set_timeout_endpoint(thread.tcb, BH_CPTR_NULL));
    sleep_us(5000);
    no_message();
    uint64_t seen = count;
    sleep_us(10000);
    CHECK_EQUAL(count, seen);
    sleep_us(10000);
    CHECK(count > seen);
    CHECK_OK(bh_tcb_set_timeout_endpoint(thread.tcb, badged));
    (void)receive_timeout();
}

static void the_end_of_a_time_slice_is_no_timeout(void)
{
    setup();
    (void)start_counter(1000, 1000);
    sleep_us(20000);
    no_message();
    CHECK(count > 0);
}

static void a_preempted_thread_has_its_timeout_too(void)
{
    setup();
    uint64_t start = ticks_now();
    (void)start_counter(1000, 100000);
    for (int i = 0; i < 40; i++) { /* each time it had less than all of it, in the end none is left when it is preempted */
        sleep_us(25);
        spin_us(30);
    }
    (void)receive_timeout();
    CHECK(ticks_now() - start < ticks_from_us(2600));
}

static void a_timeout_handler_may_give_another_context(void)
{
    setup();
    struct thread thread = start_counter(1000, 1000000);
    (void)receive_timeout();
    uint64_t seen = count;
    bh_cptr spare = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_OK(bh_sched_control_configure(CONTROL, spare, ticks_from_us(5000), ticks_from_us(1000000)));
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK_OK(bh_sched_context_bind(spare, thread.tcb));
    answer(0);
    sleep_us(4000);
    CHECK(count > seen);
    CHECK(CHECK_OK(bh_sched_context_consumed(spare)).value[0] > ticks_from_us(3900));
}

static void a_timeout_handler_may_fill_the_context(void)
{
    setup();
    struct thread thread = start_counter(1000, 1000000);
    for (uint64_t i = 1; i < 5; i++) {
        struct bh_message message = receive_timeout();
        CHECK(message.word[2] >= ticks_from_us(1000 * i) && message.word[2] < ticks_from_us(1000 * i + 20));
        configure(&thread, 1000, 1000000);
        answer(0);
    }
}

static void the_handler_is_not_lent_a_spent_context(void)
{
    setup();
    struct thread thread = start_counter(1000, 20000);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    bh_cptr own = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_ERROR(bh_sched_context_bind(own, test_tcb), BH_ERROR_BUSY, 1);
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    (void)receive_timeout();
    CHECK_ERROR(bh_sched_context_bind(own, thread.tcb), BH_ERROR_BUSY, 1); /* it still has its own */
}

static void passive_handler(uint64_t argument)
{
    (void)argument;
    struct bh_message message = bh_recv(endpoint, reply);
    status = bh_info_label(message.info);
}

static void a_passive_handler_waits_for_a_context(void)
{
    setup();
    struct thread handler = thread_start(passive_handler, 0, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(handler.sched_context));
    struct thread thread = start_counter(1000, 20000);
    sleep_us(50000);
    CHECK_EQUAL(status, UINT64_MAX);
    CHECK_ERROR(bh_sched_context_bind(handler.sched_context, thread.tcb), BH_ERROR_BUSY, 1);
    CHECK_OK(bh_sched_context_bind(handler.sched_context, handler.tcb));
    CHECK_EQUAL(status, BH_FAULT_TIMEOUT);
}

static void deleting_the_endpoint_leaves_a_timed_out_thread_stopped(void)
{
    setup();
    struct thread thread = start_counter(1000, 10000);
    sleep_us(5000);
    uint64_t seen = count;
    revoke_cap(endpoint);
    delete_cap(endpoint);
    sleep_us(20000);
    CHECK_EQUAL(count, seen);
    thread_resume(&thread);
    sleep_us(20000);
    CHECK(count > seen);
}

static void deleting_a_spent_context_leaves_the_timeout_to_be_answered(void)
{
    setup();
    struct thread thread = start_counter(1000, 10000);
    (void)receive_timeout();
    delete_cap(thread.sched_context);
    uint64_t seen = count;
    answer(0);
    sleep_us(20000);
    CHECK_EQUAL(count, seen);
    bh_cptr spare = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_OK(bh_sched_control_configure(CONTROL, spare, ticks_from_us(1000), ticks_from_us(1000)));
    CHECK_OK(bh_sched_context_bind(spare, thread.tcb));
    sleep_us(2000);
    CHECK(count > seen);
}

static void timeout_endpoints_are_checked(void)
{
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    bh_cptr object = new_object(BH_TYPE_ENDPOINT);
    CHECK_ERROR(bh_tcb_set_timeout_endpoint(tcb, tcb), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_tcb_set_timeout_endpoint(tcb, new_slot()), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_tcb_set_timeout_endpoint(tcb, new_object(BH_TYPE_NOTIFICATION)), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_tcb_set_timeout_endpoint(tcb, new_copy(object, BH_RIGHT_READ)), BH_ERROR_RIGHTS, 1);
    CHECK_ERROR(bh_tcb_set_timeout_endpoint(tcb, new_copy(object, BH_RIGHT_WRITE)), BH_ERROR_RIGHTS, 1);
    CHECK_ERROR(bh_tcb_set_timeout_endpoint(tcb, new_copy(object, BH_RIGHT_CALL)), BH_ERROR_RIGHTS, 1);
    CHECK_OK(bh_tcb_set_timeout_endpoint(tcb, new_copy(object, BH_RIGHT_WRITE | BH_RIGHT_CALL)));
    CHECK_OK(bh_tcb_set_timeout_endpoint(tcb, object));
    CHECK_OK(bh_tcb_set_timeout_endpoint(tcb, BH_CPTR_NULL));
    CHECK_OK(bh_tcb_set_timeout_endpoint(tcb, BH_CPTR_NULL));
}

/* --- servers on their clients' time --- */

enum { LABEL_WORK = 1, LABEL_PASS_ON, LABEL_QUICK, LABEL_GIVEN_UP = 9 };

static void server(uint64_t which)
{
    struct bh_message message = bh_recv(service[which], service_reply[which]);
    for (;;) {
        if (bh_info_label(message.info) == LABEL_PASS_ON) {
            message = bh_call(service[1], bh_info(LABEL_WORK, 0), none);
        } else if (bh_info_label(message.info) == LABEL_WORK) {
            spin_us(3000);
        }
        count++;
        message = bh_reply_recv(service[which], bh_info(0, 0), none, service_reply[which]);
    }
}

static void client(uint64_t label)
{
    struct bh_message message = bh_call(service[0], bh_info((uint32_t)label, 0), none);
    status = message.status == BH_OK ? bh_info_label(message.info) : UINT64_MAX - 1;
}

static struct thread start_server(uint64_t which, bool watched)
{
    struct thread thread = thread_start(server, which, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    if (watched) {
        CHECK_OK(bh_tcb_set_timeout_endpoint(thread.tcb, badged));
    }
    return thread;
}

static struct thread start_client(uint64_t label, uint64_t budget_us, uint64_t period_us)
{
    struct thread thread = thread_prepare(client, label, PRIORITY_LOW);
    configure(&thread, budget_us, period_us);
    thread_resume(&thread);
    return thread;
}

/* The handler answers the client in the server's place, and lets the server receive anew on a context of its own. */
static void a_server_is_freed_from_a_client_whose_budget_is_spent(void)
{
    setup();
    struct thread thread = start_server(0, true);
    (void)start_client(LABEL_WORK, 1000, 50000);
    struct bh_message message = receive_timeout();
    CHECK(message.word[2] < ticks_from_us(1010));
    CHECK_EQUAL(count, 0);

    CHECK_EQUAL(bh_send(service_reply[0], bh_info(LABEL_GIVEN_UP, 0), none), BH_OK);
    thread_aim(&thread, server, 0);
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    answer(0);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));

    (void)start_client(LABEL_QUICK, 1000, 50000); /* another client is served meanwhile */
    sleep_us(1000);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(count, 1);
    sleep_us(60000); /* the first has its answer once it has time again */
    CHECK_EQUAL(status, LABEL_GIVEN_UP);
}

static void an_answered_timeout_lets_the_server_go_on_at_the_clients_refill(void)
{
    setup();
    (void)start_server(0, true);
    uint64_t start = ticks_now();
    (void)start_client(LABEL_WORK, 1000, 10000);
    (void)receive_timeout();
    answer(0);
    sleep_us(9500);
    CHECK_EQUAL(count, 1); /* in which the spinning passed */
    CHECK(ticks_now() - start >= ticks_from_us(10000));
    sleep_us(1000);
    CHECK_EQUAL(status, 0);
}

static void without_a_timeout_endpoint_a_server_waits_for_the_clients_refill(void)
{
    setup();
    (void)start_server(0, false);
    (void)start_client(LABEL_WORK, 1000, 10000);
    sleep_us(9000);
    CHECK_EQUAL(status, UINT64_MAX);
    no_message();
    sleep_us(3000);
    CHECK_EQUAL(status, 0);
}

/* client -> first -> second: the second is where it happens, and all have their answers in the end. */
static void a_budget_that_ends_in_a_nested_call_is_a_timeout_of_the_innermost(void)
{
    setup();
    (void)start_server(0, true);
    struct thread second = start_server(1, false);
    bh_cptr inner = new_mint(endpoint, BH_RIGHTS_ALL, ENDPOINT_BADGE + 1);
    CHECK_OK(bh_tcb_set_timeout_endpoint(second.tcb, inner));
    struct thread thread = start_client(LABEL_PASS_ON, 1000, 10000);
    struct bh_message message = bh_recv(endpoint, reply);
    CHECK_EQUAL(bh_info_label(message.info), BH_FAULT_TIMEOUT);
    CHECK_EQUAL(message.badge, ENDPOINT_BADGE + 1);
    CHECK_EQUAL(message.word[1], CONTEXT_BADGE);
    answer(0);
    sleep_us(12000);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(status, 0);
    CHECK(CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0] >= ticks_from_us(1000));
}

static void deleting_the_client_in_a_servers_timeout_takes_nothing_from_others(void)
{
    setup();
    struct thread thread = start_server(0, true);
    struct thread first = start_client(LABEL_WORK, 1000, 50000);
    (void)receive_timeout();
    delete_cap(first.tcb);
    delete_cap(first.sched_context);
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    answer(0);
    CHECK_EQUAL(count, 1);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    (void)start_client(LABEL_QUICK, 1000, 50000);
    sleep_us(1000);
    CHECK_EQUAL(status, 0);
}

static struct thread late;
static volatile uint64_t call_at;
static uint64_t early;

static void late_client(uint64_t argument)
{
    (void)argument;
    while (ticks_now() < call_at) {
    }
    (void)bh_call(service[0], bh_info(LABEL_QUICK, 0), none);
}

/* While it works for one client, on that one's time, the late one comes and is queued. */
static void busy_server(uint64_t argument)
{
    (void)argument;
    uint64_t budget = boot_info->timer_frequency / BH_BUDGETS_PER_SECOND;
    struct bh_message message = bh_recv(service[0], service_reply[0]);
    for (;;) {
        if (bh_info_label(message.info) == LABEL_WORK) {
            CHECK_OK(bh_sched_control_configure_in(CONTROL, late.sched_context, budget, 100000 * budget, CONTEXT_BADGE, 0));
            thread_aim(&late, late_client, 0);
            call_at = ticks_now() + budget + ticks_from_us(5) - early;
            thread_resume(&late);
        } else {
            count++;
        }
        message = bh_reply_recv(service[0], bh_info(0, 0), none, service_reply[0]);
    }
}

/* A call in the very last moment of a budget: that it is spent is found only when the caller is off the core. */
static void a_server_has_its_timeout_when_it_receives_a_spent_context(void)
{
    setup();
    struct thread thread = thread_start(busy_server, 0, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK_OK(bh_tcb_set_timeout_endpoint(thread.tcb, badged));
    late = thread_prepare(late_client, 0, PRIORITY_HIGH + 1);
    for (early = 0; early < ticks_from_us(10); early++) { /* at first it is too late to call */
        CHECK_EQUAL(bh_call(service[0], bh_info(LABEL_WORK, 0), none).status, BH_OK);
        struct bh_message message = bh_nb_recv(endpoint, reply);
        if (message.status == BH_OK) {
            CHECK_EQUAL(message.info, BH_INFO_FAULT | bh_info(BH_FAULT_TIMEOUT, 3));
            CHECK_EQUAL(message.badge, ENDPOINT_BADGE);
            CHECK_EQUAL(message.word[1], CONTEXT_BADGE);
            CHECK_EQUAL(count, 0);
            return;
        }
        CHECK_EQUAL(count, 0);
        CHECK_OK(bh_tcb_suspend(late.tcb));
    }
    CHECK(!"it never received a spent context");
}

TEST_GROUP(timeout, false, TEST_CASE(a_spent_budget_is_a_timeout),
           TEST_CASE(an_answered_timeout_lets_the_thread_go_on_at_its_refill),
           TEST_CASE(a_refused_timeout_stops_the_thread),
           TEST_CASE(without_a_timeout_endpoint_a_thread_waits_for_its_refill),
           TEST_CASE(the_end_of_a_time_slice_is_no_timeout), TEST_CASE(a_preempted_thread_has_its_timeout_too),
           TEST_CASE(a_timeout_handler_may_give_another_context), TEST_CASE(a_timeout_handler_may_fill_the_context),
           TEST_CASE(the_handler_is_not_lent_a_spent_context), TEST_CASE(a_passive_handler_waits_for_a_context),
           TEST_CASE(deleting_the_endpoint_leaves_a_timed_out_thread_stopped),
           TEST_CASE(deleting_a_spent_context_leaves_the_timeout_to_be_answered),
           TEST_CASE(timeout_endpoints_are_checked),
           TEST_CASE(a_server_is_freed_from_a_client_whose_budget_is_spent),
           TEST_CASE(an_answered_timeout_lets_the_server_go_on_at_the_clients_refill),
           TEST_CASE(without_a_timeout_endpoint_a_server_waits_for_the_clients_refill),
           TEST_CASE(a_budget_that_ends_in_a_nested_call_is_a_timeout_of_the_innermost),
           TEST_CASE(deleting_the_client_in_a_servers_timeout_takes_nothing_from_others),
           TEST_CASE(a_server_has_its_timeout_when_it_receives_a_spent_context));
