/* SPDX-License-Identifier: BSD-2-Clause */
/* Several virtual processors on one core: each has its registers, timer and interrupts to itself. */
#include "guest.h"

#define KEEPERS 3

static struct guest_thread runners[KEEPERS];
static struct guest guests[KEEPERS];

static void start_keepers(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        guest_thread_prepare(&runners[i], &guests[i], PRIORITY_LOW);
        guests[i].frame->x[0] = (i + 1) << 20;
        guests[i].frame->x[1] = GUEST_DATA;
        guest_aim(&guests[i], guest_keep);
        thread_resume(&runners[i].thread);
    }
}

static void stop_keepers(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        CHECK(guests[i].data[1] > 0);
        guests[i].data[2] = 1;
    }
    for (uint64_t i = 0; i < count; i++) {
        for (int wait = 0; wait < 100 && runners[i].reason == UINT64_MAX; wait++) {
            sleep_us(1000);
        }
        CHECK_EQUAL(runners[i].reason, BH_EXIT_HVC);
        CHECK_EQUAL(guest_hvc_immediate(&guests[i]), 1); /* 0x100 + n: register n of `keep` changed */
    }
}

static void guests_keep_their_registers_apart(void)
{
    start_keepers(KEEPERS);
    for (int i = 0; i < 20; i++) {
        sleep_us(1700);
    }
    stop_keepers(KEEPERS);
}

static volatile uint64_t stop;
static volatile uint64_t damage;

static void native_fp(uint64_t seed)
{
    fp_fill(seed);
    uint64_t wrong = 0;
    while (!stop && wrong == 0) {
        wrong = fp_check(seed);
    }
    damage = wrong;
}

static void guests_and_native_threads_keep_fp_registers_apart(void)
{
    stop = 0;
    damage = UINT64_MAX;
    struct thread native = thread_prepare(native_fp, 0x5001, PRIORITY_LOW);
    CHECK_OK(bh_tcb_set_flags(native.tcb, BH_TCB_FP));
    thread_resume(&native);
    start_keepers(2);
    for (int i = 0; i < 20; i++) {
        sleep_us(1700);
    }
    stop_keepers(2);
    stop = 1;
    while (damage == UINT64_MAX) {
        sleep_us(1000);
    }
    CHECK_EQUAL(damage, 0);
}

static void a_vmm_with_fp_registers_and_its_guest_keep_them_apart(void)
{
    CHECK_OK(bh_tcb_set_flags(test_tcb, BH_TCB_FP));
    struct guest guest = guest_new(test_tcb);
    fp_fill(0x7003);
    guest.frame->x[0] = 0x1234;
    guest_aim(&guest, guest_fp);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(fp_check(0x7003), 0);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[3], 0x1234);
}

static void timers_of_several_guests_all_fire(void)
{
    static const uint64_t delay[KEEPERS] = {3000, 1000, 2000};
    for (uint64_t i = 0; i < KEEPERS; i++) {
        guest_thread_prepare(&runners[i], &guests[i], PRIORITY_LOW);
        guests[i].frame->x[2] = 1;
        guests[i].frame->x[3] = ticks_from_us(delay[i]);
        guest_aim(&guests[i], guest_timer);
        thread_resume(&runners[i].thread);
    }
    for (int wait = 0; wait < 50; wait++) {
        sleep_us(1000);
    }
    for (uint64_t i = 0; i < KEEPERS; i++) {
        CHECK_EQUAL(runners[i].reason, BH_EXIT_HVC);
        CHECK_EQUAL(guests[i].frame->x[24], 1);
        CHECK_EQUAL(guests[i].frame->x[25], BH_VCPU_TIMER_INTID);
    }
}

