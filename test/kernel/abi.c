/* SPDX-License-Identifier: BSD-2-Clause */
/* The calling convention: which registers a system call keeps, clears and sets. */
#include "harness.h"

void abi_call(const uint64_t in[31], uint64_t out[32]);
uint64_t spin_registers(uint64_t seed, volatile uint64_t *stop, volatile uint64_t *rounds);

static void fill(uint64_t in[31])
{
    for (uint64_t i = 0; i < 31; i++) {
        in[i] = UINT64_C(0x7700000000000000) + i;
    }
}

static void check_kept(const uint64_t in[31], const uint64_t out[32])
{
    for (uint64_t i = 18; i <= 30; i++) {
        CHECK_EQUAL(out[i], in[i]);
    }
    CHECK_EQUAL(out[31], 0);
}

static void an_invocation_keeps_and_clears_registers(void)
{
    uint64_t in[31], out[32];
    fill(in);
    in[0] = BH_ROOT_SLOT_CNODE;
    in[1] = BH_OP_CNODE_INSPECT;
    in[2] = BH_ROOT_SLOT_TCB;
    in[12] = BH_SYS_INVOKE;
    abi_call(in, out);
    CHECK_EQUAL(out[0], BH_OK);
    CHECK_EQUAL(out[2], BH_TYPE_TCB);
    check_kept(in, out);
}

static void a_failed_invocation_keeps_and_clears_registers(void)
{
    uint64_t in[31], out[32];
    fill(in);
    in[0] = UINT64_MAX;
    in[12] = BH_SYS_INVOKE;
    abi_call(in, out);
    CHECK_EQUAL(out[0], BH_ERROR_INVALID_CAPABILITY);
    CHECK_EQUAL(out[1], 0);
    check_kept(in, out);
}

/* What is not the caller's own is zero. */
static void check_shows_nothing(const uint64_t in[31], const uint64_t out[32])
{
    for (int i = 1; i < 10; i++) {
        CHECK(out[i] == 0 || out[i] == in[i]);
    }
}

static void signal_keeps_and_clears_registers(void)
{
    uint64_t in[31], out[32];
    fill(in);
    in[0] = new_object(BH_TYPE_NOTIFICATION);
    in[12] = BH_SYS_SIGNAL;
    abi_call(in, out);
    CHECK_EQUAL(out[0], BH_OK);
    check_kept(in, out);
    check_shows_nothing(in, out);
    in[12] = BH_SYS_WAIT;
    abi_call(in, out);
    CHECK_EQUAL(out[0], BH_OK);
    CHECK_EQUAL(out[10], 1);
    check_kept(in, out);
    in[12] = BH_SYS_POLL;
    abi_call(in, out);
    CHECK_EQUAL(out[0], BH_ERROR_WOULD_BLOCK);
    CHECK_EQUAL(out[10], 0);
    check_kept(in, out);
    check_shows_nothing(in, out);
}

static bh_cptr server_endpoint, server_reply;

static void server(uint64_t argument)
{
    (void)argument;
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    for (;;) {
        (void)bh_reply_recv(server_endpoint, bh_info(1, 0), none, server_reply);
    }
}

static void a_call_that_switches_threads_keeps_and_clears_registers(void)
{
    server_endpoint = new_object(BH_TYPE_ENDPOINT);
    server_reply = new_object(BH_TYPE_REPLY);
    (void)thread_start(server, 0, PRIORITY_HIGH);
    uint64_t in[31], out[32];
    fill(in);
    in[0] = server_endpoint;
    in[1] = bh_info(2, 8);
    in[12] = BH_SYS_CALL;
    abi_call(in, out);
    CHECK_EQUAL(out[0], BH_OK);
    CHECK_EQUAL(bh_info_label(out[1]), 1);
    check_kept(in, out);
}

