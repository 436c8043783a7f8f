/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on VCPUs, and what the kernel accepts in a vCPU frame. */
#include "guest.h"

#define ALL BH_RIGHTS_ALL

static void vcpu_configure_checks_its_arguments(void)
{
    bh_cptr vcpu = new_object(BH_TYPE_VCPU);
    bh_cptr space = new_object(BH_TYPE_GUEST_SPACE);
    bh_cptr frame = new_frame();
    CHECK_ERROR(bh_vcpu_configure(vcpu, frame, space, frame), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_vcpu_configure(vcpu, 0, space, frame), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_vcpu_configure(vcpu, test_tcb, frame, frame), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_vcpu_configure(vcpu, test_tcb, BH_ROOT_SLOT_VSPACE, frame), BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_vcpu_configure(vcpu, test_tcb, space, 0), BH_ERROR_INVALID_CAPABILITY, 3);
    CHECK_ERROR(bh_vcpu_configure(vcpu, test_tcb, space, new_copy(frame, BH_RIGHT_READ)), BH_ERROR_RIGHTS, 3);
    CHECK_ERROR(bh_vcpu_configure(vcpu, test_tcb, space, new_sized(BH_TYPE_FRAME, 21)), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_ERROR(bh_vcpu_configure(vcpu, test_tcb, space, new_device_frame(0x09010000)), BH_ERROR_INVALID_ARGUMENT, 3);
    CHECK_OK(bh_vcpu_configure(vcpu, test_tcb, space, frame));
}

static void a_vcpu_is_configured_once(void)
{
    struct guest guest = guest_new(test_tcb);
    struct thread other = thread_prepare(spin_us, 0, PRIORITY_LOW);
    bh_cptr second = new_object(BH_TYPE_VCPU);
    bh_cptr frame = new_frame();
    CHECK_ERROR(bh_vcpu_configure(guest.vcpu, other.tcb, guest.space, frame), BH_ERROR_BUSY, 0);
    CHECK_ERROR(bh_vcpu_configure(second, test_tcb, guest.space, frame), BH_ERROR_BUSY, 1);
    CHECK_OK(bh_vcpu_configure(second, other.tcb, guest.space, frame));
}

static void without_configuration_there_is_no_state(void)
{
    bh_cptr vcpu = new_object(BH_TYPE_VCPU);
    CHECK_ERROR(bh_vcpu_save(vcpu), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_ERROR(bh_vcpu_load(vcpu), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_ERROR(bh_vcpu_post(vcpu, 40), BH_ERROR_ILLEGAL_OPERATION, 0);
}

static void without_a_vcpu_nothing_is_entered(void)
{
    uint64_t bits = 5;
    CHECK_EQUAL(bh_vm_enter(&bits), BH_EXIT_INVALID);
    CHECK_EQUAL(bits, 0);
}

static void states_above_el1_are_refused(void)
{
    static const uint64_t modes[] = {0x8, 0x9, 0xc, 0xd, 0x1, 0x2, 0x3, 0x6, 0x10, 0x13, 0x1a, 0x1d, 0x1f};
    struct guest guest = guest_new(test_tcb);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        guest_aim(&guest, guest_hvc);
        guest.frame->pstate = 0x3c0 | modes[i];
        guest.frame->x[0] = 0;
        (void)GUEST_RUN(&guest, BH_EXIT_INVALID);
        CHECK_EQUAL(guest.frame->x[0], 0);
    }
    guest_aim(&guest, guest_hvc);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
}

static void el0_and_el1_with_either_stack_are_accepted(void)
{
    struct guest guest = guest_new(test_tcb);
    static const uint64_t modes[] = {0x4, 0x5};
    for (size_t i = 0; i < 2; i++) {
        guest_aim(&guest, guest_hvc);
        guest.frame->pstate = 0x3c0 | modes[i];
        (void)GUEST_RUN(&guest, BH_EXIT_HVC);
        CHECK_EQUAL(guest.frame->pstate & 0x1f, modes[i]);
    }
    /* At EL0 HVC is undefined: the guest's own vector gets it. */
    guest_aim(&guest, guest_hvc);
    guest.frame->pstate = 0x3c0;
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(guest_hvc_immediate(&guest), 0xdea);
}

/* Single-stepping, the software step bit or an illegal state in pstate must not reach the hardware. */
static void wild_pstate_bits_do_no_harm(void)
{
    struct guest guest = guest_new(test_tcb);
    static const uint64_t wild[] = {UINT64_C(1) << 21, UINT64_C(1) << 20, UINT64_C(0xffffffff00000000),
                                    UINT64_C(0xffffffffffffffe0)};
    for (size_t i = 0; i < 4; i++) {
        guest_aim(&guest, guest_hvc);
        guest.frame->pstate = GUEST_EL1H_MASKED | wild[i];
        uint64_t bits;
        uint64_t reason = bh_vm_enter(&bits);
        CHECK(reason == BH_EXIT_HVC || reason == BH_EXIT_INVALID);
    }
}

static void saved_state_is_what_was_loaded(void)
{
    struct guest guest = guest_new(test_tcb);
    struct bh_vcpu_state *state = &guest.frame->state;
    guest_reset_state(state);
    state->sp_el0 = 0x101;
    state->sp_el1 = 0x102;
    state->elr_el1 = 0x103;
    state->spsr_el1 = 0x3c4;
    state->ttbr0_el1 = 0x105000;
    state->ttbr1_el1 = 0x106000;
    state->tcr_el1 = 0x107;
    state->esr_el1 = 0x108;
    state->far_el1 = 0x10b;
    state->mair_el1 = 0x10d;
    state->vbar_el1 = 0x10f000;
    state->contextidr_el1 = 0x110;
    state->tpidr_el0 = 0x111;
    state->tpidrro_el0 = 0x112;
    state->tpidr_el1 = 0x113;
    state->cntv_cval = 0x117;
    state->cntvoff = 0x118;
    state->fp.fpcr = 0x400000;
    state->fp.fpsr = 0x11;
    for (int i = 0; i < 32; i++) {
        state->fp.v[i][0] = 0x1000 + (uint64_t)i;
        state->fp.v[i][1] = 0x2000 + (uint64_t)i;
    }
    struct bh_vcpu_state before = *state;
    CHECK_OK(bh_vcpu_load(guest.vcpu));
    memset(state, 0xee, sizeof(*state));
    /* Through the hardware as well. */
    guest_aim(&guest, guest_hvc);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_OK(bh_vcpu_save(guest.vcpu));
    CHECK_EQUAL(state->sp_el0, before.sp_el0);
    CHECK_EQUAL(state->sp_el1, before.sp_el1);
    CHECK_EQUAL(state->elr_el1, before.elr_el1);
    CHECK_EQUAL(state->spsr_el1, before.spsr_el1);
    CHECK_EQUAL(state->sctlr_el1, before.sctlr_el1);
    CHECK_EQUAL(state->cpacr_el1, before.cpacr_el1);
    CHECK_EQUAL(state->ttbr0_el1, before.ttbr0_el1);
    CHECK_EQUAL(state->ttbr1_el1, before.ttbr1_el1);
    CHECK_EQUAL(state->tcr_el1, before.tcr_el1);
    CHECK_EQUAL(state->esr_el1, before.esr_el1);
    CHECK_EQUAL(state->far_el1, before.far_el1);
    CHECK_EQUAL(state->mair_el1, before.mair_el1);
    CHECK_EQUAL(state->vbar_el1, before.vbar_el1);
    CHECK_EQUAL(state->contextidr_el1, before.contextidr_el1);
    CHECK_EQUAL(state->tpidr_el0, before.tpidr_el0);
    CHECK_EQUAL(state->tpidrro_el0, before.tpidrro_el0);
    CHECK_EQUAL(state->tpidr_el1, before.tpidr_el1);
    CHECK_EQUAL(state->cntv_cval, before.cntv_cval);
    CHECK_EQUAL(state->cntvoff, before.cntvoff);
    CHECK_EQUAL(state->vmpidr, before.vmpidr);
    CHECK_EQUAL(state->vpidr, before.vpidr);
    CHECK_EQUAL(state->fp.fpcr, before.fp.fpcr);
    CHECK_EQUAL(state->fp.fpsr, before.fp.fpsr);
    for (int i = 0; i < 32; i++) {
        CHECK_EQUAL(state->fp.v[i][0], before.fp.v[i][0]);
        CHECK_EQUAL(state->fp.v[i][1], before.fp.v[i][1]);
    }
}

/* Whatever a VMM loads, only its guest suffers. */
static void any_state_can_be_loaded(void)
{
    static const uint8_t fills[] = {0xff, 0xaa, 0x55, 0x80, 0x01};
    struct guest guest = guest_new(test_tcb);
    bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_tcb_bind_notification(test_tcb, notification));
    for (size_t i = 0; i < sizeof(fills); i++) {
        memset(&guest.frame->state, fills[i], sizeof(guest.frame->state));
        /* A guest that cannot even fetch its vectors executes nothing, and the time of QEMU's -icount stands still. */
        guest.frame->state.sctlr_el1 = SCTLR_EL1_RES1;
        guest.frame->state.vbar_el1 = GUEST_RAM;
        CHECK_OK(bh_vcpu_load(guest.vcpu));
        guest_aim(&guest, guest_hvc);
        CHECK_OK(bh_notification_arm(notification, ticks_now() + ticks_from_us(3000), 1));
        uint64_t bits;
        (void)bh_vm_enter(&bits);
        CHECK_OK(bh_notification_disarm(notification));
        (void)bh_poll(notification, &bits);
        CHECK_OK(bh_vcpu_save(guest.vcpu));
    }
    guest_reset_state(&guest.frame->state);
    CHECK_OK(bh_vcpu_load(guest.vcpu));
    guest_aim(&guest, guest_hvc);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    sleep_us(3000); /* the machine's interrupts still work */
}

static void a_list_register_cannot_name_a_physical_interrupt(void)
{
    struct guest guest = guest_new(test_tcb);
    guest.frame->state.list_register[0] = UINT64_C(1) << 62 | UINT64_C(1) << 61 | UINT64_C(1) << 60 |
                                          UINT64_C(26) << 32 | 40; /* pending, linked to the kernel's own timer */
    CHECK_OK(bh_vcpu_load(guest.vcpu));
    guest_aim(&guest, guest_mask_irq);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC); /* it is in the hardware, and not taken */
    CHECK_OK(bh_vcpu_save(guest.vcpu));
    uint64_t lr = guest.frame->state.list_register[0];
    CHECK((lr & UINT64_C(1) << 62) != 0);
    CHECK((lr & UINT64_C(1) << 61) == 0 || (lr >> 32 & 0x3ff) == BH_VCPU_TIMER_INTID);
    guest.frame->x[2] = 1;
    guest_aim(&guest, guest_spin_irq);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    sleep_us(3000);
}

