/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications: signals, waiting, binding, deadlines. */
#include "harness.h"

#define ALL BH_RIGHTS_ALL

static const uint64_t none[BH_MESSAGE_REGISTERS];

static struct {
    bh_cptr notification;
    bh_cptr endpoint;
    volatile uint64_t status[4];
    volatile uint64_t bits[4];
    volatile uint64_t order[4];
    volatile uint64_t woken;
    struct bh_message message;
} shared;

static void setup(void)
{
    memset(&shared, 0, sizeof(shared));
    shared.notification = new_object(BH_TYPE_NOTIFICATION);
    shared.endpoint = new_object(BH_TYPE_ENDPOINT);
    for (int i = 0; i < 4; i++) {
        shared.status[i] = UINT64_MAX;
    }
}

static uint64_t poll(bh_cptr notification)
{
    uint64_t bits;
    uint64_t status = bh_poll(notification, &bits);
    CHECK(status == BH_OK || status == BH_ERROR_WOULD_BLOCK);
    CHECK((status == BH_OK) == (bits != 0));
    return bits;
}

static void waiter(uint64_t id)
{
    uint64_t bits;
    shared.status[id] = bh_wait(shared.notification, &bits);
    shared.bits[id] = bits;
    shared.order[shared.woken++] = id;
}

static void receiver(uint64_t id)
{
    shared.message = bh_recv(shared.endpoint, 0);
    shared.status[id] = shared.message.status;
}

static void signals_add_up(void)
{
    setup();
    CHECK_EQUAL(poll(shared.notification), 0);
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 0x30)), BH_OK);
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, UINT64_C(1) << 63)), BH_OK);
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 0x21)), BH_OK);
    CHECK_EQUAL(poll(shared.notification), UINT64_C(1) << 63 | 0x31);
    CHECK_EQUAL(poll(shared.notification), 0);
}

static void an_unbadged_signal_sets_bit_0(void)
{
    setup();
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(poll(shared.notification), 1);
}

static void wait_takes_what_is_there(void)
{
    setup();
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, ALL, 6)), BH_OK);
    uint64_t bits;
    CHECK_EQUAL(bh_wait(shared.notification, &bits), BH_OK);
    CHECK_EQUAL(bits, 6);
    CHECK_EQUAL(poll(shared.notification), 0);
}

static void wait_waits_for_a_signal(void)
{
    setup();
    (void)thread_start(waiter, 0, PRIORITY_HIGH);
    CHECK_EQUAL(shared.status[0], UINT64_MAX);
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 0x500)), BH_OK);
    CHECK_EQUAL(shared.status[0], BH_OK);
    CHECK_EQUAL(shared.bits[0], 0x500);
    CHECK_EQUAL(poll(shared.notification), 0);
}

static void one_signal_wakes_one_waiter_in_order(void)
{
    setup();
    (void)thread_start(waiter, 0, PRIORITY_HIGH);
    (void)thread_start(waiter, 1, PRIORITY_HIGH);
    (void)thread_start(waiter, 2, PRIORITY_HIGH);
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_EQUAL(shared.woken, i);
        CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
        CHECK_EQUAL(shared.woken, i + 1);
        CHECK_EQUAL(shared.order[i], i);
    }
}

static void signals_need_rights(void)
{
    setup();
    bh_cptr read_only = new_copy(shared.notification, BH_RIGHT_READ);
    bh_cptr write_only = new_copy(shared.notification, BH_RIGHT_WRITE);
    uint64_t bits;
    CHECK_EQUAL(bh_signal(read_only), BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_poll(write_only, &bits), BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_wait(write_only, &bits), BH_ERROR_RIGHTS);
    CHECK_EQUAL(bits, 0);
    CHECK_ERROR(bh_notification_arm(read_only, 0, 1), BH_ERROR_RIGHTS, 0);
    /* The deadline is the receiver's: who may only signal neither sets nor stops it. */
    CHECK_ERROR(bh_notification_arm(write_only, 0, 2), BH_ERROR_RIGHTS, 0);
    CHECK_ERROR(bh_notification_disarm(write_only), BH_ERROR_RIGHTS, 0);
    CHECK_ERROR(bh_notification_disarm(read_only), BH_ERROR_RIGHTS, 0);
    CHECK_ERROR(bh_notification_arm(write_only, 0, 1), BH_ERROR_RIGHTS, 0);
    CHECK_ERROR(bh_notification_disarm(write_only), BH_ERROR_RIGHTS, 0);
    CHECK_EQUAL(poll(shared.notification), 0);
}

