/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits: what a load puts into its register, which accesses abort, and how an exception is taken.
 */
#include <string.h>

#include "domains/vmm/system.h"
#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define VECTORS      UINT64_C(0xffff800010080000)
#define PATTERN      UINT64_C(0x8899aabbccddeeff)
#define PATTERN_BASE UINT64_C(0x0b000000)

static uint64_t pattern_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)device, (void)offset, (void)bytes;
    return PATTERN;
}

static void start(void)
{
    machine_reset();
    system_vcpu_save(0);
    frame->state.vbar_el1 = VECTORS;
    system_vcpu_load(0);
    frame->pc = 0x1000;
    CHECK(vm_mmio_add(&vm, &(struct mmio_region){PATTERN_BASE, 0x1000, pattern_read, NULL, NULL}));
}

static void mmio(uint64_t ipa, struct bh_vcpu_access access)
{
    frame->pc = 0x1000;
    frame->ipa = ipa;
    frame->far = 0xffff000000000000 | ipa;
    frame->access = access;
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_MMIO);
}

static uint64_t load(unsigned size_bits, bool sign_extend, bool wide)
{
    frame->x[2] = UINT64_MAX;
    mmio(PATTERN_BASE,
         (struct bh_vcpu_access){
             .size_bits = (uint8_t)size_bits, .reg = 2, .sign_extend = sign_extend, .wide = wide});
    CHECK_EQUAL(frame->pc, 0x1004);
    return frame->x[2];
}

static void test_loads(void)
{
    start();
    CHECK_EQUAL(load(0, false, false), 0xff);
    CHECK_EQUAL(load(1, false, false), 0xeeff);
    CHECK_EQUAL(load(2, false, false), 0xccddeeff);
    CHECK_EQUAL(load(3, false, true), PATTERN);
    CHECK_EQUAL(load(0, true, false), 0xffffffff);
    CHECK_EQUAL(load(0, true, true), UINT64_MAX);
    CHECK_EQUAL(load(1, true, true), 0xffffffffffffeeff);
    CHECK_EQUAL(load(2, true, true), 0xffffffffccddeeff);
    mmio(PATTERN_BASE,
         (struct bh_vcpu_access){.size_bits = 3, .reg = 31}); /* prefetching into XZR */
    CHECK_EQUAL(frame->pc, 0x1004);
}

static void test_holes(void)
{
    static const uint64_t hole[] = {0,          0x07fffff8, 0x0b001000,   0x10000000,
                                    0x3effffff, 0x3ffffff8, 0x2000000000, 0x3ffffffff8};
    start();
    for (unsigned i = 0; i < sizeof(hole) / sizeof(hole[0]); i++) {
        frame->x[4] = 5;
        mmio(hole[i], (struct bh_vcpu_access){.size_bits = 0, .reg = 4});
        CHECK_EQUAL(frame->pc, 0x1004);
        CHECK_EQUAL(frame->x[4], 0);
        mmio(hole[i], (struct bh_vcpu_access){.size_bits = 0, .reg = 4, .write = 1});
        CHECK_EQUAL(frame->pc, 0x1004);
    }
    CHECK_EQUAL(guest_read(GUEST_VIRTIO_MMIO_BASE + 0x200 * 31, 4), 0x74726976);
    CHECK_EQUAL(guest_read(GUEST_VIRTIO_MMIO_BASE + 4, 4), 2);
    CHECK_EQUAL(guest_read(GUEST_VIRTIO_MMIO_BASE + 8, 4), 0);
    guest_write(GUEST_VIRTIO_MMIO_BASE + 0x70, 4, 1);
}

static void test_data_abort(void)
{
    static const uint64_t outside[] = {GUEST_RAM_BASE + MACHINE_RAM, UINT64_C(0x1fffffffff),
                                       UINT64_C(0x4000000000), UINT64_C(0xfffffffffff8)};
    start();
    for (unsigned i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        frame->pstate = 0x600003c5; /* Z, C; EL1h */
        frame->esr = UINT64_C(0x24) << 26 | 1 << 6;
        mmio(outside[i], (struct bh_vcpu_access){.size_bits = 0, .reg = 4, .write = 1});
        CHECK_EQUAL(frame->pc, VECTORS + 0x200);
        CHECK_EQUAL(frame->state.esr_el1, UINT64_C(0x25) << 26 | 1 << 25 | 1 << 6 | 0x10);
        CHECK_EQUAL(frame->state.far_el1, 0xffff000000000000 | outside[i]);
        CHECK_EQUAL(frame->state.elr_el1, 0x1000);
        CHECK_EQUAL(frame->state.spsr_el1, 0x600003c5);
        CHECK_EQUAL(frame->pstate & 0xf00003df, 0x600003c5);
    }
    frame->pstate = 0; /* a user process */
    frame->esr = UINT64_C(0x24) << 26;
    mmio(outside[0], (struct bh_vcpu_access){.size_bits = 2, .reg = 4});
    CHECK_EQUAL(frame->pc, VECTORS + 0x400);
    CHECK_EQUAL(frame->state.esr_el1, UINT64_C(0x24) << 26 | 1 << 25 | 0x10);
    frame->pstate = 4; /* EL1t */
    frame->pc = 0x1000;
    frame->esr = UINT64_C(0x24) << 26 | 1 << 7; /* a table walk that leads nowhere */
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_ABORT);
    CHECK_EQUAL(frame->pc, VECTORS);
    CHECK_EQUAL(frame->state.esr_el1, UINT64_C(0x25) << 26 | 1 << 25 | 0x14);
    frame->pc = 0x1000;
    frame->esr = UINT64_C(0x24) << 26 | 1 << 8; /* cache maintenance */
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_ABORT);
    CHECK_EQUAL(frame->pc, 0x1004);
}

