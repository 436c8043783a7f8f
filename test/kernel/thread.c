/* SPDX-License-Identifier: BSD-2-Clause */
/* TCB operations: configuration, registers, suspend and resume, limits of priority. */
#include "harness.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define VSPACE BH_ROOT_SLOT_VSPACE
#define ALL BH_RIGHTS_ALL

static const uint64_t none[BH_MESSAGE_REGISTERS];
static volatile uint64_t count;
static volatile uint64_t status;
static bh_cptr endpoint;
static bh_cptr notification;
static bh_cptr reply;

static void counter(uint64_t argument)
{
    (void)argument;
    for (;;) {
        count++;
    }
}

static void tcb_configure_checks_its_arguments(void)
{
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    bh_cptr frame = new_frame();
    endpoint = new_object(BH_TYPE_ENDPOINT);
    CHECK_ERROR(bh_tcb_configure(tcb, frame, VSPACE, 0, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_tcb_configure(tcb, 0, VSPACE, 0, 0), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, CNODE, 0, 0), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, new_object(BH_TYPE_GUEST_SPACE), 0, 0), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, VSPACE, frame, 0), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, VSPACE, new_copy(endpoint, BH_RIGHT_WRITE), 0), BH_ERROR_RIGHTS, 3);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, VSPACE, new_copy(endpoint, BH_RIGHT_CALL), 0), BH_ERROR_RIGHTS, 3);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, VSPACE, 0, endpoint), BH_ERROR_INVALID_CAPABILITY, 4);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, VSPACE, 0, new_sized(BH_TYPE_FRAME, 21)), BH_ERROR_INVALID_ARGUMENT, 4);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, VSPACE, 0, new_copy(frame, BH_RIGHT_READ)), BH_ERROR_RIGHTS, 4);
    CHECK_OK(bh_tcb_configure(tcb, CNODE, VSPACE, endpoint, frame));
    CHECK_OK(bh_tcb_configure(tcb, CNODE, VSPACE, 0, 0));
}

/* The kernel writes into IPC buffers: a device's registers must not become one. */
static void device_memory_is_no_ipc_buffer(void)
{
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    CHECK_ERROR(bh_tcb_configure(tcb, CNODE, VSPACE, 0, new_device_frame(0x09010000)), BH_ERROR_INVALID_ARGUMENT, 4);
}

