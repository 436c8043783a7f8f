/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts into guests: posting, order, completion, the virtual timer, WFI. */
#include "guest.h"

static void set_level(struct guest *guest, uint32_t intid)
{
    guest->frame->level[intid / 32] |= UINT32_C(1) << (intid % 32);
}

static bool take_completed(struct guest *guest, uint32_t intid)
{
    uint32_t bit = UINT32_C(1) << (intid % 32);
    bool was = (guest->frame->completed[intid / 32] & bit) != 0 &&
               (guest->frame->completed_summary & UINT32_C(1) << (intid / 32)) != 0;
    guest->frame->completed[intid / 32] &= ~bit;
    guest->frame->completed_summary &= ~(UINT32_C(1) << (intid / 32));
    return was;
}

static void a_posted_interrupt_reaches_the_vector(void)
{
    static const uint32_t intids[] = {0, 15, 16, 31, 32, 40, 511};
    struct guest guest = guest_new(test_tcb);
    for (uint64_t i = 0; i < sizeof(intids) / sizeof(intids[0]); i++) {
        bh_vcpu_frame_post(guest.frame, intids[i]);
        guest.frame->x[2] = i + 1;
        guest_aim(&guest, guest_spin_irq);
        (void)GUEST_RUN(&guest, BH_EXIT_HVC);
        CHECK_EQUAL(guest.frame->x[24], i + 1);
        CHECK_EQUAL(guest.frame->x[25], intids[i]);
        CHECK_EQUAL(guest.frame->pending[intids[i] / 32], 0);
    }
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_IRQ_COMPLETED], 0);
}

static void the_highest_priority_comes_first(void)
{
    struct guest guest = guest_new(test_tcb);
    guest.frame->priority[40] = 0xa0;
    guest.frame->priority[41] = 0x80;
    guest.frame->priority[42] = 0x60;
    guest.frame->priority[300] = 0x40;
    bh_vcpu_frame_post(guest.frame, 40);
    bh_vcpu_frame_post(guest.frame, 41);
    bh_vcpu_frame_post(guest.frame, 42);
    bh_vcpu_frame_post(guest.frame, 300);
    guest.frame->x[2] = 4;
    guest_aim(&guest, guest_spin_irq);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    static const uint64_t expected[] = {300, 42, 41, 40};
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(guest.data[GUEST_IRQ_LOG + i], expected[i]);
    }
}

static void more_interrupts_than_list_registers_all_arrive(void)
{
    struct guest guest = guest_new(test_tcb);
    for (uint32_t i = 0; i < 40; i++) {
        guest.frame->priority[64 + i] = (uint8_t)(0x40 + i % 4 * 0x20);
        bh_vcpu_frame_post(guest.frame, 64 + i);
    }
    guest.frame->x[2] = 40;
    guest_aim(&guest, guest_spin_irq);
    uint64_t start = ticks_now();
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK(ticks_now() - start < ticks_from_us(3000)); /* one after the other, not one batch per time slice */
    CHECK_EQUAL(guest.frame->x[24], 40);
    uint64_t seen = 0;
    for (int i = 0; i < 40; i++) {
        seen |= UINT64_C(1) << (guest.data[GUEST_IRQ_LOG + i] - 64);
    }
    CHECK_EQUAL(seen, (UINT64_C(1) << 40) - 1);
}

/* Those that have to wait for a list register are the least urgent ones. */
static void order_holds_beyond_the_list_registers(void)
{
    struct guest guest = guest_new(test_tcb);
    for (uint32_t i = 0; i < 16; i++) {
        guest.frame->priority[64 + i] = (uint8_t)(0x40 + i / 4 * 0x20); /* four at each of four levels */
        bh_vcpu_frame_post(guest.frame, 64 + i);
    }
    guest.frame->x[2] = 16;
    guest_aim(&guest, guest_spin_irq);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    for (uint64_t i = 0; i < 16; i++) {
        CHECK_EQUAL((guest.data[GUEST_IRQ_LOG + i] - 64) / 4, i / 4);
    }
}

static void completion_of_a_level_interrupt_is_an_exit(void)
{
    struct guest guest = guest_new(test_tcb);
    set_level(&guest, 45);
    for (uint64_t round = 1; round <= 3; round++) {
        bh_vcpu_frame_post(guest.frame, 45);
        guest.frame->x[2] = round;
        guest_aim(&guest, guest_spin_irq);
        (void)GUEST_RUN(&guest, BH_EXIT_IRQ_COMPLETED);
        CHECK(take_completed(&guest, 45));
        (void)GUEST_RUN(&guest, BH_EXIT_HVC);
        CHECK_EQUAL(guest.frame->x[24], round);
    }
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_IRQ_COMPLETED], 3);
}

