/* SPDX-License-Identifier: BSD-2-Clause */
/* Exits of guests: why bh_vm_enter returns, and with what. */
#include "guest.h"

#define ALL BH_RIGHTS_ALL

static void hvc_returns_after_the_instruction(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_hvc);
    guest.frame->x[0] = 70;
    for (uint64_t i = 1; i <= 100; i++) {
        (void)GUEST_RUN(&guest, BH_EXIT_HVC);
        CHECK_EQUAL(guest_hvc_immediate(&guest), 0x12);
        CHECK_EQUAL(guest.frame->esr >> 26, 0x16);
        CHECK_EQUAL(guest.frame->x[0], 70 + i);
        CHECK_EQUAL(guest.frame->pc, GUEST_RAM + guest_hvc + 8);
    }
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_HVC], 100);
}

static void the_vmm_edits_registers_in_place(void)
{
    struct guest guest = guest_new(test_tcb);
    for (uint64_t i = 0; i < 31; i++) {
        guest.frame->x[i] = 0x500 + i;
    }
    guest_aim(&guest, guest_hvc);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[0], 0x501);
    for (uint64_t i = 1; i < 31; i++) {
        CHECK_EQUAL(guest.frame->x[i], 0x500 + i);
    }
    guest.frame->x[0] = 9;
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[0], 10);
}

static void smc_returns_after_the_instruction(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_smc);
    (void)GUEST_RUN(&guest, BH_EXIT_SMC);
    CHECK_EQUAL(guest_hvc_immediate(&guest), 7);
    CHECK_EQUAL(guest.frame->pc, GUEST_RAM + guest_smc + 4);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
}

static void accesses_to_nothing_are_decoded(void)
{
    static const struct {
        uint64_t offset;
        uint8_t size_bits, reg, write, sign_extend, wide;
        uint64_t value;
    } expected[] = {
        {0, 0, 2, 1, 0, 0, 0x88},
        {2, 1, 2, 1, 0, 0, 0x7788},
        {4, 2, 2, 1, 0, 0, 0x55667788},
        {8, 3, 2, 1, 0, 1, UINT64_C(0x1122334455667788)},
        {16, 3, 31, 1, 0, 1, 0},
        {1, 0, 3, 0, 0, 0, 0},
        {2, 1, 4, 0, 0, 0, 0},
        {4, 2, 5, 0, 0, 0, 0},
        {8, 3, 6, 0, 0, 1, 0},
        {1, 0, 7, 0, 1, 0, 0},
        {1, 0, 8, 0, 1, 1, 0},
        {2, 1, 9, 0, 1, 0, 0},
        {2, 1, 10, 0, 1, 1, 0},
        {4, 2, 11, 0, 1, 1, 0},
        {8, 3, 31, 0, 0, 1, 0},
    };
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_mmio);
    guest.frame->x[1] = GUEST_MMIO;
    guest.frame->x[2] = UINT64_C(0x1122334455667788);
    for (uint64_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
        const struct bh_vcpu_access *access = &guest.frame->access;
        CHECK_EQUAL(guest.frame->ipa, GUEST_MMIO + expected[i].offset);
        CHECK_EQUAL(guest.frame->pc, GUEST_RAM + guest_mmio + i * 4);
        CHECK_EQUAL(access->size_bits, expected[i].size_bits);
        CHECK_EQUAL(access->reg, expected[i].reg);
        CHECK_EQUAL(access->write, expected[i].write);
        if (expected[i].write == 0) {
            CHECK_EQUAL(access->sign_extend, expected[i].sign_extend);
        }
        CHECK_EQUAL(access->wide, expected[i].wide);
        if (expected[i].write == 1) {
            CHECK_EQUAL(access->value, expected[i].value);
        } else if (access->reg < 31) {
            guest.frame->x[access->reg] = 0x7000 + i;
        }
        guest.frame->pc += 4;
    }
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[3], 0x7005);
    CHECK_EQUAL(guest.frame->x[11], 0x700d);
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_MMIO], 15);
}

static void undecoded_accesses_are_aborts(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_read_pair);
    guest.frame->x[1] = GUEST_MMIO + 0x128;
    (void)GUEST_RUN(&guest, BH_EXIT_ABORT);
    CHECK_EQUAL(guest.frame->ipa, GUEST_MMIO + 0x128);
    CHECK_EQUAL(guest.frame->far, GUEST_MMIO + 0x128);
    CHECK_EQUAL(guest.frame->pc, GUEST_RAM + guest_read_pair);
}