static void only_notifications_are_signalled(void)
{
    setup();
    bh_cptr bad[] = {new_slot(), 0, UINT64_MAX, shared.endpoint, BH_ROOT_SLOT_TCB};
    uint64_t bits;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQUAL(bh_signal(bad[i]), BH_ERROR_INVALID_CAPABILITY);
        CHECK_EQUAL(bh_wait(bad[i], &bits), BH_ERROR_INVALID_CAPABILITY);
        CHECK_EQUAL(bh_poll(bad[i], &bits), BH_ERROR_INVALID_CAPABILITY);
    }
}

static void deleting_the_notification_ends_waits(void)
{
    setup();
    (void)thread_start(waiter, 0, PRIORITY_HIGH);
    (void)thread_start(waiter, 1, PRIORITY_HIGH);
    delete_cap(shared.notification);
    CHECK_EQUAL(shared.status[0], BH_ERROR_CANCELLED);
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
}

static void deleting_a_waiter_leaves_the_others(void)
{
    setup();
    struct thread first = thread_start(waiter, 0, PRIORITY_HIGH);
    (void)thread_start(waiter, 1, PRIORITY_HIGH);
    delete_cap(first.tcb);
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(shared.status[0], UINT64_MAX);
    CHECK_EQUAL(shared.status[1], BH_OK);
}

/* --- binding --- */

static void a_bound_notification_ends_a_receive(void)
{
    setup();
    struct thread thread = thread_prepare(receiver, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, shared.notification));
    thread_resume(&thread);
    CHECK_EQUAL(shared.status[0], UINT64_MAX);
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 0x12)), BH_OK);
    CHECK_EQUAL(shared.status[0], BH_OK);
    CHECK_EQUAL(shared.message.info, BH_INFO_NOTIFICATION);
    CHECK_EQUAL(shared.message.badge, 0x12);
    CHECK_EQUAL(poll(shared.notification), 0);
}

static void pending_bits_end_the_next_receive(void)
{
    setup();
    struct thread thread = thread_prepare(receiver, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, shared.notification));
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 0x11)), BH_OK);
    CHECK_EQUAL(bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 0x22)), BH_OK);
    thread_resume(&thread);
    CHECK_EQUAL(shared.message.info, BH_INFO_NOTIFICATION);
    CHECK_EQUAL(shared.message.badge, 0x33);
}

static void a_bound_thread_still_receives_messages(void)
{
    setup();
    struct thread thread = thread_prepare(receiver, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, shared.notification));
    thread_resume(&thread);
    CHECK_EQUAL(bh_send(shared.endpoint, bh_info(3, 0), none), BH_OK);
    CHECK_EQUAL(shared.message.info, bh_info(3, 0));
}

static void binding_is_one_to_one(void)
{
    setup();
    struct thread thread = thread_prepare(receiver, 0, PRIORITY_HIGH);
    struct thread other = thread_prepare(receiver, 1, PRIORITY_HIGH);
    bh_cptr second = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, shared.notification));
    CHECK_ERROR(bh_tcb_bind_notification(thread.tcb, second), BH_ERROR_BUSY, 0);
    CHECK_ERROR(bh_tcb_bind_notification(other.tcb, shared.notification), BH_ERROR_BUSY, 1);
    CHECK_OK(bh_tcb_unbind_notification(thread.tcb));
    CHECK_OK(bh_tcb_bind_notification(other.tcb, shared.notification));
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, second));
}