static void a_deleted_frame_ends_the_guest(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    struct guest guest = {.tcb = test_tcb};
    (void)guest_space_new(&guest);
    bh_cptr frame = new_from(untyped, BH_TYPE_FRAME, 12);
    guest.vcpu = new_object(BH_TYPE_VCPU);
    CHECK_OK(bh_vcpu_configure(guest.vcpu, test_tcb, guest.space, frame));
    revoke_cap(untyped);
    uint64_t bits;
    CHECK_EQUAL(bh_vm_enter(&bits), BH_EXIT_INVALID);
    CHECK_ERROR(bh_vcpu_save(guest.vcpu), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_ERROR(bh_vcpu_post(guest.vcpu, 40), BH_ERROR_ILLEGAL_OPERATION, 0);
}

static void a_deleted_space_ends_the_guest(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
    bh_cptr space = new_from(untyped, BH_TYPE_GUEST_SPACE, 0);
    bh_cptr vcpu = new_object(BH_TYPE_VCPU);
    bh_cptr frame_cap = new_frame();
    struct bh_vcpu_frame *frame = map_frame(frame_cap, BH_RIGHT_READ | BH_RIGHT_WRITE);
    CHECK_OK(bh_vcpu_configure(vcpu, test_tcb, space, frame_cap));
    guest_reset_state(&frame->state);
    CHECK_OK(bh_vcpu_load(vcpu));
    frame->pc = GUEST_CODE;
    frame->pstate = GUEST_EL1H_MASKED;
    uint64_t bits;
    CHECK_EQUAL(bh_vm_enter(&bits), BH_EXIT_ABORT); /* nothing is mapped */
    revoke_cap(untyped);
    CHECK_EQUAL(bh_vm_enter(&bits), BH_EXIT_INVALID);
}

static void a_deleted_vcpu_frees_its_thread(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_hvc);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    delete_cap(guest.vcpu);
    uint64_t bits;
    CHECK_EQUAL(bh_vm_enter(&bits), BH_EXIT_INVALID);
    guest = guest_new(test_tcb);
    guest_aim(&guest, guest_hvc);
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
}

