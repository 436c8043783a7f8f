/* SPDX-License-Identifier: BSD-2-Clause */
/* Trapped system registers: decoding, what is emulated, and what is undefined. */
#include "domains/vmm/sysreg.h"
#include <string.h>

#include "domains/vmm/system.h"
#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define VECTORS UINT64_C(0xffff800010080000)

static uint64_t syndrome(uint32_t name, uint32_t reg, bool read)
{
    return UINT64_C(0x18) << 26 | UINT64_C(1) << 25 | name | reg << 5 | (read ? 1 : 0);
}

static void start(void)
{
    machine_reset();
    system_vcpu_save(0);
    frame->state.vbar_el1 = VECTORS;
    system_vcpu_load(0);
    frame->pc = 0x1000;
}

/* False: the guest got an undefined instruction exception. */
static bool access(uint32_t name, uint32_t reg, bool read)
{
    frame->pc = 0x1000;
    frame->esr = syndrome(name, reg, read);
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_SYSREG);
    if (frame->pc == 0x1004) {
        return true;
    }
    CHECK_EQUAL(frame->pc & ~UINT64_C(0x600), VECTORS);
    CHECK_EQUAL(frame->state.esr_el1, UINT64_C(1) << 25);
    CHECK_EQUAL(frame->state.elr_el1, 0x1000);
    return false;
}

static uint64_t read(uint32_t name)
{
    frame->x[7] = 0xdead;
    CHECK(access(name, 7, true));
    return frame->x[7];
}

static void write(uint32_t name, uint64_t value)
{
    frame->x[9] = value;
    CHECK(access(name, 9, false));
    CHECK_EQUAL(frame->x[9], value);
}

static void test_decoding(void)
{
    /* mrs x5, id_aa64mmfr0_el1 and msr icc_sgi1r_el1, x30, as the processor reports them. */
    struct sysreg sysreg = sysreg_decode(0x6230000e | 5 << 5 | 1);
    CHECK_EQUAL(sysreg.name, SYSREG(3, 0, 0, 7, 0));
    CHECK_EQUAL(sysreg.reg, 5);
    CHECK(sysreg.read);
    sysreg = sysreg_decode(0x623a3016 | 30 << 5);
    CHECK_EQUAL(sysreg.name, SYSREG(3, 0, 12, 11, 5));
    CHECK_EQUAL(sysreg.reg, 30);
    CHECK(!sysreg.read);
}

static void test_identification(void)
{
    start();
    uint64_t pfr0 = read(SYSREG(3, 0, 0, 4, 0));
    CHECK_EQUAL(pfr0 & 0xffff, 0x0011);   /* EL0, EL1 in AArch64; no EL2, EL3 */
    CHECK_EQUAL(pfr0 >> 24 & 0xf, 1);     /* GIC system registers */
    CHECK_EQUAL(pfr0 >> 28 & 0xfffff, 0); /* no RAS, SVE, SEL2, MPAM, AMU */
    CHECK_EQUAL(pfr0 >> 16 & 0xf, pfr0 >> 20 & 0xf);
    uint64_t dfr0 = read(SYSREG(3, 0, 0, 5, 0));
    CHECK_EQUAL(dfr0 >> 8 & 0xf, 0); /* no PMU */
    for (uint32_t crm = 1; crm <= 7; crm++) {
        for (uint32_t op2 = 0; op2 < 8; op2++) {
            CHECK_EQUAL(read(SYSREG(3, 0, 0, crm, op2)), vm.id.value[crm][op2]);
            CHECK(!access(SYSREG(3, 0, 0, crm, op2), 0, false));
        }
    }
    frame->pstate = 0; /* at EL0 they are not there */
    CHECK(!access(SYSREG(3, 0, 0, 4, 0), 0, true));
    CHECK_EQUAL(frame->pc, VECTORS + 0x400);
}

