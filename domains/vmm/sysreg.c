/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trapped system registers. What a guest may expect of the processor that id_registers.h describes
 * is emulated, or reads as zero and ignores writes; anything else is undefined, as it would be on
 * that processor.
 */

#include "domains/vmm/sysreg.h"

#include "domains/vmm/vm.h"
#include "libs/runtime/runtime.h"

#define INSTRUCTION_BYTES 4u
#define PSTATE_EL_MASK    UINT64_C(0xc)

#define MDSCR_EL1      SYSREG(2, 0, 0, 2, 2)
#define OSLAR_EL1      SYSREG(2, 0, 1, 0, 4)
#define OSLSR_EL1      SYSREG(2, 0, 1, 1, 4)
#define ICC_IAR0_EL1   SYSREG(3, 0, 12, 8, 0)
#define ICC_HPPIR0_EL1 SYSREG(3, 0, 12, 8, 2)
#define ICC_SGI1R_EL1  SYSREG(3, 0, 12, 11, 5)
#define ICC_SRE_EL1    SYSREG(3, 0, 12, 12, 5)
#define CNTPCT_EL0     SYSREG(3, 3, 14, 0, 1)
#define CNTPCTSS_EL0   SYSREG(3, 3, 14, 0, 5)

#define OSLSR_OSLM       (UINT64_C(2) << 2) /* the OS lock is implemented */
#define OSLSR_OSLK_SHIFT 1
#define SRE_ENABLED      UINT64_C(7) /* system registers, FIQ and IRQ bypass disabled */
#define INTID_SPURIOUS   UINT64_C(1023)

/* The debug communication channel, breakpoints, watchpoints and locks (op0 2, op1 0 or 3). */
static bool debug_access(struct vcpu *vcpu, const struct sysreg *sysreg, uint64_t *value)
{
    if (sysreg->op1 != 0 && sysreg->op1 != 3) {
        return false; /* op1 1: trace registers */
    }
    switch (sysreg->name) {
    case MDSCR_EL1: /* kept, without effect: the guest cannot single-step */
        if (sysreg->read) {
            *value = vcpu->debug_control;
        } else {
            vcpu->debug_control = *value;
        }
        break;
    case OSLAR_EL1:
        if (!sysreg->read) {
            vcpu->os_lock = (uint32_t)*value & 1;
        }
        break;
    case OSLSR_EL1:
        *value = OSLSR_OSLM | (uint64_t)vcpu->os_lock << OSLSR_OSLK_SHIFT;
        break;
    default:
        break; /* reads as zero */
    }
    return true;
}

/* ICC_*: those that the hardware's virtual CPU interface does not serve (CRn 12). */
static bool gic_access(const struct sysreg *sysreg, uint64_t *value)
{
    if (sysreg->op1 != 0) {
        return false;
    }
    switch (sysreg->name) {
    case ICC_SGI1R_EL1:
        return false; /* write-only, and writes are not dealt with here */
    case ICC_IAR0_EL1:
    case ICC_HPPIR0_EL1:
        *value = INTID_SPURIOUS; /* Group 0 is never signalled */
        return true;
    case ICC_SRE_EL1:
        *value = SRE_ENABLED;
        return true;
    default:
        /* SGIs of other groups, and the rest of Group 0's and the common registers. */
        return sysreg->crm >= 8 && sysreg->crm <= 12;
    }
}

/* CRn 14: the physical timer, and the event counters of the PMU. */
static bool timer_access(struct vcpu *vcpu, const struct sysreg *sysreg, uint64_t *value)
{
    if (sysreg->op1 != 3) {
        return false;
    }
    if (sysreg->name == CNTPCT_EL0 || sysreg->name == CNTPCTSS_EL0) {
        *value = bh_ticks();
        return sysreg->read;
    }
    if (sysreg->crm == 2 && sysreg->op2 <= PHYSICAL_TIMER_CVAL) {
        if (sysreg->read) {
            *value = physical_timer_read(vcpu, sysreg->op2);
        } else {
            physical_timer_write(vcpu, sysreg->op2, *value);
        }
        return true;
    }
    return sysreg->crm >= 8; /* PMEVCNTR, PMEVTYPER, PMCCFILTR: no counters */
}