static void a_jump_to_nothing_is_an_abort(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_jump);
    guest.frame->x[1] = GUEST_MMIO + 0x40;
    (void)GUEST_RUN(&guest, BH_EXIT_ABORT);
    CHECK_EQUAL(guest.frame->ipa, GUEST_MMIO + 0x40);
    CHECK_EQUAL(guest.frame->pc, GUEST_MMIO + 0x40);
    CHECK_EQUAL(guest.frame->esr >> 26, 0x20);
}

/* PSTATE.BTYPE, without which the target would be entered as if no branch had led there. */
static void how_a_guest_branched_survives_exit_and_entry(void)
{
    struct guest guest = guest_new(test_tcb);
    uint64_t branched = (guest.frame->host.id_aa64pfr1 & 0xf) != 0 ? 1 << 10 : 0; /* by BR from code not guarded */
    guest_aim(&guest, guest_jump);
    guest.frame->x[1] = GUEST_MMIO;
    for (int i = 0; i < 2; i++) {
        (void)GUEST_RUN(&guest, BH_EXIT_ABORT);
        CHECK_EQUAL(guest.frame->pc, GUEST_MMIO);
        CHECK_EQUAL(guest.frame->pstate, GUEST_EL1H_MASKED | branched);
    }
}

static void trapped_registers_are_told(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_sysreg);
    guest.frame->x[2] = 0x01000001;
    (void)GUEST_RUN(&guest, BH_EXIT_SYSREG);
    /* ISS: ICC_SGI1R_EL1 is 3, 0, C12, C11, 5; a write from x2 (D17.2.37) */
    CHECK_EQUAL(guest.frame->esr & 0x3fffff, 3u << 20 | 5u << 17 | 0u << 14 | 12u << 10 | 2u << 5 | 11u << 1);
    CHECK_EQUAL(guest.frame->pc, GUEST_RAM + guest_sysreg);
    guest.frame->pc += 4;
    (void)GUEST_RUN(&guest, BH_EXIT_SYSREG);
    /* ACTLR_EL1 is 3, 0, C1, C0, 1; a read into x3 */
    CHECK_EQUAL(guest.frame->esr & 0x3fffff, 3u << 20 | 1u << 17 | 0u << 14 | 1u << 10 | 3u << 5 | 0u << 1 | 1);
    guest.frame->x[3] = 0x44;
    guest.frame->pc += 4;
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[3], 0x44);
}

static void the_guest_sees_the_identity_it_was_given(void)
{
    struct guest guest = guest_new(test_tcb);
    guest.frame->state.vmpidr = UINT64_C(0x80000302);
    guest.frame->state.cntvoff = UINT64_C(0x10000000000000);
    CHECK_OK(bh_vcpu_load(guest.vcpu));
    guest_aim(&guest, guest_ids);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[0], UINT64_C(0x80000302));
    CHECK_EQUAL(guest.frame->x[1], 0x410fd0f0);
    uint64_t seen = guest.frame->x[2] + UINT64_C(0x10000000000000);
    uint64_t now = ticks_now();
    CHECK(seen <= now && now - seen < ticks_from_us(1000000));
}

static void its_own_exceptions_stay_in_the_guest(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_brk);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest_hvc_immediate(&guest), 0xdea);
    CHECK_EQUAL(guest.frame->x[27] >> 26, 0x3c);
    CHECK_EQUAL(guest.frame->x[28], GUEST_RAM + guest_brk);
    /* EL2 does not exist for it. */
    guest_aim(&guest, guest_el2);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest_hvc_immediate(&guest), 0xdea);
    CHECK_EQUAL(guest.frame->x[27] >> 26, 0);
}

static void a_pending_notification_comes_before_the_guest(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(test_tcb, notification));
    CHECK_EQUAL(bh_signal(new_mint(notification, BH_RIGHT_WRITE, 0x30)), BH_OK);
    guest_aim(&guest, guest_hvc);
    guest.frame->x[0] = 1;
    CHECK_EQUAL(GUEST_RUN(&guest, BH_EXIT_NOTIFICATION), 0x30);
    CHECK_EQUAL(guest.frame->x[0], 1);
    CHECK_EQUAL(GUEST_RUN(&guest, BH_EXIT_HVC), 0);
    CHECK_EQUAL(guest.frame->x[0], 2);
    CHECK_EQUAL(guest.frame->exits[BH_EXIT_NOTIFICATION], 1);
}

