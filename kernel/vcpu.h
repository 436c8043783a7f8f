/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual processors. A VCPU runs on its thread's time, inside bh_vm_enter: the thread is
 * `in_guest` until the guest needs its VMM. While it is, its own registers lie in its context, and
 * the guest's in the vCPU frame whenever the kernel runs.
 *
 * EL1 registers, the virtual timer and the list registers stay in the hardware when the guest
 * exits, and are only exchanged when another VCPU runs on the core (core->vcpu).
 */
#ifndef KERNEL_VCPU_H
#define KERNEL_VCPU_H

#include <bh/vcpu.h>

#include "aarch64/vcpu_registers.h"
#include "core.h"
#include "trace.h"

enum vcpu_slot { VCPU_SLOT_GUEST_SPACE, VCPU_SLOT_FRAME, VCPU_SLOT_COUNT };

struct vcpu {
    uint64_t sp_el0, tpidr_el0; /* of the guest, while it does not run; used by vectors.S */
    uint64_t pstate;            /* checked; what vectors.S enters the guest with */
    struct tcb *tcb;
    struct bh_vcpu_frame *frame; /* shared with the VMM: what the slot names, or NULL */
    union {
        struct {
            bool timer_pending; /* the timer's interrupt is active and in no list register: the guest masks it */
            bool completed;     /* the frame's `completed` has news for the VMM */
        };
        uint16_t attention;
    };
    struct slot slots[VCPU_SLOT_COUNT];
    struct deadline deadline;   /* the virtual timer's, while the guest is in WFI and not in the hardware */
    struct mail mail;           /* interrupts posted by other cores */
    struct bh_vcpu_state state; /* while not in the hardware; sp_el0 and tpidr_el0 are above */
};

_Static_assert(offsetof(struct vcpu, sp_el0) == VCPU_SP_EL0, "vectors.S");
_Static_assert(offsetof(struct vcpu, tpidr_el0) == VCPU_TPIDR_EL0, "vectors.S");
_Static_assert(offsetof(struct vcpu, pstate) == VCPU_PSTATE, "vectors.S");

/* The capability that a VCPU keeps of its frame is marked, since a guest on another core must be
 * stopped before it goes. */
static inline bool vcpu_is_frame_slot(struct cap cap)
{
    return cap.mapping.space == 0 && cap.mapping.generation != 0;
}

void vcpu_lose_frame(struct all_cores *all, struct slot *slot);

/* The mode of a VMM's pstate is EL0t, EL1t or EL1h of AArch64, and the rest within PSTATE_ALLOWED (Arm ARM C5.2.19). */
#define PSTATE_ALLOWED UINT64_C(0xf3d01fdf) /* NZCV, TCO, DIT, UAO, PAN, IL, SSBS, BTYPE, DAIF, M; no single-stepping */

static inline bool pstate_is_allowed(uint64_t pstate)
{
    return ((UINT64_C(1) << 0 | UINT64_C(1) << 4 | UINT64_C(1) << 5) >> (pstate & 0x1f) & 1) != 0;
}

/* The system call. */
void vcpu_enter(struct core *core, struct tcb *tcb);

/* Makes everything ready for the guest of the current thread. False: bh_vm_enter returns instead. */
bool vcpu_prepare(struct core *core, struct tcb *tcb);

/* Ends bh_vm_enter. */
static inline void vcpu_exit(struct tcb *tcb, struct bh_vcpu_frame *frame, enum bh_exit reason, uint64_t bits)
{
    tcb->in_guest = false;
    tcb->context.x[0] = reason;
    tcb->context.x[1] = 0;
    tcb->context.x[10] = bits;
    trace(BH_TRACE_VM_RETURN, tcb, reason, bits != 0 ? bits : frame->ipa);
    frame->reason = reason;
    frame->exits[reason]++;
}

/* A synchronous exception of the guest; called by vectors.S. Returns as syscall_call does. */
struct tcb *guest_exception(struct core *core);

void vcpu_timer_interrupt(struct core *core);
void vcpu_maintenance_interrupt(struct core *core);
void vcpu_timer_due(struct core *core, struct deadline *deadline);

/* Lets a guest go on that waits in WFI. */
void vcpu_wake(struct core *core, struct vcpu *vcpu);

static inline struct vcpu *vcpu_of_mail(struct mail *mail)
{
    return container_of(mail, struct vcpu, mail);
}

/* Takes whatever VCPU is in the hardware out of it. */
void vcpu_put(struct core *core);

/* Before `next` runs. What EL0 can use of what stays in the hardware after an exit is for the VMM alone. */
static inline void vcpu_conceal(struct core *core, const struct tcb *next)
{
    if (core->vcpu != NULL && core->vcpu->tcb != next && !core->vcpu_hidden) {
        vcpu_registers_hide(&core->vcpu->state);
        core->vcpu_hidden = true;
        core->whole_vcpu = NULL;
    }
}

/* Takes the VCPU out of the hardware of its thread's core, and what is on its way to it there. */
void vcpu_evict(struct all_cores *all, struct vcpu *vcpu);

void vcpu_unbind(struct all_cores *all, struct vcpu *vcpu);
void vcpu_destroy(struct all_cores *all, struct vcpu *vcpu);
enum bh_error vcpu_invoke(struct all_cores *all, struct invocation *invocation);

/* BH_OP_VCPU_POST, which needs the own lock only. */
enum bh_error vcpu_post(struct core *core, struct vcpu *vcpu, struct invocation *invocation);

#endif
