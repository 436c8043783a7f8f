/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's interrupt controller: what is delivered when, and that no register access can break
 * it. */
#include <string.h>

#include "domains/vmm/system.h"
#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define GICD(offset)     (GUEST_GICD_BASE + (offset))
#define GICR(offset)     (GUEST_GICR_BASE + (offset))
#define SGI_BASE(offset) (GUEST_GICR_BASE + 0x10000 + (offset))
#define NONE             1023u

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

/* What Linux's driver does. */
static void start(void)
{
    machine_reset();
    guest_write(GICD(0), 4, 0);
    for (uint32_t i = 32; i < GUEST_INTID_COUNT; i += 32) {
        guest_write(word(0x80, i), 4, UINT32_MAX);
        guest_write(word(0x380, i), 4, UINT32_MAX);
        guest_write(word(0x180, i), 4, UINT32_MAX);
    }
    for (uint32_t i = 32; i < GUEST_INTID_COUNT; i += 4) {
        guest_write(GICD(0x400 + i), 4, 0xa0a0a0a0);
    }
    guest_write(GICD(0xc00 + EDGE_SPI / 16 * 4), 4, UINT32_C(2) << (EDGE_SPI % 16 * 2));
    guest_write(GICD(0), 4, 2);
    guest_write(GICR(0x14), 4, 0);
    guest_write(SGI_BASE(0x80), 4, UINT32_MAX);
    guest_write(SGI_BASE(0x180), 4, UINT32_MAX);
    guest_write(SGI_BASE(0x100), 4, 0xffff);
    CHECK_EQUAL(machine_saves, 0); /* nothing of that is worth a look into the list registers */
}

static void enable(uint32_t intid)
{
    guest_write(word(0x100, intid), 4, bit(intid));
}

static void disable(uint32_t intid)
{
    guest_write(word(0x180, intid), 4, bit(intid));
}

static void test_identification(void)
{
    start();
    CHECK_EQUAL(guest_read(GICD(0), 4), 2 | 1 << 4 | 1 << 6);
    CHECK_EQUAL(guest_read(GICD(4), 4) & 0x1f, GUEST_INTID_COUNT / 32 - 1);
    CHECK_EQUAL(guest_read(GICD(4), 4) >> 17 & 1, 0); /* no LPIs */
    CHECK_EQUAL(guest_read(GICD(0xffe8), 4) & 0xf0, 0x30);
    CHECK_EQUAL(guest_read(GICR(0xffe8), 4) & 0xf0, 0x30);
    CHECK_EQUAL(guest_read(GICR(8), 8), 1 << 4); /* the last, affinity 0 */
    CHECK_EQUAL(guest_read(GICR(8), 4), 1 << 4);
    CHECK_EQUAL(guest_read(GICR(12), 4), 0);
    CHECK_EQUAL(guest_read(GICR(0x14), 4), 0);
    guest_write(GICR(0x14), 4, 2);
    CHECK_EQUAL(guest_read(GICR(0x14), 4), 6);
    CHECK_EQUAL(guest_read(GUEST_GICV2M_BASE + 8, 4),
                GUEST_INTID_MSI_FIRST << 16 | GUEST_INTID_MSI_COUNT);
}

static void test_level(void)
{
    start();
    enable(LEVEL_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(guest_read(word(0x200, LEVEL_SPI), 4), bit(LEVEL_SPI));
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(word(0x300, LEVEL_SPI), 4), bit(LEVEL_SPI));
    machine_complete(LEVEL_SPI); /* the line is still high */
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, false);
    machine_complete(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(word(0x200, LEVEL_SPI), 4), 0);
    CHECK_EQUAL(guest_read(word(0x300, LEVEL_SPI), 4), 0);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    vm_set_irq_level(&vm, LEVEL_SPI, false); /* before the kernel has seen it: called off */
    CHECK_EQUAL(machine_acknowledge(), NONE);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
}