static void test_instruction_abort(void)
{
    start();
    frame->pstate = 5;
    frame->pc = 0x9000000;
    frame->far = 0x9000000;
    frame->esr = UINT64_C(0x20) << 26;
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_ABORT);
    CHECK_EQUAL(frame->pc, VECTORS + 0x200);
    CHECK_EQUAL(frame->state.esr_el1, UINT64_C(0x21) << 26 | 1 << 25 | 0x10);
    CHECK_EQUAL(frame->state.far_el1, 0x9000000);
    CHECK_EQUAL(frame->state.elr_el1, 0x9000000);
}

static void set_sctlr(uint64_t value)
{
    system_vcpu_save(0);
    frame->state.sctlr_el1 = value;
    system_vcpu_load(0);
}

static void test_pstate(void)
{
    start();
    frame->pc = 0x1000;
    frame->pstate = 0xf1400000; /* NZCV, DIT, PAN; EL0 */
    set_sctlr(UINT64_C(1) << 23);
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_EXCEPTION);
    CHECK_EQUAL(frame->pstate, 0xf14003c5);
    CHECK_EQUAL(frame->state.esr_el1, 1 << 25);
    frame->pstate = 0;
    set_sctlr(0); /* SPAN 0: PAN is set */
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_EXCEPTION);
    CHECK_EQUAL(frame->pstate, 0x4003c5);
    frame->pstate = 0x100c00; /* IL, BTYPE: not kept */
    set_sctlr(UINT64_C(1) << 23 | UINT64_C(1) << 44);
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_EXCEPTION);
    CHECK_EQUAL(frame->pstate, 0x13c5);
}

static void test_hopeless(void)
{
    start();
    frame->reason = BH_EXIT_INVALID;
    vm_exit(&vm, &vm.vcpu[machine_cpu], BH_EXIT_INVALID);
    CHECK_EQUAL(vm.stop_event, BH_GUEST_EVENT_CRASHED);
    CHECK_EQUAL(vm.stop_code, BH_EXIT_INVALID);
}

/* Loads and stores all over the map. */
static void test_random(void)
{
    static const uint64_t base[] = {0,
                                    GUEST_GICD_BASE,
                                    GUEST_GICR_BASE,
                                    GUEST_GICV2M_BASE,
                                    GUEST_PL011_BASE,
                                    GUEST_PL031_BASE,
                                    GUEST_VIRTIO_MMIO_BASE,
                                    GUEST_PCI_ECAM_BASE,
                                    GUEST_RAM_BASE,
                                    UINT64_C(0x2000000000),
                                    UINT64_C(0xffffffff0000)};
    start();
    for (unsigned i = 0; i < 400000; i++) {
        uint64_t random = machine_random();
        struct bh_vcpu_access access;
        uint64_t noise = machine_random();
        memcpy(&access, &noise, sizeof(noise));
        access.size_bits &= 3;
        access.value = machine_random();
        frame->esr = machine_random();
        frame->pstate = (random & 1) != 0 ? 0 : 5;
        mmio(base[(random >> 1 & 0xff) % 11] + (random >> 16 & 0xffff), access);
        CHECK(frame->pc == 0x1004 || (frame->pc & ~UINT64_C(0x600)) == VECTORS);
        machine_enter();
        machine_time(bh_test_ticks + (random >> 50));
        if ((random >> 32 & 0xfff) == 0) {
            machine_deadline = UINT64_MAX;
            start();
        }
    }
}

int main(void)
{
    test_loads();
    test_holes();
    test_data_abort();
    test_instruction_abort();
    test_pstate();
    test_hopeless();
    test_random();
    return 0;
}
