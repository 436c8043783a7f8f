/* SPDX-License-Identifier: BSD-2-Clause */
/* Partitions of time: who runs in which window of the schedule. */
#include "interval.h"

#define CONTROL BH_ROOT_SLOT_SCHED_CONTROL
#define LATE_US 5 /* from the end of a window to its thread off the core */
#define FRAMES 8

/* The end of time, as far as a case is concerned. */
#define NEVER UINT64_MAX

static struct intervals seen[3];
static volatile uint64_t count[3];
static bh_cptr service, service_reply, wake;
static volatile uint64_t woken_at;

/* The schedule that a case has started. */
static struct {
    uint64_t partition, length_us;
} windows[BH_SCHEDULE_WINDOWS];
static uint64_t window_count;
static uint64_t frame_us;
static uint64_t frame_start;

static void setup(void)
{
    for (int i = 0; i < 3; i++) {
        intervals_reset(&seen[i]);
        count[i] = 0;
    }
    window_count = 0;
    frame_us = 0;
    woken_at = 0;
}

static void window(uint64_t partition, uint64_t length_us)
{
    CHECK_OK(bh_sched_control_set_window(CONTROL, window_count, partition, ticks_from_us(length_us)));
    windows[window_count].partition = partition;
    windows[window_count].length_us = length_us;
    window_count++;
    frame_us += length_us;
}

static void start(void)
{
    frame_start = ticks_now();
    CHECK_OK(bh_sched_control_start_schedule(CONTROL));
}

static void stop(void)
{
    CHECK_OK(bh_sched_control_start_schedule(CONTROL));
}

static void put(const struct thread *thread, uint64_t partition)
{
    CHECK_OK(bh_sched_control_configure_in(CONTROL, thread->sched_context, ticks_from_us(1000), ticks_from_us(1000), 0,
                                           partition));
}

static void recorder(uint64_t which)
{
    intervals_record(&seen[which], NEVER);
}

static void counter(uint64_t which)
{
    for (;;) {
        count[which]++;
    }
}

static struct thread start_in(uint64_t partition, void (*entry)(uint64_t), uint64_t argument, uint64_t priority)
{
    struct thread thread = thread_prepare(entry, argument, priority);
    put(&thread, partition);
    thread_resume(&thread);
    return thread;
}

static void sleep_frames(uint64_t frames)
{
    sleep_until(new_object(BH_TYPE_NOTIFICATION), frame_start + frames * ticks_from_us(frame_us) + ticks_from_us(100));
}

/* Whether [from, to] lies in one window of the partition, to whose start and end it comes within `reach_us` if that is
 * not 0. */
static bool in_window(uint64_t from, uint64_t to, uint64_t partition, uint64_t reach_us)
{
    uint64_t frame = ticks_from_us(frame_us);
    uint64_t base = frame_start + (from - frame_start) / frame * frame;
    for (uint64_t i = 0; i < window_count; i++) {
        uint64_t end = base + ticks_from_us(windows[i].length_us);
        if (windows[i].partition == partition && from >= base && to <= end + ticks_from_us(LATE_US) &&
            (reach_us == 0 || (from <= base + ticks_from_us(reach_us) && to + ticks_from_us(reach_us) >= end))) {
            return true;
        }
        base = end;
    }
    return false;
}

/* All that was recorded lies in windows of the partition, and fills each but perhaps the last. */
static void check_windows(uint64_t which, uint64_t partition, uint64_t at_least)
{
    CHECK(seen[which].count >= at_least);
    for (uint64_t i = 0; i < seen[which].count; i++) {
        bool last = i + 1 == seen[which].count;
        CHECK(in_window(seen[which].at[i].start, seen[which].at[i].end, partition, last ? 0 : 20));
    }
}

static void without_a_schedule_partition_0_has_all_time(void)
{
    setup();
    struct thread thread = start_in(3, counter, 0, PRIORITY_LOW);
    sleep_us(20000);
    CHECK_EQUAL(count[0], 0);
    put(&thread, 0);
    sleep_us(2000);
    CHECK(count[0] > 0);
}