/* One guest spins with the hardware, others wait for their timers outside it. */
static void a_timer_fires_while_another_guest_runs(void)
{
    start_keepers(1);
    guest_thread_prepare(&runners[1], &guests[1], PRIORITY_HIGH);
    guests[1].frame->x[2] = 1;
    guests[1].frame->x[3] = ticks_from_us(4000);
    guest_aim(&guests[1], guest_timer);
    uint64_t start = ticks_now();
    thread_resume(&runners[1].thread);
    while (runners[1].reason == UINT64_MAX) {
        sleep_us(1000);
    }
    CHECK_EQUAL(runners[1].reason, BH_EXIT_HVC);
    CHECK(ticks_now() - start >= ticks_from_us(4000));
    CHECK_EQUAL(guests[1].frame->x[25], BH_VCPU_TIMER_INTID);
    stop_keepers(1);
    /* The timer was not the other guest's: it was never interrupted. */
    CHECK_EQUAL(guests[0].frame->exits[BH_EXIT_HVC], 1);
}

/* Guests share the physical interrupt, which is active while it is in a list register. */
static void a_timer_fires_while_another_guests_is_not_taken(void)
{
    guest_thread_prepare(&runners[0], &guests[0], PRIORITY_LOW);
    guests[0].frame->x[2] = 1;
    guests[0].frame->x[3] = ticks_from_us(1000);
    guest_aim(&guests[0], guest_timer);
    struct guest own = guest_new(test_tcb);
    own.frame->state.cntv_ctl = 1; /* on, and due */
    CHECK_OK(bh_vcpu_load(own.vcpu));
    guest_aim(&own, guest_mask_irq);
    (void)GUEST_RUN(&own, BH_EXIT_HVC);
    CHECK_EQUAL(own.frame->exits[BH_EXIT_TIMER], 1);
    thread_resume(&runners[0].thread);
    sleep_us(10000);
    CHECK_EQUAL(runners[0].reason, BH_EXIT_HVC);
    CHECK_EQUAL(guests[0].frame->x[25], BH_VCPU_TIMER_INTID);
    own.frame->x[2] = 1;
    guest_aim(&own, guest_spin_irq);
    (void)GUEST_RUN(&own, BH_EXIT_HVC);
    CHECK_EQUAL(own.frame->x[25], BH_VCPU_TIMER_INTID);
}

static void pending_interrupts_survive_a_switch(void)
{
    guest_thread_prepare(&runners[0], &guests[0], PRIORITY_LOW);
    struct guest own = guest_new(test_tcb);
    for (uint32_t i = 0; i < 3; i++) {
        bh_vcpu_frame_post(own.frame, 80 + i);
    }
    guest_aim(&own, guest_mask_irq);
    (void)GUEST_RUN(&own, BH_EXIT_HVC); /* now in list registers, not taken */
    guests[0].frame->x[2] = 1;
    bh_vcpu_frame_post(guests[0].frame, 90);
    guest_aim(&guests[0], guest_spin_irq);
    thread_resume(&runners[0].thread);
    sleep_us(4000);
    CHECK_EQUAL(runners[0].reason, BH_EXIT_HVC);
    CHECK_EQUAL(guests[0].frame->x[24], 1);
    CHECK_EQUAL(guests[0].frame->x[25], 90);
    own.frame->x[2] = 3;
    guest_aim(&own, guest_spin_irq);
    (void)GUEST_RUN(&own, BH_EXIT_HVC);
    CHECK_EQUAL(own.frame->x[24], 3);
}

static void a_budget_holds_for_a_guest_too(void)
{
    guest_thread_prepare(&runners[0], &guests[0], PRIORITY_LOW);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, runners[0].thread.sched_context,
                                        ticks_from_us(1000), ticks_from_us(10000)));
    guests[0].frame->x[1] = GUEST_DATA;
    guest_aim(&guests[0], guest_loop);
    uint64_t start = ticks_now();
    thread_resume(&runners[0].thread);
    sleep_us(100000);
    uint64_t used = CHECK_OK(bh_sched_context_consumed(runners[0].thread.sched_context)).value[0];
    uint64_t percent = used * 100 / (ticks_now() - start);
    CHECK(percent >= 5 && percent <= 20);
    CHECK(guests[0].data[0] > 0);
}

