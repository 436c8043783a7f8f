/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers, barriers and memory that only Arm has. Bit names are those of the Arm ARM, section D17. */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <bh/types.h>

#include "hcr.h"

/* `name` may be a macro for a register that the assembler does not know (S<op0>_<op1>_C<n>_C<m>_<op2>). */
#define read_sysreg(name) read_sysreg_(name)
#define read_sysreg_(name)                                                                                             \
    ({                                                                                                                 \
        uint64_t value_;                                                                                               \
        __asm__ volatile("mrs %0, " #name : "=r"(value_));                                                             \
        value_;                                                                                                        \
    })
#define write_sysreg(name, value) write_sysreg_(name, value)
#define write_sysreg_(name, value) __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)))

static inline void instruction_barrier(void)
{
    __asm__ volatile("isb" ::: "memory");
}

static inline void data_barrier(void)
{
    __asm__ volatile("dsb ish" ::: "memory");
}

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

/* In a loop that waits for another core. */
static inline void spin_hint(void)
{
    __asm__ volatile("yield");
}

/*
 * On functions that are called through a pointer. The kernel's text is guarded (FEAT_BTI, Arm ARM D8.4.5) and has no
 * other landing pads, and no jump tables: an indirect branch elsewhere is an exception.
 */
#define LANDING_PAD __attribute__((target("branch-protection=bti")))

/* SPSR of a native thread: EL0t, nothing masked. */
#define PSTATE_EL0 0u

/* ESR_EL2.EC */
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

/* TPIDR_EL2, which never changes. */
static inline struct core *core_register(void)
{
    struct core *core;
    __asm__("mrs %0, tpidr_el2" : "=r"(core));
    return core;
}

/* Whether native code may use FP/SIMD registers (CPTR_EL2.FPEN, E2H layout). A guest always may. */
void fp_access(bool open);

/* Puts this state's FP/SIMD registers (NULL: nobody's) into the hardware, saving whose were there. */
void fp_switch(struct core *core, struct bh_fp_state *state);
void fp_save(struct bh_fp_state *state);
void fp_load(const struct bh_fp_state *state);

/* The comparator of this core's EL2 physical timer (CNTHP, which CNTP_* names at EL2 under E2H); UINT64_MAX: off. */
void timer_program(uint64_t when);

/* Clears memory in the direct map; address and size are multiples of 64. */
void clear_memory(void *memory, uint64_t size);

/* Makes instructions that were written to [memory, memory + size) visible to instruction fetch. */
void synchronise_instructions(const void *memory, uint64_t size);

/* Features that start-up found. */
struct cpu_features {
    bool pointer_authentication;
    bool branch_targets; /* FEAT_BTI */
    bool vmid16;
    bool reliability;        /* FEAT_RAS: there is a DISR_EL1 */
    bool scalable_matrices;  /* FEAT_SME: there is a TPIDR2_EL0 */
    unsigned physical_address_bits;
    unsigned list_registers;
    uint64_t zero_block; /* bytes that DC ZVA clears; 0: it is not to be used */
};

extern struct cpu_features cpu_features;

#endif
