/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets as sporadic servers: what is used comes back one period later, what is not used stays. */
#include "interval.h"

#define CONTROL BH_ROOT_SLOT_SCHED_CONTROL
#define SLACK_US 5 /* from the end of a budget to its thread off the core */

static struct intervals seen;
static bh_cptr alarm;
static uint64_t origin;

/* What the thread under test does: bursts, each recorded from origin + start for `length` of time that passes. */
static struct {
    uint64_t start_us, length_us;
} bursts[128];
static uint64_t burst_count;

static uint64_t at_us(uint64_t us)
{
    return origin + ticks_from_us(us);
}

static void run_bursts(uint64_t argument)
{
    (void)argument;
    for (uint64_t i = 0; i < burst_count; i++) {
        sleep_until(alarm, at_us(bursts[i].start_us));
        intervals_record(&seen, ticks_now() + ticks_from_us(bursts[i].length_us));
    }
}

static void setup(void)
{
    intervals_reset(&seen);
    alarm = new_object(BH_TYPE_NOTIFICATION);
    burst_count = 0;
}

static void burst(uint64_t start_us, uint64_t length_us)
{
    CHECK(burst_count < sizeof(bursts) / sizeof(bursts[0]));
    bursts[burst_count].start_us = start_us;
    bursts[burst_count].length_us = length_us;
    burst_count++;
}

static void configure(const struct thread *thread, uint64_t budget_us, uint64_t period_us)
{
    CHECK_OK(bh_sched_control_configure(CONTROL, thread->sched_context, ticks_from_us(budget_us),
                                        ticks_from_us(period_us)));
}

static struct thread start_bursts(uint64_t priority, uint64_t budget_us, uint64_t period_us)
{
    struct thread thread = thread_prepare(run_bursts, 0, priority);
    configure(&thread, budget_us, period_us);
    origin = ticks_now() + ticks_from_us(100);
    thread_resume(&thread);
    return thread;
}

static uint64_t consumed(const struct thread *thread)
{
    return CHECK_OK(bh_sched_context_consumed(thread->sched_context)).value[0];
}

static void sleep_to_us(uint64_t us)
{
    static bh_cptr own;
    own = new_object(BH_TYPE_NOTIFICATION);
    sleep_until(own, at_us(us));
}

static void check_about_us(uint64_t ticks, uint64_t us, uint64_t tolerance_us)
{
    CHECK(ticks + ticks_from_us(tolerance_us) >= ticks_from_us(us));
    CHECK(ticks <= ticks_from_us(us + tolerance_us));
}

static void spin(uint64_t argument)
{
    (void)argument;
    for (;;) {
    }
}

/* Of a thread with this budget that wants more, while a thread of `other_priority` wants everything. */
static uint64_t share_in_ten_thousandths(uint64_t budget_us, uint64_t period_us, uint64_t periods,
                                         uint64_t other_priority)
{
    setup();
    struct thread hog = thread_prepare(spin, 0, PRIORITY_HIGH);
    configure(&hog, budget_us, period_us);
    struct thread other = thread_start(spin, 0, other_priority);
    thread_resume(&hog);
    uint64_t before = consumed(&hog);
    uint64_t start = ticks_now();
    sleep_us(periods * period_us);
    uint64_t used = consumed(&hog) - before, time = ticks_now() - start;
    CHECK_OK(bh_tcb_suspend(hog.tcb));
    CHECK_OK(bh_tcb_suspend(other.tcb));
    return used * 10000 / time;
}

static void a_hog_with_a_tenth_gets_a_tenth_while_others_want_more(void)
{
    uint64_t share = share_in_ten_thousandths(1000, 10000, 50, PRIORITY_LOW);
    CHECK(share >= 950 && share <= 1050);
    share = share_in_ten_thousandths(100, 1000, 100, PRIORITY_LOW);
    CHECK(share >= 950 && share <= 1050);
    share = share_in_ten_thousandths(20000, 200000, 5, PRIORITY_LOW);
    CHECK(share >= 950 && share <= 1050);
}

/* It is idle until shortly before a period ends, and then wants all it can get. */
static void two_budgets_never_meet(void)
{
    static const uint64_t idle_us[] = {0, 100, 10000, 17900, 18000, 18500, 19000, 19900, 20000, 25000, 38500};
    for (size_t i = 0; i < sizeof(idle_us) / sizeof(idle_us[0]); i++) {
        setup();
        burst(idle_us[i], 70000);
        struct thread thread = start_bursts(PRIORITY_HIGH, 2000, 20000);
        sleep_to_us(idle_us[i] + 75000);
        CHECK_OK(bh_tcb_suspend(thread.tcb));
        CHECK(intervals_most(&seen, ticks_from_us(20000)) <= ticks_from_us(2000 + SLACK_US));
        check_about_us(intervals_until(&seen, UINT64_MAX), 4 * 2000, 50);
    }
}

