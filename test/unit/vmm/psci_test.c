/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI 1.1 and SMCCC as a guest calls them. */
#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define NOT_SUPPORTED      ((uint64_t)-1)
#define INVALID_PARAMETERS ((uint64_t)-2)
#define ALREADY_ON         ((uint64_t)-4)
#define ON_PENDING         ((uint64_t)-5)
#define INVALID_ADDRESS    ((uint64_t)-9)

#define ENTRY (GUEST_RAM_BASE + 0x80000)

static uint64_t call(uint64_t reason, uint64_t function, uint64_t x1, uint64_t x2)
{
    uint64_t pc = frame->pc;
    frame->x[0] = function;
    frame->x[1] = x1;
    frame->x[2] = x2;
    frame->x[4] = 0x1234;
    vm_exit(&vm, &vm.vcpu[machine_cpu], reason);
    CHECK_EQUAL(frame->pc, pc); /* the kernel has moved it */
    CHECK_EQUAL(frame->x[1], x1);
    CHECK_EQUAL(frame->x[2], x2);
    CHECK_EQUAL(frame->x[4], 0x1234);
    return frame->x[0];
}

static uint64_t hvc(uint64_t function, uint64_t x1)
{
    return call(BH_EXIT_HVC, function, x1, 0);
}

static void test_queries(void)
{
    machine_reset();
    CHECK_EQUAL(hvc(0x84000000, 0), 0x10001);
    CHECK_EQUAL(call(BH_EXIT_SMC, 0x84000000, 0, 0), 0x10001);
    CHECK_EQUAL(hvc(UINT64_C(0xdead000084000000), 0), 0x10001); /* the function is W0 */
    CHECK_EQUAL(hvc(0x84000006, 0), 2);
    CHECK_EQUAL(hvc(0x80000000, 0), 0x10001);
    CHECK_EQUAL(hvc(0x80000001, 0x80000000), 0);
    CHECK_EQUAL(hvc(0x80000001, 0x80008000), NOT_SUPPORTED);
    for (uint32_t function = 0; function < 0x20; function++) {
        bool known = function <= 0x0a && function != 5 && function != 7;
        bool known64 = function == 1 || function == 3 || function == 4;
        CHECK_EQUAL(hvc(0x8400000a, 0x84000000 + function), known ? 0 : NOT_SUPPORTED);
        CHECK_EQUAL(hvc(0x8400000a, 0xc4000000 + function), known64 ? 0 : NOT_SUPPORTED);
    }
    CHECK_EQUAL(hvc(0x8400000a, 0x80000000), 0);
    CHECK_EQUAL(hvc(0x84000012, 0), NOT_SUPPORTED); /* SYSTEM_RESET2 */
    CHECK_EQUAL(hvc(0xc4000012, 0), NOT_SUPPORTED);
    CHECK_EQUAL(hvc(0, 0), NOT_SUPPORTED);
    CHECK_EQUAL(hvc(0xc4000000, 0), NOT_SUPPORTED);
    CHECK_EQUAL(hvc(UINT64_MAX, 0), NOT_SUPPORTED);
    CHECK_EQUAL(vm.stop_event, 0);
}

static void test_processors(void)
{
    machine_reset();
    CHECK_EQUAL(hvc(0xc4000003, 0), ALREADY_ON);
    CHECK_EQUAL(hvc(0x84000003, 0), ALREADY_ON);
    CHECK_EQUAL(hvc(0xc4000003, 1), INVALID_PARAMETERS);
    CHECK_EQUAL(hvc(0xc4000003, UINT64_C(1) << 32), INVALID_PARAMETERS);
    CHECK_EQUAL(hvc(0x84000003, UINT64_C(1) << 32), ALREADY_ON); /* 32-bit arguments */
    CHECK_EQUAL(hvc(0xc4000004, 0), 0);
    CHECK_EQUAL(hvc(0xc4000004, UINT64_MAX), INVALID_PARAMETERS);
    CHECK_EQUAL(call(BH_EXIT_HVC, 0xc4000004, 0, 1), INVALID_PARAMETERS);
    CHECK_EQUAL(hvc(0xc4000001, 0), 0);
    CHECK_EQUAL(hvc(0xc4000001, 1 << 16), INVALID_PARAMETERS);
    CHECK_EQUAL(vm.stop_event, 0);
    hvc(0x84000002, 0);
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_OFF);
}

static uint64_t cpu_on(uint64_t target, uint64_t entry)
{
    frame->x[3] = 0x7777;
    return call(BH_EXIT_HVC, 0xc4000003, target, entry);
}