static void partitions_run_in_their_windows_only(void)
{
    setup();
    window(0, 2000);
    window(1, 3000);
    window(0, 1000);
    window(2, 4000);
    (void)start_in(0, recorder, 0, PRIORITY_LOW);
    (void)start_in(1, recorder, 1, PRIORITY_HIGH); /* above the case's own thread */
    (void)start_in(2, recorder, 2, 1);
    start();
    sleep_frames(FRAMES);
    check_windows(1, 1, FRAMES);
    check_windows(2, 2, FRAMES);
    /* The case's thread has a little at the start. */
    CHECK(seen[0].count >= 2 * FRAMES);
    for (uint64_t i = 0; i < seen[0].count; i++) {
        CHECK(in_window(seen[0].at[i].start, seen[0].at[i].end, 0, 0));
    }
    stop();
}

/* Windows follow each other from the end of the last, however late that is noticed. */
static void the_frame_does_not_drift(void)
{
    setup();
    window(0, 300);
    window(1, 700);
    (void)start_in(1, recorder, 1, PRIORITY_LOW);
    start();
    sleep_frames(120);
    check_windows(1, 1, 120);
    stop();
}

static void in_an_idle_window_nobody_runs(void)
{
    setup();
    window(0, 2000);
    window(7, 3000);
    (void)start_in(0, recorder, 0, PRIORITY_LOW);
    (void)start_in(1, counter, 1, PRIORITY_HIGH);
    start();
    sleep_frames(FRAMES);
    for (uint64_t i = 0; i < seen[0].count; i++) {
        CHECK(in_window(seen[0].at[i].start, seen[0].at[i].end, 0, 0));
    }
    CHECK(seen[0].count >= FRAMES);
    CHECK_EQUAL(count[1], 0);
    stop();
}

static void a_schedule_may_be_one_idle_window_and_one_of_partition_0(void)
{
    setup();
    window(5, 10);
    window(0, 5000);
    uint64_t before = ticks_now();
    start();
    CHECK(ticks_now() - before >= ticks_from_us(10));
    CHECK(ticks_now() - before < ticks_from_us(40));
    sleep_frames(3);
    stop();
}

/* A deadline in a foreign window wakes its thread there, which runs in the next one of its own. */
static void a_deadline_in_a_foreign_window_is_kept_for_the_own(void)
{
    setup();
    window(0, 1000);
    window(1, 4000);
    (void)start_in(1, recorder, 1, PRIORITY_LOW);
    start();
    bh_cptr alarm = new_object(BH_TYPE_NOTIFICATION);
    for (uint64_t i = 1; i <= FRAMES; i++) {
        sleep_until(alarm, frame_start + i * ticks_from_us(5000) + ticks_from_us(2500));
        CHECK(ticks_now() >= frame_start + (i + 1) * ticks_from_us(5000));
        CHECK(ticks_now() < frame_start + (i + 1) * ticks_from_us(5000) + ticks_from_us(30));
    }
    check_windows(1, 1, FRAMES);
    stop();
}

/* --- interrupts: the PL031 of QEMU's virt machine, as in irq.c --- */

#define RTC_ADDRESS UINT64_C(0x09010000)
#define RTC_INTID 34
#define RTC_DATA 0x0
#define RTC_MATCH 0x4
#define RTC_MASK 0x10
#define RTC_STATUS 0x14
#define RTC_CLEAR 0x1c

static uint64_t rtc;
static volatile uint64_t rung_at;

static void waiter(uint64_t argument)
{
    (void)argument;
    uint64_t bits;
    CHECK_EQUAL(bh_wait(wake, &bits), BH_OK);
    woken_at = ticks_now();
}

static void ringer(uint64_t which)
{
    intervals_record(&seen[which], frame_start + 2 * ticks_from_us(frame_us) + ticks_from_us(2500));
    for (int i = 0; i < 10 && read32(rtc + RTC_STATUS) == 0; i++) { /* again if the second has just changed */
        write32(rtc + RTC_MATCH, (uint32_t)read32(rtc + RTC_DATA));
    }
    rung_at = ticks_now();
    counter(which);
}

