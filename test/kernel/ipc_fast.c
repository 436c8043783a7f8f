/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of passive servers with all words in registers, which the kernel takes a short way: whatever would make the
 * general way do something else must make it here too.
 */
#include "harness.h"

#define ALL BH_RIGHTS_ALL
#define WAITING UINT64_MAX

static const uint64_t none[BH_MESSAGE_REGISTERS];

static struct {
    bh_cptr endpoint, reply, notification, cap, receive_slot;
    struct thread helper;
    volatile uint64_t status[4];
    struct bh_message message; /* what the server got last */
    volatile uint64_t order[8];
    volatile uint64_t order_count;
} shared;

enum { ECHO, RESUME_HELPER, WAIT, GIVE_CAP, USE_FP };

static void note(uint64_t id)
{
    shared.order[shared.order_count++ % 8] = id;
}

static void server(uint64_t argument)
{
    (void)argument;
    own_ipc_buffer()->receive_slot = shared.receive_slot;
    struct bh_message message = bh_recv(shared.endpoint, shared.reply);
    for (;;) {
        uint64_t info = message.info;
        uint64_t bits;
        shared.message = message;
        if (message.status != BH_OK || (info & BH_INFO_NOTIFICATION) != 0) {
            message = bh_recv(shared.endpoint, shared.reply);
            continue;
        }
        switch (bh_info_label(info)) {
        case RESUME_HELPER:
            (void)bh_tcb_resume(shared.helper.tcb);
            note(2);
            break;
        case WAIT:
            (void)bh_wait(shared.notification, &bits);
            break;
        case GIVE_CAP:
            own_ipc_buffer()->send_cap = shared.cap;
            info |= BH_INFO_CAP;
            break;
        case USE_FP:
            __asm__ volatile(".arch armv8.1-a+fp\n fmov %0, d5" : "=r"(message.word[0]));
            break;
        default:
            break;
        }
        message = bh_reply_recv(shared.endpoint, info, message.word, shared.reply);
    }
}

static struct thread start_server(uint64_t priority)
{
    memset(&shared, 0, sizeof(shared));
    shared.endpoint = new_object(BH_TYPE_ENDPOINT);
    shared.reply = new_object(BH_TYPE_REPLY);
    shared.notification = new_object(BH_TYPE_NOTIFICATION);
    shared.receive_slot = new_slot();
    for (int i = 0; i < 4; i++) {
        shared.status[i] = WAITING;
    }
    struct thread thread = thread_prepare(server, 0, PRIORITY_HIGH);
    thread_resume(&thread);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK_OK(bh_tcb_set_priority(thread.tcb, priority, BH_PRIORITY_MAX));
    return thread;
}

static struct bh_message call(uint64_t label, uint64_t word0)
{
    const uint64_t word[BH_MESSAGE_REGISTERS] = {word0, 2, 3, 4, 5, 6, 7, 8};
    return bh_call(shared.endpoint, bh_info((uint32_t)label, BH_MESSAGE_REGISTERS), word);
}

static void registers_travel_both_ways(void)
{
    (void)start_server(PRIORITY_HIGH);
    for (uint64_t i = 0; i < 10; i++) {
        struct bh_message answer = call(ECHO, 100 + i);
        CHECK_EQUAL(answer.status, BH_OK);
        CHECK_EQUAL(bh_info_length(answer.info), BH_MESSAGE_REGISTERS);
        CHECK_EQUAL(answer.word[0], 100 + i);
        for (uint64_t n = 1; n < BH_MESSAGE_REGISTERS; n++) {
            CHECK_EQUAL(answer.word[n], n + 1);
        }
    }
    bh_cptr badged = new_mint(shared.endpoint, BH_RIGHT_WRITE | BH_RIGHT_CALL, 0x77);
    CHECK_EQUAL(bh_call(badged, bh_info(ECHO, 0), none).badge, 0);
    CHECK_EQUAL(shared.message.badge, 0x77);
}

static void rights_still_count(void)
{
    (void)start_server(PRIORITY_HIGH);
    CHECK_EQUAL(bh_call(new_copy(shared.endpoint, BH_RIGHT_WRITE), 0, none).status, BH_ERROR_RIGHTS);
    CHECK_EQUAL(bh_call(new_copy(shared.endpoint, BH_RIGHT_CALL), 0, none).status, BH_ERROR_RIGHTS);
}

static void the_kernels_bits_cannot_be_forged(void)
{
    (void)start_server(PRIORITY_HIGH);
    struct bh_message answer =
        bh_call(shared.endpoint, bh_info(ECHO, 0) | BH_INFO_FAULT | BH_INFO_NOTIFICATION | UINT64_C(1) << 50, none);
    CHECK_EQUAL(answer.status, BH_OK);
    CHECK_EQUAL(shared.message.info, bh_info(ECHO, 0));
}