/* The same for one that was held back by a thread above it, not idle. */
static void a_preempted_thread_gets_no_second_budget_at_once(void)
{
    setup();
    burst(0, 90000);
    (void)start_bursts(PRIORITY_LOW, 2000, 20000);
    spin_us(19000);
    sleep_to_us(95000);
    CHECK(intervals_most(&seen, ticks_from_us(20000)) <= ticks_from_us(2000 + SLACK_US));
    check_about_us(intervals_until(&seen, UINT64_MAX), 4 * 2000, 50);
}

static void whatever_the_pattern_no_period_has_more_than_a_budget(void)
{
    uint64_t state = 88172645463325252; /* xorshift */
    for (int round = 0; round < 12; round++) {
        setup();
        uint64_t when = 0;
        for (int i = 0; i < 60; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            burst(when, 20 + state % 400);
            when += 20 + state % 400 + 20 + (state >> 20) % 700;
        }
        struct thread thread = start_bursts(PRIORITY_HIGH, 1000, 5000);
        sleep_to_us(when + 60000);
        CHECK_OK(bh_tcb_suspend(thread.tcb));
        CHECK(intervals_most(&seen, ticks_from_us(5000)) <= ticks_from_us(1000 + SLACK_US));
    }
}

static void what_a_blocked_thread_did_not_use_is_not_lost(void)
{
    setup();
    burst(0, 1000);
    burst(10000, 40000);
    (void)start_bursts(PRIORITY_HIGH, 4000, 20000);
    static const struct {
        uint64_t time_us, used_us;
    } expected[] = {{9000, 1000},  {11000, 2000}, {13100, 4000}, {19900, 4000},
                    {20600, 4600}, {21100, 5000}, {29900, 5000}, {33100, 8000}};
    sleep_to_us(60000);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        check_about_us(intervals_until(&seen, at_us(expected[i].time_us)), expected[i].used_us, 30);
    }
}

static void used_time_comes_back_in_a_bounded_number_of_pieces(void)
{
    setup();
    for (uint64_t i = 0; i < 20; i++) {
        burst(i * 500, 50);
    }
    burst(15000, 28000); /* the other half, and then whatever comes back */
    (void)start_bursts(PRIORITY_HIGH, 2000, 20000);
    sleep_to_us(50000);
    CHECK_EQUAL(seen.at[20].start >= at_us(15000), true);
    check_about_us(seen.at[20].end - seen.at[20].start, 1000, 20);
    uint64_t pieces = 0;
    while (21 + pieces < seen.count && seen.at[21 + pieces].start < at_us(39000)) {
        pieces++;
    }
    CHECK(pieces >= 4);
    CHECK(pieces <= BH_REFILLS);
    check_about_us(intervals_until(&seen, at_us(39000)), 4000, 50);
    CHECK(intervals_most(&seen, ticks_from_us(20000)) <= ticks_from_us(2000 + 20 * SLACK_US));
}

/* More pieces than can be told apart are put together where that delays least: who wants three quarters of its budget,
 * in many pieces, gets it when it wants. */
static void many_small_uses_lose_no_time(void)
{
    setup();
    for (uint64_t i = 0; i < 120; i++) {
        burst(i * 1000, 100);
    }
    struct thread thread = start_bursts(PRIORITY_HIGH, 3000, 20000);
    sleep_to_us(120100);
    CHECK_EQUAL(seen.count, 120);
    for (uint64_t i = 0; i < 120; i++) {
        CHECK(seen.at[i].start <= at_us(i * 1000) + ticks_from_us(20));
    }
    CHECK(consumed(&thread) < ticks_from_us(120 * 130));
}

static void a_refill_that_is_too_small_waits_for_the_next(void)
{
    setup();
    burst(0, 2);
    burst(1000, 20000);
    (void)start_bursts(PRIORITY_HIGH, 200, 10000);
    sleep_to_us(20000);
    CHECK_EQUAL(seen.count, 3);
    CHECK(seen.at[2].start > at_us(10900));
    check_about_us(seen.at[2].end - seen.at[2].start, 200, 10);
}

/* Each time it is a little late off the core: that comes out of what follows. */
static void an_overrun_is_paid_back(void)
{
    setup();
    struct thread thread = thread_prepare(spin, 0, PRIORITY_HIGH);
    configure(&thread, 10, 100);
    thread_resume(&thread);
    sleep_us(100000);
    CHECK(consumed(&thread) <= ticks_from_us(1001 * 10));
    CHECK(consumed(&thread) >= ticks_from_us(950 * 10));
}

static void a_runnable_threads_new_budget_grants_nothing_twice(void)
{
    setup();
    burst(0, 60000);
    struct thread thread = start_bursts(PRIORITY_HIGH, 4000, 20000);
    sleep_to_us(10000);
    configure(&thread, 4000, 8000); /* it has none left */
    sleep_to_us(17900);
    check_about_us(consumed(&thread), 4000, 50);
    sleep_to_us(22200);
    check_about_us(consumed(&thread), 8000, 50);
    sleep_to_us(30300);
    check_about_us(consumed(&thread), 12000, 60);
}