/* A guest that completes first and asks the device then gets each interrupt once. */
static void test_early_completion(void)
{
    start();
    enable(LEVEL_SPI);
    for (unsigned i = 0; i < 3; i++) {
        vm_set_irq_level(&vm, LEVEL_SPI, true);
        CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
        machine_complete(LEVEL_SPI);
        machine_enter();
        vm_set_irq_level(&vm, LEVEL_SPI, false);
        CHECK_EQUAL(machine_acknowledge(), NONE);
    }
    unsigned saves = machine_saves;
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, false);
    machine_complete(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(machine_saves, saves); /* the usual order costs no look into the list registers */
}

static void test_level_while_disabled(void)
{
    start();
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(word(0x200, LEVEL_SPI), 4), bit(LEVEL_SPI));
    enable(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    disable(LEVEL_SPI); /* masked by its handler: stays active */
    CHECK_EQUAL(guest_read(word(0x300, LEVEL_SPI), 4), bit(LEVEL_SPI));
    machine_complete(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    enable(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
}

static void test_disable_takes_back(void)
{
    start();
    enable(LEVEL_SPI);
    enable(EDGE_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    vm_pulse_irq(&vm, EDGE_SPI);
    machine_enter(); /* both are in list registers, the guest has interrupts masked */
    disable(LEVEL_SPI);
    disable(EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(word(0x200, EDGE_SPI), 4), bit(EDGE_SPI));
    enable(EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), EDGE_SPI);
    enable(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
}

static void test_edge(void)
{
    start();
    enable(EDGE_SPI);
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), EDGE_SPI);
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, EDGE_SPI); /* while active: comes again */
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    machine_complete(EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), EDGE_SPI);
    machine_complete(EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(word(0x300, EDGE_SPI), 4), 0);
    CHECK_EQUAL(guest_read(word(0x200, EDGE_SPI), 4), 0);
    unsigned saves = machine_saves;
    CHECK_EQUAL(guest_read(word(0x300, EDGE_SPI), 4), 0);
    CHECK_EQUAL(machine_saves, saves);                  /* known to be gone */
    guest_write(GUEST_GICV2M_BASE + 0x40, 4, EDGE_SPI); /* the guest itself */
    CHECK_EQUAL(machine_acknowledge(), EDGE_SPI);
}

static void test_bad_msi(void)
{
    start();
    for (uint32_t i = 32; i < GUEST_INTID_COUNT; i++) {
        enable(i);
    }
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, 33);
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, 127);
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, GUEST_INTID_COUNT);
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS, UINT32_MAX);
    vm_raise_msi(&vm, GUEST_MSI_ADDRESS + 4, EDGE_SPI);
    vm_raise_msi(&vm, 0, EDGE_SPI);
    vm_set_irq_level(&vm, 0, true);
    vm_set_irq_level(&vm, GUEST_INTID_COUNT, true);
    vm_set_irq_level(&vm, UINT32_MAX, true);
    vm_pulse_irq(&vm, 5);
    vm_pulse_irq(&vm, 4000);
    CHECK_EQUAL(machine_acknowledge(), NONE);
}