static void an_interrupt_in_a_foreign_window_is_served_in_the_own(void)
{
    setup();
    rung_at = 0;
    rtc = (uint64_t)map_frame(new_device_frame(RTC_ADDRESS), BH_RIGHT_READ | BH_RIGHT_WRITE);
    write32(rtc + RTC_MASK, 1);
    write32(rtc + RTC_CLEAR, 1);
    bh_cptr handler = new_slot();
    CHECK_OK(bh_irq_control_get(BH_ROOT_SLOT_IRQ_CONTROL, RTC_INTID, 0, BH_ROOT_SLOT_CNODE, handler));
    wake = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_irq_handler_bind(handler, wake));
    (void)thread_start(waiter, 0, PRIORITY_HIGH);
    window(0, 1000);
    window(1, 4000);
    (void)start_in(1, ringer, 1, 1);
    start();
    sleep_frames(4);
    CHECK(rung_at >= frame_start + 2 * ticks_from_us(5000) + ticks_from_us(2500));
    CHECK(rung_at < frame_start + 3 * ticks_from_us(5000));
    CHECK(woken_at >= frame_start + 3 * ticks_from_us(5000));
    CHECK(woken_at < frame_start + 3 * ticks_from_us(5000) + ticks_from_us(20));
    CHECK(count[1] > 0); /* the one that rang went on at once */
    write32(rtc + RTC_CLEAR, 1);
    stop();
}

/* --- changes --- */

static void windows_are_set_apart_from_the_running_schedule(void)
{
    setup();
    window(0, 1000);
    window(1, 1000);
    (void)start_in(1, recorder, 1, PRIORITY_LOW);
    start();
    sleep_frames(2);
    CHECK_OK(bh_sched_control_set_window(CONTROL, 0, 0, ticks_from_us(3000)));
    CHECK_OK(bh_sched_control_set_window(CONTROL, 1, 2, ticks_from_us(500)));
    CHECK_OK(bh_sched_control_set_window(CONTROL, 0, 0, ticks_from_us(4000)));
    sleep_frames(FRAMES);
    check_windows(1, 1, FRAMES);
    stop();
}

static void a_new_schedule_starts_at_once_with_its_first_window(void)
{
    setup();
    window(0, 1000);
    window(1, 1000);
    struct thread thread = start_in(1, recorder, 1, PRIORITY_LOW);
    start();
    sleep_frames(2);
    CHECK(seen[1].count >= 2);
    CHECK_OK(bh_tcb_suspend(thread.tcb));

    setup();
    window(2, 500); /* not the case's: it starts at once */
    window(0, 2000);
    struct thread other = start_in(2, recorder, 2, PRIORITY_LOW);
    start();
    CHECK(ticks_now() >= frame_start + ticks_from_us(500));
    sleep_frames(4);
    check_windows(2, 2, 4);
    CHECK_OK(bh_tcb_suspend(other.tcb));

    setup();
    (void)start_in(2, counter, 2, PRIORITY_LOW);
    (void)start_in(0, counter, 0, PRIORITY_LOW);
    stop();
    sleep_us(10000);
    CHECK_EQUAL(count[2], 0);
    CHECK(count[0] > 0);
}

static void a_running_thread_that_is_moved_stops_at_once(void)
{
    setup();
    window(0, 1000);
    window(1, 1000);
    start();
    sleep_frames(1);
    struct thread thread = start_in(0, recorder, 1, PRIORITY_LOW);
    sleep_frames(3);
    put(&thread, 1);
    uint64_t moved = ticks_now(), later = 0;
    sleep_frames(6);
    for (uint64_t i = 0; i < seen[1].count; i++) {
        if (seen[1].at[i].end > moved) {
            CHECK(in_window(seen[1].at[i].start, seen[1].at[i].end, 1, 0));
            later++;
        }
    }
    CHECK(later >= 2);
    stop();
}

static struct thread self;

static void moves_itself(uint64_t partition)
{
    put(&self, partition);
    recorder(1);
}

static void a_thread_may_move_itself(void)
{
    setup();
    window(0, 1000);
    window(1, 1000);
    start();
    sleep_frames(1);
    self = thread_prepare(moves_itself, 1, PRIORITY_HIGH);
    thread_resume(&self);
    CHECK_EQUAL(seen[1].count, 0);
    sleep_frames(4);
    CHECK(seen[1].count >= 2);
    for (uint64_t i = 0; i < seen[1].count; i++) {
        CHECK(in_window(seen[1].at[i].start, seen[1].at[i].end, 1, 0));
    }
    stop();
}

/* --- with all else that decides who runs --- */