static void a_wait_that_sleeps_keeps_and_clears_registers(void)
{
    uint64_t in[31], out[32];
    fill(in);
    in[0] = new_object(BH_TYPE_NOTIFICATION);
    in[12] = BH_SYS_WAIT;
    CHECK_OK(bh_notification_arm(in[0], ticks_now() + ticks_from_us(1000), 4));
    abi_call(in, out);
    CHECK_EQUAL(out[10], 4);
    check_kept(in, out);
}

static void yield_keeps_and_clears_registers(void)
{
    uint64_t in[31], out[32];
    fill(in);
    in[12] = BH_SYS_YIELD;
    abi_call(in, out);
    check_kept(in, out);
}

/* No register of a receiver shows what belongs to the kernel or to another thread. */
static void an_empty_message_shows_no_foreign_words(void)
{
    server_endpoint = new_object(BH_TYPE_ENDPOINT);
    server_reply = new_object(BH_TYPE_REPLY);
    (void)thread_start(server, 0, PRIORITY_HIGH);
    uint64_t in[31], out[32];
    fill(in);
    in[0] = server_endpoint;
    in[1] = bh_info(2, 0);
    in[12] = BH_SYS_CALL;
    abi_call(in, out);
    CHECK_EQUAL(bh_info_length(out[1]), 0);
    for (uint64_t i = 2; i <= 9; i++) {
        CHECK(out[i] == 0 || out[i] == in[i]);
    }
}

/* --- registers across preemption --- */

static volatile uint64_t stop;
static volatile uint64_t rounds[2];
static volatile uint64_t damage[2];

static void spinner(uint64_t id)
{
    damage[id] = spin_registers(UINT64_C(0x1000000) << (id * 8), &stop, &rounds[id]);
}

static void preemption_keeps_all_registers(void)
{
    stop = 0;
    for (int i = 0; i < 2; i++) {
        rounds[i] = 0;
        damage[i] = UINT64_MAX;
    }
    (void)thread_start(spinner, 0, PRIORITY_LOW);
    (void)thread_start(spinner, 1, PRIORITY_LOW);
    for (int i = 0; i < 20; i++) {
        sleep_us(1700);
    }
    stop = 1;
    while (damage[0] == UINT64_MAX || damage[1] == UINT64_MAX) {
        sleep_us(1000);
    }
    CHECK_EQUAL(damage[0], 0);
    CHECK_EQUAL(damage[1], 0);
    CHECK(rounds[0] > 0 && rounds[1] > 0);
}

static volatile uint64_t tpidr_damage;

static void tpidr_keeper(uint64_t value)
{
    uint64_t kept = (uint64_t)own_ipc_buffer();
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(value));
    for (int i = 0; i < 10; i++) {
        bh_yield();
        uint64_t now;
        __asm__ volatile("mrs %0, tpidr_el0" : "=r"(now));
        if (now != value) {
            tpidr_damage++;
        }
    }
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(kept));
}

static void tpidr_is_each_threads_own(void)
{
    tpidr_damage = 0;
    (void)thread_start(tpidr_keeper, 0x1111, PRIORITY_LOW);
    (void)thread_start(tpidr_keeper, 0x2222, PRIORITY_LOW);
    sleep_us(5000);
    CHECK_EQUAL(tpidr_damage, 0);
}

TEST_GROUP(abi, false, TEST_CASE(an_invocation_keeps_and_clears_registers),
           TEST_CASE(a_failed_invocation_keeps_and_clears_registers), TEST_CASE(signal_keeps_and_clears_registers),
           TEST_CASE(a_call_that_switches_threads_keeps_and_clears_registers),
           TEST_CASE(a_wait_that_sleeps_keeps_and_clears_registers), TEST_CASE(yield_keeps_and_clears_registers),
           TEST_CASE(an_empty_message_shows_no_foreign_words), TEST_CASE(preemption_keeps_all_registers),
           TEST_CASE(tpidr_is_each_threads_own));
