/* SPDX-License-Identifier: BSD-2-Clause */
/* Who runs, for how long: priorities, time slices, budgets. */
#include "harness.h"

static volatile uint64_t count[4];
static volatile uint64_t order[16];
static volatile uint64_t order_count;

static void setup(void)
{
    for (int i = 0; i < 4; i++) {
        count[i] = 0;
    }
    order_count = 0;
}

static void counter(uint64_t id)
{
    for (;;) {
        count[id]++;
    }
}

static void yielder(uint64_t id)
{
    for (int i = 0; i < 4; i++) {
        order[order_count++ % 16] = id;
        bh_yield();
    }
}

static void once(uint64_t id)
{
    order[order_count++ % 16] = id;
}

static void a_higher_thread_runs_at_once(void)
{
    setup();
    (void)thread_start(once, 1, PRIORITY_HIGH);
    CHECK_EQUAL(order_count, 1);
}

static void a_lower_thread_waits(void)
{
    setup();
    (void)thread_start(counter, 0, PRIORITY_LOW);
    spin_us(5000);
    CHECK_EQUAL(count[0], 0);
    sleep_us(2000);
    CHECK(count[0] > 0);
    uint64_t seen = count[0];
    spin_us(3000);
    CHECK_EQUAL(count[0], seen);
}

static void the_highest_of_many_runs_first(void)
{
    setup();
    static const uint64_t priorities[] = {1, 63, 64, 65, 3, 62, 79};
    for (size_t i = 0; i < 7; i++) {
        (void)thread_start(once, priorities[i], priorities[i]);
    }
    CHECK_EQUAL(order_count, 0);
    sleep_us(3000);
    static const uint64_t expected[] = {79, 65, 64, 63, 62, 3, 1};
    CHECK_EQUAL(order_count, 7);
    for (int i = 0; i < 7; i++) {
        CHECK_EQUAL(order[i], expected[i]);
    }
}

static void equal_threads_take_turns(void)
{
    setup();
    for (uint64_t i = 0; i < 3; i++) {
        (void)thread_start(counter, i, PRIORITY_LOW);
    }
    sleep_us(30000);
    CHECK(count[0] > 0 && count[1] > 0 && count[2] > 0);
    for (int i = 0; i < 3; i++) { /* none has more than four times another's share */
        CHECK(count[i] < 4 * count[(i + 1) % 3]);
    }
}

static void yield_lets_equals_run(void)
{
    setup();
    (void)thread_start(yielder, 0, PRIORITY_LOW);
    (void)thread_start(yielder, 1, PRIORITY_LOW);
    sleep_us(3000);
    CHECK_EQUAL(order_count, 8);
    for (int i = 0; i < 8; i++) {
        CHECK_EQUAL(order[i], (uint64_t)i % 2);
    }
}

static bh_cptr notification;

static void waiter(uint64_t id)
{
    uint64_t bits;
    (void)bh_wait(notification, &bits);
    order[order_count++ % 16] = id;
}

static void signaller(uint64_t id)
{
    (void)bh_signal(notification);
    order[order_count++ % 16] = id;
}

static void a_signal_does_not_give_way_to_an_equal(void)
{
    setup();
    notification = new_object(BH_TYPE_NOTIFICATION);
    (void)thread_start(waiter, 2, PRIORITY_LOW);
    sleep_us(1000);
    (void)thread_start(signaller, 1, PRIORITY_LOW);
    sleep_us(1000);
    CHECK_EQUAL(order_count, 2);
    CHECK(order[0] == 1 && order[1] == 2);
}

static void yield_alone_returns(void)
{
    for (int i = 0; i < 100; i++) {
        bh_yield();
    }
}

static uint64_t percent_used(const struct thread *thread, uint64_t us)
{
    uint64_t before = CHECK_OK(bh_sched_context_consumed(thread->sched_context)).value[0];
    uint64_t start = ticks_now();
    sleep_us(us);
    uint64_t used = CHECK_OK(bh_sched_context_consumed(thread->sched_context)).value[0] - before;
    return used * 100 / (ticks_now() - start);
}

static struct thread start_budgeted(uint64_t id, uint64_t priority, uint64_t budget_us, uint64_t period_us)
{
    struct thread thread = thread_prepare(counter, id, priority);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, thread.sched_context, ticks_from_us(budget_us),
                                        ticks_from_us(period_us)));
    thread_resume(&thread);
    return thread;
}

static void a_budget_throttles(void)
{
    setup();
    struct thread thread = start_budgeted(0, PRIORITY_LOW, 2000, 20000);
    uint64_t percent = percent_used(&thread, 200000);
    CHECK(percent >= 5 && percent <= 20);
}

/* A thread above all cannot take more than its budget: the case's own thread gets to run. */
static void a_budget_holds_back_a_higher_thread(void)
{
    setup();
    (void)start_budgeted(0, PRIORITY_HIGH, 2000, 20000);
    uint64_t start = ticks_now();
    uint64_t own = 0;
    while (ticks_now() - start < ticks_from_us(100000)) {
        own++;
    }
    CHECK(own > 0);
    CHECK(count[0] > 0);
}

