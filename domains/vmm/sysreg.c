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
#define ACTLR_EL1      SYSREG(3, 0, 1, 0, 1)
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

/* An access to one of a group of registers: it is emulated and the guest goes on behind it, or it
 * is undefined. */
typedef void access_function(struct vm *vm, struct vcpu *vcpu, uint64_t esr);

/* What the guest writes. */
static uint64_t written(const struct vcpu *vcpu, uint64_t esr)
{
    return vcpu_register(vcpu->frame, sysreg_register(esr));
}

/* The access is done; `value` is what it reads, if it does. */
static void done(struct vcpu *vcpu, uint64_t esr, uint64_t value)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    if (sysreg_is_read(esr)) {
        vcpu_set_register(frame, sysreg_register(esr), value);
    }
    frame->pc += INSTRUCTION_BYTES;
}

/* Of registers that read as zero and ignore writes, if they exist. */
static void done_if(bool exists, struct vcpu *vcpu, uint64_t esr)
{
    if (exists) {
        done(vcpu, esr, 0);
    } else {
        vcpu_undefined(vcpu);
    }
}

/* op0 1, CRn 7: cache maintenance by set and way. Other agents see the guest's memory coherently
 * without it. */
static void cache_maintenance(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    (void)vm;
    const struct sysreg sysreg = sysreg_decode(esr);
    bool set_way = sysreg.op2 == 2 && (sysreg.crm == 6 || sysreg.crm == 10 || sysreg.crm == 14);
    done_if(!sysreg.read && sysreg.op1 == 0 && set_way, vcpu, esr);
}

/* op0 2: the debug communication channel, breakpoints, watchpoints and locks. */
static void debug(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    (void)vm;
    const struct sysreg sysreg = sysreg_decode(esr);
    switch (sysreg.name) {
    case MDSCR_EL1: /* kept, without effect: the guest cannot single-step */
        if (!sysreg.read) {
            vcpu->debug_control = written(vcpu, esr);
        }
        done(vcpu, esr, vcpu->debug_control);
        break;
    case OSLAR_EL1:
        if (!sysreg.read) {
            vcpu->os_lock = (uint32_t)written(vcpu, esr) & 1;
        }
        done(vcpu, esr, 0);
        break;
    case OSLSR_EL1:
        done(vcpu, esr, OSLSR_OSLM | (uint64_t)vcpu->os_lock << OSLSR_OSLK_SHIFT);
        break;
    default:
        done_if(sysreg.op1 == 0 || sysreg.op1 == 3, vcpu, esr); /* op1 1: trace registers */
        break;
    }
}

/* CRn 0: read-only. */
static void identification(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    const struct sysreg sysreg = sysreg_decode(esr);
    if (sysreg.read && sysreg.op1 == 0) {
        done(vcpu, esr, vm->id.value[sysreg.crm][sysreg.op2]);
    } else {
        done_if(sysreg.read && sysreg.op1 == 1, vcpu, esr); /* AIDR */
    }
}

/* CRn 1. */
static void control(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    (void)vm;
    done_if(sysreg_name(esr) == ACTLR_EL1, vcpu, esr);
}

/* CRn 9: the PMU, whose PMCR_EL0.N is 0. */
static void counters(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    (void)vm;
    const struct sysreg sysreg = sysreg_decode(esr);
    done_if((sysreg.op1 == 0 || sysreg.op1 == 3) && sysreg.crm >= 12, vcpu, esr);
}

/* CRn 10. */
static void lo_regions(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    (void)vm;
    const struct sysreg sysreg = sysreg_decode(esr);
    done_if(sysreg.op1 == 0 && sysreg.crm == 4, vcpu, esr);
}