static void within_a_window_priority_decides(void)
{
    setup();
    window(0, 1000);
    window(1, 1000);
    (void)start_in(1, counter, 0, 10);
    (void)start_in(1, counter, 1, 11);
    (void)start_in(0, counter, 2, PRIORITY_CASE - 1);
    start();
    sleep_frames(FRAMES);
    CHECK_EQUAL(count[0], 0);
    CHECK(count[1] > 0);
    CHECK(count[2] > 0);
    stop();
}

static void equal_threads_take_turns_in_their_windows(void)
{
    setup();
    window(0, 500);
    window(1, 500); /* half a time slice */
    (void)start_in(1, counter, 0, PRIORITY_LOW);
    (void)start_in(1, counter, 1, PRIORITY_LOW);
    start();
    sleep_frames(16);
    CHECK(count[0] > 0 && count[1] > 0);
    CHECK(count[0] < 2 * count[1] && count[1] < 2 * count[0]);
    stop();
}

static void a_budget_holds_within_its_windows(void)
{
    setup();
    window(0, 2000);
    window(1, 3000);
    struct thread thread = thread_prepare(counter, 1, PRIORITY_LOW);
    CHECK_OK(bh_sched_control_configure_in(CONTROL, thread.sched_context, ticks_from_us(500), ticks_from_us(10000), 0, 1));
    thread_resume(&thread);
    start();
    sleep_frames(20);
    uint64_t used = CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0];
    CHECK(used <= ticks_from_us(10 * 500 + 20));
    CHECK(used >= ticks_from_us(9 * 500));
    stop();
}

static void server(uint64_t which)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    struct bh_message message = bh_recv(service, service_reply);
    for (;;) {
        CHECK_EQUAL(message.status, BH_OK);
        intervals_record(&seen[which], ticks_now() + ticks_from_us(2500));
        message = bh_reply_recv(service, 0, none, service_reply);
    }
}

static void client(uint64_t which)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    for (;;) {
        CHECK_EQUAL(bh_call(service, 0, none).status, BH_OK);
        count[which]++;
    }
}

static void a_lent_context_is_used_in_its_own_windows(void)
{
    setup();
    service = new_object(BH_TYPE_ENDPOINT);
    service_reply = new_object(BH_TYPE_REPLY);
    struct thread thread = thread_start(server, 1, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    window(0, 1000);
    window(1, 1000);
    (void)start_in(1, client, 0, PRIORITY_LOW);
    start();
    sleep_frames(16);
    CHECK(count[0] >= 4);
    CHECK(seen[1].count >= 10);
    for (uint64_t i = 0; i < seen[1].count; i++) {
        CHECK(in_window(seen[1].at[i].start, seen[1].at[i].end, 1, 0));
    }
    stop();
}

static void a_signal_across_partitions_is_taken_in_the_next_window(void)
{
    setup();
    wake = new_object(BH_TYPE_NOTIFICATION);
    window(0, 1000);
    window(1, 1000);
    struct thread thread = thread_prepare(waiter, 0, PRIORITY_HIGH);
    put(&thread, 1);
    thread_resume(&thread);
    start();
    sleep_frames(2); /* it waits by now */
    uint64_t signalled_at = ticks_now();
    CHECK_EQUAL(bh_signal(wake), BH_OK);
    CHECK_EQUAL(woken_at, 0);
    spin_us(500);
    CHECK_EQUAL(woken_at, 0);
    sleep_frames(3);
    CHECK(woken_at > signalled_at);
    CHECK(in_window(woken_at, woken_at, 1, 0));
    CHECK(woken_at - signalled_at < ticks_from_us(1000));
    stop();
}

static void suspended_and_deleted_threads_leave_foreign_queues(void)
{
    setup();
    window(0, 1000);
    window(1, 1000);
    struct thread first = start_in(1, counter, 0, PRIORITY_LOW);
    struct thread second = start_in(1, counter, 1, PRIORITY_LOW);
    (void)start_in(1, counter, 2, PRIORITY_LOW);
    start();
    sleep_frames(1);
    CHECK_OK(bh_tcb_suspend(first.tcb));
    delete_cap(second.tcb);
    uint64_t before[2] = {count[0], count[1]};
    sleep_frames(4);
    CHECK_EQUAL(count[0], before[0]);
    CHECK_EQUAL(count[1], before[1]);
    CHECK(count[2] > 0);
    stop();
}

static void partitions_and_windows_are_checked(void)
{
    bh_cptr context = new_object(BH_TYPE_SCHED_CONTEXT);
    uint64_t shortest = boot_info->timer_frequency / BH_BUDGETS_PER_SECOND;
    uint64_t hour = 3600 * boot_info->timer_frequency;
    CHECK_ERROR(bh_sched_control_configure_in(CONTROL, context, hour, hour, 0, BH_PARTITIONS), BH_ERROR_RANGE, 5);
    CHECK_ERROR(bh_sched_control_configure_in(CONTROL, context, hour, hour, 0, UINT64_MAX), BH_ERROR_RANGE, 5);
    CHECK_ERROR(bh_sched_control_configure_in(CONTROL, context, hour, hour, 0, 256), BH_ERROR_RANGE, 5);
    CHECK_OK(bh_sched_control_configure_in(CONTROL, context, hour, hour, 0, BH_PARTITIONS - 1));

    CHECK_ERROR(bh_sched_control_set_window(CONTROL, 1, 0, hour), BH_ERROR_RANGE, 1); /* the first is not set yet */
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, UINT64_MAX, 0, hour), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, 0, BH_PARTITIONS, hour), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, 0, 256, hour), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, 0, 0, 0), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, 0, 0, shortest - 1), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, 0, 0, hour + 1), BH_ERROR_INVALID_ARGUMENT, 3);
    for (uint64_t i = 0; i < BH_SCHEDULE_WINDOWS; i++) {
        CHECK_OK(bh_sched_control_set_window(CONTROL, i, i % 2 * 7, i % 2 == 0 ? 20 * shortest : shortest));
    }
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, BH_SCHEDULE_WINDOWS, 0, hour), BH_ERROR_RANGE, 1);
    CHECK_OK(bh_sched_control_set_window(CONTROL, BH_SCHEDULE_WINDOWS - 1, BH_PARTITIONS - 1, hour));
    CHECK_OK(bh_sched_control_set_window(CONTROL, BH_SCHEDULE_WINDOWS - 1, BH_PARTITIONS - 1, shortest));
    CHECK_OK(bh_sched_control_start_schedule(CONTROL));
    spin_us(5000);
    CHECK_ERROR(bh_sched_control_set_window(CONTROL, 1, 0, hour), BH_ERROR_RANGE, 1); /* set anew from the first on */
    stop();
}