/* Never more than the host has, and never what needs the hypervisor. */
static void test_hosts(void)
{
    /* A field of all ones is the most that there can be, or "none" if it is signed. */
    struct bh_vcpu_host host;
    struct id_registers id;
    memset(&host, 0x77, sizeof(host));
    id_registers_set(&id, &host);
    CHECK_EQUAL(id.value[4][0], 0x1101000001110011);
    CHECK_EQUAL(id.value[4][1], 0x21);
    CHECK_EQUAL(id.value[5][0], 0x101006);
    CHECK_EQUAL(id.value[6][0], 0x1221111110212120);
    CHECK_EQUAL(id.value[6][1], 0x0011111100211002); /* no pointer authentication, LS64, XS */
    CHECK_EQUAL(id.value[7][0], 0x00100022);
    CHECK_EQUAL(id.value[7][1], 0x0000001000301002);
    memset(&host, 0, sizeof(host));
    id_registers_set(&id, &host);
    CHECK_EQUAL(id.value[4][0], 0x01000011);
    CHECK_EQUAL(id.value[6][0] | id.value[6][1] | id.value[7][1] | id.value[7][2], 0);
    memset(&host, 0xff, sizeof(host));
    id_registers_set(&id, &host);
    CHECK_EQUAL(id.value[4][0] >> 16 & 0xff, 0xff); /* no FP */
    CHECK_EQUAL(id.value[7][0] >> 24 & 0xff, 0xff); /* only granules of 16 KiB */
    /* cortex-a76 */
    host = (struct bh_vcpu_host){.id_aa64pfr0 = 0x1100000010111112,
                                 .id_aa64pfr1 = 0x10,
                                 .id_aa64isar0 = 0x0000100010211120,
                                 .id_aa64isar1 = 0x0000000000100001,
                                 .id_aa64mmfr0 = 0x0000000000101122,
                                 .id_aa64mmfr1 = 0x0000000010212122,
                                 .id_aa64mmfr2 = 0x0000000000001011};
    id_registers_set(&id, &host);
    CHECK_EQUAL(id.value[4][0], 0x1100000001110011);
    CHECK_EQUAL(id.value[6][0], host.id_aa64isar0);
    CHECK_EQUAL(id.value[6][1], host.id_aa64isar1);
    CHECK_EQUAL(id.value[7][0], 0x100022);
    CHECK_EQUAL(id.value[7][1], 0x201002);
    CHECK_EQUAL(id.value[7][2], 0x10);
}

static void test_zero_register(void)
{
    start();
    CHECK(access(SYSREG(3, 0, 0, 4, 0), 31, true));
    CHECK(access(SYSREG(3, 0, 12, 11, 5), 31, false));
}

static void test_debug_and_pmu(void)
{
    start();
    CHECK_EQUAL(read(SYSREG(2, 0, 1, 1, 4)), 8 | 2); /* OSLSR: locked after reset */
    write(SYSREG(2, 0, 1, 0, 4), 0);
    CHECK_EQUAL(read(SYSREG(2, 0, 1, 1, 4)), 8);
    write(SYSREG(2, 0, 0, 2, 2), 0x1000);
    CHECK_EQUAL(read(SYSREG(2, 0, 0, 2, 2)), 0x1000);
    write(SYSREG(2, 0, 0, 3, 5), UINT64_MAX); /* DBGBCR3 */
    CHECK_EQUAL(read(SYSREG(2, 0, 0, 3, 5)), 0);
    write(SYSREG(3, 3, 9, 12, 0), UINT64_MAX);
    CHECK_EQUAL(read(SYSREG(3, 3, 9, 12, 0)), 0); /* PMCR: no counters */
    CHECK_EQUAL(read(SYSREG(3, 0, 1, 0, 1)), 0);  /* ACTLR */
    CHECK_EQUAL(read(SYSREG(3, 0, 10, 4, 7)), 0); /* LORID */
    CHECK_EQUAL(read(SYSREG(3, 0, 15, 2, 1)), 0);
    CHECK(!access(SYSREG(2, 1, 0, 0, 1), 0, true)); /* trace */
}

static void test_interrupt_controller(void)
{
    start();
    guest_write(GUEST_GICD_BASE, 4, 2);
    guest_write(GUEST_GICR_BASE + 0x10080, 4, UINT32_MAX);
    guest_write(GUEST_GICR_BASE + 0x10100, 4, 0xffff);
    write(SYSREG(3, 0, 12, 11, 5), UINT64_C(4) << 24 | 1);
    CHECK_EQUAL(machine_acknowledge(), 4);
    CHECK(!access(SYSREG(3, 0, 12, 11, 5), 0, true)); /* write-only */
    CHECK_EQUAL(read(SYSREG(3, 0, 12, 8, 0)), 1023);
    CHECK_EQUAL(read(SYSREG(3, 0, 12, 12, 5)), 7);
    write(SYSREG(3, 0, 12, 12, 6), 1);
}