/* op0 3. */
static bool register_access(struct vm *vm, struct vcpu *vcpu, const struct sysreg *sysreg,
                            uint64_t *value)
{
    switch (sysreg->crn) {
    case 0: /* identification: read-only */
        if (sysreg->op1 == 0 && sysreg->crm >= 1 && sysreg->crm <= 7) {
            *value = vm->id.value[sysreg->crm][sysreg->op2];
        }
        return sysreg->read && sysreg->op1 <= 1; /* REVIDR, AIDR: 0 */
    case 1:
        return sysreg->op1 == 0 && sysreg->crm == 0 && sysreg->op2 == 1; /* ACTLR_EL1 */
    case 9:
        return (sysreg->op1 == 0 || sysreg->op1 == 3) &&
               sysreg->crm >= 12; /* PMU: PMCR_EL0.N is 0 */
    case 10:
        return sysreg->op1 == 0 && sysreg->crm == 4; /* LORegions */
    case 12:
        return gic_access(sysreg, value);
    case 14:
        return timer_access(vcpu, sysreg, value);
    case 11:
    case 15:
        return true; /* IMPLEMENTATION DEFINED */
    default:
        return false;
    }
}

/* op0 1: cache maintenance by set and way. Other agents see the guest's memory coherently without
 * it. */
static bool instruction(const struct sysreg *sysreg)
{
    bool set_way = sysreg->op2 == 2 && (sysreg->crm == 6 || sysreg->crm == 10 || sysreg->crm == 14);
    return !sysreg->read && sysreg->op1 == 0 && sysreg->crn == 7 && set_way;
}

/* `value` is what is written, or 0 to be filled in. False: no such register. */
static bool access(struct vm *vm, struct vcpu *vcpu, const struct sysreg *sysreg, uint64_t *value)
{
    /* Only registers with op1 3 belong to EL0 as well. */
    if ((vcpu->frame->pstate & PSTATE_EL_MASK) == 0 && sysreg->op1 != 3) {
        return false;
    }
    switch (sysreg->op0) {
    case 1:
        return instruction(sysreg);
    case 2:
        return debug_access(vcpu, sysreg, value);
    case 3:
        return register_access(vm, vcpu, sysreg, value);
    default:
        return false;
    }
}

/* Everything but the most frequent. */
static __attribute__((noinline)) void emulate(struct vm *vm, struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    const struct sysreg sysreg = sysreg_decode(frame->esr);
    uint64_t value = 0;
    if (!sysreg.read && sysreg.reg < 31) {
        value = frame->x[sysreg.reg];
    }
    if (!access(vm, vcpu, &sysreg, &value)) {
        vcpu_undefined(vcpu);
        return;
    }
    if (sysreg.read && sysreg.reg < 31) {
        frame->x[sysreg.reg] = value;
    }
    frame->pc += INSTRUCTION_BYTES;
}

bool sysreg_access_alone(struct vm *vm, struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    uint64_t esr = frame->esr;
    uint32_t reg = sysreg_register(esr);
    if ((frame->pstate & PSTATE_EL_MASK) == 0) {
        return false;
    }
    if (sysreg_name(esr) == ICC_SGI1R_EL1 && !sysreg_is_read(esr)) {
        if (!gic_send_open_sgi(&vm->gic, vcpu->index, reg < 31 ? frame->x[reg] : 0)) {
            return false;
        }
        frame->pc += INSTRUCTION_BYTES;
        return true;
    }
    const struct sysreg sysreg = sysreg_decode(esr);
    if (sysreg.op0 == 3 && sysreg.op1 == 0 && sysreg.crn == 0 && sysreg.read) {
        emulate(vm, vcpu);
        return true;
    }
    return false;
}

void sysreg_access(struct vm *vm, struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    uint64_t esr = frame->esr;
    uint32_t reg = sysreg_register(esr);
    if (sysreg_name(esr) == ICC_SGI1R_EL1 && !sysreg_is_read(esr) &&
        (frame->pstate & PSTATE_EL_MASK) != 0) {
        gic_send_sgi(&vm->gic, vcpu->index, reg < 31 ? frame->x[reg] : 0);
        frame->pc += INSTRUCTION_BYTES;
    } else {
        emulate(vm, vcpu);
    }
}
