/* SPDX-License-Identifier: BSD-2-Clause */
/* Several vCPUs: where interrupts are delivered, who is disturbed for that, and what happens to the
 * interrupts of a vCPU that is turned off. */
#include <string.h>

#include "domains/vmm/system.h"
#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define CPUS               4u
#define GICD(offset)       (GUEST_GICD_BASE + (offset))
#define GICR(cpu, offset)  (GUEST_GICR_BASE + (cpu)*GUEST_GICR_STRIDE + (offset))
#define SGI_BASE(cpu, reg) GICR(cpu, 0x10000 + (reg))
#define NONE               1023u

#define LEVEL_SPI 40u
#define EDGE_SPI  200u /* one of the MSI frame */

static uint32_t bit(uint32_t intid)
{
    return UINT32_C(1) << (intid % 32);
}

static uint64_t word(uint64_t base, uint32_t intid)
{
    return GICD(base + 4 * (intid / 32));
}

static void route(uint32_t intid, uint32_t cpu)
{
    guest_write(GICD(0x6000 + 8 * intid), 8, cpu);
}

/* All vCPUs on, both SPIs enabled and routed to the first, all SGIs enabled. */
static void start(void)
{
    machine_reset_with(CPUS);
    for (uint32_t intid = 32; intid < GUEST_INTID_COUNT; intid += 32) {
        guest_write(word(0x80, intid), 4, UINT32_MAX);
    }
    guest_write(GICD(0xc00 + EDGE_SPI / 16 * 4), 4, UINT32_C(2) << (EDGE_SPI % 16 * 2));
    guest_write(GICD(0), 4, 2);
    guest_write(word(0x100, LEVEL_SPI), 4, bit(LEVEL_SPI));
    guest_write(word(0x100, EDGE_SPI), 4, bit(EDGE_SPI));
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        if (cpu != 0) {
            vcpu_reset(&vm.vcpu[cpu], GUEST_RAM_BASE, 0);
        }
        guest_write(SGI_BASE(cpu, 0x80), 4, UINT32_MAX);
        guest_write(SGI_BASE(cpu, 0x100), 4, 0xffff);
    }
    memset(machine_kicks, 0, sizeof(machine_kicks));
    memset(machine_posts, 0, sizeof(machine_posts));
    machine_saves = 0;
}

static uint32_t acknowledge(unsigned cpu)
{
    unsigned own = machine_cpu;
    machine_switch(cpu);
    uint32_t intid = machine_acknowledge();
    machine_switch(own);
    return intid;
}

static void complete(unsigned cpu, uint32_t intid)
{
    unsigned own = machine_cpu;
    machine_switch(cpu);
    machine_complete(intid);
    machine_switch(own);
}

static void in_guest(unsigned cpu)
{
    vm.vcpu[cpu].control |= VCPU_IN_GUEST;
}

static void sgi(unsigned from, uint32_t intid, uint64_t targets)
{
    gic_send_sgi(&vm.gic, from, (uint64_t)intid << 24 | targets);
}

static void each_redistributor_is_its_own(void)
{
    start();
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        uint64_t typer = guest_read(GICR(cpu, 8), 8);
        CHECK_EQUAL(typer >> 32, cpu);          /* affinity */
        CHECK_EQUAL(typer >> 8 & 0xffff, cpu);  /* Processor_Number */
        CHECK_EQUAL(typer >> 4 & 1, cpu == CPUS - 1);
        CHECK_EQUAL(guest_read(GICR(cpu, 0x14), 4), 6); /* asleep until it is woken */
    }
    CHECK_EQUAL(guest_read(GICR(CPUS, 8), 8), 0);
    guest_write(GICR(2, 0x14), 4, 0);
    guest_write(SGI_BASE(2, 0x180), 4, 1 << 3);
    guest_write(SGI_BASE(2, 0x400 + 5), 1, 0x40);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        CHECK_EQUAL(guest_read(GICR(cpu, 0x14), 4), cpu == 2 ? 0 : 6);
        CHECK_EQUAL(guest_read(SGI_BASE(cpu, 0x100), 4), cpu == 2 ? 0xfff7 : 0xffff);
        CHECK_EQUAL(guest_read(SGI_BASE(cpu, 0x400 + 5), 1), cpu == 2 ? 0x40 : 0);
    }
    /* The virtual timer is each vCPU's own. */
    guest_write(SGI_BASE(3, 0x100), 4, UINT32_C(1) << 27);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        CHECK_EQUAL(machine_frame[cpu].timer_enabled, cpu == 3);
    }
}