static void test_physical_timer(void)
{
    start();
    guest_write(GUEST_GICD_BASE, 4, 2);
    guest_write(GUEST_GICR_BASE + 0x10080, 4, UINT32_MAX);
    guest_write(GUEST_GICR_BASE + 0x10100, 4, 1u << 30);
    CHECK_EQUAL(read(SYSREG(3, 3, 14, 0, 1)), bh_test_ticks);
    write(SYSREG(3, 3, 14, 2, 0), 500);
    CHECK_EQUAL(machine_deadline, UINT64_MAX);
    write(SYSREG(3, 3, 14, 2, 1), 1);
    CHECK_EQUAL(machine_deadline, bh_test_ticks + 500);
    CHECK_EQUAL(read(SYSREG(3, 3, 14, 2, 2)), bh_test_ticks + 500);
    machine_time(bh_test_ticks + 499);
    CHECK_EQUAL(machine_acknowledge(), 1023);
    CHECK_EQUAL(read(SYSREG(3, 3, 14, 2, 0)), 1);
    machine_time(bh_test_ticks + 1);
    CHECK_EQUAL(machine_acknowledge(), 30);
    CHECK_EQUAL(read(SYSREG(3, 3, 14, 2, 1)), 5);
    write(SYSREG(3, 3, 14, 2, 0), UINT32_MAX); /* -1: in the past */
    machine_complete(30);
    CHECK_EQUAL(machine_acknowledge(),
                30); /* the line is high until the guest does something about it */
    write(SYSREG(3, 3, 14, 2, 1), 3);
    machine_complete(30);
    CHECK_EQUAL(machine_acknowledge(), 1023);
    CHECK_EQUAL(read(SYSREG(3, 3, 14, 2, 1)), 7);
    write(SYSREG(3, 3, 14, 2, 2), UINT64_MAX);
    write(SYSREG(3, 3, 14, 2, 1), 1);
    CHECK_EQUAL(machine_acknowledge(), 1023);
    write(SYSREG(3, 3, 14, 2, 1), 0);
    CHECK_EQUAL(machine_deadline, UINT64_MAX);
    frame->pstate = 0; /* EL0, where the guest's kernel allows it */
    CHECK_EQUAL(read(SYSREG(3, 3, 14, 2, 2)), UINT64_MAX);
}

/* Every syndrome: the guest goes on behind the instruction or in its exception vectors. */
static void test_random(void)
{
    start();
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t random = machine_random();
        frame->pstate = (random & 3) == 0 ? 0 : 0x3c5;
        frame->x[random >> 40 & 15] = machine_random();
        access((uint32_t)(random >> 3) & 0x3ffc1e, (uint32_t)(random >> 32) & 31,
               (random & 4) != 0);
        machine_enter();
    }
    CHECK_EQUAL(vm.stop_event, 0);
}

static bool access_alone(uint32_t name, uint32_t reg, bool read)
{
    frame->pc = 0x1000;
    frame->esr = syndrome(name, reg, read);
    bool done = vm_exit_alone(&vm, &vm.vcpu[machine_cpu], BH_EXIT_SYSREG);
    CHECK_EQUAL(frame->pc, done ? 0x1004 : 0x1000);
    return done;
}

/* What needs no lock, of several vCPUs. */
static void test_alone(void)
{
    machine_reset_with(2);
    vm.current = 1; /* the lock is somebody else's */
    frame->x[7] = 0xdead;
    CHECK(access_alone(SYSREG(3, 0, 0, 4, 0), 7, true));
    CHECK_EQUAL(frame->x[7], vm.id.value[4][0]);
    CHECK(!access_alone(SYSREG(3, 0, 0, 4, 0), 7, false)); /* undefined */
    CHECK(!access_alone(SYSREG(3, 3, 14, 2, 1), 7, true)); /* the physical timer */
    CHECK(!access_alone(SYSREG(2, 0, 0, 2, 2), 7, true));
    const uint32_t sgi1r = SYSREG(3, 0, 12, 11, 5);
    frame->x[7] = UINT64_C(4) << 24 | 3;
    CHECK(!access_alone(sgi1r, 7, false)); /* neither takes it */
    CHECK_EQUAL(machine_frame[0].pending[0] | machine_frame[1].pending[0], 0);
    vm.gic.cpu[0].sgi_open = vm.gic.cpu[1].sgi_open = 1 << 4;
    CHECK(access_alone(sgi1r, 7, false));
    CHECK_EQUAL(machine_frame[0].pending[0], 1 << 4);
    CHECK_EQUAL(machine_frame[1].pending[0], 1 << 4);
    CHECK_EQUAL(machine_posts[1], 1);
    CHECK(!access_alone(sgi1r, 7, true));
    frame->pstate = 0; /* EL0 has neither */
    CHECK(!access_alone(sgi1r, 7, false));
    CHECK(!access_alone(SYSREG(3, 0, 0, 4, 0), 7, true));
}

int main(void)
{
    test_alone();
    test_decoding();
    test_identification();
    test_hosts();
    test_zero_register();
    test_debug_and_pmu();
    test_interrupt_controller();
    test_physical_timer();
    test_random();
    return 0;
}