static void a_deleted_thread_leaves_its_vcpu_idle(void)
{
    struct guest_thread runner;
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    guest_aim(&guest, guest_loop);
    guest.frame->x[1] = GUEST_DATA;
    thread_resume(&runner.thread);
    sleep_us(3000);
    CHECK(guest.data[0] > 0);
    delete_cap(runner.thread.tcb);
    uint64_t seen = guest.data[0];
    sleep_us(3000);
    CHECK_EQUAL(guest.data[0], seen);
    CHECK_OK(bh_vcpu_save(guest.vcpu));
}

TEST_GROUP(vcpu, false, TEST_CASE(vcpu_configure_checks_its_arguments), TEST_CASE(a_vcpu_is_configured_once),
           TEST_CASE(without_configuration_there_is_no_state), TEST_CASE(without_a_vcpu_nothing_is_entered),
           TEST_CASE(states_above_el1_are_refused), TEST_CASE(el0_and_el1_with_either_stack_are_accepted),
           TEST_CASE(wild_pstate_bits_do_no_harm), TEST_CASE(saved_state_is_what_was_loaded),
           TEST_CASE(any_state_can_be_loaded), TEST_CASE(a_list_register_cannot_name_a_physical_interrupt),
           TEST_CASE(a_deleted_frame_ends_the_guest), TEST_CASE(a_deleted_space_ends_the_guest),
           TEST_CASE(a_deleted_vcpu_frees_its_thread), TEST_CASE(a_deleted_thread_leaves_its_vcpu_idle));
