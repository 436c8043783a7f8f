/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLB maintenance and the translation base of native code. The kernel runs with HCR_EL2.{E2H,TGE} = {1,1}, so
 * operations named E1 act on EL2&0 (Arm ARM D8.13.4); those for guests clear TGE around themselves.
 */
#ifndef KERNEL_TLB_H
#define KERNEL_TLB_H

#include "address.h"
#include "cpu.h"

void tlb_invalidate_asid(uint32_t asid);
void tlb_invalidate_address(uint32_t asid, vaddr_t address);
void tlb_invalidate_vmid(uint32_t vmid);
void tlb_invalidate_ipa(uint32_t vmid, vaddr_t address);

/* TTBR0_EL2 of this core. */
static inline void ttbr_set(paddr_t root, uint32_t asid)
{
    write_sysreg(ttbr0_el2, root.value | (uint64_t)asid << 48);
    instruction_barrier();
}

void ttbr_set_empty(void);

unsigned vmid_bits(void);

#endif
