/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls, signals, calls of a server in another address space, faults. */
#include "test/bench/kernel_bench.h"

#define SPACE_CODE UINT64_C(0x40000000)

extern const uint8_t server_program[], server_program_end[];

static const uint64_t none[BH_MESSAGE_REGISTERS];

/* The way into the kernel and out of it: there is nothing in the slot that it is asked for. */
static void null_system_call(void)
{
    bh_cptr empty = new_slot();
    uint64_t bits;
    MEASURE(null_system_call, (void)bh_poll(empty, &bits));
}

static void notifications(void)
{
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    uint64_t bits;
    MEASURE(poll_nothing, (void)bh_poll(notification, &bits));
    MEASURE(signal_nobody_waits, (void)bh_signal(notification));
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
    MEASURE(signal_switch_and_wait, (void)bh_signal(waiter_notification));
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

static void call_and_reply_empty(void)
{
    bh_cptr endpoint = start_server(0);
    MEASURE(call_reply_0_words, (void)bh_call(endpoint, bh_info(0, 0), none));
}

static void call_and_reply_4(void)
{
    bh_cptr endpoint = start_server(4);
    MEASURE(call_reply_4_words, (void)bh_call(endpoint, bh_info(0, 4), none));
}

static void call_and_reply_8(void)
{
    bh_cptr endpoint = start_server(8);
    MEASURE(call_reply_8_words, (void)bh_call(endpoint, bh_info(0, 8), none));
}

static void undefined(uint64_t argument)
{
    (void)argument;
    __asm__ volatile("udf #0");
}

static bh_cptr fault_endpoint, fault_reply;

/* Its answer lets the thread run into the same instruction again. */
static void fault_handler(uint64_t argument)
{
    (void)argument;
    (void)bh_recv(fault_endpoint, fault_reply);
    MEASURE(fault_and_back, (void)bh_reply_recv(fault_endpoint, bh_info(0, 0), none, fault_reply));
}

/* The handler is passive, as servers are: it works in the time of those that fault. */
static void fault_and_back(void)
{
    fault_endpoint = new_object(BH_TYPE_ENDPOINT);
    fault_reply = new_object(BH_TYPE_REPLY);
    struct thread handler = thread_start(fault_handler, 0, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(handler.sched_context));
    (void)thread_start_faulting(undefined, 0, PRIORITY_HIGH, fault_endpoint);
}

TEST_GROUP(ipc, false, TEST_CASE(null_system_call), TEST_CASE(notifications), TEST_CASE(signal_to_a_higher_thread),
           TEST_CASE(call_and_reply_empty), TEST_CASE(call_and_reply_4), TEST_CASE(call_and_reply_8),
           TEST_CASE(fault_and_back));