static void deleting_one_guest_leaves_the_other(void)
{
    start_keepers(2);
    sleep_us(5000);
    delete_cap(guests[0].vcpu);
    delete_cap(guests[0].space);
    delete_cap(runners[0].thread.tcb);
    uint64_t seen = guests[1].data[1];
    sleep_us(5000);
    CHECK(guests[1].data[1] > seen);
    guests[1].data[2] = 1;
    while (runners[1].reason == UINT64_MAX) {
        sleep_us(1000);
    }
    CHECK_EQUAL(guest_hvc_immediate(&guests[1]), 1);
}

/* A guest that waits for its timer outside the hardware is deleted: the timer's memory is somebody else's now. */
static void a_deleted_guest_leaves_no_timer_behind(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, BH_PAGE_BITS);
    guest_thread_prepare(&runners[0], &guests[0], PRIORITY_HIGH);
    bh_cptr vcpu = new_from(untyped, BH_TYPE_VCPU, 0);
    delete_cap(guests[0].vcpu);
    CHECK_OK(bh_vcpu_configure(vcpu, runners[0].thread.tcb, guests[0].space, guests[0].frame_cap));
    guest_reset_state(&guests[0].frame->state);
    CHECK_OK(bh_vcpu_load(vcpu));
    guests[0].frame->x[2] = 1;
    guests[0].frame->x[3] = ticks_from_us(5000);
    guest_aim(&guests[0], guest_timer);
    thread_resume(&runners[0].thread);
    struct guest own = guest_new(test_tcb);
    guest_aim(&own, guest_hvc);
    (void)GUEST_RUN(&own, BH_EXIT_HVC); /* takes the hardware from the one that waits */
    delete_cap(vcpu);
    uint64_t *page = map_frame(new_from(untyped, BH_TYPE_FRAME, BH_PAGE_BITS), BH_RIGHT_READ | BH_RIGHT_WRITE);
    memset(page, 0xff, BH_PAGE_SIZE);
    sleep_us(10000);
    for (size_t i = 0; i < BH_PAGE_SIZE / 8; i++) {
        CHECK_EQUAL(page[i], UINT64_MAX);
    }
}

static void a_timer_with_an_offset_fires_outside_the_hardware(void)
{
    guest_thread_prepare(&runners[0], &guests[0], PRIORITY_HIGH);
    guests[0].frame->state.cntvoff = ticks_now() - ticks_from_us(1000);
    CHECK_OK(bh_vcpu_load(guests[0].vcpu));
    guests[0].frame->x[2] = 1;
    guests[0].frame->x[3] = ticks_from_us(5000);
    guest_aim(&guests[0], guest_timer);
    uint64_t start = ticks_now();
    thread_resume(&runners[0].thread);
    struct guest own = guest_new(test_tcb);
    guest_aim(&own, guest_hvc);
    (void)GUEST_RUN(&own, BH_EXIT_HVC);
    CHECK_EQUAL(guests[0].frame->x[24], 0);
    CHECK(ticks_now() - start < ticks_from_us(5000));
    spin_us(10000);
    CHECK_EQUAL(runners[0].reason, BH_EXIT_HVC);
    /* It went in with the first interrupt after it was due, not when it happened to be looked at. */
    CHECK_EQUAL(guests[0].frame->exits[BH_EXIT_WFI], 1);
}

TEST_GROUP(guest_switch, false, TEST_CASE(guests_keep_their_registers_apart),
           TEST_CASE(guests_and_native_threads_keep_fp_registers_apart),
           TEST_CASE(a_vmm_with_fp_registers_and_its_guest_keep_them_apart),
           TEST_CASE(timers_of_several_guests_all_fire), TEST_CASE(a_timer_fires_while_another_guest_runs),
           TEST_CASE(a_timer_fires_while_another_guests_is_not_taken),
           TEST_CASE(pending_interrupts_survive_a_switch), TEST_CASE(a_budget_holds_for_a_guest_too),
           TEST_CASE(deleting_one_guest_leaves_the_other),
           TEST_CASE(a_deleted_guest_leaves_no_timer_behind),
           TEST_CASE(a_timer_with_an_offset_fires_outside_the_hardware));
