/* SPDX-License-Identifier: BSD-2-Clause */
/* In the place of kernel/aarch64/cpu.h: system registers are variables, barriers nothing. */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <bh/types.h>

#include "aarch64/hcr.h"

/* clang-format off */
#define HOST_REGISTERS(with)                                                                                           \
    with(cntpct_el0) with(cntp_cval_el0) with(cntfrq_el0) with(esr_el2) with(far_el2) with(hpfar_el2)                  \
    with(sp_el0) with(tpidr_el0)                                                                                       \
    with(tpidrro_el0) with(vttbr_el2) with(ttbr0_el2) with(midr_el1) with(id_aa64pfr0_el1) with(id_aa64pfr1_el1)                       \
    with(id_aa64isar0_el1) with(id_aa64isar1_el1) with(id_aa64mmfr0_el1) with(id_aa64mmfr1_el1)                        \
    with(S3_0_C0_C6_2) with(S3_0_C0_C7_2) with(sp_el1) with(elr_el12) with(spsr_el12) with(sctlr_el12)                 \
    with(cpacr_el12) with(ttbr0_el12) with(ttbr1_el12) with(tcr_el12) with(esr_el12) with(afsr0_el12)                  \
    with(afsr1_el12) with(far_el12) with(par_el1) with(mair_el12) with(amair_el12) with(vbar_el12)                     \
    with(contextidr_el12) with(tpidr_el1) with(csselr_el1) with(mdscr_el1) with(cntkctl_el12) with(vmpidr_el2)         \
    with(vpidr_el2) with(cntvoff_el2) with(cntv_cval_el02) with(cntv_ctl_el02)                                         \
    with(S3_0_C2_C1_0) with(S3_0_C2_C1_1) with(S3_0_C2_C1_2) with(S3_0_C2_C1_3) with(S3_0_C2_C2_0)                     \
    with(S3_0_C2_C2_1) with(S3_0_C2_C2_2) with(S3_0_C2_C2_3) with(S3_0_C2_C3_0) with(S3_0_C2_C3_1)                     \
    with(S3_4_C12_C1_1) with(S3_3_C13_C0_5) with(S3_4_C12_C8_0) with(S3_4_C12_C9_0) with(S3_4_C12_C11_0)               \
    with(S3_4_C12_C11_1) with(S3_4_C12_C11_3) with(S3_4_C12_C11_5) with(S3_4_C12_C11_7)                                \
    with(S3_4_C12_C12_0) with(S3_4_C12_C12_1) with(S3_4_C12_C12_2) with(S3_4_C12_C12_3) with(S3_4_C12_C12_4)           \
    with(S3_4_C12_C12_5) with(S3_4_C12_C12_6) with(S3_4_C12_C12_7) with(S3_4_C12_C13_0) with(S3_4_C12_C13_1)           \
    with(S3_4_C12_C13_2) with(S3_4_C12_C13_3) with(S3_4_C12_C13_4) with(S3_4_C12_C13_5) with(S3_4_C12_C13_6)           \
    with(S3_4_C12_C13_7)
/* clang-format on */

#define HOST_REGISTER(name) uint64_t name;
extern struct host_registers {
    HOST_REGISTERS(HOST_REGISTER)
} host_registers;
#undef HOST_REGISTER

#define read_sysreg(name) read_sysreg_(name)
#define read_sysreg_(name) (host_registers.name)
#define write_sysreg(name, value) write_sysreg_(name, value)
#define write_sysreg_(name, value) ((void)(host_registers.name = (uint64_t)(value)))

static inline void instruction_barrier(void)
{
}

static inline void data_barrier(void)
{
}

static inline void spin_hint(void)
{
}

/* Nothing is runnable and nothing will interrupt: lets the host decide. */
void wait_for_interrupt(void);

#define LANDING_PAD

#define PSTATE_EL0 0u

#define ESR_EC_SHIFT 26
#define ESR_EC_WFX 0x01u
#define ESR_EC_FP 0x07u
#define ESR_EC_HVC64 0x16u
#define ESR_EC_SMC64 0x17u
#define ESR_EC_SYSREG 0x18u
#define ESR_EC_INSTRUCTION_ABORT_LOWER 0x20u
#define ESR_EC_PC_ALIGNMENT 0x22u
#define ESR_EC_DATA_ABORT_LOWER 0x24u

struct core;
struct bh_fp_state;

extern struct core *host_core;

static inline struct core *core_register(void)
{
    return host_core;
}

void fp_access(bool open);
void fp_switch(struct core *core, struct bh_fp_state *state);

void timer_program(uint64_t when);
void clear_memory(void *memory, uint64_t size);
void synchronise_instructions(const void *memory, uint64_t size);

struct cpu_features {
    bool pointer_authentication;
    bool branch_targets; /* FEAT_BTI */
    bool vmid16;
    bool reliability;
    bool scalable_matrices;
    unsigned physical_address_bits;
    unsigned list_registers;
};

extern struct cpu_features cpu_features;

#endif