static void notification_binding_checks_its_argument(void)
{
    setup();
    struct thread thread = thread_prepare(receiver, 0, PRIORITY_HIGH);
    CHECK_ERROR(bh_tcb_bind_notification(thread.tcb, shared.endpoint), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_tcb_bind_notification(thread.tcb, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_tcb_bind_notification(thread.tcb, new_copy(shared.notification, BH_RIGHT_WRITE)), BH_ERROR_RIGHTS,
                1);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, new_copy(shared.notification, BH_RIGHT_READ)));
}

static void unbound_and_deleted_notifications_are_silent(void)
{
    setup();
    struct thread thread = thread_prepare(receiver, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, shared.notification));
    thread_resume(&thread);
    CHECK_OK(bh_tcb_unbind_notification(thread.tcb));
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(shared.status[0], UINT64_MAX);
    CHECK_EQUAL(poll(shared.notification), 1);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, shared.notification));
    delete_cap(shared.notification);
    CHECK_EQUAL(shared.status[0], UINT64_MAX);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, new_object(BH_TYPE_NOTIFICATION)));
    delete_cap(thread.tcb);
}

/* --- deadlines --- */

static void a_deadline_signals_when_it_comes(void)
{
    setup();
    uint64_t deadline = ticks_now() + ticks_from_us(2000);
    CHECK_OK(bh_notification_arm(shared.notification, deadline, 0x8000));
    CHECK_EQUAL(poll(shared.notification), 0);
    uint64_t bits;
    CHECK_EQUAL(bh_wait(shared.notification, &bits), BH_OK);
    uint64_t now = ticks_now();
    CHECK_EQUAL(bits, 0x8000);
    CHECK(now >= deadline);
    CHECK(now < deadline + ticks_from_us(1000000));
    sleep_us(3000);
    CHECK_EQUAL(poll(shared.notification), 0);
}

static void a_deadline_signals_something(void)
{
    setup();
    CHECK_OK(bh_notification_arm(shared.notification, ticks_now() + ticks_from_us(2000), 2));
    CHECK_ERROR(bh_notification_arm(shared.notification, 0, 0), BH_ERROR_INVALID_ARGUMENT, 2);
    CHECK_ERROR(bh_notification_arm(shared.notification, UINT64_MAX, 0), BH_ERROR_INVALID_ARGUMENT, 2);
    sleep_us(5000);
    CHECK_EQUAL(poll(shared.notification), 2); /* the one that was armed before */
}

static void a_deadline_in_the_past_signals_at_once(void)
{
    setup();
    CHECK_OK(bh_notification_arm(shared.notification, ticks_now(), 2));
    CHECK_EQUAL(poll(shared.notification), 2);
    CHECK_OK(bh_notification_arm(shared.notification, 0, 4));
    CHECK_EQUAL(poll(shared.notification), 4);
}

static void a_disarmed_deadline_does_not_come(void)
{
    setup();
    CHECK_OK(bh_notification_arm(shared.notification, ticks_now() + ticks_from_us(2000), 1));
    CHECK_OK(bh_notification_disarm(shared.notification));
    sleep_us(4000);
    CHECK_EQUAL(poll(shared.notification), 0);
    CHECK_OK(bh_notification_disarm(shared.notification));
}

static void arming_again_replaces_the_deadline(void)
{
    setup();
    uint64_t start = ticks_now();
    CHECK_OK(bh_notification_arm(shared.notification, start + ticks_from_us(2000), 1));
    CHECK_OK(bh_notification_arm(shared.notification, start + ticks_from_us(6000), 2));
    uint64_t bits;
    CHECK_EQUAL(bh_wait(shared.notification, &bits), BH_OK);
    CHECK_EQUAL(bits, 2);
    CHECK(ticks_now() >= start + ticks_from_us(6000));
    CHECK_OK(bh_notification_arm(shared.notification, ticks_now() + ticks_from_us(60000000), 4));
    CHECK_OK(bh_notification_arm(shared.notification, ticks_now() + ticks_from_us(1000), 8));
    CHECK_EQUAL(bh_wait(shared.notification, &bits), BH_OK);
    CHECK_EQUAL(bits, 8);
}