static void test_turning_on(void)
{
    machine_reset_with(4);
    CHECK_EQUAL(hvc(0xc4000004, 1), 1);
    CHECK_EQUAL(cpu_on(4, ENTRY), INVALID_PARAMETERS);
    CHECK_EQUAL(cpu_on(0x100, ENTRY), INVALID_PARAMETERS);
    CHECK_EQUAL(cpu_on(UINT64_C(1) << 32 | 1, ENTRY), INVALID_PARAMETERS);
    CHECK_EQUAL(cpu_on(UINT64_MAX, ENTRY), INVALID_PARAMETERS);
    CHECK_EQUAL(cpu_on(0, 1), ALREADY_ON);
    CHECK_EQUAL(cpu_on(1, 0), INVALID_ADDRESS);
    CHECK_EQUAL(cpu_on(1, GUEST_PL011_BASE), INVALID_ADDRESS);
    CHECK_EQUAL(cpu_on(1, ENTRY + 2), INVALID_ADDRESS);
    CHECK_EQUAL(cpu_on(1, GUEST_RAM_BASE + MACHINE_RAM), INVALID_ADDRESS);
    CHECK_EQUAL(cpu_on(1, UINT64_MAX - 3), INVALID_ADDRESS);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQUAL(machine_kicks[i], 0);
    }
    CHECK_EQUAL(cpu_on(1, ENTRY), 0);
    CHECK_EQUAL(machine_kicks[1], 1);
    CHECK_EQUAL(hvc(0xc4000004, 1), 2); /* on its way */
    CHECK_EQUAL(cpu_on(1, ENTRY), ON_PENDING);
    machine_turned_on(1);
    CHECK_EQUAL(hvc(0xc4000004, 1), 0);
    CHECK_EQUAL(cpu_on(1, ENTRY), ALREADY_ON);
    CHECK_EQUAL(machine_frame[1].pc, ENTRY);
    CHECK_EQUAL(machine_frame[1].x[0], 0x7777);
    CHECK_EQUAL(machine_frame[1].pstate, 0x3c5); /* EL1h, all masked */
    CHECK_EQUAL(hvc(0x84000003, UINT64_C(5) << 32 | 2), INVALID_ADDRESS); /* 32-bit arguments */
}

static void test_turning_off(void)
{
    machine_reset_with(3);
    CHECK_EQUAL(cpu_on(2, ENTRY), 0);
    machine_turned_on(2);
    machine_switch(2);
    hvc(0x84000002, 0);
    CHECK_EQUAL(vm.stop_event, 0);
    CHECK_EQUAL(vm.vcpu[2].power, VCPU_OFF);
    machine_switch(0);
    CHECK_EQUAL(hvc(0xc4000004, 2), 1);
    CHECK_EQUAL(cpu_on(2, ENTRY), 0);
    hvc(0x84000002, 0); /* one that is on its way is as good as on */
    CHECK_EQUAL(vm.stop_event, 0);
    machine_turned_on(2);
    machine_switch(2);
    CHECK_EQUAL(cpu_on(0, ENTRY), 0); /* the first one too can come back */
    machine_turned_on(0);
    machine_switch(0);
    hvc(0x84000002, 0);
    CHECK_EQUAL(vm.stop_event, 0);
    machine_switch(2);
    hvc(0x84000002, 0);
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_OFF);
}

static void test_ends(void)
{
    machine_reset();
    hvc(0x84000008, 0);
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_OFF);
    machine_reset();
    hvc(0x84000009, 0);
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_RESET);
    machine_reset();
    CHECK_EQUAL(guest_read(GUEST_PVPANIC_BASE, 1), 3);
    guest_write(GUEST_PVPANIC_BASE, 1, 2);
    CHECK_EQUAL(vm.stop_event, 0);
    guest_write(GUEST_PVPANIC_BASE, 1, 1);
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_CRASHED);
    hvc(0x84000009, 0); /* the first reason counts */
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_CRASHED);
}

static void test_random(void)
{
    machine_reset();
    for (unsigned i = 0; i < 100000; i++) {
        call(BH_EXIT_HVC, machine_random() & 0xc40000ff, machine_random(), machine_random());
        vm.vcpu[0].power = VCPU_ON;
    }
}

int main(void)
{
    test_queries();
    test_processors();
    test_turning_on();
    test_turning_off();
    test_ends();
    test_random();
    return 0;
}