/* A device whose line is still high posts again on completion. */
static void a_level_interrupt_can_be_posted_again_on_completion(void)
{
    struct guest guest = guest_new(test_tcb);
    set_level(&guest, 46);
    bh_vcpu_frame_post(guest.frame, 46);
    guest.frame->x[2] = 5;
    guest_aim(&guest, guest_spin_irq);
    for (int i = 0; i < 4; i++) {
        (void)GUEST_RUN(&guest, BH_EXIT_IRQ_COMPLETED);
        CHECK(take_completed(&guest, 46));
        bh_vcpu_frame_post(guest.frame, 46);
    }
    (void)GUEST_RUN(&guest, BH_EXIT_IRQ_COMPLETED);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[24], 5);
}

static void posts_before_delivery_are_one_interrupt(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_vcpu_frame_post(guest.frame, 60);
    guest_aim(&guest, guest_mask_irq);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    bh_vcpu_frame_post(guest.frame, 60);
    bh_vcpu_frame_post(guest.frame, 61);
    guest.frame->x[2] = 2;
    guest_aim(&guest, guest_spin_irq);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[24], 2);
    CHECK(guest.data[GUEST_IRQ_LOG] != guest.data[GUEST_IRQ_LOG + 1]);
}

static void wild_pending_bits_do_no_harm(void)
{
    struct guest guest = guest_new(test_tcb);
    guest.frame->pending_summary = UINT32_MAX;
    guest.frame->completed_summary = UINT32_MAX;
    bh_vcpu_frame_post(guest.frame, 70);
    guest.frame->x[2] = 1;
    guest_aim(&guest, guest_spin_irq);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], 70);
}

/* --- the virtual timer --- */

static void the_timer_interrupts_the_guest_without_its_vmm(void)
{
    struct guest guest = guest_new(test_tcb);
    for (uint64_t round = 1; round <= 3; round++) {
        uint64_t start = ticks_now();
        guest.frame->x[2] = round;
        guest.frame->x[3] = ticks_from_us(2000);
        guest_aim(&guest, guest_timer);
        (void)GUEST_RUN(&guest, BH_EXIT_HVC);
        CHECK_EQUAL(guest.frame->x[24], round);
        CHECK_EQUAL(guest.frame->x[25], BH_VCPU_TIMER_INTID);
        CHECK(ticks_now() - start >= ticks_from_us(2000));
    }
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_HVC], 3);
    CHECK(guest.frame->exits[BH_EXIT_TIMER] >= 1);
    CHECK(guest.frame->exits[BH_EXIT_WFI] >= 1);
}

static void a_timer_in_the_past_interrupts_at_once(void)
{
    struct guest guest = guest_new(test_tcb);
    guest.frame->x[2] = 1;
    guest.frame->x[3] = 0;
    guest_aim(&guest, guest_timer);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], BH_VCPU_TIMER_INTID);
}

static void a_masked_timer_is_held_back(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(test_tcb, notification));
    guest.frame->timer_enabled = 0;
    guest.frame->x[2] = 1;
    guest.frame->x[3] = ticks_from_us(1000);
    guest_aim(&guest, guest_timer);
    CHECK_OK(bh_notification_arm(notification, ticks_now() + ticks_from_us(5000), 8));
    CHECK_EQUAL(GUEST_RUN(&guest, BH_EXIT_NOTIFICATION), 8);
    CHECK_EQUAL(guest.frame->x[24], 0);
    guest.frame->timer_enabled = 1;
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], BH_VCPU_TIMER_INTID);
}

/* The virtual count has its offset: the timer must fire by it. */
static void the_timer_honours_the_offset(void)
{
    struct guest guest = guest_new(test_tcb);
    guest.frame->state.cntvoff = ticks_now() - ticks_from_us(1000);
    CHECK_OK(bh_vcpu_load(guest.vcpu));
    uint64_t start = ticks_now();
    guest.frame->x[2] = 1;
    guest.frame->x[3] = ticks_from_us(3000);
    guest_aim(&guest, guest_timer);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    uint64_t passed = ticks_now() - start;
    CHECK(passed >= ticks_from_us(3000) && passed < ticks_from_us(1000000));
}

/* --- WFI --- */

