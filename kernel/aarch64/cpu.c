/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu.h"

#include "core.h"

struct cpu_features cpu_features;

/*
 * CPTR_EL2 with E2H (D17.2.34): FPEN = 0b01 traps EL0 under TGE alone, so guests are never trapped. Activity monitors and
 * trace (TAM, TTA) are nobody's.
 */
#define CPTR_TRAPS ((UINT64_C(1) << 30) | (UINT64_C(1) << 28))
#define CPTR_FPEN_NATIVE_TRAPPED (CPTR_TRAPS | (UINT64_C(1) << 20))
#define CPTR_FPEN_OPEN (CPTR_TRAPS | (UINT64_C(3) << 20))

void fp_access(bool open)
{
    write_sysreg(cptr_el2, open ? CPTR_FPEN_OPEN : CPTR_FPEN_NATIVE_TRAPPED);
    instruction_barrier();
}

void fp_switch(struct core *core, struct bh_fp_state *state)
{
    if (core->fp != NULL) {
        fp_save(core->fp);
    }
    core->fp = state;
    core->whole_vcpu = NULL;
    if (state != NULL) {
        fp_load(state);
    }
}

#define CNTHP_CTL_ENABLE 1u

void timer_program(uint64_t when)
{
    if (when == UINT64_MAX) {
        write_sysreg(cntp_ctl_el0, 0);
        return;
    }
    write_sysreg(cntp_cval_el0, when);
    write_sysreg(cntp_ctl_el0, CNTHP_CTL_ENABLE);
}

void clear_memory(void *memory, uint64_t size)
{
    uint64_t at = (uint64_t)memory, end = at + size, block = cpu_features.zero_block;
    if (block != 0 && ((at | size) & (4 * block - 1)) == 0) {
        for (; at < end; at += 4 * block) {
            __asm__ volatile("dc zva, %0\n\tdc zva, %1\n\tdc zva, %2\n\tdc zva, %3"
                             :
                             : "r"(at), "r"(at + block), "r"(at + 2 * block), "r"(at + 3 * block)
                             : "memory");
        }
    }
    for (; at < end; at += 64) {
        __asm__ volatile("stp xzr, xzr, [%0]\n\tstp xzr, xzr, [%0, #16]\n\t"
                         "stp xzr, xzr, [%0, #32]\n\tstp xzr, xzr, [%0, #48]"
                         :
                         : "r"(at)
                         : "memory");
    }
}

void synchronise_instructions(const void *memory, uint64_t size)
{
    uint64_t ctr = read_sysreg(ctr_el0);
    uint64_t line = UINT64_C(4) << ((ctr >> 16) & 0xf); /* CTR_EL0.DminLine */
    uint64_t start = (uint64_t)memory;
    for (uint64_t address = start; address < start + size; address += line) {
        __asm__ volatile("dc cvau, %0" : : "r"(address) : "memory");
    }
    __asm__ volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb" ::: "memory");
}