/* CRn 12: those of ICC_* that the hardware's virtual CPU interface does not serve. */
static void gic_interface(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    const struct sysreg sysreg = sysreg_decode(esr);
    switch (sysreg.name) {
    case ICC_SGI1R_EL1: /* write-only */
        done_if(!sysreg.read, vcpu, esr);
        if (!sysreg.read) {
            gic_send_sgi(&vm->gic, vcpu->index, written(vcpu, esr));
        }
        break;
    case ICC_IAR0_EL1:
    case ICC_HPPIR0_EL1:
        done(vcpu, esr, INTID_SPURIOUS); /* Group 0 is never signalled */
        break;
    case ICC_SRE_EL1:
        done(vcpu, esr, SRE_ENABLED);
        break;
    default:
        /* SGIs of other groups, and the rest of Group 0's and the common registers. */
        done_if(sysreg.op1 == 0 && sysreg.crm >= 8 && sysreg.crm <= 12, vcpu, esr);
        break;
    }
}

/* CRn 14: the physical timer, and the event counters of the PMU. */
static void timer(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    (void)vm;
    const struct sysreg sysreg = sysreg_decode(esr);
    if (sysreg.read && (sysreg.name == CNTPCT_EL0 || sysreg.name == CNTPCTSS_EL0)) {
        done(vcpu, esr, bh_ticks());
    } else if (sysreg.op1 == 3 && sysreg.crm == 2 && sysreg.op2 <= PHYSICAL_TIMER_CVAL) {
        if (!sysreg.read) {
            physical_timer_write(vcpu, sysreg.op2, written(vcpu, esr));
        }
        done(vcpu, esr, sysreg.read ? physical_timer_read(vcpu, sysreg.op2) : 0);
    } else {
        /* PMEVCNTR, PMEVTYPER, PMCCFILTR: no counters. */
        done_if(sysreg.op1 == 3 && sysreg.crm >= 8, vcpu, esr);
    }
}

/* CRn 11 and 15. */
static void implementation_defined(struct vm *vm, struct vcpu *vcpu, uint64_t esr)
{
    (void)vm;
    done(vcpu, esr, 0);
}

static access_function *const groups[SYSREG_GROUPS] = {
    [SYSREG_GROUP(1, 7)] = cache_maintenance,
    [SYSREG_GROUP(2, 0)] = debug,
    [SYSREG_GROUP(2, 1)] = debug,
    [SYSREG_GROUP(2, 7)] = debug,
    [SYSREG_GROUP(3, 0)] = identification,
    [SYSREG_GROUP(3, 1)] = control,
    [SYSREG_GROUP(3, 9)] = counters,
    [SYSREG_GROUP(3, 10)] = lo_regions,
    [SYSREG_GROUP(3, 11)] = implementation_defined,
    [SYSREG_GROUP(3, 12)] = gic_interface,
    [SYSREG_GROUP(3, 14)] = timer,
    [SYSREG_GROUP(3, 15)] = implementation_defined,
};

/* Only registers with op1 3 belong to EL0 as well. */
static bool reachable(const struct bh_vcpu_frame *frame)
{
    return (frame->pstate & PSTATE_EL_MASK) != 0 || sysreg_op1(frame->esr) == 3;
}

void sysreg_access(struct vm *vm, struct vcpu *vcpu)
{
    uint64_t esr = vcpu->frame->esr;
    access_function *access = groups[sysreg_group(esr)];
    if (access != NULL && reachable(vcpu->frame)) {
        access(vm, vcpu, esr);
    } else {
        vcpu_undefined(vcpu);
    }
}

bool sysreg_access_alone(struct vm *vm, struct vcpu *vcpu)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    uint64_t esr = frame->esr;
    if (!reachable(frame)) {
        return false;
    }
    if (sysreg_name(esr) == ICC_SGI1R_EL1 && !sysreg_is_read(esr)) {
        if (!gic_send_open_sgi(&vm->gic, vcpu->index, written(vcpu, esr))) {
            return false;
        }
        done(vcpu, esr, 0);
        return true;
    }
    if (sysreg_group(esr) == SYSREG_GROUP(3, 0) && sysreg_op1(esr) == 0 && sysreg_is_read(esr)) {
        sysreg_access(vm, vcpu);
        return true;
    }
    return false;
}