static struct guest_thread runner;

static void posting_wakes_a_guest_that_waits(void)
{
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_HIGH);
    guest.frame->x[2] = 1;
    guest_aim(&guest, guest_wait_irq);
    thread_resume(&runner.thread);
    CHECK_EQUAL(runner.exit_count, 0);
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_WFI], 1);
    CHECK_OK(bh_vcpu_post(guest.vcpu, 40));
    CHECK_EQUAL(runner.reason, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], 40);
}

static void a_signal_ends_the_wait(void)
{
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_HIGH);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(runner.thread.tcb, notification));
    guest_aim(&guest, guest_wfi);
    thread_resume(&runner.thread);
    CHECK_EQUAL(runner.exit_count, 0);
    CHECK_EQUAL(bh_signal(new_mint(notification, BH_RIGHT_WRITE, 0x200)), BH_OK);
    CHECK_EQUAL(runner.reason, BH_EXIT_NOTIFICATION);
    CHECK_EQUAL(runner.bits, 0x200);
    CHECK_EQUAL(guest.frame->pc, GUEST_RAM + guest_wfi + 4);
}

static void a_waiting_guest_leaves_the_processor_to_others(void)
{
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_HIGH);
    guest.frame->x[2] = 1;
    guest.frame->x[3] = ticks_from_us(5000);
    guest_aim(&guest, guest_timer);
    uint64_t start = ticks_now();
    thread_resume(&runner.thread); /* returns while the guest waits */
    CHECK(ticks_now() - start < ticks_from_us(5000));
    CHECK_EQUAL(runner.exit_count, 0);
    spin_us(10000);
    CHECK_EQUAL(runner.reason, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], BH_VCPU_TIMER_INTID);
}

static void a_waiting_guest_can_be_suspended(void)
{
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_HIGH);
    guest.frame->x[2] = 1;
    guest_aim(&guest, guest_wait_irq);
    thread_resume(&runner.thread);
    CHECK_OK(bh_tcb_suspend(runner.thread.tcb));
    CHECK_OK(bh_vcpu_post(guest.vcpu, 41));
    CHECK_EQUAL(runner.exit_count, 0);
    thread_resume(&runner.thread);
    CHECK_EQUAL(runner.reason, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], 41);
}

static void posting_reaches_a_guest_that_runs(void)
{
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    guest.frame->x[2] = 1;
    guest_aim(&guest, guest_spin_irq);
    thread_resume(&runner.thread);
    sleep_us(3000);
    CHECK_EQUAL(runner.exit_count, 0);
    CHECK_OK(bh_vcpu_post(guest.vcpu, 99));
    sleep_us(3000);
    CHECK_EQUAL(runner.reason, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], 99);
}

static void post_checks_its_argument(void)
{
    struct guest guest = guest_new(test_tcb);
    CHECK_ERROR(bh_vcpu_post(guest.vcpu, BH_VCPU_INTERRUPTS), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_vcpu_post(guest.vcpu, UINT64_MAX), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_vcpu_post(guest.vcpu, UINT64_C(1) << 32 | 40), BH_ERROR_RANGE, 1);
    CHECK_OK(bh_vcpu_post(guest.vcpu, BH_VCPU_INTERRUPTS - 1));
}

TEST_GROUP(guest_irq, false, TEST_CASE(a_posted_interrupt_reaches_the_vector),
           TEST_CASE(the_highest_priority_comes_first), TEST_CASE(more_interrupts_than_list_registers_all_arrive),
           TEST_CASE(order_holds_beyond_the_list_registers),
           TEST_CASE(completion_of_a_level_interrupt_is_an_exit),
           TEST_CASE(a_level_interrupt_can_be_posted_again_on_completion),
           TEST_CASE(posts_before_delivery_are_one_interrupt), TEST_CASE(wild_pending_bits_do_no_harm),
           TEST_CASE(the_timer_interrupts_the_guest_without_its_vmm),
           TEST_CASE(a_timer_in_the_past_interrupts_at_once), TEST_CASE(a_masked_timer_is_held_back),
           TEST_CASE(the_timer_honours_the_offset), TEST_CASE(posting_wakes_a_guest_that_waits),
           TEST_CASE(a_signal_ends_the_wait), TEST_CASE(a_waiting_guest_leaves_the_processor_to_others),
           TEST_CASE(a_waiting_guest_can_be_suspended), TEST_CASE(posting_reaches_a_guest_that_runs),
           TEST_CASE(post_checks_its_argument));