static void a_runnable_thread_keeps_what_it_had_left(void)
{
    setup();
    burst(0, 60000);
    struct thread thread = start_bursts(PRIORITY_LOW, 4000, 20000);
    sleep_to_us(1000);
    configure(&thread, 10000, 40000); /* 3 ms left; the rest of 7 ms in 40 ms */
    sleep_to_us(10000);
    check_about_us(consumed(&thread), 4000, 50);
    sleep_to_us(40900);
    check_about_us(consumed(&thread), 4000, 50);
    sleep_to_us(55000);
    check_about_us(consumed(&thread), 4000 + 7000 + 3000, 100);
}

static void a_lowered_budget_holds_at_once(void)
{
    setup();
    burst(0, 60000);
    struct thread thread = start_bursts(PRIORITY_LOW, 10000, 20000);
    sleep_to_us(1000);
    configure(&thread, 2000, 20000);
    sleep_to_us(20000);
    check_about_us(consumed(&thread), 3000, 50);
}

static void the_context_of_a_blocked_thread_is_filled_anew(void)
{
    setup();
    burst(0, 1990);
    burst(5000, 60000);
    struct thread thread = start_bursts(PRIORITY_HIGH, 2000, 20000);
    sleep_to_us(4000);
    configure(&thread, 2000, 20000);
    sleep_to_us(10000);
    check_about_us(consumed(&thread), 4000, 50);
}

static void a_spent_budget_that_becomes_a_time_slice_counts_at_once(void)
{
    setup();
    struct thread thread = thread_prepare(spin, 0, PRIORITY_LOW);
    configure(&thread, 1000, 1000000);
    thread_resume(&thread);
    sleep_us(5000);
    check_about_us(consumed(&thread), 1000, 20);
    configure(&thread, 1000, 1000);
    sleep_us(5000);
    CHECK(consumed(&thread) >= ticks_from_us(5500));
}

static void a_yield_uses_up_nothing(void)
{
    setup();
    struct thread thread = thread_prepare(spin, 0, PRIORITY_LOW);
    configure(&thread, 1000, 1000000);
    bh_yield();
    thread_resume(&thread);
    for (int i = 0; i < 10; i++) {
        bh_yield();
    }
    sleep_us(5000);
    check_about_us(consumed(&thread), 1000, 20);
}

static volatile uint64_t order[32];
static volatile uint64_t order_count;

static void note(uint64_t priority)
{
    order[order_count++ % 32] = priority;
}

/* In batches, in an order that mixes them: the higher always comes first. */
static void all_256_priorities_are_told_apart(void)
{
    struct thread threads[32];
    for (uint64_t i = 0; i < 32; i++) {
        threads[i] = thread_prepare(note, 0, PRIORITY_LOW);
    }
    for (uint64_t batch = 0; batch < 8; batch++) {
        CHECK_OK(bh_tcb_set_priority(test_tcb, BH_PRIORITY_MAX, BH_PRIORITY_MAX));
        order_count = 0;
        for (uint64_t i = 0; i < 32; i++) {
            uint64_t priority = (i * 13 % 32) * 8 + batch;
            thread_aim(&threads[i], note, priority);
            CHECK_OK(bh_tcb_set_priority(threads[i].tcb, priority, BH_PRIORITY_MAX));
            thread_resume(&threads[i]);
        }
        bh_yield(); /* to the one of priority 255, in the last batch */
        CHECK_EQUAL(order_count, batch == 7);
        CHECK_OK(bh_tcb_set_priority(test_tcb, 0, BH_PRIORITY_MAX));
        bh_yield(); /* to the one of priority 0, in the first */
        CHECK_EQUAL(order_count, 32);
        for (uint64_t i = 0; i < 32; i++) {
            CHECK_EQUAL(order[i], (31 - i) * 8 + batch);
        }
    }
}

TEST_GROUP(budget, false, TEST_CASE(a_hog_with_a_tenth_gets_a_tenth_while_others_want_more),
           TEST_CASE(two_budgets_never_meet), TEST_CASE(a_preempted_thread_gets_no_second_budget_at_once),
           TEST_CASE(whatever_the_pattern_no_period_has_more_than_a_budget),
           TEST_CASE(what_a_blocked_thread_did_not_use_is_not_lost),
           TEST_CASE(used_time_comes_back_in_a_bounded_number_of_pieces), TEST_CASE(many_small_uses_lose_no_time),
           TEST_CASE(a_refill_that_is_too_small_waits_for_the_next), TEST_CASE(an_overrun_is_paid_back),
           TEST_CASE(a_runnable_threads_new_budget_grants_nothing_twice),
           TEST_CASE(a_runnable_thread_keeps_what_it_had_left), TEST_CASE(a_lowered_budget_holds_at_once),
           TEST_CASE(the_context_of_a_blocked_thread_is_filled_anew),
           TEST_CASE(a_spent_budget_that_becomes_a_time_slice_counts_at_once), TEST_CASE(a_yield_uses_up_nothing),
           TEST_CASE(all_256_priorities_are_told_apart));
