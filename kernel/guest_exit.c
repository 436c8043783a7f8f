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
#define ISS_FSC_TYPE (UINT64_C(0xf) << 2)
#define FSC_TRANSLATION (UINT64_C(1) << 2)

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

/* --- Each ends with the own lock let go and the thread that goes on, its VMM's; or with NULL: kernel_leave is next. --- */

static struct tcb *return_to_vmm(struct core *core, struct tcb *tcb, struct bh_vcpu_frame *frame, enum bh_exit reason)
{
    vcpu_exit(tcb, frame, reason, 0);
    core_unlock(core);
    return tcb;
}

/* An access that the hardware has decoded; `value` is of a store. */
static inline struct tcb *emulate(struct core *core, struct tcb *tcb, struct bh_vcpu_frame *frame, uint64_t esr,
                                  uint64_t value)
{
    frame->access = (struct bh_vcpu_access){.size_bits = (uint8_t)ISS_SAS(esr),
                                            .reg = (uint8_t)ISS_SRT(esr),
                                            .write = (esr & ISS_WNR) != 0,
                                            .sign_extend = (esr & ISS_SSE) != 0,
                                            .wide = (esr & ISS_SF) != 0,
                                            .value = value};
    return return_to_vmm(core, tcb, frame, BH_EXIT_MMIO);
}

__attribute__((noinline)) static struct tcb *store(struct core *core, struct tcb *tcb, struct bh_vcpu_frame *frame,
                                                   uint64_t esr)
{
    struct cap space = tcb->vcpu->slots[VCPU_SLOT_GUEST_SPACE].cap;
    if (space.type == BH_TYPE_GUEST_SPACE && guest_space_ring(core, cap_object(space), vaddr(frame->ipa))) {
        frame->pc += 4;
        frame->exits[BH_EXIT_DOORBELL]++;
        return NULL;
    }
    uint64_t value = ISS_SRT(esr) != 31 ? frame->x[ISS_SRT(esr)] : 0;
    return emulate(core, tcb, frame, esr, value & (UINT64_MAX >> (64 - (8u << ISS_SAS(esr)))));
}

/* HPFAR_EL2.FIPA holds the address from bit 12 up in bits 4 and up (D17.2.64). */
static inline void note_address(struct bh_vcpu_frame *frame)
{
    uint64_t far = read_sysreg(far_el2);
    frame->far = far;
    frame->ipa = ((read_sysreg(hpfar_el2) & UINT64_C(0xfffffffff0)) << 8) | (far & 0xfff);
}

static inline struct tcb *data_abort(struct core *core, struct tcb *tcb, struct bh_vcpu_frame *frame, uint64_t esr)
{
    note_address(frame);
    if ((esr & (ISS_ISV | ISS_S1PTW | ISS_FSC_TYPE)) != (ISS_ISV | FSC_TRANSLATION)) {
        return return_to_vmm(core, tcb, frame, BH_EXIT_ABORT);
    }
    return (esr & ISS_WNR) != 0 ? store(core, tcb, frame, esr) : emulate(core, tcb, frame, esr, 0);
}

__attribute__((noinline)) static struct tcb *rare_exception(struct core *core, struct tcb *tcb,
                                                            struct bh_vcpu_frame *frame, uint64_t esr)
{
    switch (esr >> ESR_EC_SHIFT) {
    case ESR_EC_WFX:
        wait_for_guest_interrupt(core, tcb, frame);
        return NULL;
    case ESR_EC_SMC64: /* trapped: the preferred return address is the instruction (D1.3.5) */
        frame->pc += 4;
        return return_to_vmm(core, tcb, frame, BH_EXIT_SMC);
    case ESR_EC_INSTRUCTION_ABORT_LOWER:
        note_address(frame);
        return return_to_vmm(core, tcb, frame, BH_EXIT_ABORT);
    default:
        frame->far = read_sysreg(far_el2);
        return return_to_vmm(core, tcb, frame, BH_EXIT_EXCEPTION);
    }
}

__attribute__((noinline)) static struct tcb *handle(struct core *core, uint64_t esr)
{
    struct tcb *tcb = core->current;
    struct bh_vcpu_frame *frame = tcb->vcpu->frame;
    trace(BH_TRACE_GUEST_EXIT, tcb, esr, frame->pc);
    frame->esr = esr;
    frame->guest_ticks += ticks_now() - core->guest_entered;
    switch (esr >> ESR_EC_SHIFT) {
    case ESR_EC_HVC64:
        return return_to_vmm(core, tcb, frame, BH_EXIT_HVC);
    case ESR_EC_SYSREG:
        return return_to_vmm(core, tcb, frame, BH_EXIT_SYSREG);
    case ESR_EC_DATA_ABORT_LOWER:
        return data_abort(core, tcb, frame, esr);
    default:
        return rare_exception(core, tcb, frame, esr);
    }
}

__attribute__((noinline)) static struct tcb *handle_later(struct core *core, uint64_t esr, union lock ticket)
{
    return core_wait(core, &core->lock, ticket, ENTRY_GUEST_EXCEPTION) ? handle(core, esr) : NULL;
}

struct tcb *guest_exception(struct core *core)
{
    uint64_t esr = read_sysreg(esr_el2);
    union lock ticket = lock_ticket(&core->lock);
    return lock_was_free(ticket) ? handle(core, esr) : handle_later(core, esr, ticket);
}