static void an_sgi_reaches_its_targets_alone(void)
{
    start();
    sgi(0, 4, 1 << 1 | 1 << 3);
    CHECK_EQUAL(acknowledge(0), NONE);
    CHECK_EQUAL(acknowledge(1), 4);
    CHECK_EQUAL(acknowledge(2), NONE);
    CHECK_EQUAL(acknowledge(3), 4);
    CHECK_EQUAL(machine_posts[1], 1);
    CHECK_EQUAL(machine_posts[2], 0);
    CHECK_EQUAL(machine_posts[3], 1);
    machine_switch(2);
    sgi(2, 5, UINT64_C(1) << 40 | 1 << 2); /* all but the sender, whatever the list says */
    CHECK_EQUAL(acknowledge(2), NONE);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        if (cpu != 2) {
            CHECK_EQUAL(acknowledge(cpu), 5);
        }
    }
    sgi(2, 6, 1 << 2);
    CHECK_EQUAL(acknowledge(2), 6);
    CHECK_EQUAL(machine_posts[2], 0); /* the own one needs no system call */
    sgi(2, 7, 0xfff0);                    /* nobody there */
    sgi(2, 7, UINT64_C(1) << 16 | 0xf);   /* another cluster */
    sgi(2, 7, UINT64_C(1) << 44 | 0xf);   /* another range */
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        CHECK_EQUAL(acknowledge(cpu), NONE);
        CHECK_EQUAL(machine_kicks[cpu], 0);
    }
}

static void an_sgi_waits_until_its_target_takes_it(void)
{
    start();
    guest_write(SGI_BASE(1, 0x180), 4, 1 << 4);
    CHECK(!gic_send_open_sgi(&vm.gic, 0, UINT64_C(4) << 24 | 6));
    CHECK_EQUAL(acknowledge(2), NONE); /* nothing has happened */
    sgi(0, 4, 1 << 1 | 1 << 2);
    CHECK_EQUAL(acknowledge(2), 4);
    CHECK_EQUAL(acknowledge(1), NONE);
    CHECK_EQUAL(guest_read(SGI_BASE(1, 0x200), 4), 1 << 4);
    machine_switch(1);
    guest_write(SGI_BASE(1, 0x100), 4, 1 << 4);
    CHECK_EQUAL(acknowledge(1), 4);
    /* Disabled between sending and taking: it is held back. */
    machine_switch(0);
    sgi(0, 9, 1 << 1);
    guest_write(SGI_BASE(1, 0x180), 4, 1 << 9);
    CHECK_EQUAL(acknowledge(1), NONE);
    guest_write(SGI_BASE(1, 0x100), 4, 1 << 9);
    CHECK_EQUAL(acknowledge(1), 9);
    /* The distributor is off. */
    guest_write(GICD(0), 4, 0);
    CHECK(!gic_send_open_sgi(&vm.gic, 0, UINT64_C(3) << 24 | 4));
    sgi(0, 3, 1 << 2);
    CHECK_EQUAL(acknowledge(2), NONE);
    guest_write(GICD(0), 4, 2);
    CHECK_EQUAL(acknowledge(2), 3);
}

static void an_spi_goes_where_it_is_routed(void)
{
    start();
    route(EDGE_SPI, 2);
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, EDGE_SPI);
    CHECK_EQUAL(machine_posts[2], 1);
    CHECK_EQUAL(acknowledge(0), NONE);
    CHECK_EQUAL(acknowledge(2), EDGE_SPI);
    complete(2, EDGE_SPI);
    route(LEVEL_SPI, 3);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(acknowledge(0), NONE);
    CHECK_EQUAL(acknowledge(3), LEVEL_SPI);
    complete(3, LEVEL_SPI);
    CHECK_EQUAL(acknowledge(3), LEVEL_SPI); /* its line is still high */
    vm_set_irq_level(&vm, LEVEL_SPI, false);
    complete(3, LEVEL_SPI);
    CHECK_EQUAL(acknowledge(3), NONE);
    route(LEVEL_SPI, CPUS); /* nobody there */
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        CHECK_EQUAL(acknowledge(cpu), NONE);
    }
    route(LEVEL_SPI, 1);
    CHECK_EQUAL(acknowledge(1), LEVEL_SPI);
}

static void a_pending_spi_follows_its_route(void)
{
    start();
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, EDGE_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    machine_enter(); /* both are in vCPU 0's list registers */
    machine_switch(1);
    in_guest(0);
    in_guest(2);
    route(EDGE_SPI, 3);
    CHECK_EQUAL(machine_kicks[0], 1);
    CHECK_EQUAL(machine_kicks[2], 0); /* it has nothing to do with that */
    CHECK_EQUAL(vm.vcpu[0].control, 0);
    CHECK_EQUAL(vm.vcpu[2].control, VCPU_IN_GUEST);
    route(LEVEL_SPI, 3);
    CHECK_EQUAL(machine_kicks[0], 1); /* it was not back yet */
    CHECK_EQUAL(acknowledge(0), NONE);
    CHECK(acknowledge(3) != NONE && acknowledge(3) != NONE);
}

