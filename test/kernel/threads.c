/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and time of the running case. */
#include "harness.h"

#include "supervise.h"

#define STACK_SIZE 8192
#define STACK_COUNT 40
#define TIME_SLICE_US 1000

static _Alignas(16) uint8_t stacks[STACK_COUNT][STACK_SIZE];
static uint64_t stack_next;
static bh_cptr sleep_notification;

void threads_reset(void)
{
    stack_next = 0;
    sleep_notification = 0;
}

void thread_finish(bh_cptr tcb);
void thread_finish(bh_cptr tcb)
{
    (void)bh_tcb_suspend(tcb);
}

void thread_aim(const struct thread *thread, void (*entry)(uint64_t argument), uint64_t argument)
{
    CHECK_OK(bh_tcb_write_registers(thread->tcb, (uint64_t)thread_trampoline, thread->stack_top, argument,
                                    (uint64_t)entry, thread->tcb, (uint64_t)thread->ipc_buffer));
}

static struct thread prepare(void (*entry)(uint64_t argument), uint64_t argument, uint64_t priority,
                             bh_cptr fault_endpoint)
{
    CHECK(stack_next < STACK_COUNT);
    struct thread thread = {.tcb = new_object(BH_TYPE_TCB),
                            .sched_context = new_object(BH_TYPE_SCHED_CONTEXT),
                            .ipc_frame = new_frame(),
                            .stack_top = (uint64_t)&stacks[stack_next][STACK_SIZE]};
    stack_next++;
    thread.ipc_buffer = map_frame(thread.ipc_frame, BH_RIGHT_READ | BH_RIGHT_WRITE);
    CHECK_OK(
        bh_tcb_configure(thread.tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, fault_endpoint, thread.ipc_frame));
    CHECK_OK(bh_tcb_set_priority(thread.tcb, priority, BH_PRIORITY_MAX));
    uint64_t slice = ticks_from_us(TIME_SLICE_US);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, thread.sched_context, slice, slice));
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    thread_aim(&thread, entry, argument);
    return thread;
}

struct thread thread_prepare(void (*entry)(uint64_t argument), uint64_t argument, uint64_t priority)
{
    return prepare(entry, argument, priority, test_faults);
}

struct thread thread_start(void (*entry)(uint64_t argument), uint64_t argument, uint64_t priority)
{
    return thread_start_faulting(entry, argument, priority, test_faults);
}

struct thread thread_start_faulting(void (*entry)(uint64_t argument), uint64_t argument, uint64_t priority,
                                    bh_cptr endpoint)
{
    struct thread thread = prepare(entry, argument, priority, endpoint);
    thread_resume(&thread);
    return thread;
}

void thread_resume(const struct thread *thread)
{
    CHECK_OK(bh_tcb_resume(thread->tcb));
}

struct bh_ipc_buffer *own_ipc_buffer(void)
{
    uint64_t address;
    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(address));
    return (struct bh_ipc_buffer *)address;
}

uint64_t ticks_now(void)
{
    uint64_t now;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(now) : : "memory");
    return now;
}

uint64_t ticks_from_us(uint64_t us)
{
    return us * (boot_info->timer_frequency / 1000) / 1000;
}

void sleep_us(uint64_t us)
{
    if (sleep_notification == 0) {
        sleep_notification = new_object(BH_TYPE_NOTIFICATION);
    }
    CHECK_OK(bh_notification_arm(sleep_notification, ticks_now() + ticks_from_us(us), 1));
    uint64_t bits;
    CHECK_EQUAL(bh_wait(sleep_notification, &bits), BH_OK);
}

void spin_us(uint64_t us)
{
    uint64_t end = ticks_now() + ticks_from_us(us);
    while (ticks_now() < end) {
    }
}
