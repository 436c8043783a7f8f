/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults whose handler has no time of its own, which the kernel hands over a short way: whatever would make the general
 * way (fault.c) do something else must make it here too.
 */
#include "harness.h"

#include "fault_stubs.h"

#define RW (BH_RIGHT_READ | BH_RIGHT_WRITE)
#define BADGE 0xfa
#define WORK_US 300u

static struct {
    bh_cptr endpoint, reply, frame, notification;
    struct thread handler;
    volatile uint64_t answer; /* the label of the handler's answers */
    volatile bool wait;       /* the handler waits for a signal before it answers */
    volatile uint64_t handled, done, fp_changed;
    struct bh_message message; /* what it got last */
} shared;

/* Maps what is missing, and answers with words that nobody should see. */
static void handler(uint64_t argument)
{
    static const uint64_t junk[BH_MESSAGE_REGISTERS] = {91, 92, 93, 94, 95, 96, 97, 98};
    uint64_t bits;
    (void)argument;
    struct bh_message message = bh_recv(shared.endpoint, shared.reply);
    for (;;) {
        shared.message = message;
        shared.handled++;
        if (shared.wait) {
            (void)bh_wait(shared.notification, &bits);
        }
        spin_us(WORK_US);
        if (bh_info_label(message.info & ~BH_INFO_FAULT) == BH_FAULT_VM) {
            (void)bh_frame_map(shared.frame, BH_ROOT_SLOT_VSPACE, message.word[1] & ~(BH_PAGE_SIZE - 1), RW, 0);
        }
        uint64_t info = bh_info((uint32_t)shared.answer, BH_MESSAGE_REGISTERS);
        message = bh_reply_recv(shared.endpoint, info, junk, shared.reply);
    }
}

static void start_handler(uint64_t priority)
{
    memset(&shared, 0, sizeof(shared));
    shared.endpoint = new_object(BH_TYPE_ENDPOINT);
    shared.reply = new_object(BH_TYPE_REPLY);
    shared.notification = new_object(BH_TYPE_NOTIFICATION);
    shared.frame = new_frame();
    *(uint64_t *)map_frame(new_copy(shared.frame, BH_RIGHTS_ALL), RW) = 0x77;
    shared.handler = thread_start(handler, 0, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(shared.handler.sched_context));
    CHECK_OK(bh_tcb_set_priority(shared.handler.tcb, priority, BH_PRIORITY_MAX));
}

static struct thread start(void (*entry)(uint64_t), uint64_t argument)
{
    bh_cptr badged = new_mint(shared.endpoint, BH_RIGHT_WRITE | BH_RIGHT_CALL, BADGE);
    return thread_start_faulting(entry, argument, PRIORITY_HIGH, badged);
}

static void check_fault(uint64_t label)
{
    CHECK_EQUAL(shared.message.status, BH_OK);
    CHECK_EQUAL(shared.message.info, BH_INFO_FAULT | bh_info((uint32_t)label, 3));
    CHECK_EQUAL(shared.message.badge, BADGE);
}

static void reader(uint64_t address)
{
    CHECK_EQUAL(fault_load(address), 0x77);
    shared.done++;
}

static void caller(uint64_t number)
{
    fault_system_call(number);
    shared.done++;
}

static void undefiner(uint64_t argument)
{
    (void)argument;
    fault_undefined();
    shared.done++;
}

static void the_handler_is_told_and_the_thread_goes_on(void)
{
    start_handler(PRIORITY_HIGH);
    for (uint64_t round = 1; round <= 3; round++) {
        uint64_t address = window_page();
        (void)start(reader, address);
        CHECK_EQUAL(shared.done, round);
        CHECK_EQUAL(shared.handled, round);
        check_fault(BH_FAULT_VM);
        CHECK_EQUAL(shared.message.word[0], fault_load_at);
        CHECK_EQUAL(shared.message.word[1], address);
        CHECK_OK(bh_frame_unmap(shared.frame));
    }
}

static void registers_are_left_alone(void)
{
    start_handler(PRIORITY_HIGH);
    uint64_t address = window_page();
    (void)start((void (*)(uint64_t))fault_keep_registers, address);
    CHECK_EQUAL(shared.message.word[1], address);
    CHECK_EQUAL(((volatile uint64_t *)address)[1], 1);
}

static void an_unknown_system_call_goes_on_behind_it(void)
{
    start_handler(PRIORITY_HIGH);
    (void)start(caller, BH_SYS_COUNT + 5);
    check_fault(BH_FAULT_SYSCALL);
    CHECK_EQUAL(shared.message.word[0], fault_system_call_after);
    CHECK_EQUAL(shared.message.word[1], BH_SYS_COUNT + 5);
    CHECK_EQUAL(shared.done, 1);
}