static void a_full_budget_is_only_a_time_slice(void)
{
    setup();
    struct thread thread = start_budgeted(0, PRIORITY_LOW, 1000, 1000);
    CHECK(percent_used(&thread, 50000) >= 80);
}

static void a_new_budget_takes_effect(void)
{
    setup();
    struct thread thread = start_budgeted(0, PRIORITY_LOW, 1000, 3000000);
    sleep_us(10000);
    uint64_t throttled = count[0];
    sleep_us(10000);
    CHECK_EQUAL(count[0], throttled);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, thread.sched_context, ticks_from_us(1000),
                                        ticks_from_us(1000)));
    sleep_us(10000);
    CHECK(count[0] > throttled);
}

static void budgets_are_checked(void)
{
    bh_cptr context = new_object(BH_TYPE_SCHED_CONTEXT);
    bh_cptr control = BH_ROOT_SLOT_SCHED_CONTROL;
    uint64_t hour = boot_info->timer_frequency * 3600;
    CHECK_ERROR(bh_sched_control_configure(control, context, 0, 1000), BH_ERROR_INVALID_ARGUMENT, 2);
    CHECK_ERROR(bh_sched_control_configure(control, context, 1001, 1000), BH_ERROR_INVALID_ARGUMENT, 2);
    CHECK_ERROR(bh_sched_control_configure(control, context, 1000, hour + 1), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_ERROR(bh_sched_control_configure(control, context, UINT64_MAX, UINT64_MAX), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_ERROR(bh_sched_control_configure(control, test_tcb, 1000, 1000), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_sched_control_configure(control, 0, 1000, 1000), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_sched_control_configure(context, context, 1000, 1000), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_OK(bh_sched_control_configure(control, context, hour, hour));
}

/* Tiny budgets must not starve the machine of everything but interrupts. */
static void the_smallest_budget_leaves_the_machine_alive(void)
{
    setup();
    struct thread thread = thread_prepare(counter, 0, PRIORITY_HIGH);
    uint64_t smallest = boot_info->timer_frequency / BH_BUDGETS_PER_SECOND;
    bh_cptr control = BH_ROOT_SLOT_SCHED_CONTROL;
    CHECK_ERROR(bh_sched_control_configure(control, thread.sched_context, smallest - 1, 100 * smallest),
                BH_ERROR_INVALID_ARGUMENT, 2);
    CHECK_OK(bh_sched_control_configure(control, thread.sched_context, smallest, 100 * smallest));
    thread_resume(&thread);
    sleep_us(5000);
    CHECK(count[0] > 0);
}

static void a_scheduling_context_has_one_thread(void)
{
    struct thread thread = thread_prepare(once, 0, PRIORITY_LOW);
    struct thread other = thread_prepare(once, 0, PRIORITY_LOW);
    bh_cptr spare = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_ERROR(bh_sched_context_bind(thread.sched_context, other.tcb), BH_ERROR_BUSY, 0);
    CHECK_ERROR(bh_sched_context_bind(spare, thread.tcb), BH_ERROR_BUSY, 1);
    CHECK_ERROR(bh_sched_context_bind(spare, spare), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_sched_context_bind(spare, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK_OK(bh_sched_context_bind(spare, thread.tcb));
    CHECK_OK(bh_sched_context_unbind(other.sched_context));
    CHECK_OK(bh_sched_context_unbind(other.sched_context));
    CHECK_OK(bh_sched_context_bind(thread.sched_context, other.tcb));
}

static void without_a_scheduling_context_a_thread_waits(void)
{
    setup();
    struct thread thread = thread_prepare(counter, 0, PRIORITY_LOW);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    thread_resume(&thread);
    sleep_us(3000);
    CHECK_EQUAL(count[0], 0);
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    sleep_us(3000);
    CHECK(count[0] > 0);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    uint64_t seen = count[0];
    sleep_us(3000);
    CHECK_EQUAL(count[0], seen);
}

static void an_unfilled_scheduling_context_gives_no_time(void)
{
    setup();
    struct thread thread = thread_prepare(counter, 0, PRIORITY_LOW);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    bh_cptr empty = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_OK(bh_sched_context_bind(empty, thread.tcb));
    thread_resume(&thread);
    sleep_us(3000);
    CHECK_EQUAL(count[0], 0);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, empty, 10000, 10000));
    sleep_us(3000);
    CHECK(count[0] > 0);
}

static void deleting_the_scheduling_context_stops_the_thread(void)
{
    setup();
    struct thread thread = thread_start(counter, 0, PRIORITY_LOW);
    sleep_us(3000);
    delete_cap(thread.sched_context);
    uint64_t seen = count[0];
    CHECK(seen > 0);
    sleep_us(3000);
    CHECK_EQUAL(count[0], seen);
    bh_cptr spare = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, spare, 10000, 10000));
    CHECK_OK(bh_sched_context_bind(spare, thread.tcb));
    sleep_us(3000);
    CHECK(count[0] > seen);
}

static void consumed_time_is_counted(void)
{
    setup();
    struct thread thread = thread_start(counter, 0, PRIORITY_LOW);
    CHECK_EQUAL(CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0], 0);
    uint64_t start = ticks_now();
    sleep_us(20000);
    uint64_t used = CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0];
    CHECK(used > ticks_from_us(5000));
    CHECK(used <= ticks_now() - start);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    used = CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0];
    sleep_us(3000);
    CHECK_EQUAL(CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0], used);
}