static void deadlines_come_in_their_order(void)
{
    setup();
    static const uint64_t delay[] = {5000, 1000, 7000, 3000};
    bh_cptr cap[4];
    uint64_t start = ticks_now();
    for (int i = 0; i < 4; i++) {
        cap[i] = new_object(BH_TYPE_NOTIFICATION);
        CHECK_OK(bh_notification_arm(cap[i], start + ticks_from_us(delay[i]), 1));
    }
    static const int expected[] = {1, 3, 0, 2};
    for (int i = 0; i < 4; i++) {
        uint64_t bits;
        CHECK_EQUAL(bh_wait(cap[expected[i]], &bits), BH_OK);
        CHECK(ticks_now() >= start + ticks_from_us(delay[expected[i]]));
        for (int j = i + 1; j < 4; j++) { /* those to come have not, unless this thread was late */
            if (ticks_now() < start + ticks_from_us(delay[expected[j]])) {
                CHECK_EQUAL(poll(cap[expected[j]]), 0);
            }
        }
    }
}

static void a_far_deadline_never_comes(void)
{
    setup();
    CHECK_OK(bh_notification_arm(shared.notification, UINT64_MAX, 1));
    bh_cptr second = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_notification_arm(second, UINT64_C(1) << 63, 1));
    sleep_us(2000);
    CHECK_EQUAL(poll(shared.notification), 0);
    CHECK_EQUAL(poll(second), 0);
}

static void a_deleted_notification_has_no_deadline(void)
{
    setup();
    CHECK_OK(bh_notification_arm(shared.notification, ticks_now() + ticks_from_us(1000), 1));
    delete_cap(shared.notification);
    sleep_us(3000);
}

static void a_deadline_ends_a_bound_receive(void)
{
    setup();
    CHECK_OK(bh_tcb_bind_notification(test_tcb, shared.notification));
    CHECK_OK(bh_notification_arm(shared.notification, ticks_now() + ticks_from_us(1000), 0x10));
    struct bh_message message = bh_recv(shared.endpoint, 0);
    CHECK_EQUAL(message.info, BH_INFO_NOTIFICATION);
    CHECK_EQUAL(message.badge, 0x10);
}

static void earlier_bits_come_with_the_next_signal(void)
{
    setup();
    (void)bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 4));
    struct thread thread = thread_start(receiver, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, shared.notification));
    (void)bh_signal(new_mint(shared.notification, BH_RIGHT_WRITE, 8));
    CHECK_EQUAL(shared.message.badge, 12);
}

TEST_GROUP(notification, false, TEST_CASE(signals_add_up), TEST_CASE(an_unbadged_signal_sets_bit_0),
           TEST_CASE(wait_takes_what_is_there), TEST_CASE(wait_waits_for_a_signal),
           TEST_CASE(one_signal_wakes_one_waiter_in_order), TEST_CASE(signals_need_rights),
           TEST_CASE(only_notifications_are_signalled), TEST_CASE(deleting_the_notification_ends_waits),
           TEST_CASE(deleting_a_waiter_leaves_the_others), TEST_CASE(a_bound_notification_ends_a_receive),
           TEST_CASE(pending_bits_end_the_next_receive), TEST_CASE(a_bound_thread_still_receives_messages),
           TEST_CASE(binding_is_one_to_one), TEST_CASE(notification_binding_checks_its_argument),
           TEST_CASE(unbound_and_deleted_notifications_are_silent), TEST_CASE(a_deadline_signals_when_it_comes),
           TEST_CASE(a_deadline_signals_something), TEST_CASE(a_deadline_in_the_past_signals_at_once), TEST_CASE(a_disarmed_deadline_does_not_come),
           TEST_CASE(arming_again_replaces_the_deadline), TEST_CASE(deadlines_come_in_their_order),
           TEST_CASE(a_far_deadline_never_comes), TEST_CASE(a_deleted_notification_has_no_deadline),
           TEST_CASE(a_deadline_ends_a_bound_receive),
           TEST_CASE(earlier_bits_come_with_the_next_signal));