static void forging_server(uint64_t argument)
{
    (void)argument;
    (void)bh_recv(shared.endpoint, shared.reply);
    for (;;) {
        (void)bh_reply_recv(shared.endpoint, bh_info(9, 0) | BH_INFO_FAULT | BH_INFO_NOTIFICATION, none, shared.reply);
    }
}

static void answers_cannot_be_forged_either(void)
{
    struct thread thread = start_server(PRIORITY_HIGH);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    thread = thread_start(forging_server, 0, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    for (int i = 0; i < 2; i++) {
        CHECK_EQUAL(bh_call(shared.endpoint, 0, none).info, bh_info(9, 0));
    }
}

static void long_and_short_messages_alternate(void)
{
    (void)start_server(PRIORITY_HIGH);
    for (uint64_t length = 0; length <= 16; length++) {
        for (uint64_t i = BH_MESSAGE_REGISTERS; i < length; i++) {
            own_ipc_buffer()->words[i] = length * 100 + i;
        }
        const uint64_t word[BH_MESSAGE_REGISTERS] = {length};
        struct bh_message answer = bh_call(shared.endpoint, bh_info(ECHO, length), word);
        CHECK_EQUAL(bh_info_length(answer.info), length);
        CHECK_EQUAL(bh_info_length(shared.message.info), length);
    }
}

static void capabilities_travel_both_ways(void)
{
    (void)start_server(PRIORITY_HIGH);
    shared.cap = new_object(BH_TYPE_NOTIFICATION);
    own_ipc_buffer()->receive_slot = new_slot();
    struct bh_message answer = bh_call(shared.endpoint, bh_info(GIVE_CAP, 1), none);
    CHECK(answer.info & BH_INFO_CAP);
    CHECK_EQUAL(type_of(own_ipc_buffer()->receive_slot), BH_TYPE_NOTIFICATION);
    own_ipc_buffer()->send_cap = shared.cap;
    (void)bh_call(shared.endpoint, bh_info(ECHO, 1) | BH_INFO_CAP, none);
    CHECK(shared.message.info & BH_INFO_CAP);
    CHECK_EQUAL(type_of(shared.receive_slot), BH_TYPE_NOTIFICATION);
}

static void middle(uint64_t argument)
{
    (void)argument;
    note(1);
}

static void low_caller(uint64_t label)
{
    (void)call(label, 0);
    note(3);
}

/* The answer goes to a thread that is not the highest any more. */
static void who_is_ready_in_between_runs_first(void)
{
    (void)start_server(PRIORITY_HIGH);
    shared.helper = thread_prepare(middle, 0, PRIORITY_LOW + 5);
    (void)thread_start(low_caller, RESUME_HELPER, PRIORITY_LOW);
    sleep_us(2000);
    CHECK_EQUAL(shared.order_count, 3);
    CHECK(shared.order[0] == 2 && shared.order[1] == 1 && shared.order[2] == 3);
}

/* A call of a server that is lower than somebody who is ready. */
static void a_low_server_waits_its_turn(void)
{
    (void)start_server(PRIORITY_LOW);
    shared.helper = thread_prepare(middle, 0, PRIORITY_LOW - 5);
    (void)thread_start(middle, 0, PRIORITY_LOW + 5);
    CHECK_EQUAL(shared.order_count, 0);
    (void)call(RESUME_HELPER, 0);
    CHECK_EQUAL(shared.order[0], 1);
    CHECK_EQUAL(shared.order[1], 2);
}

static void waiting_caller(uint64_t id)
{
    struct bh_message answer = bh_call(shared.endpoint, bh_info(id == 0 ? WAIT : ECHO, 1), none);
    shared.status[id] = answer.status;
}

static void callers_in_the_queue_are_served(void)
{
    (void)start_server(PRIORITY_HIGH);
    for (uint64_t id = 0; id < 4; id++) {
        (void)thread_start(waiting_caller, id, PRIORITY_HIGH);
        CHECK_EQUAL(shared.status[id], WAITING);
    }
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    for (uint64_t id = 0; id < 4; id++) {
        CHECK_EQUAL(shared.status[id], BH_OK);
    }
    CHECK_EQUAL(call(ECHO, 5).word[0], 5);
}

static void second_server(uint64_t reply)
{
    (void)bh_recv(shared.endpoint, (bh_cptr)reply);
    note(4);
}

/* The first in the queue goes on by the short way, and the one behind it leaves by another. */
static void the_server_behind_the_called_one_can_leave(void)
{
    (void)start_server(PRIORITY_HIGH);
    struct thread second = thread_start(second_server, new_object(BH_TYPE_REPLY), PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(second.sched_context));
    (void)thread_start(waiting_caller, 0, PRIORITY_HIGH); /* which keeps the first one busy */
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_OK(bh_tcb_suspend(second.tcb));
    CHECK_EQUAL(bh_nb_send(shared.endpoint, 0, none), BH_ERROR_WOULD_BLOCK);
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(shared.status[0], BH_OK);
    CHECK_EQUAL(call(ECHO, 7).word[0], 7);
    CHECK_EQUAL(shared.order_count, 0);
}

/* A server that was given a loan before it became passive still owes the first answer. */
static void a_reply_object_in_use_gives_up_its_caller(void)
{
    struct thread thread = start_server(PRIORITY_HIGH);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    (void)thread_start(waiting_caller, 1, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(shared.endpoint, shared.reply).status, BH_OK); /* taken, and not answered */
    thread = thread_start(server, 0, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK_EQUAL(call(ECHO, 6).word[0], 6);
    CHECK_EQUAL(shared.status[1], BH_ERROR_CANCELLED);
}

static void a_call_that_was_cancelled_is_issued_again(void)
{
    struct thread thread = start_server(PRIORITY_HIGH);
    struct thread caller = thread_start(waiting_caller, 0, PRIORITY_HIGH); /* the server waits for a signal */
    CHECK_OK(bh_tcb_suspend(caller.tcb));
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb)); /* what it was lent went back */
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(shared.status[0], WAITING);
    CHECK_OK(bh_tcb_resume(caller.tcb));
    CHECK_EQUAL(shared.status[0], BH_OK);
}

