/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An interrupt of a device, until the thread that waits for it runs. The device is the PL031 of QEMU's virt machine:
 * its alarm comes at once when the match register is set to the present second, or a second after it was set to the
 * next.
 */
#include "test/bench/kernel_bench.h"

#include "test/bench/bench_program.h"

#define RTC_ADDRESS UINT64_C(0x09010000)
#define RTC_INTID 34
#define RTC_DATA 0x0
#define RTC_MATCH 0x4
#define RTC_MASK 0x10
#define RTC_CLEAR 0x1c

#define IDLE_ROUNDS 6 /* seconds: the harness ends a case after eight */

static uint64_t rtc;
static bh_cptr frame, handler, notification;

static void setup(void)
{
    frame = new_device_frame(RTC_ADDRESS);
    rtc = (uint64_t)map_frame(new_copy(frame, BH_RIGHTS_ALL), BH_RIGHT_READ | BH_RIGHT_WRITE);
    write32(rtc + RTC_MASK, 1);
    write32(rtc + RTC_CLEAR, 1);
    handler = new_slot();
    CHECK_OK(bh_irq_control_get(BH_ROOT_SLOT_IRQ_CONTROL, RTC_INTID, 0, BH_ROOT_SLOT_CNODE, handler));
    notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_irq_handler_bind(handler, notification));
}

static void acknowledge(void)
{
    write32(rtc + RTC_CLEAR, 1);
    (void)bh_irq_handler_ack(handler);
}

static void interrupt_while_idle(void)
{
    setup();
    uint64_t bits;
    for (unsigned round = 0; round < IDLE_ROUNDS; round++) {
        write32(rtc + RTC_MATCH, (uint32_t)read32(rtc + RTC_DATA) + 1);
        MARKED(interrupt_idle, (void)bh_wait(notification, &bits));
        acknowledge();
    }
}

/* The guest sets the alarm, so that the interrupt finds it running. */
static void interrupt_of_a_guest(void)
{
    setup();
    static struct guest_thread runner;
    static struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), guest.space, RTC_ADDRESS));
    }
    CHECK_OK(bh_frame_map(frame, guest.space, RTC_ADDRESS, BH_RIGHT_READ | BH_RIGHT_WRITE, 0));
    bench_program_aim(&guest, bench_program_alarm);
    guest.frame->x[1] = RTC_ADDRESS;
    thread_resume(&runner.thread);
    uint64_t bits;
    (void)bh_wait(notification, &bits);
    MEASURE(interrupt_guest_round, {
        acknowledge();
        (void)bh_wait(notification, &bits);
    });
    CHECK_EQUAL(runner.reason, UINT64_MAX);
}

TEST_GROUP(interrupt, false, TEST_CASE(interrupt_while_idle), TEST_CASE(interrupt_of_a_guest));
