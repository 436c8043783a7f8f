/* SPDX-License-Identifier: BSD-2-Clause */
#include "vcpu_registers.h"

#include "gic.h"

/* The registers that are moved as they are. At EL2 with E2H the EL1 ones are named _EL12 and _EL02 (D17.1.5). */
#define GUEST_REGISTERS(move)                                                                                          \
    move(sp_el1, sp_el1) move(elr_el12, elr_el1) move(spsr_el12, spsr_el1) move(sctlr_el12, sctlr_el1)                 \
    move(cpacr_el12, cpacr_el1) move(ttbr0_el12, ttbr0_el1) move(ttbr1_el12, ttbr1_el1) move(tcr_el12, tcr_el1)        \
    move(esr_el12, esr_el1) move(afsr0_el12, afsr0_el1) move(afsr1_el12, afsr1_el1) move(far_el12, far_el1)            \
    move(par_el1, par_el1) move(mair_el12, mair_el1) move(amair_el12, amair_el1) move(vbar_el12, vbar_el1)             \
    move(contextidr_el12, contextidr_el1) move(tpidrro_el0, tpidrro_el0) move(tpidr_el1, tpidr_el1)                    \
    move(csselr_el1, csselr_el1) move(mdscr_el1, mdscr_el1) move(cntkctl_el12, cntkctl_el1)                            \
    move(vmpidr_el2, vmpidr) move(vpidr_el2, vpidr) move(cntvoff_el2, cntvoff) move(cntv_cval_el02, cntv_cval)         \
    move(cntv_ctl_el02, cntv_ctl)

/* Pointer authentication keys (FEAT_PAuth). */
#define KEY_REGISTERS(move)                                                                                            \
    move(S3_0_C2_C1_0, apia[0]) move(S3_0_C2_C1_1, apia[1]) move(S3_0_C2_C1_2, apib[0]) move(S3_0_C2_C1_3, apib[1])    \
    move(S3_0_C2_C2_0, apda[0]) move(S3_0_C2_C2_1, apda[1]) move(S3_0_C2_C2_2, apdb[0]) move(S3_0_C2_C2_3, apdb[1])    \
    GENERIC_KEY(move)

#define CNTV_CTL_ENABLE 1u
#define CNTV_CTL_IMASK 2u
#define MPIDR_RES1 (UINT64_C(1) << 31)

void vcpu_registers_save(struct bh_vcpu_state *state)
{
    GUEST_REGISTERS(SAVE)
    if (cpu_features.pointer_authentication) {
        KEY_REGISTERS(SAVE)
    }
}

/*
 * Registers that guests are not told of but can use, and that nothing else keeps apart: what one guest has left there
 * goes. DISR_EL1 is VDISR_EL2 while HCR_EL2.AMO is 1 (D17.2.64); TPIDR2_EL0 can be trapped by EL3 and FEAT_FGT only.
 */
#define VDISR_EL2 S3_4_C12_C1_1
#define TPIDR2_EL0 S3_3_C13_C0_5

static void clear_hidden_registers(void)
{
    if (cpu_features.reliability) {
        write_sysreg(VDISR_EL2, 0);
    }
    if (cpu_features.scalable_matrices) {
        write_sysreg(TPIDR2_EL0, 0);
    }
}

void vcpu_registers_load(const struct bh_vcpu_state *state)
{
    GUEST_REGISTERS(LOAD)
    clear_hidden_registers();
    if (cpu_features.pointer_authentication) {
        KEY_REGISTERS(LOAD)
    }
    instruction_barrier();
}

void vcpu_registers_sanitise(struct bh_vcpu_state *state)
{
    state->mdscr_el1 = 0; /* debug registers are trapped; single-stepping must not start here */
    state->cntv_ctl &= CNTV_CTL_ENABLE | CNTV_CTL_IMASK;
    state->vmpidr |= MPIDR_RES1;
}

void vcpu_registers_describe_host(struct bh_vcpu_host *host)
{
    *host = (struct bh_vcpu_host){
        .midr = read_sysreg(midr_el1),
        .id_aa64pfr0 = read_sysreg(id_aa64pfr0_el1),
        .id_aa64pfr1 = read_sysreg(id_aa64pfr1_el1),
        .id_aa64isar0 = read_sysreg(id_aa64isar0_el1),
        .id_aa64isar1 = read_sysreg(id_aa64isar1_el1),
        .id_aa64isar2 = read_sysreg(S3_0_C0_C6_2),
        .id_aa64mmfr0 = read_sysreg(id_aa64mmfr0_el1),
        .id_aa64mmfr1 = read_sysreg(id_aa64mmfr1_el1),
        .id_aa64mmfr2 = read_sysreg(S3_0_C0_C7_2),
    };
}

bool virtual_timer_armed(const struct bh_vcpu_state *state)
{
    return (state->cntv_ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK)) == CNTV_CTL_ENABLE;
}

void virtual_timer_stop(void)
{
    write_sysreg(cntv_ctl_el02, 0);
    instruction_barrier();
}

void virtual_timer_forget(void)
{
    gic_deactivate(BH_VCPU_TIMER_INTID);
}

void vttbr_set(paddr_t root, uint32_t vmid)
{
    write_sysreg(vttbr_el2, root.value | ((uint64_t)vmid << 48));
}

void vttbr_set_empty(void)
{
    write_sysreg(vttbr_el2, 0);
    instruction_barrier();
}
