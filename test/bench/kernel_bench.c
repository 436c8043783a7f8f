/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions of the kernel's primitives, on the harness of the kernel tests. Under icount one instruction takes one
 * nanosecond of virtual time and the counter ticks every sixteen, so a mean over many rounds is exact to a fraction.
 * Each result is a line `bench NAME HUNDREDTHS`, the loop's own instructions taken off.
 */
#include "test/kernel/guest.h"
#include "test/kernel/harness.h"

#define ROUNDS 4000u
#define NS_PER_TICK 16u
#define SPACE_CODE UINT64_C(0x40000000)
#define SPACE_DATA UINT64_C(0x40010000)

extern const uint8_t server_program[], server_program_end[];

static const uint64_t none[BH_MESSAGE_REGISTERS];
static uint64_t loop_hundredths;

static uint64_t hundredths(uint64_t ticks)
{
    return ticks * NS_PER_TICK * 100 / ROUNDS;
}

static void report(const char *name, uint64_t ticks)
{
    print("bench %s %u\n", name, hundredths(ticks) - loop_hundredths);
}

/* Runs `body` ROUNDS times and reports the mean. */
#define MEASURE(name, body)                                                                                            \
    do {                                                                                                               \
        uint64_t start_ = ticks_now();                                                                                 \
        for (unsigned round_ = 0; round_ < ROUNDS; round_++) {                                                         \
            body;                                                                                                      \
            __asm__ volatile("" ::: "memory");                                                                         \
        }                                                                                                              \
        report(name, ticks_now() - start_);                                                                            \
    } while (0)

static void empty_loop(void)
{
    uint64_t start = ticks_now();
    for (unsigned round = 0; round < ROUNDS; round++) {
        __asm__ volatile("" ::: "memory");
    }
    loop_hundredths = hundredths(ticks_now() - start);
}

static void notifications(void)
{
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    uint64_t bits;
    MEASURE("poll_nothing", (void)bh_poll(notification, &bits));
    MEASURE("signal_nobody_waits", (void)bh_signal(notification));
}

static bh_cptr waiter_notification;

static void waiter(uint64_t argument)
{
    (void)argument;
    uint64_t bits;
    for (;;) {
        (void)bh_wait(waiter_notification, &bits);
    }
}

static void signal_to_a_higher_thread(void)
{
    waiter_notification = new_object(BH_TYPE_NOTIFICATION);
    (void)thread_start(waiter, 0, PRIORITY_HIGH);
    /* There, and back with the waiter's next Wait. */
    MEASURE("signal_switch_and_wait", (void)bh_signal(waiter_notification));
}

/* A server in an address space of its own that answers every call with as many words as its argument says. */
static bh_cptr start_server(uint64_t words)
{
    bh_cptr space = new_object(BH_TYPE_VSPACE);
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    bh_cptr code = new_frame();
    bh_cptr endpoint = new_object(BH_TYPE_ENDPOINT);
    bh_cptr reply = new_object(BH_TYPE_REPLY);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), space, SPACE_CODE));
    }
    uint8_t *writable = map_frame(code, BH_RIGHT_READ | BH_RIGHT_WRITE);
    memcpy(writable, server_program, (size_t)(server_program_end - server_program));
    CHECK_OK(bh_frame_unmap(code));
    CHECK_OK(bh_frame_map(code, space, SPACE_CODE, BH_RIGHT_READ | BH_RIGHT_GRANT, 0));
    CHECK_OK(bh_tcb_configure(tcb, BH_ROOT_SLOT_CNODE, space, 0, 0));
    CHECK_OK(bh_tcb_set_priority(tcb, PRIORITY_HIGH, 0));
    bh_cptr context = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, context, ticks_from_us(5000), ticks_from_us(5000)));
    CHECK_OK(bh_sched_context_bind(context, tcb));
    CHECK_OK(bh_tcb_write_registers(tcb, SPACE_CODE, 0, endpoint, reply, bh_info(0, words), 0));
    CHECK_OK(bh_tcb_resume(tcb));
    (void)bh_call(endpoint, 0, none); /* it waits now; from here on it is passive, as servers are */
    CHECK_OK(bh_sched_context_unbind(context));
    return endpoint;
}

static void call_and_reply(const char *name, uint64_t words)
{
    bh_cptr endpoint = start_server(words);
    uint64_t info = bh_info(0, words);
    MEASURE(name, (void)bh_call(endpoint, info, none));
}

static void call_and_reply_empty(void)
{
    call_and_reply("call_reply_0_words", 0);
}

static void call_and_reply_4(void)
{
    call_and_reply("call_reply_4_words", 4);
}

static void call_and_reply_8(void)
{
    call_and_reply("call_reply_8_words", 8);
}

static void objects(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr slot = new_slot();
    bh_cptr frame = new_frame();
    uint64_t page = window_page();
    MEASURE("retype_tcb_and_delete", {
        (void)bh_untyped_retype(untyped, BH_TYPE_TCB, 0, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE, slot, 1);
        (void)bh_cnode_delete(BH_ROOT_SLOT_CNODE, slot);
    });
    MEASURE("map_and_unmap", {
        (void)bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, page, BH_RIGHT_READ | BH_RIGHT_WRITE, 0);
        (void)bh_frame_unmap(frame);
    });
}

/* HVC to the VMM's first instruction and back, without a VMM's own work. */
static void exit_and_enter(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_hvc);
    uint64_t bits;
    (void)bh_vm_enter(&bits);
    MEASURE("vm_exit_and_enter", (void)bh_vm_enter(&bits));
}

TEST_GROUP(bench, false, TEST_CASE(empty_loop), TEST_CASE(notifications), TEST_CASE(signal_to_a_higher_thread),
           TEST_CASE(call_and_reply_empty), TEST_CASE(call_and_reply_4), TEST_CASE(call_and_reply_8),
           TEST_CASE(objects), TEST_CASE(exit_and_enter));

const struct test_group *const test_groups[] = {&bench_group};
const size_t test_group_count = 1;