static void a_priority_can_change_while_the_thread_waits_its_turn(void)
{
    setup();
    struct thread low = thread_start(once, 1, PRIORITY_LOW);
    (void)thread_start(once, 2, PRIORITY_LOW + 1);
    CHECK_OK(bh_tcb_set_priority(low.tcb, PRIORITY_LOW + 2, 0));
    sleep_us(2000);
    CHECK_EQUAL(order[0], 1);
    CHECK_EQUAL(order[1], 2);
}

static void raising_a_thread_above_oneself_runs_it(void)
{
    setup();
    struct thread thread = thread_start(once, 1, PRIORITY_LOW);
    CHECK_EQUAL(order_count, 0);
    CHECK_OK(bh_tcb_set_priority(thread.tcb, PRIORITY_HIGH, 0));
    CHECK_EQUAL(order_count, 1);
}

static void lowering_oneself_lets_others_run(void)
{
    setup();
    (void)thread_start(once, 1, PRIORITY_LOW);
    CHECK_OK(bh_tcb_set_priority(test_tcb, PRIORITY_LOW - 1, BH_PRIORITY_MAX));
    CHECK_EQUAL(order_count, 1);
    CHECK_OK(bh_tcb_set_priority(test_tcb, PRIORITY_CASE, BH_PRIORITY_MAX));
}

/* --- long operations --- */

#define PERIOD_US 200

static bh_cptr ticker_notification;
static volatile uint64_t latest;
static volatile bool ticking;

static void ticker(uint64_t argument)
{
    (void)argument;
    while (ticking) {
        uint64_t due = ticks_now() + ticks_from_us(PERIOD_US);
        uint64_t bits;
        CHECK_OK(bh_notification_arm(ticker_notification, due, 1));
        CHECK_EQUAL(bh_wait(ticker_notification, &bits), BH_OK);
        uint64_t late = ticks_now() - due;
        latest = late > latest ? late : latest;
        count[0]++;
    }
}

static void start_ticker(void)
{
    setup();
    ticker_notification = new_object(BH_TYPE_NOTIFICATION);
    ticking = true;
    latest = 0;
    (void)thread_start(ticker, 0, PRIORITY_HIGH);
}

static void check_ticker(void)
{
    ticking = false;
    CHECK(count[0] >= 4);
    CHECK(latest < ticks_from_us(100));
}

/* Revocation and deletion let interrupts in on the way, and still finish. */
static void long_operations_are_preempted(void)
{
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr cnode = new_sized(BH_TYPE_CNODE, 14);
    for (uint64_t i = 0; i < 1 << 14; i++) {
        CHECK_OK(bh_cnode_copy(cnode, i, BH_ROOT_SLOT_CNODE, endpoint, BH_RIGHTS_ALL));
    }
    start_ticker();
    revoke_cap(endpoint);
    check_ticker();
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(cnode, (1 << 14) - 1)).value[0], BH_TYPE_NULL);
    for (uint64_t i = 0; i < 1 << 14; i++) {
        CHECK_OK(bh_cnode_copy(cnode, i, BH_ROOT_SLOT_CNODE, endpoint, BH_RIGHTS_ALL));
    }
    start_ticker();
    delete_cap(cnode);
    check_ticker();
    revoke_cap(endpoint);
}

TEST_GROUP(schedule, false, TEST_CASE(a_higher_thread_runs_at_once), TEST_CASE(a_lower_thread_waits),
           TEST_CASE(the_highest_of_many_runs_first), TEST_CASE(equal_threads_take_turns),
           TEST_CASE(yield_lets_equals_run), TEST_CASE(a_signal_does_not_give_way_to_an_equal),
           TEST_CASE(yield_alone_returns), TEST_CASE(a_budget_throttles),
           TEST_CASE(a_budget_holds_back_a_higher_thread), TEST_CASE(a_full_budget_is_only_a_time_slice),
           TEST_CASE(a_new_budget_takes_effect), TEST_CASE(budgets_are_checked),
           TEST_CASE(the_smallest_budget_leaves_the_machine_alive), TEST_CASE(a_scheduling_context_has_one_thread),
           TEST_CASE(without_a_scheduling_context_a_thread_waits),
           TEST_CASE(an_unfilled_scheduling_context_gives_no_time),
           TEST_CASE(deleting_the_scheduling_context_stops_the_thread), TEST_CASE(consumed_time_is_counted),
           TEST_CASE(a_priority_can_change_while_the_thread_waits_its_turn),
           TEST_CASE(raising_a_thread_above_oneself_runs_it), TEST_CASE(lowering_oneself_lets_others_run), TEST_CASE(long_operations_are_preempted));