static void a_deadline_ends_an_endless_guest(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(test_tcb, notification));
    guest_aim(&guest, guest_loop);
    guest.frame->x[1] = GUEST_DATA;
    for (uint64_t round = 1; round <= 3; round++) {
        uint64_t before = guest.data[0];
        CHECK_OK(bh_notification_arm(notification, ticks_now() + ticks_from_us(2000), 4));
        CHECK_EQUAL(GUEST_RUN(&guest, BH_EXIT_NOTIFICATION), 4);
        CHECK(guest.data[0] > before);
    }
    CHECK(guest.frame->exits[BH_EXIT_IRQ] >= 3);
    CHECK(guest.frame->guest_ticks >= ticks_from_us(3000));
}

static void another_threads_signal_ends_the_guest(void)
{
    struct guest_thread runner;
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(runner.thread.tcb, notification));
    guest_aim(&guest, guest_loop);
    guest.frame->x[1] = GUEST_DATA;
    thread_resume(&runner.thread);
    sleep_us(3000);
    CHECK(guest.data[0] > 0);
    CHECK_EQUAL(runner.exit_count, 0);
    CHECK_EQUAL(bh_signal(new_mint(notification, BH_RIGHT_WRITE, 0x80)), BH_OK);
    sleep_us(3000);
    CHECK_EQUAL(runner.reason, BH_EXIT_NOTIFICATION);
    CHECK_EQUAL(runner.bits, 0x80);
}

/* The VMM's own registers and address space are what they were. */
static void the_vmm_is_untouched_by_its_guest(void)
{
    struct guest guest = guest_new(test_tcb);
    uint64_t tpidr = (uint64_t)own_ipc_buffer();
    guest_aim(&guest, guest_keep);
    guest.frame->x[0] = 0x777000;
    guest.frame->x[1] = GUEST_DATA;
    guest.data[2] = 1;
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest_hvc_immediate(&guest), 1);
    CHECK_EQUAL((uint64_t)own_ipc_buffer(), tpidr);
    CHECK_EQUAL(boot_info->magic, BH_BOOT_INFO_MAGIC);
}

static void signal_later(uint64_t notification)
{
    sleep_us(2000);
    (void)bh_signal(notification);
}

/* Another thread has run while the VMM's was in the guest, and bh_vm_enter returns without entering it once more. */
static void the_vmm_is_untouched_by_other_threads(void)
{
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(test_tcb, notification));
    uint64_t tpidr = (uint64_t)own_ipc_buffer();
    volatile uint64_t canary = 0x5ca1ab1e;
    guest_aim(&guest, guest_loop);
    guest.frame->x[1] = GUEST_DATA;
    (void)thread_start(signal_later, new_mint(notification, BH_RIGHT_WRITE, 0x80), PRIORITY_HIGH);
    CHECK_EQUAL(GUEST_RUN(&guest, BH_EXIT_NOTIFICATION), 0x80);
    CHECK_EQUAL((uint64_t)own_ipc_buffer(), tpidr);
    CHECK_EQUAL(canary, 0x5ca1ab1e);
}

static void fp_registers_stay_across_exits(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_fp);
    guest.frame->x[0] = 0xf00d;
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest_hvc_immediate(&guest), 2);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[3], 0xf00d);
}