/* It waits where it was answered in one go with receiving, and whatever its registers are from before. */
static void a_server_that_was_stopped_receives_again(void)
{
    struct thread thread = start_server(PRIORITY_HIGH);
    CHECK_EQUAL(call(ECHO, 7).word[0], 7);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    CHECK_OK(bh_tcb_resume(thread.tcb));
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK_EQUAL(call(ECHO, 8).word[0], 8);
}

static void pending_signals_come_before_calls(void)
{
    struct thread thread = start_server(PRIORITY_HIGH);
    bh_cptr bound = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, bound));
    (void)thread_start(waiting_caller, 0, PRIORITY_HIGH);
    CHECK_EQUAL(bh_signal(new_mint(bound, ALL, 0x10)), BH_OK); /* while the server is busy */
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(shared.status[0], BH_OK);
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb)); /* it has the bits and needs time to look */
    CHECK_EQUAL(shared.message.info, BH_INFO_NOTIFICATION);
    CHECK_EQUAL(shared.message.badge, 0x10);
}

/* --- FP registers --- */

static void fp_caller(uint64_t seed)
{
    fp_fill(seed);
    shared.order[7] = call(USE_FP, 0).word[0];
    shared.status[0] = fp_check(seed);
}

static void start_fp_caller(void)
{
    struct thread thread = thread_prepare(fp_caller, 0x4000, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_set_flags(thread.tcb, BH_TCB_FP));
    thread_resume(&thread);
}

/* The caller's FP registers are open when it calls; the server, which may not use any, must not find them so. */
static void a_server_does_not_see_its_callers_fp_registers(void)
{
    struct thread thread = start_server(PRIORITY_HIGH);
    bh_cptr faults = new_object(BH_TYPE_ENDPOINT);
    bh_cptr fault_reply = new_object(BH_TYPE_REPLY);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_OK(bh_tcb_configure(thread.tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, faults, thread.ipc_frame));
    thread_resume(&thread);
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    start_fp_caller();
    struct bh_message fault = bh_nb_recv(faults, fault_reply);
    CHECK_EQUAL(fault.status, BH_OK);
    CHECK_EQUAL(fault.word[2] >> 26, 0x07);
    CHECK_EQUAL(shared.status[0], WAITING);
}

static void caller_and_server_have_fp_registers_of_their_own(void)
{
    struct thread thread = start_server(PRIORITY_HIGH);
    CHECK_OK(bh_tcb_set_flags(thread.tcb, BH_TCB_FP));
    start_fp_caller();
    CHECK_EQUAL(shared.status[0], 0);
    CHECK_EQUAL(shared.order[7], 0); /* the server's d5 has never been written */
    start_fp_caller();
    CHECK_EQUAL(shared.status[0], 0);
}

TEST_GROUP(ipc_fast, false, TEST_CASE(registers_travel_both_ways), TEST_CASE(rights_still_count),
           TEST_CASE(the_kernels_bits_cannot_be_forged), TEST_CASE(answers_cannot_be_forged_either),
           TEST_CASE(long_and_short_messages_alternate), TEST_CASE(capabilities_travel_both_ways),
           TEST_CASE(who_is_ready_in_between_runs_first), TEST_CASE(a_low_server_waits_its_turn),
           TEST_CASE(callers_in_the_queue_are_served), TEST_CASE(the_server_behind_the_called_one_can_leave),
           TEST_CASE(a_reply_object_in_use_gives_up_its_caller), TEST_CASE(a_call_that_was_cancelled_is_issued_again),
           TEST_CASE(a_server_that_was_stopped_receives_again), TEST_CASE(pending_signals_come_before_calls),
           TEST_CASE(a_server_does_not_see_its_callers_fp_registers),
           TEST_CASE(caller_and_server_have_fp_registers_of_their_own));
