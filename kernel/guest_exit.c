/* SPDX-License-Identifier: BSD-2-Clause */
/* Synchronous exceptions of guests: what the kernel does itself, and what it hands to the VMM. */
#include "aarch64/cpu.h"
#include "aarch64/virtual_gic.h"
#include "guest_space.h"
#include "notification.h"
#include "scheduler.h"
#include "vcpu.h"

/* ESR_EL2.ISS of a data abort (Arm ARM D17.2.37). */
#define ISS_ISV (UINT64_C(1) << 24)
#define ISS_SAS(iss) (((iss) >> 22) & 3)
#define ISS_SSE (UINT64_C(1) << 21)
#define ISS_SRT(iss) (((iss) >> 16) & 31)
#define ISS_SF (UINT64_C(1) << 15)
#define ISS_S1PTW (UINT64_C(1) << 7)
#define ISS_WNR (UINT64_C(1) << 6)
#define ISS_FSC_TYPE(iss) (((iss) >> 2) & 0xf)
#define FSC_TRANSLATION 1u

static void wait_for_guest_interrupt(struct core *core, struct tcb *tcb, struct bh_vcpu_frame *frame)
{
    struct notification *notification = tcb->bound_notification;
    frame->pc += 4;
    frame->exits[BH_EXIT_WFI]++;
    bool timer = tcb->vcpu->timer_pending && frame->timer_enabled != 0;
    if (frame->pending_summary != 0 || timer || tcb->vcpu->completed ||
        (notification != NULL && notification->bits != 0) || virtual_gic_pending()) {
        return;
    }
    tcb->state = TCB_BLOCKED_WFI;
    core->reschedule = 1;
}

static void data_abort(struct core *core, struct tcb *tcb, struct bh_vcpu_frame *frame, uint64_t esr)
{
    uint64_t far = read_sysreg(far_el2);
    /* HPFAR_EL2.FIPA holds the address from bit 12 up in bits 4 and up (D17.2.64). */
    uint64_t ipa = ((read_sysreg(hpfar_el2) & UINT64_C(0xfffffffff0)) << 8) | (far & 0xfff);
    frame->far = far;
    frame->ipa = ipa;
    if ((esr & ISS_ISV) == 0 || (esr & ISS_S1PTW) != 0 || ISS_FSC_TYPE(esr) != FSC_TRANSLATION) {
        vcpu_exit(tcb, BH_EXIT_ABORT, 0);
        return;
    }
    bool write = (esr & ISS_WNR) != 0;
    if (write) {
        struct cap space = tcb->vcpu->slots[VCPU_SLOT_GUEST_SPACE].cap;
        if (space.type == BH_TYPE_GUEST_SPACE && guest_space_ring(core, cap_object(space), vaddr(ipa))) {
            frame->pc += 4;
            frame->exits[BH_EXIT_DOORBELL]++;
            return;
        }
    }
    unsigned reg = (unsigned)ISS_SRT(esr);
    unsigned size_bits = (unsigned)ISS_SAS(esr);
    uint64_t value = 0;
    if (write && reg != 31) {
        value = frame->x[reg];
        if (size_bits != 3) {
            value &= (UINT64_C(1) << (8u << size_bits)) - 1;
        }
    }
    frame->access = (struct bh_vcpu_access){.size_bits = (uint8_t)size_bits,
                                            .reg = (uint8_t)reg,
                                            .write = write,
                                            .sign_extend = (esr & ISS_SSE) != 0,
                                            .wide = (esr & ISS_SF) != 0,
                                            .value = value};
    vcpu_exit(tcb, BH_EXIT_MMIO, 0);
}

struct tcb *guest_exception(struct core *core)
{
    struct tcb *tcb = core->current;
    uint64_t esr = read_sysreg(esr_el2);

    if (!core_lock(core, ENTRY_GUEST_EXCEPTION)) {
        return NULL;
    }
    struct bh_vcpu_frame *frame = vcpu_frame(tcb->vcpu);
    trace(BH_TRACE_GUEST_EXIT, tcb, esr, frame->pc);
    frame->esr = esr;
    frame->guest_ticks += ticks_now() - core->guest_entered;
    switch (esr >> ESR_EC_SHIFT) {
    case ESR_EC_HVC64:
        vcpu_exit(tcb, BH_EXIT_HVC, 0);
        break;
    case ESR_EC_DATA_ABORT_LOWER:
        data_abort(core, tcb, frame, esr);
        break;
    case ESR_EC_SYSREG:
        vcpu_exit(tcb, BH_EXIT_SYSREG, 0);
        break;
    case ESR_EC_WFX:
        wait_for_guest_interrupt(core, tcb, frame);
        break;
    case ESR_EC_SMC64: /* trapped: the preferred return address is the instruction (D1.3.5) */
        frame->pc += 4;
        vcpu_exit(tcb, BH_EXIT_SMC, 0);
        break;
    case ESR_EC_INSTRUCTION_ABORT_LOWER:
        frame->far = read_sysreg(far_el2);
        frame->ipa = ((read_sysreg(hpfar_el2) & UINT64_C(0xfffffffff0)) << 8) | (frame->far & 0xfff);
        vcpu_exit(tcb, BH_EXIT_ABORT, 0);
        break;
    default:
        frame->far = read_sysreg(far_el2);
        vcpu_exit(tcb, BH_EXIT_EXCEPTION, 0);
        break;
    }
    if (tcb->in_guest || core->reschedule != 0) {
        return NULL;
    }
    core_unlock(core);
    return tcb;
}