static void an_answer_with_a_label_stops_the_thread(void)
{
    start_handler(PRIORITY_HIGH);
    shared.answer = 1;
    struct thread thread = start(undefiner, 0);
    check_fault(BH_FAULT_EXCEPTION);
    CHECK_EQUAL(shared.message.word[0], fault_undefined_at);
    CHECK_EQUAL(shared.done, 0);
    CHECK_EQUAL(CHECK_OK(bh_tcb_read_registers(thread.tcb, 32)).value[0], fault_undefined_at);
    /* Its time is its own again, and the handler waits for the next. */
    CHECK_EQUAL(bh_sched_context_bind(thread.sched_context, shared.handler.tcb).error, BH_ERROR_BUSY);
    shared.answer = 0;
    (void)start(reader, window_page());
    CHECK_EQUAL(shared.handled, 2);
    CHECK_EQUAL(shared.done, 1);
}

static void the_handler_works_in_the_time_of_who_faults(void)
{
    start_handler(PRIORITY_HIGH);
    struct thread thread = start(reader, window_page());
    CHECK_EQUAL(shared.done, 1);
    CHECK(CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0] >= ticks_from_us(WORK_US));
}

static void a_low_handler_waits_its_turn(void)
{
    start_handler(PRIORITY_LOW);
    (void)start(reader, window_page());
    CHECK_EQUAL(shared.handled, 0);
    sleep_us(5 * WORK_US);
    CHECK_EQUAL(shared.handled, 1);
    CHECK_EQUAL(shared.done, 1);
}

static void a_handler_at_work_gets_the_next_fault_later(void)
{
    start_handler(PRIORITY_HIGH);
    shared.wait = true;
    (void)start(caller, BH_SYS_COUNT);
    (void)start(caller, BH_SYS_COUNT + 1);
    CHECK_EQUAL(shared.handled, 1);
    shared.wait = false;
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_EQUAL(shared.handled, 2);
    CHECK_EQUAL(shared.done, 2);
}

/* Suspended while the handler is at work, it gets its time back; resumed, it runs into the fault again. */
static void a_fault_in_hand_is_raised_again_after_a_suspend(void)
{
    start_handler(PRIORITY_HIGH);
    shared.wait = true;
    struct thread thread = start(reader, window_page());
    CHECK_EQUAL(shared.handled, 1);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_EQUAL(CHECK_OK(bh_tcb_read_registers(thread.tcb, 32)).value[0], fault_load_at);
    /* The handler ends what it was at, in time that it is given for that, and is passive again. */
    CHECK_OK(bh_sched_context_bind(shared.handler.sched_context, shared.handler.tcb));
    shared.answer = 1;
    CHECK_EQUAL(bh_signal(shared.notification), BH_OK);
    CHECK_OK(bh_sched_context_unbind(shared.handler.sched_context));
    CHECK_EQUAL(shared.handled, 1);
    CHECK_OK(bh_frame_unmap(shared.frame));
    shared.answer = 0;
    shared.wait = false;
    thread_resume(&thread);
    CHECK_EQUAL(shared.handled, 2);
    CHECK_EQUAL(shared.done, 1);
}

static void fp_reader(uint64_t address)
{
    fp_fill(0x4000);
    reader(address);
    shared.fp_changed = fp_check(0x4000);
    shared.done++;
}

/* They are open when the thread faults; the handler may not use any. */
static void fp_registers_are_left_alone(void)
{
    start_handler(PRIORITY_HIGH);
    bh_cptr badged = new_mint(shared.endpoint, BH_RIGHT_WRITE | BH_RIGHT_CALL, BADGE);
    struct thread thread = thread_prepare(fp_reader, window_page(), PRIORITY_HIGH);
    CHECK_OK(bh_tcb_configure(thread.tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, badged, thread.ipc_frame));
    CHECK_OK(bh_tcb_set_flags(thread.tcb, BH_TCB_FP));
    thread_resume(&thread);
    CHECK_EQUAL(shared.done, 2);
    CHECK_EQUAL(shared.fp_changed, 0);
}

TEST_GROUP(fault_fast, false, TEST_CASE(the_handler_is_told_and_the_thread_goes_on),
           TEST_CASE(registers_are_left_alone), TEST_CASE(an_unknown_system_call_goes_on_behind_it),
           TEST_CASE(an_answer_with_a_label_stops_the_thread), TEST_CASE(the_handler_works_in_the_time_of_who_faults),
           TEST_CASE(a_low_handler_waits_its_turn), TEST_CASE(a_handler_at_work_gets_the_next_fault_later),
           TEST_CASE(a_fault_in_hand_is_raised_again_after_a_suspend), TEST_CASE(fp_registers_are_left_alone));