static void an_active_edge_stays_until_it_is_completed(void)
{
    start();
    route(EDGE_SPI, 2);
    vm_pulse_irq(&vm, EDGE_SPI);
    CHECK_EQUAL(acknowledge(2), EDGE_SPI);
    route(EDGE_SPI, 3);
    vm_pulse_irq(&vm, EDGE_SPI); /* an interrupt is active on one processor at a time */
    CHECK_EQUAL(acknowledge(3), NONE);
    CHECK_EQUAL(acknowledge(2), NONE);
    complete(2, EDGE_SPI);
    CHECK_EQUAL(acknowledge(2), EDGE_SPI);
    complete(2, EDGE_SPI);
    vm_pulse_irq(&vm, EDGE_SPI);
    CHECK_EQUAL(acknowledge(2), NONE);
    CHECK_EQUAL(acknowledge(3), EDGE_SPI);
    complete(3, EDGE_SPI);
    unsigned saves = machine_saves;
    vm_pulse_irq(&vm, EDGE_SPI);
    CHECK_EQUAL(acknowledge(3), EDGE_SPI);
    CHECK_EQUAL(machine_saves, saves); /* from now on there is nothing to look for */
}

static void an_active_level_moves_when_it_is_completed(void)
{
    start();
    route(LEVEL_SPI, 2);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(acknowledge(2), LEVEL_SPI);
    route(LEVEL_SPI, 1);
    CHECK_EQUAL(acknowledge(1), NONE);
    CHECK_EQUAL(guest_read(word(0x300, LEVEL_SPI), 4), bit(LEVEL_SPI));
    complete(2, LEVEL_SPI);
    CHECK_EQUAL(acknowledge(2), NONE);
    CHECK_EQUAL(acknowledge(1), LEVEL_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, false);
    complete(1, LEVEL_SPI);
    CHECK_EQUAL(acknowledge(1), NONE);
}

static void disabling_disturbs_only_the_holder(void)
{
    start();
    route(EDGE_SPI, 1);
    vm_pulse_irq(&vm, EDGE_SPI);
    machine_switch(1);
    machine_enter();
    machine_switch(0);
    for (unsigned cpu = 1; cpu < CPUS; cpu++) {
        in_guest(cpu);
    }
    guest_write(word(0x180, EDGE_SPI), 4, bit(EDGE_SPI));
    CHECK_EQUAL(machine_kicks[1], 1);
    CHECK_EQUAL(machine_kicks[2] + machine_kicks[3], 0);
    CHECK_EQUAL(acknowledge(1), NONE);
    in_guest(1);
    CHECK_EQUAL(guest_read(word(0x200, EDGE_SPI), 4), bit(EDGE_SPI));
    CHECK_EQUAL(machine_kicks[1], 1); /* nobody has it any more */
    guest_write(word(0x100, EDGE_SPI), 4, bit(EDGE_SPI));
    CHECK_EQUAL(acknowledge(1), EDGE_SPI);
}

static void interrupts_outlive_the_vcpu_that_had_them(void)
{
    start();
    route(EDGE_SPI, 2);
    route(LEVEL_SPI, 2);
    sgi(0, 4, 1 << 2);
    vm_pulse_irq(&vm, EDGE_SPI);
    machine_switch(2);
    machine_enter();
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    guest_write(GICD(0x400 + LEVEL_SPI), 1, 0);
    frame->x[0] = 0x84000002;
    vm_exit(&vm, &vm.vcpu[2], BH_EXIT_HVC); /* CPU_OFF */
    CHECK_EQUAL(vm.vcpu[2].power, VCPU_OFF);
    CHECK_EQUAL(vm.vcpu[2].control, VCPU_NOT_ON);
    machine_switch(0);
    route(EDGE_SPI, 1); /* as an operating system does with what it finds pending */
    CHECK_EQUAL(acknowledge(1), EDGE_SPI);
    vcpu_reset(&vm.vcpu[2], GUEST_RAM_BASE, 0);
    uint32_t first = acknowledge(2);
    uint32_t second = acknowledge(2);
    CHECK((first == 4 && second == LEVEL_SPI) || (first == LEVEL_SPI && second == 4));
    CHECK_EQUAL(acknowledge(2), NONE);
}

static void all_count_from_the_same_moment(void)
{
    machine_reset_with(2);
    uint64_t first = vm.counter_offset;
    CHECK(first != 0);
    bh_test_ticks += 5000;
    vcpu_reset(&vm.vcpu[1], GUEST_RAM_BASE, 7);
    system_vcpu_save(0);
    system_vcpu_save(1);
    CHECK_EQUAL(machine_frame[0].state.cntvoff, first);
    CHECK_EQUAL(machine_frame[1].state.cntvoff, first);
    CHECK_EQUAL(machine_frame[0].state.vmpidr & 0xff00ffffff, UINT64_C(1) << 31 & 0xff00ffffff);
    CHECK_EQUAL(machine_frame[1].state.vmpidr & 0xff, 1);
    CHECK_EQUAL(machine_frame[1].x[0], 7);
}