static void only_sched_control_sets_windows(void)
{
    bh_cptr caps[] = {new_object(BH_TYPE_SCHED_CONTEXT), test_tcb, BH_ROOT_SLOT_IRQ_CONTROL, BH_ROOT_SLOT_MACHINE};
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
        CHECK_ERROR(bh_sched_control_set_window(caps[i], 0, 0, boot_info->timer_frequency), BH_ERROR_ILLEGAL_OPERATION, 0);
        CHECK_ERROR(bh_sched_control_start_schedule(caps[i]), BH_ERROR_ILLEGAL_OPERATION, 0);
    }
    CHECK_ERROR(bh_sched_control_start_schedule(new_slot()), BH_ERROR_INVALID_CAPABILITY, 0);
}

TEST_GROUP(partition, false, TEST_CASE(without_a_schedule_partition_0_has_all_time),
           TEST_CASE(partitions_run_in_their_windows_only), TEST_CASE(the_frame_does_not_drift),
           TEST_CASE(in_an_idle_window_nobody_runs),
           TEST_CASE(a_schedule_may_be_one_idle_window_and_one_of_partition_0),
           TEST_CASE(a_deadline_in_a_foreign_window_is_kept_for_the_own),
           TEST_CASE(an_interrupt_in_a_foreign_window_is_served_in_the_own),
           TEST_CASE(windows_are_set_apart_from_the_running_schedule),
           TEST_CASE(a_new_schedule_starts_at_once_with_its_first_window),
           TEST_CASE(a_running_thread_that_is_moved_stops_at_once), TEST_CASE(a_thread_may_move_itself),
           TEST_CASE(within_a_window_priority_decides), TEST_CASE(equal_threads_take_turns_in_their_windows),
           TEST_CASE(a_budget_holds_within_its_windows), TEST_CASE(a_lent_context_is_used_in_its_own_windows),
           TEST_CASE(a_signal_across_partitions_is_taken_in_the_next_window),
           TEST_CASE(suspended_and_deleted_threads_leave_foreign_queues),
           TEST_CASE(partitions_and_windows_are_checked), TEST_CASE(only_sched_control_sets_windows));
