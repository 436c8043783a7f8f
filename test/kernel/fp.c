/* SPDX-License-Identifier: BSD-2-Clause */
/* FP/SIMD registers of native threads. */
#include "harness.h"

static const uint64_t none[BH_MESSAGE_REGISTERS];
static bh_cptr endpoint, reply;
static volatile uint64_t stop;
static volatile uint64_t rounds[2];
static volatile uint64_t damage[2];

static void user(uint64_t seed)
{
    fp_fill(seed);
    damage[0] = fp_check(seed);
    rounds[0]++;
}

static void without_the_flag_fp_is_a_fault(void)
{
    endpoint = new_object(BH_TYPE_ENDPOINT);
    reply = new_object(BH_TYPE_REPLY);
    rounds[0] = 0;
    damage[0] = UINT64_MAX;
    struct thread thread = thread_start_faulting(user, 0x1234, PRIORITY_HIGH, endpoint);
    struct bh_message message = bh_nb_recv(endpoint, reply);
    CHECK_EQUAL(message.status, BH_OK);
    CHECK(message.info & BH_INFO_FAULT);
    CHECK_EQUAL(bh_info_label(message.info & ~BH_INFO_FAULT), BH_FAULT_EXCEPTION);
    CHECK_EQUAL(message.word[2] >> 26, 0x07);
    /* With the flag the same instruction goes on. */
    CHECK_OK(bh_tcb_set_flags(thread.tcb, BH_TCB_FP));
    CHECK_EQUAL(bh_send(reply, bh_info(0, 0), none), BH_OK);
    CHECK_EQUAL(rounds[0], 1);
    CHECK_EQUAL(damage[0], 0);
}

static void keeper(uint64_t id)
{
    uint64_t seed = (id + 1) * 0x100000 + id; /* one even, one odd: both values of FPCR */
    fp_fill(seed);
    uint64_t wrong = 0;
    while (!stop && wrong == 0) {
        wrong = fp_check(seed);
        rounds[id]++;
    }
    damage[id] = wrong;
}

static struct thread start_keeper(uint64_t id)
{
    rounds[id] = 0;
    damage[id] = UINT64_MAX;
    struct thread thread = thread_prepare(keeper, id, PRIORITY_LOW);
    CHECK_OK(bh_tcb_set_flags(thread.tcb, BH_TCB_FP));
    thread_resume(&thread);
    return thread;
}

static void end_keepers(uint64_t count)
{
    stop = 1;
    for (uint64_t i = 0; i < count; i++) {
        while (damage[i] == UINT64_MAX) {
            sleep_us(1000);
        }
        CHECK_EQUAL(damage[i], 0);
        CHECK(rounds[i] > 0);
    }
}

static void threads_keep_their_fp_registers_apart(void)
{
    stop = 0;
    (void)start_keeper(0);
    (void)start_keeper(1);
    for (int i = 0; i < 15; i++) {
        sleep_us(1300);
    }
    end_keepers(2);
}

static void system_calls_keep_fp_registers(void)
{
    stop = 0;
    (void)start_keeper(0);
    for (int i = 0; i < 20; i++) {
        sleep_us(500);
        (void)new_object(BH_TYPE_VSPACE);
    }
    end_keepers(1);
}

static volatile uint64_t fresh;

static void looks(uint64_t argument)
{
    (void)argument;
    __asm__ volatile(".arch armv8.1-a+fp\n fmov %0, d5" : "=r"(fresh));
}

/* A thread's registers start at zero: they show nothing of whoever used them before. */
static void fp_registers_start_clear(void)
{
    stop = 0;
    (void)start_keeper(0);
    sleep_us(3000);
    fresh = UINT64_MAX;
    struct thread thread = thread_prepare(looks, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_set_flags(thread.tcb, BH_TCB_FP));
    thread_resume(&thread);
    CHECK_EQUAL(fresh, 0);
    end_keepers(1);
}

static void taking_the_flag_away_closes_fp(void)
{
    stop = 0;
    endpoint = new_object(BH_TYPE_ENDPOINT);
    reply = new_object(BH_TYPE_REPLY);
    rounds[0] = 0;
    struct thread thread = thread_prepare(keeper, 0, PRIORITY_LOW);
    CHECK_OK(bh_tcb_configure(thread.tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, endpoint, 0));
    CHECK_OK(bh_tcb_set_flags(thread.tcb, BH_TCB_FP));
    thread_resume(&thread);
    sleep_us(3000);
    CHECK(rounds[0] > 0);
    CHECK_OK(bh_tcb_set_flags(thread.tcb, 0));
    struct bh_message message = bh_recv(endpoint, reply);
    CHECK_EQUAL(bh_info_label(message.info & ~BH_INFO_FAULT), BH_FAULT_EXCEPTION);
    CHECK_EQUAL(message.word[2] >> 26, 0x07);
}

static void a_thread_with_fp_state_can_be_deleted(void)
{
    stop = 0;
    struct thread first = start_keeper(0);
    sleep_us(2000);
    delete_cap(first.tcb);
    (void)start_keeper(1);
    sleep_us(2000);
    stop = 1;
    while (damage[1] == UINT64_MAX) {
        sleep_us(1000);
    }
    CHECK_EQUAL(damage[1], 0);
}

/* What was a thread's FP state is somebody else's memory now. */
static void a_deleted_threads_fp_registers_go_nowhere(void)
{
    stop = 0;
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, BH_PAGE_BITS);
    bh_cptr saved = test_untyped;
    test_untyped = untyped;
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    test_untyped = saved;
    struct thread first = start_keeper(0);
    CHECK_OK(bh_tcb_suspend(first.tcb));
    CHECK_OK(bh_sched_context_unbind(first.sched_context));
    CHECK_OK(bh_tcb_configure(tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, test_faults, 0));
    CHECK_OK(bh_tcb_set_priority(tcb, PRIORITY_LOW, 0));
    CHECK_OK(bh_tcb_set_flags(tcb, BH_TCB_FP));
    CHECK_OK(bh_sched_context_bind(first.sched_context, tcb));
    first.tcb = tcb;
    thread_aim(&first, keeper, 0);
    thread_resume(&first);
    sleep_us(2000);
    CHECK(rounds[0] > 0);
    delete_cap(tcb);
    bh_cptr frame = new_from(untyped, BH_TYPE_FRAME, BH_PAGE_BITS);
    const volatile uint64_t *page = map_frame(frame, BH_RIGHT_READ);
    (void)start_keeper(1);
    sleep_us(2000);
    CHECK(rounds[1] > 0);
    for (size_t i = 0; i < BH_PAGE_SIZE / 8; i++) {
        CHECK_EQUAL(page[i], 0);
    }
    stop = 1;
}

TEST_GROUP(fp, false, TEST_CASE(without_the_flag_fp_is_a_fault), TEST_CASE(threads_keep_their_fp_registers_apart),
           TEST_CASE(system_calls_keep_fp_registers), TEST_CASE(fp_registers_start_clear),
           TEST_CASE(taking_the_flag_away_closes_fp), TEST_CASE(a_thread_with_fp_state_can_be_deleted),
           TEST_CASE(a_deleted_threads_fp_registers_go_nowhere));