static void a_physical_timer_is_its_vcpus(void)
{
    start();
    machine_switch(1);
    guest_write(SGI_BASE(1, 0x100), 4, UINT32_C(1) << GUEST_INTID_PHYSICAL_TIMER);
    physical_timer_write(&vm.vcpu[1], PHYSICAL_TIMER_CVAL, bh_test_ticks + 100);
    physical_timer_write(&vm.vcpu[1], PHYSICAL_TIMER_CTL, 1);
    machine_switch(0); /* whose thread deals with deadlines */
    machine_time(bh_test_ticks + 100);
    CHECK_EQUAL(acknowledge(0), NONE);
    CHECK_EQUAL(acknowledge(1), GUEST_INTID_PHYSICAL_TIMER);
    CHECK_EQUAL(machine_posts[1], 1);
    /* One that is armed goes with its vCPU. */
    physical_timer_write(&vm.vcpu[1], PHYSICAL_TIMER_CVAL, bh_test_ticks + 100);
    CHECK(machine_deadline != UINT64_MAX);
    vcpu_reset(&vm.vcpu[1], GUEST_RAM_BASE, 0);
    CHECK_EQUAL(machine_deadline, UINT64_MAX);
}

static void the_lock_is_free_for_the_next(void)
{
    start();
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        vm_lock(&vm.vcpu[cpu]);
        CHECK_EQUAL(vm.current, cpu);
        vm_unlock(&vm.vcpu[cpu]);
    }
    CHECK_EQUAL(vm.lock, 0);
}

static void stopping_stops_all(void)
{
    start();
    in_guest(1);
    machine_switch(3);
    vm_stop(&vm, BH_GUEST_EVENT_OFF, 0);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        CHECK((vm.vcpu[cpu].control & VCPU_STOPPED) != 0);
        CHECK_EQUAL(machine_kicks[cpu], cpu != 3);
    }
    vm_stop(&vm, BH_GUEST_EVENT_CRASHED, 1);
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_OFF);
}

/* Anything from any vCPU, some of them in the guest: no state of a vCPU is touched while it is there
 * (machine.c checks it), and nothing stays held. */
static void nothing_breaks_it(void)
{
    static const uint64_t base[] = {GUEST_GICD_BASE, GUEST_GICD_BASE, GUEST_GICV2M_BASE};
    start();
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t random = machine_random();
        unsigned cpu = (unsigned)(random >> 56) % CPUS;
        machine_switch(cpu);
        for (unsigned other = 0; other < CPUS; other++) {
            CHECK_EQUAL(vm.vcpu[other].control & ~VCPU_IN_GUEST, 0);
            vm.vcpu[other].control =
                other != cpu && (random >> (48 + other) & 1) != 0 ? VCPU_IN_GUEST : 0;
        }
        uint64_t offset = random >> 8 & 0xffc;
        uint64_t redistributor = SGI_BASE(random >> 20 & 3, offset);
        uint64_t address = (random & 8) != 0 ? redistributor : base[random % 3] + offset;
        switch (random >> 40 & 7) {
        case 0:
        case 1:
            guest_write(address, 4, machine_random());
            break;
        case 2:
            guest_read(address, 4);
            break;
        case 3:
            vm_set_irq_level(&vm, (uint32_t)(random >> 22) & 0x1ff, (random >> 54 & 1) != 0);
            break;
        case 4:
            vm_pulse_irq(&vm, (uint32_t)(random >> 22) & 0x1ff);
            break;
        case 5:
            gic_send_sgi(&vm.gic, cpu, machine_random() & 0x1000f00000f);
            break;
        case 6:
            route(32 + (uint32_t)(random >> 22) % (GUEST_INTID_COUNT - 32),
                  (uint32_t)(random >> 34) & 7);
            break;
        default: {
            uint32_t intid = machine_acknowledge();
            if (intid != NONE) {
                machine_complete(intid);
            }
            break;
        }
        }
    }
}

int main(void)
{
    each_redistributor_is_its_own();
    an_sgi_reaches_its_targets_alone();
    an_sgi_waits_until_its_target_takes_it();
    an_spi_goes_where_it_is_routed();
    a_pending_spi_follows_its_route();
    an_active_edge_stays_until_it_is_completed();
    an_active_level_moves_when_it_is_completed();
    disabling_disturbs_only_the_holder();
    interrupts_outlive_the_vcpu_that_had_them();
    all_count_from_the_same_moment();
    a_physical_timer_is_its_vcpus();
    the_lock_is_free_for_the_next();
    stopping_stops_all();
    nothing_breaks_it();
    return 0;
}
