/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking an exception to EL1 on the guest's behalf (Arm ARM D1.3.1 "Exception entry"). */

#include "domains/vmm/vm.h"

#include "domains/vmm/system.h"

/* PSTATE and SPSR_EL1. */
#define PSTATE_MODE UINT64_C(0xf)
#define PSTATE_EL0T UINT64_C(0)
#define PSTATE_EL1T UINT64_C(4)
#define PSTATE_EL1H UINT64_C(5)
#define PSTATE_DAIF (UINT64_C(0xf) << 6)
#define PSTATE_SSBS (UINT64_C(1) << 12)
#define PSTATE_PAN  (UINT64_C(1) << 22)
#define PSTATE_DIT  (UINT64_C(1) << 24)
#define PSTATE_NZCV (UINT64_C(0xf) << 28)

#define SCTLR_SPAN  (UINT64_C(1) << 23)
#define SCTLR_DSSBS (UINT64_C(1) << 44)

/* Offsets of the vector table (D1.3.1.2). */
#define VECTOR_CURRENT_SP0 0x000u
#define VECTOR_CURRENT_SPX 0x200u
#define VECTOR_LOWER       0x400u

/* ESR_EL1 (D17.2.37). */
#define ESR_CLASS_SHIFT         26
#define ESR_IL                  (UINT64_C(1) << 25)
#define ESR_WNR                 (UINT64_C(1) << 6)
#define ESR_S1PTW               (UINT64_C(1) << 7)
#define CLASS_UNKNOWN           UINT64_C(0x00)
#define CLASS_INSTRUCTION_ABORT UINT64_C(0x20) /* from a lower level; one more: from the same */
#define CLASS_DATA_ABORT        UINT64_C(0x24) /* likewise */
#define FAULT_EXTERNAL          UINT64_C(0x10) /* synchronous external abort, not on a table walk */
#define FAULT_EXTERNAL_ON_WALK  UINT64_C(0x14) /* ... on a table walk, level 0 */

static bool from_el0(const struct vcpu *vcpu)
{
    return (vcpu->frame->pstate & PSTATE_MODE) == PSTATE_EL0T;
}

/* With `far` NULL, FAR_EL1 stays as it is. */
static void take(struct vcpu *vcpu, uint64_t esr, const uint64_t *far)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    struct bh_vcpu_state *state = &frame->state;
    system_vcpu_save(vcpu->index);
    uint64_t vector = VECTOR_CURRENT_SPX;
    if (from_el0(vcpu)) {
        vector = VECTOR_LOWER;
    } else if ((frame->pstate & PSTATE_MODE) == PSTATE_EL1T) {
        vector = VECTOR_CURRENT_SP0;
    }
    state->spsr_el1 = frame->pstate;
    state->elr_el1 = frame->pc;
    state->esr_el1 = esr;
    if (far != NULL) {
        state->far_el1 = *far;
    }
    uint64_t pstate = frame->pstate & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN);
    pstate |= PSTATE_DAIF | PSTATE_EL1H;
    if ((state->sctlr_el1 & SCTLR_SPAN) == 0) {
        pstate |= PSTATE_PAN;
    }
    if ((state->sctlr_el1 & SCTLR_DSSBS) != 0) {
        pstate |= PSTATE_SSBS;
    }
    frame->pstate = pstate;
    frame->pc = (state->vbar_el1 & ~UINT64_C(0x7ff)) + vector;
    system_vcpu_load(vcpu->index);
}

void vcpu_undefined(struct vcpu *vcpu)
{
    take(vcpu, CLASS_UNKNOWN << ESR_CLASS_SHIFT | ESR_IL, NULL);
}

static uint64_t fault_status(const struct vcpu *vcpu)
{
    return (vcpu->frame->esr & ESR_S1PTW) != 0 ? FAULT_EXTERNAL_ON_WALK : FAULT_EXTERNAL;
}

void vcpu_data_abort(struct vcpu *vcpu)
{
    uint64_t class = CLASS_DATA_ABORT + (from_el0(vcpu) ? 0 : 1);
    uint64_t esr = class << ESR_CLASS_SHIFT | ESR_IL | (vcpu->frame->esr & ESR_WNR);
    take(vcpu, esr | fault_status(vcpu), &vcpu->frame->far);
}

void vcpu_instruction_abort(struct vcpu *vcpu)
{
    uint64_t class = CLASS_INSTRUCTION_ABORT + (from_el0(vcpu) ? 0 : 1);
    take(vcpu, class << ESR_CLASS_SHIFT | ESR_IL | fault_status(vcpu), &vcpu->frame->far);
}
