/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals, deadlines, and the clock's alarm, which is one. */
#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define RTC(offset) (GUEST_PL031_BASE + (offset))
#define RTC_BIT     (UINT32_C(1) << (GUEST_INTID_PL031 - 32))

static unsigned order[16];
static unsigned order_count;

struct alarm {
    struct vm_timer timer;
    unsigned number;
    bool again; /* arms itself for the past */
};

static void expired(void *device)
{
    struct alarm *alarm = device;
    if (order_count < 16) {
        order[order_count++] = alarm->number;
    }
    if (alarm->again) {
        vm_timer_arm(&vm, &alarm->timer, 0);
    }
}

static struct alarm make(unsigned number)
{
    return (struct alarm){.timer = {.expired = expired}, .number = number};
}

static void test_timers(void)
{
    machine_reset();
    order_count = 0;
    struct alarm a = make(1), b = make(2), c = make(3);
    a.timer.device = &a, b.timer.device = &b, c.timer.device = &c;
    vm_timer_arm(&vm, &b.timer, 3000);
    vm_timer_arm(&vm, &a.timer, 2000);
    vm_timer_arm(&vm, &c.timer, 4000);
    CHECK_EQUAL(machine_deadline, 2000);
    unsigned arms = machine_arms;
    vm_timer_arm(&vm, &c.timer, 5000); /* not the first: nothing to tell the kernel */
    CHECK_EQUAL(machine_arms, arms);
    machine_time(3500);
    CHECK_EQUAL(order_count, 2);
    CHECK(order[0] == 1 && order[1] == 2);
    CHECK_EQUAL(machine_deadline, 5000);
    vm_timer_arm(&vm, &c.timer, 4000);
    vm_timer_arm(&vm, &a.timer, 4500);
    vm_timer_disarm(&vm, &c.timer);
    vm_timer_disarm(&vm, &c.timer);
    CHECK_EQUAL(machine_deadline, 4500);
    machine_time(10000);
    CHECK_EQUAL(order_count, 3);
    CHECK_EQUAL(order[2], 1);
    CHECK_EQUAL(machine_deadline, UINT64_MAX);
}

static void test_bounded(void)
{
    machine_reset();
    struct alarm a = make(1);
    a.timer.device = &a;
    a.again = true;
    vm_timer_arm(&vm, &a.timer, 0);
    vm_signalled(&vm, BH_SIGNAL_TIMER); /* returns */
    CHECK(a.timer.armed);
    CHECK_EQUAL(machine_deadline, 0);
}

static uint64_t seen;

static void handler(void *device, uint64_t bits)
{
    CHECK(device == &seen);
    seen |= bits;
}

static void test_signals(void)
{
    machine_reset();
    CHECK(vm_on_signal(&vm, 0x700, handler, &seen));
    vm_signalled(&vm, 0x1200);
    CHECK_EQUAL(seen, 0x200);
    vm_signalled(&vm, 0x1000);
    CHECK_EQUAL(seen, 0x200);
    unsigned count = vm.signal_count;
    while (vm_on_signal(&vm, 0x100, handler, &seen)) {
        count++;
    }
    CHECK_EQUAL(count, VM_SIGNAL_HANDLERS);
    vm_signalled(&vm, UINT64_MAX);
    CHECK_EQUAL(seen, 0x700);
}

static void test_clock(void)
{
    machine_reset();
    const uint64_t start = 1000000000;
    CHECK_EQUAL(guest_read(RTC(0), 4), start);
    machine_time(bh_test_ticks + 2500000);
    CHECK_EQUAL(guest_read(RTC(0), 4), start + 2);
    guest_write(RTC(4), 4, start + 5);
    machine_time(bh_test_ticks + 2400000);
    CHECK_EQUAL(guest_read(RTC(0x14), 4), 0);
    machine_time(bh_test_ticks + 200000);
    CHECK_EQUAL(guest_read(RTC(0), 4), start + 5);
    CHECK_EQUAL(guest_read(RTC(0x14), 4), 1);
    CHECK_EQUAL(guest_read(RTC(0x18), 4), 0);
    CHECK_EQUAL(vm.gic.word[1].line & RTC_BIT, 0);
    guest_write(RTC(0x10), 4, 1); /* it is not lost because it was masked when it came */
    CHECK_EQUAL(vm.gic.word[1].line & RTC_BIT, RTC_BIT);
    CHECK_EQUAL(guest_read(RTC(0x18), 4), 1);
    guest_write(RTC(0x1c), 4, 1);
    CHECK_EQUAL(vm.gic.word[1].line & RTC_BIT, 0);
    guest_write(RTC(8), 4, 7); /* set the clock */
    CHECK_EQUAL(guest_read(RTC(0), 4), 7);
    CHECK_EQUAL(guest_read(RTC(8), 4), 7);
    guest_write(RTC(4), 4, 7); /* now */
    CHECK_EQUAL(guest_read(RTC(0x14), 4), 1);
    guest_write(RTC(0x10), 4, 0);
    CHECK_EQUAL(vm.gic.word[1].line & RTC_BIT, 0);
    CHECK_EQUAL(guest_read(RTC(0xfe0), 4), 0x31);
    CHECK_EQUAL(guest_read(RTC(0xfe4), 4), 0x10);
    CHECK_EQUAL(guest_read(RTC(0xc), 4), 1);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t random = machine_random();
        unsigned bytes = 1u << (random & 3);
        uint64_t offset = (random >> 2 & 0x1f) & ~(uint64_t)(bytes - 1);
        guest_write(RTC(offset), bytes, random >> 20);
        guest_read(RTC(offset), bytes);
        machine_time(bh_test_ticks + (random >> 42));
    }
}

int main(void)
{
    test_timers();
    test_bounded();
    test_signals();
    test_clock();
    return 0;
}