static void a_running_thread_is_not_configured(void)
{
    struct thread thread = thread_start(counter, 0, PRIORITY_LOW);
    CHECK_ERROR(bh_tcb_configure(thread.tcb, CNODE, VSPACE, 0, 0), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_ERROR(bh_tcb_write_registers(thread.tcb, 0, 0, 0, 0, 0, 0), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_ERROR(bh_tcb_read_registers(thread.tcb, 0), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_ERROR(bh_tcb_configure(test_tcb, CNODE, VSPACE, 0, 0), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_OK(bh_tcb_configure(thread.tcb, CNODE, VSPACE, test_faults, 0));
    CHECK_OK(bh_tcb_read_registers(thread.tcb, 0));
}

static void resume_needs_a_vspace(void)
{
    CHECK_ERROR(bh_tcb_resume(new_object(BH_TYPE_TCB)), BH_ERROR_ILLEGAL_OPERATION, 0);
}

static void written_registers_can_be_read(void)
{
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    CHECK_OK(bh_tcb_write_registers(tcb, 0x1000, 0x2000, 10, 11, 12, 0x3000));
    struct bh_result result = CHECK_OK(bh_tcb_read_registers(tcb, 0));
    CHECK(result.value[0] == 10 && result.value[1] == 11 && result.value[2] == 12 && result.value[3] == 0);
    result = CHECK_OK(bh_tcb_read_registers(tcb, 31));
    CHECK_EQUAL(result.value[0], 0x2000);
    CHECK_EQUAL(result.value[1], 0x1000);
    CHECK_EQUAL(result.value[3], 0x3000);
    CHECK_ERROR(bh_tcb_read_registers(tcb, 35), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_tcb_read_registers(tcb, UINT64_MAX), BH_ERROR_RANGE, 1);
    result = CHECK_OK(bh_tcb_read_registers(tcb, 34));
    CHECK_EQUAL(result.value[0], 0x3000);
    CHECK_EQUAL(result.value[1], 0);
}

/* No value of pc, sp or pstate gets a thread out of EL0. */
static void registers_cannot_raise_the_exception_level(void)
{
    struct thread thread = thread_prepare(counter, 0, PRIORITY_LOW);
    uint64_t pstate = CHECK_OK(bh_tcb_read_registers(thread.tcb, 33)).value[0];
    CHECK_EQUAL(pstate & 0x1f, 0);
}

static void suspend_stops_and_resume_goes_on(void)
{
    count = 0;
    struct thread thread = thread_start(counter, 0, PRIORITY_LOW);
    sleep_us(3000);
    CHECK(count > 0);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    uint64_t seen = count;
    sleep_us(3000);
    CHECK_EQUAL(count, seen);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    thread_resume(&thread);
    sleep_us(3000);
    CHECK(count > seen);
    thread_resume(&thread); /* of a running thread: nothing happens */
}

static void receiver(uint64_t argument)
{
    (void)argument;
    struct bh_message message = bh_recv(endpoint, reply);
    status = message.status;
    count = message.word[0];
}

static void sender(uint64_t value)
{
    const uint64_t word[BH_MESSAGE_REGISTERS] = {value};
    status = bh_send(endpoint, bh_info(0, 1), word);
}

static void caller(uint64_t value)
{
    const uint64_t word[BH_MESSAGE_REGISTERS] = {value};
    struct bh_message message = bh_call(endpoint, bh_info(0, 1), word);
    status = message.status;
    count = message.word[0];
}

static void waiter(uint64_t argument)
{
    (void)argument;
    uint64_t bits;
    status = bh_wait(notification, &bits);
    count = bits;
}

static void setup(void)
{
    endpoint = new_object(BH_TYPE_ENDPOINT);
    notification = new_object(BH_TYPE_NOTIFICATION);
    reply = new_object(BH_TYPE_REPLY);
    status = UINT64_MAX;
    count = 0;
}

static void a_suspended_receive_is_restarted(void)
{
    setup();
    struct thread thread = thread_start(receiver, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_EQUAL(bh_nb_send(endpoint, bh_info(0, 1), none), BH_ERROR_WOULD_BLOCK);
    thread_resume(&thread);
    const uint64_t word[BH_MESSAGE_REGISTERS] = {77};
    CHECK_EQUAL(bh_nb_send(endpoint, bh_info(0, 1), word), BH_OK);
    CHECK_EQUAL(status, BH_OK);
    CHECK_EQUAL(count, 77);
}

static void a_suspended_send_is_restarted(void)
{
    setup();
    struct thread thread = thread_start(sender, 88, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_EQUAL(bh_nb_recv(endpoint, 0).status, BH_ERROR_WOULD_BLOCK);
    thread_resume(&thread);
    CHECK_EQUAL(bh_nb_recv(endpoint, 0).word[0], 88);
    CHECK_EQUAL(status, BH_OK);
}

static void a_suspended_call_is_made_again(void)
{
    setup();
    struct thread thread = thread_start(caller, 99, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(endpoint, reply).word[0], 99);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_EQUAL(bh_send(reply, bh_info(0, 1), none), BH_OK); /* nobody waits */
    CHECK_EQUAL(status, UINT64_MAX);
    thread_resume(&thread);
    CHECK_EQUAL(bh_recv(endpoint, reply).word[0], 99);
    const uint64_t word[BH_MESSAGE_REGISTERS] = {100};
    CHECK_EQUAL(bh_send(reply, bh_info(0, 1), word), BH_OK);
    CHECK_EQUAL(status, BH_OK);
    CHECK_EQUAL(count, 100);
}

static void a_suspended_wait_is_restarted(void)
{
    setup();
    struct thread thread = thread_start(waiter, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_EQUAL(bh_signal(notification), BH_OK);
    CHECK_EQUAL(status, UINT64_MAX);
    thread_resume(&thread);
    CHECK_EQUAL(status, BH_OK);
    CHECK_EQUAL(count, 1);
}

static void a_thread_can_suspend_itself(void)
{
    count = 0;
    struct thread thread = thread_start(sender, 0, PRIORITY_LOW);
    delete_cap(thread.tcb);
    struct thread other = thread_prepare(counter, 0, PRIORITY_LOW);
    CHECK_OK(bh_tcb_suspend(other.tcb));
    thread_resume(&other);
    sleep_us(2000);
    CHECK(count > 0);
}

static void self_deleter(uint64_t tcb)
{
    count = 1;
    (void)bh_cnode_delete(CNODE, tcb);
    count = 2;
}

static void a_thread_can_delete_itself(void)
{
    count = 0;
    struct thread thread = thread_prepare(self_deleter, 0, PRIORITY_HIGH);
    thread_aim(&thread, self_deleter, thread.tcb);
    thread_resume(&thread);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(type_of(thread.tcb), BH_TYPE_NULL);
}

static void priorities_are_checked(void)
{
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    CHECK_ERROR(bh_tcb_set_priority(tcb, BH_PRIORITY_MAX + 1, 0), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_tcb_set_priority(tcb, UINT64_MAX, 0), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_tcb_set_priority(tcb, 0, BH_PRIORITY_MAX + 1), BH_ERROR_RANGE, 2);
    CHECK_OK(bh_tcb_set_priority(tcb, BH_PRIORITY_MAX, BH_PRIORITY_MAX));
}

static struct bh_result attempts[4];

static void limited(uint64_t tcb)
{
    attempts[0] = bh_tcb_set_priority(tcb, 91, 0);
    attempts[1] = bh_tcb_set_priority(tcb, 90, 91);
    attempts[2] = bh_tcb_set_priority(tcb, 90, 90);
    attempts[3] = bh_tcb_set_priority(tcb, 0, 0);
}

static void nobody_sets_priorities_above_its_own_limit(void)
{
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    struct thread thread = thread_prepare(limited, tcb, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_set_priority(thread.tcb, PRIORITY_HIGH, 90));
    thread_resume(&thread);
    CHECK_ERROR(attempts[0], BH_ERROR_RANGE, 1);
    CHECK_ERROR(attempts[1], BH_ERROR_RANGE, 2);
    CHECK_OK(attempts[2]);
    CHECK_OK(attempts[3]);
}

static void unknown_flags_are_refused(void)
{
    bh_cptr tcb = new_object(BH_TYPE_TCB);
    CHECK_ERROR(bh_tcb_set_flags(tcb, 2), BH_ERROR_INVALID_ARGUMENT, 1);
    CHECK_ERROR(bh_tcb_set_flags(tcb, UINT64_MAX), BH_ERROR_INVALID_ARGUMENT, 1);
    CHECK_OK(bh_tcb_set_flags(tcb, BH_TCB_FP));
    CHECK_OK(bh_tcb_set_flags(tcb, 0));
}

static void deleting_a_running_thread_stops_it(void)
{
    count = 0;
    struct thread thread = thread_start(counter, 0, PRIORITY_LOW);
    sleep_us(2000);
    CHECK(count > 0);
    delete_cap(thread.tcb);
    uint64_t seen = count;
    sleep_us(2000);
    CHECK_EQUAL(count, seen);
    /* Its scheduling context is free for another. */
    struct thread other = thread_prepare(counter, 0, PRIORITY_LOW);
    CHECK_OK(bh_sched_context_unbind(other.sched_context));
    CHECK_OK(bh_sched_context_bind(thread.sched_context, other.tcb));
}

TEST_GROUP(thread, false, TEST_CASE(tcb_configure_checks_its_arguments), TEST_CASE(device_memory_is_no_ipc_buffer),
           TEST_CASE(a_running_thread_is_not_configured), TEST_CASE(resume_needs_a_vspace),
           TEST_CASE(written_registers_can_be_read), TEST_CASE(registers_cannot_raise_the_exception_level),
           TEST_CASE(suspend_stops_and_resume_goes_on), TEST_CASE(a_suspended_receive_is_restarted),
           TEST_CASE(a_suspended_send_is_restarted), TEST_CASE(a_suspended_call_is_made_again),
           TEST_CASE(a_suspended_wait_is_restarted), TEST_CASE(a_thread_can_suspend_itself),
           TEST_CASE(a_thread_can_delete_itself), TEST_CASE(priorities_are_checked),
           TEST_CASE(nobody_sets_priorities_above_its_own_limit), TEST_CASE(unknown_flags_are_refused),
           TEST_CASE(deleting_a_running_thread_stops_it));