static void suspending_the_vmm_stops_the_guest(void)
{
    struct guest_thread runner;
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    guest_aim(&guest, guest_loop);
    guest.frame->x[1] = GUEST_DATA;
    thread_resume(&runner.thread);
    sleep_us(3000);
    CHECK_ERROR(bh_vcpu_save(guest.vcpu), BH_ERROR_ILLEGAL_OPERATION, 0); /* it is in the guest */
    CHECK_ERROR(bh_vcpu_load(guest.vcpu), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_OK(bh_tcb_suspend(runner.thread.tcb));
    uint64_t seen = guest.data[0];
    CHECK(seen > 0);
    sleep_us(3000);
    CHECK_EQUAL(guest.data[0], seen);
    thread_resume(&runner.thread);
    sleep_us(3000);
    CHECK(guest.data[0] > seen);
    CHECK_EQUAL(runner.exit_count, 0);
}

/* Whoever shares the frame may write it while the guest is preempted; the mode is checked again before it goes on. */
static void a_preempted_guest_goes_on_below_the_kernel(void)
{
    struct guest_thread runner;
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    guest_aim(&guest, guest_loop);
    guest.frame->x[1] = GUEST_DATA;
    thread_resume(&runner.thread);
    sleep_us(3000);
    guest.frame->pstate = 0x3c9; /* EL2h */
    sleep_us(3000);
    CHECK_EQUAL(runner.reason, BH_EXIT_INVALID);
}

/* HCR_EL2.RW says nothing of EL0: a guest's own ERET can leave AArch64 where the processor has AArch32 there. */
static void run_aarch32(struct guest_thread *runner, struct guest *guest, uint64_t pc)
{
    guest_thread_prepare(runner, guest, PRIORITY_LOW);
    CHECK_EQUAL(guest->frame->host.id_aa64pfr0 & 0xf, 2);
    guest->frame->state.elr_el1 = pc;
    guest->frame->state.spsr_el1 = GUEST_EL0_AARCH32;
    CHECK_OK(bh_vcpu_load(guest->vcpu));
    guest_aim(guest, guest_return);
    thread_resume(&runner->thread);
    sleep_us(3000);
}

static void an_exit_from_aarch32_ends_nobody_but_the_guest(void)
{
    struct guest_thread runner;
    struct guest guest;
    run_aarch32(&runner, &guest, GUEST_MMIO);
    CHECK_EQUAL(runner.reason, BH_EXIT_ABORT);
    CHECK_EQUAL(guest.frame->pc, GUEST_MMIO);
    guest_thread_again(&runner);
    sleep_us(1000);
    CHECK_EQUAL(runner.reason, BH_EXIT_INVALID);
}

static void an_interrupt_in_aarch32_ends_nobody_but_the_guest(void)
{
    struct guest_thread runner;
    struct guest guest;
    run_aarch32(&runner, &guest, GUEST_RAM + guest_aarch32_loop);
    CHECK_EQUAL(runner.reason, BH_EXIT_INVALID);
}

static void a_frame_full_of_ones_does_no_harm(void)
{
    struct guest guest = guest_new(test_tcb);
    memset(guest.frame, 0xff, sizeof(*guest.frame));
    guest_aim(&guest, guest_hvc);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(test_tcb, notification));
    CHECK_OK(bh_notification_arm(notification, ticks_now() + ticks_from_us(5000), 1));
    uint64_t bits;
    for (int i = 0; i < 10; i++) {
        (void)bh_vm_enter(&bits);
    }
    CHECK_OK(bh_notification_disarm(notification));
    sleep_us(2000);
}

TEST_GROUP(guest, false, TEST_CASE(hvc_returns_after_the_instruction), TEST_CASE(the_vmm_edits_registers_in_place),
           TEST_CASE(smc_returns_after_the_instruction), TEST_CASE(accesses_to_nothing_are_decoded),
           TEST_CASE(undecoded_accesses_are_aborts), TEST_CASE(a_jump_to_nothing_is_an_abort),
           TEST_CASE(how_a_guest_branched_survives_exit_and_entry),
           TEST_CASE(trapped_registers_are_told), TEST_CASE(the_guest_sees_the_identity_it_was_given),
           TEST_CASE(its_own_exceptions_stay_in_the_guest), TEST_CASE(a_pending_notification_comes_before_the_guest),
           TEST_CASE(a_deadline_ends_an_endless_guest), TEST_CASE(another_threads_signal_ends_the_guest),
           TEST_CASE(the_vmm_is_untouched_by_its_guest),
           TEST_CASE(the_vmm_is_untouched_by_other_threads), TEST_CASE(fp_registers_stay_across_exits),
           TEST_CASE(suspending_the_vmm_stops_the_guest),
           TEST_CASE(a_preempted_guest_goes_on_below_the_kernel),
           TEST_CASE(an_exit_from_aarch32_ends_nobody_but_the_guest),
           TEST_CASE(an_interrupt_in_aarch32_ends_nobody_but_the_guest), TEST_CASE(a_frame_full_of_ones_does_no_harm));
