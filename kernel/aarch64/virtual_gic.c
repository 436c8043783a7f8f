/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtual_gic.h"

#include "cpu.h"
#include "gic.h"

#define ICH_AP0R0_EL2 S3_4_C12_C8_0
#define ICH_AP1R0_EL2 S3_4_C12_C9_0
#define ICH_HCR_EL2 S3_4_C12_C11_0
#define ICH_VTR_EL2 S3_4_C12_C11_1
#define ICH_EISR_EL2 S3_4_C12_C11_3
#define ICH_ELRSR_EL2 S3_4_C12_C11_5
#define ICH_VMCR_EL2 S3_4_C12_C11_7

#define ICH_HCR_EN UINT64_C(1)
#define ICH_HCR_UIE UINT64_C(2) /* maintenance interrupt when at most one list register is in use */

/* ICH_LR<n>_EL2 */
#define LR_PENDING (UINT64_C(1) << 62)
#define LR_ACTIVE (UINT64_C(1) << 63)
#define LR_HW (UINT64_C(1) << 61)
#define LR_GROUP1 (UINT64_C(1) << 60)
#define LR_PRIORITY(priority) ((uint64_t)(priority) << 48)
#define LR_PHYSICAL(intid) ((uint64_t)(intid) << 32)
#define LR_EOI (UINT64_C(1) << 41) /* with HW clear: maintenance interrupt on completion */
#define LR_INTID(lr) ((uint32_t)(lr))

#define LIST_REGISTERS(with)                                                                                           \
    with(0, S3_4_C12_C12_0) with(1, S3_4_C12_C12_1) with(2, S3_4_C12_C12_2) with(3, S3_4_C12_C12_3)                    \
    with(4, S3_4_C12_C12_4) with(5, S3_4_C12_C12_5) with(6, S3_4_C12_C12_6) with(7, S3_4_C12_C12_7)                    \
    with(8, S3_4_C12_C13_0) with(9, S3_4_C12_C13_1) with(10, S3_4_C12_C13_2) with(11, S3_4_C12_C13_3)                  \
    with(12, S3_4_C12_C13_4) with(13, S3_4_C12_C13_5) with(14, S3_4_C12_C13_6) with(15, S3_4_C12_C13_7)

/* Compared with one after the other: there are four as a rule, and the first are used most. */
static uint64_t read_list_register(unsigned n)
{
#define READ(number, name)                                                                                             \
    if (n == (number)) {                                                                                               \
        return read_sysreg(name);                                                                                      \
    }
    LIST_REGISTERS(READ)
    return 0;
}

static void write_list_register(unsigned n, uint64_t value)
{
#define WRITE(number, name)                                                                                            \
    if (n == (number)) {                                                                                               \
        write_sysreg(name, value);                                                                                     \
        return;                                                                                                        \
    }
    LIST_REGISTERS(WRITE)
}

static uint64_t all_list_registers; /* a bit for each that exists */

static uint64_t free_list_registers(void)
{
    return read_sysreg(ICH_ELRSR_EL2) & all_list_registers;
}

void virtual_gic_init(void)
{
    cpu_features.list_registers = (unsigned)(read_sysreg(ICH_VTR_EL2) & 0x1f) + 1;
    all_list_registers = (UINT64_C(1) << cpu_features.list_registers) - 1;
    for (unsigned i = 0; i < cpu_features.list_registers; i++) {
        write_list_register(i, 0);
    }
    write_sysreg(ICH_HCR_EL2, ICH_HCR_EN);
    instruction_barrier();
}

void virtual_gic_save(struct vcpu *vcpu)
{
    vcpu->state.ich_vmcr = read_sysreg(ICH_VMCR_EL2);
    vcpu->state.ich_ap0r0 = read_sysreg(ICH_AP0R0_EL2);
    vcpu->state.ich_ap1r0 = read_sysreg(ICH_AP1R0_EL2);
    write_sysreg(ICH_HCR_EL2, ICH_HCR_EN); /* empty list registers must not raise UIE's interrupt */
    bool timer_in_hardware = vcpu->timer_pending;
    vcpu->timer_pending = false; /* the line is still high when it comes back */
    uint64_t used = ~free_list_registers() & all_list_registers;
    for (unsigned i = 0; i < cpu_features.list_registers; i++) {
        uint64_t lr = 0;
        if ((used >> i & 1) != 0) {
            lr = read_list_register(i);
            write_list_register(i, 0);
        }
        vcpu->state.list_register[i] = lr;
        timer_in_hardware |= (lr & LR_HW) != 0 && (lr & (LR_PENDING | LR_ACTIVE)) != 0;
    }
    if (timer_in_hardware) {
        gic_deactivate(BH_VCPU_TIMER_INTID); /* others' timers share the interrupt */
    }
}

void virtual_gic_load(struct vcpu *vcpu)
{
    write_sysreg(ICH_VMCR_EL2, vcpu->state.ich_vmcr);
    write_sysreg(ICH_AP0R0_EL2, vcpu->state.ich_ap0r0);
    write_sysreg(ICH_AP1R0_EL2, vcpu->state.ich_ap1r0);
    for (unsigned i = 0; i < cpu_features.list_registers; i++) {
        uint64_t lr = vcpu->state.list_register[i];
        if (lr == 0) {
            continue; /* as it is since the last one was taken out */
        }
        if ((lr & LR_HW) != 0) {
            /* Only the timer is linked; a VMM that loads a state can't name another interrupt. */
            lr = (lr & (LR_PENDING | LR_ACTIVE | LR_PRIORITY(0xff))) | LR_HW | LR_GROUP1 |
                 LR_PHYSICAL(BH_VCPU_TIMER_INTID) | BH_VCPU_TIMER_INTID;
            if ((lr & (LR_PENDING | LR_ACTIVE)) != 0) {
                gic_set_active(BH_VCPU_TIMER_INTID);
            }
        }
        write_list_register(i, lr);
    }
}