static void test_set_and_clear_pending(void)
{
    start();
    guest_write(word(0x200, EDGE_SPI), 4, bit(EDGE_SPI));
    CHECK_EQUAL(machine_acknowledge(), NONE);
    guest_write(word(0x280, EDGE_SPI), 4, bit(EDGE_SPI));
    enable(EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    guest_write(word(0x200, EDGE_SPI), 4, bit(EDGE_SPI));
    machine_enter();
    guest_write(word(0x280, EDGE_SPI), 4, bit(EDGE_SPI));
    CHECK_EQUAL(machine_acknowledge(), NONE);
    guest_write(word(0x200, EDGE_SPI), 4, bit(EDGE_SPI));
    CHECK_EQUAL(machine_acknowledge(), EDGE_SPI);
    /* Pending by software ends with the acknowledgement, for a level-sensitive one too. */
    enable(LEVEL_SPI);
    guest_write(word(0x200, LEVEL_SPI), 4, bit(LEVEL_SPI));
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    machine_complete(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    /* ... but its line cannot be cleared. */
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    machine_enter();
    guest_write(word(0x280, LEVEL_SPI), 4, bit(LEVEL_SPI));
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
}

static void test_active(void)
{
    start();
    enable(EDGE_SPI);
    guest_write(word(0x300, EDGE_SPI), 4, bit(EDGE_SPI));
    vm_pulse_irq(&vm, EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(word(0x300, EDGE_SPI), 4), bit(EDGE_SPI));
    guest_write(word(0x380, EDGE_SPI), 4, bit(EDGE_SPI));
    CHECK_EQUAL(machine_acknowledge(), EDGE_SPI);
    guest_write(word(0x380, EDGE_SPI), 4, bit(EDGE_SPI)); /* of one it has acknowledged */
    CHECK_EQUAL(guest_read(word(0x300, EDGE_SPI), 4), 0);
    vm_pulse_irq(&vm, EDGE_SPI);
    CHECK_EQUAL(machine_acknowledge(), EDGE_SPI);
}

static void test_groups_and_control(void)
{
    start();
    enable(LEVEL_SPI);
    guest_write(word(0x80, LEVEL_SPI), 4, ~bit(LEVEL_SPI));
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(machine_acknowledge(), NONE); /* Group 0 */
    guest_write(word(0x80, LEVEL_SPI), 4, UINT32_MAX);
    machine_enter();
    guest_write(GICD(0), 4, 1);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(GICD(0), 4) & 3, 1);
    guest_write(GICD(0), 4, 3);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
}

static void test_priority(void)
{
    start();
    guest_write(GICD(0x400 + 41), 1, 0x47);
    CHECK_EQUAL(guest_read(GICD(0x400 + 40), 4), 0xa0a040a0);
    CHECK_EQUAL(guest_read(GICD(0x400 + 41), 1), 0x40);
    CHECK_EQUAL(guest_read(GICD(0x400 + 40), 2), 0x40a0);
    enable(40);
    enable(41);
    vm_set_irq_level(&vm, 40, true);
    vm_set_irq_level(&vm, 41, true);
    CHECK_EQUAL(machine_acknowledge(), 41);
    CHECK_EQUAL(machine_acknowledge(), 40);
    guest_write(SGI_BASE(0x400 + 27), 1, 0x20);
    CHECK_EQUAL(frame->priority[27], 0x20);
    CHECK_EQUAL(guest_read(SGI_BASE(0x418), 4), 0x20000000);
    CHECK_EQUAL(guest_read(GICD(0x400), 4), 0); /* private ones are not the distributor's */
}

static void test_more_than_list_registers(void)
{
    start();
    unsigned seen = 0;
    for (uint32_t i = 130; i < 150; i++) {
        enable(i);
        vm_raise_msi(&vm, GUEST_MSI_ADDRESS, i);
    }
    for (uint32_t intid; (intid = machine_acknowledge()) != NONE;) {
        CHECK(intid >= 130 && intid < 150);
        machine_complete(intid);
        seen++;
    }
    CHECK_EQUAL(seen, 20);
}

static void test_routing(void)
{
    start();
    enable(LEVEL_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    machine_enter();
    guest_write(GICD(0x6000 + 8 * LEVEL_SPI), 8, 1); /* there is no such vCPU */
    CHECK_EQUAL(machine_acknowledge(), NONE);
    CHECK_EQUAL(guest_read(GICD(0x6000 + 8 * LEVEL_SPI), 8), 1);
    guest_write(GICD(0x6000 + 8 * LEVEL_SPI), 4, 0);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    guest_write(GICD(0x6000 + 8 * LEVEL_SPI), 8, UINT64_C(1) << 31); /* 1 of N: not offered */
    CHECK_EQUAL(guest_read(GICD(0x6000 + 8 * LEVEL_SPI), 8), 0);
    guest_write(GICD(0x6000 + 8 * LEVEL_SPI + 4), 4, UINT32_MAX);
    CHECK_EQUAL(guest_read(GICD(0x6000 + 8 * LEVEL_SPI), 8), 0);
}

static void test_configuration(void)
{
    start();
    CHECK_EQUAL(guest_read(SGI_BASE(0xc00), 4), 0xaaaaaaaa);
    guest_write(SGI_BASE(0xc00), 4, 0);
    CHECK_EQUAL(guest_read(SGI_BASE(0xc00), 4), 0xaaaaaaaa);
    guest_write(SGI_BASE(0xc04), 4, UINT32_MAX);
    CHECK_EQUAL(guest_read(SGI_BASE(0xc04), 4), 0xaaaaaaaa);
    CHECK_EQUAL(guest_read(GICD(0xc00), 4), 0);
    enable(LEVEL_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    guest_write(GICD(0xc00 + LEVEL_SPI / 16 * 4), 4, UINT32_MAX); /* edge-triggered from now on */
    machine_complete(LEVEL_SPI);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    vm_set_irq_level(&vm, LEVEL_SPI, false);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    vm_set_irq_level(&vm, LEVEL_SPI, false);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    machine_complete(LEVEL_SPI);
    vm_set_irq_level(&vm, LEVEL_SPI, true);
    CHECK_EQUAL(machine_acknowledge(), LEVEL_SPI);
    guest_write(GICD(0xc00 + LEVEL_SPI / 16 * 4), 4,
                0); /* and level-sensitive again, while active */
    machine_complete(LEVEL_SPI);
    unsigned seen = machine_acknowledge();
    CHECK_EQUAL(seen, LEVEL_SPI);
}

static void test_sgi(void)
{
    start();
    gic_send_sgi(&vm.gic, 0, UINT64_C(5) << 24 | 1);
    gic_send_sgi(&vm.gic, 0, UINT64_C(6) << 24 | 2);                     /* another vCPU */
    gic_send_sgi(&vm.gic, 0, UINT64_C(7) << 24 | UINT64_C(1) << 40 | 1); /* all but this one */
    gic_send_sgi(&vm.gic, 0, UINT64_C(8) << 24 | UINT64_C(1) << 16 | 1); /* another cluster */
    gic_send_sgi(&vm.gic, 0, UINT64_C(9) << 24 | UINT64_C(1) << 44 | 1); /* the next range */
    CHECK_EQUAL(machine_acknowledge(), 5);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    gic_send_sgi(&vm.gic, 0, UINT64_C(5) << 24 | 1);
    machine_complete(5);
    CHECK_EQUAL(machine_acknowledge(), 5);
    guest_write(SGI_BASE(0x200), 4, 1 << 3);
    CHECK_EQUAL(machine_acknowledge(), 3);
}

static void test_virtual_timer(void)
{
    start();
    CHECK_EQUAL(frame->timer_enabled, 0);
    guest_write(SGI_BASE(0x100), 4, 1u << 27);
    CHECK_EQUAL(frame->timer_enabled, 1);
    guest_write(GICD(0), 4, 0);
    CHECK_EQUAL(frame->timer_enabled, 0);
    guest_write(GICD(0), 4, 2);
    CHECK_EQUAL(frame->timer_enabled, 1);
    guest_write(SGI_BASE(0x200), 4, 1u << 27);
    CHECK_EQUAL(frame->pending[0], 0); /* the kernel's alone */
    CHECK_EQUAL(guest_read(SGI_BASE(0x200), 4), 0);
    /* Its pending state is the timer's. */
    system_vcpu_save(0);
    frame->state.cntv_ctl = 1;
    frame->state.cntv_cval = 100;
    frame->state.cntvoff = bh_test_ticks;
    system_vcpu_load(0);
    CHECK_EQUAL(guest_read(SGI_BASE(0x200), 4), 0);
    bh_test_ticks += 100;
    CHECK_EQUAL(guest_read(SGI_BASE(0x200), 4), 1u << 27);
    guest_write(SGI_BASE(0x180), 4, 1u << 27);
    CHECK_EQUAL(frame->timer_enabled, 0);
}

/* Any access of any width, with lines and the guest's processor moving in between: nothing breaks,
 * and in the end every enabled line that is high is delivered, over and over, and no other. */
static void test_random(void)
{
    static const uint64_t base[] = {GUEST_GICD_BASE, GUEST_GICD_BASE, GUEST_GICR_BASE,
                                    GUEST_GICR_BASE + 0x10000, GUEST_GICV2M_BASE};
    start();
    uint32_t active[8];
    unsigned active_count = 0;
    for (unsigned i = 0; i < 400000; i++) {
        uint64_t random = machine_random();
        unsigned bytes = 1u << (random & 3);
        uint64_t offset = random >> 8 & ((random >> 4 & 1) != 0 ? 0xffff : 0xfff);
        uint64_t address = base[(random >> 32) % 5] +
                           (offset & ~(uint64_t)((random >> 5 & 7) != 0 ? bytes - 1 : 0));
        switch (random >> 40 & 7) {
        case 0:
        case 1:
            guest_write(address, bytes, machine_random());
            break;
        case 2:
            guest_read(address, bytes);
            break;
        case 3:
            vm_set_irq_level(&vm, (uint32_t)(random >> 44) & 0x1ff, (random >> 54 & 1) != 0);
            break;
        case 4:
            vm_pulse_irq(&vm, (uint32_t)(random >> 44) & 0x1ff);
            break;
        case 5:
            gic_send_sgi(&vm.gic, 0, machine_random());
            break;
        case 6:
            if (active_count < 4) {
                uint32_t intid = machine_acknowledge();
                if (intid != NONE) {
                    active[active_count++] = intid;
                }
            }
            break;
        default:
            if (active_count > 0) {
                uint32_t intid = active[--active_count];
                /* The guest may have deactivated it by ICACTIVER. */
                if ((guest_read(word(0x300, intid), 4) & bit(intid)) != 0 && intid >= 32 &&
                    (vm.gic.word[intid / 32].active & bit(intid)) == 0) {
                    machine_complete(intid);
                }
            }
            break;
        }
    }
    /* Back to order, as a driver does that takes over. */
    system_vcpu_save(0);
    memset(frame->state.list_register, 0, sizeof(frame->state.list_register));
    system_vcpu_load(0);
    memset(frame->pending, 0, sizeof(frame->pending));
    for (uint32_t i = 32; i < GUEST_INTID_COUNT; i += 32) {
        guest_write(word(0x180, i), 4, UINT32_MAX);
        guest_write(word(0x280, i), 4, UINT32_MAX);
        guest_write(word(0x380, i), 4, UINT32_MAX);
        guest_write(word(0x80, i), 4, UINT32_MAX);
    }
    for (uint32_t i = 0; i < GUEST_INTID_COUNT; i++) {
        vm_set_irq_level(&vm, i, false);
        if (i >= 32) {
            guest_write(GICD(0x6000 + 8 * i), 8, 0);
        }
        frame->completed[i / 32] |=
            bit(i); /* the list registers were emptied behind the kernel's back */
    }
    frame->completed_summary = UINT32_MAX;
    gic_complete(&vm.gic, 0);
    for (uint32_t i = 32; i < GUEST_INTID_COUNT; i += 16) {
        guest_write(GICD(0xc00 + i / 4), 4, 0);
    }
    guest_write(SGI_BASE(0x180), 4, UINT32_MAX);
    guest_write(SGI_BASE(0x280), 4, UINT32_MAX);
    guest_write(GICD(0), 4, 2);
    CHECK_EQUAL(machine_acknowledge(), NONE);
    for (uint32_t i = 32; i < GUEST_INTID_COUNT; i++) {
        enable(i);
        CHECK_EQUAL(machine_acknowledge(), NONE);
        for (unsigned round = 0; round < 2; round++) {
            vm_set_irq_level(&vm, i, true);
            CHECK_EQUAL(machine_acknowledge(), i);
            vm_set_irq_level(&vm, i, false);
            machine_complete(i);
            CHECK_EQUAL(machine_acknowledge(), NONE);
        }
    }
}

int main(void)
{
    test_identification();
    test_level();
    test_early_completion();
    test_level_while_disabled();
    test_disable_takes_back();
    test_edge();
    test_bad_msi();
    test_set_and_clear_pending();
    test_active();
    test_groups_and_control();
    test_priority();
    test_more_than_list_registers();
    test_routing();
    test_configuration();
    test_sgi();
    test_virtual_timer();
    test_random();
    return 0;
}