/* The list register that holds `intid`, or -1. */
static int find_list_register(uint32_t intid)
{
    uint64_t used = ~free_list_registers() & all_list_registers;
    for (; used != 0; used &= used - 1) {
        unsigned i = (unsigned)__builtin_ctzll(used);
        if (LR_INTID(read_list_register(i)) == intid) {
            return (int)i;
        }
    }
    return -1;
}

/* The pending interrupt with the highest priority (the lowest number), or -1. */
static int highest_pending(struct bh_vcpu_frame *frame)
{
    int best = -1;
    unsigned best_priority = 256;
    uint32_t summary = __atomic_load_n(&frame->pending_summary, __ATOMIC_ACQUIRE);
    summary &= (1u << BH_VCPU_INTERRUPT_WORDS) - 1;
    for (; summary != 0; summary &= summary - 1) {
        unsigned word = (unsigned)__builtin_ctz(summary);
        uint32_t bits = __atomic_load_n(&frame->pending[word], __ATOMIC_ACQUIRE);
        if (bits == 0) {
            __atomic_fetch_and(&frame->pending_summary, ~(1u << word), __ATOMIC_ACQ_REL);
            if (__atomic_load_n(&frame->pending[word], __ATOMIC_ACQUIRE) != 0) { /* posted in between */
                __atomic_fetch_or(&frame->pending_summary, 1u << word, __ATOMIC_RELEASE);
            }
        }
        for (; bits != 0; bits &= bits - 1) {
            unsigned intid = word * 32 + (unsigned)__builtin_ctz(bits);
            if (frame->priority[intid] < best_priority) {
                best_priority = frame->priority[intid];
                best = (int)intid;
            }
        }
    }
    return best;
}

static void inject_timer(struct vcpu *vcpu, const struct bh_vcpu_frame *frame, uint64_t *available)
{
    if (frame->timer_enabled == 0) {
        return;
    }
    const uint64_t fires = 5; /* CNTV_CTL_EL0: ENABLE and ISTATUS, not IMASK */
    if ((read_sysreg(cntv_ctl_el02) & 7) != fires) {
        vcpu->timer_pending = false; /* the guest has changed its mind */
        gic_deactivate(BH_VCPU_TIMER_INTID);
        return;
    }
    if (*available == 0) {
        return;
    }
    unsigned i = (unsigned)__builtin_ctzll(*available);
    *available &= *available - 1;
    write_list_register(i, LR_PENDING | LR_HW | LR_GROUP1 | LR_PRIORITY(frame->priority[BH_VCPU_TIMER_INTID]) |
                               LR_PHYSICAL(BH_VCPU_TIMER_INTID) | BH_VCPU_TIMER_INTID);
    vcpu->timer_pending = false;
}

void virtual_gic_inject(struct vcpu *vcpu, struct bh_vcpu_frame *frame)
{
    uint64_t available = free_list_registers();

    if (vcpu->timer_pending) {
        inject_timer(vcpu, frame, &available);
    }
    int intid;
    while (frame->pending_summary != 0 && (intid = highest_pending(frame)) >= 0) {
        uint32_t word = (uint32_t)intid / 32;
        uint32_t bit = UINT32_C(1) << ((uint32_t)intid % 32);
        int held = find_list_register((uint32_t)intid);
        if (held >= 0) {
            write_list_register((unsigned)held, read_list_register((unsigned)held) | LR_PENDING);
        } else if (available == 0) {
            /* It goes in when the guest has completed all but one of those that are there. */
            write_sysreg(ICH_HCR_EL2, ICH_HCR_EN | ICH_HCR_UIE);
            return;
        } else {
            unsigned i = (unsigned)__builtin_ctzll(available);
            available &= available - 1;
            uint64_t kind = LR_PENDING | LR_GROUP1 | ((frame->level[word] & bit) != 0 ? LR_EOI : 0);
            write_list_register(i, kind | LR_PRIORITY(frame->priority[intid]) | (uint64_t)intid);
        }
        __atomic_fetch_and(&frame->pending[word], ~bit, __ATOMIC_ACQ_REL);
    }
}

bool virtual_gic_collect(struct bh_vcpu_frame *frame)
{
    uint64_t done = read_sysreg(ICH_EISR_EL2) & all_list_registers;
    bool any = done != 0;
    for (; done != 0; done &= done - 1) {
        unsigned i = (unsigned)__builtin_ctzll(done);
        uint32_t intid = LR_INTID(read_list_register(i));
        write_list_register(i, 0);
        if (intid < BH_VCPU_INTERRUPTS) {
            __atomic_fetch_or(&frame->completed[intid / 32], UINT32_C(1) << (intid % 32), __ATOMIC_RELEASE);
            __atomic_fetch_or(&frame->completed_summary, UINT32_C(1) << (intid / 32), __ATOMIC_RELEASE);
        }
    }
    write_sysreg(ICH_HCR_EL2, ICH_HCR_EN); /* what is left is posted again on entry */
    instruction_barrier();
    return any;
}

bool virtual_gic_pending(void)
{
    uint64_t used = ~free_list_registers() & all_list_registers;
    for (; used != 0; used &= used - 1) {
        if ((read_list_register((unsigned)__builtin_ctzll(used)) & LR_PENDING) != 0) {
            return true;
        }
    }
    return false;
}
