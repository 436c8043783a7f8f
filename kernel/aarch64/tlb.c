/* SPDX-License-Identifier: BSD-2-Clause */
#include "tlb.h"

#include "cpu.h"

/* Bits 63-48 of the operand of a TLBI by ASID, and of TTBR and VTTBR. */
#define TAG(tag) ((uint64_t)(tag) << 48)
#define PAGE(address) (((address).value >> 12) & ((UINT64_C(1) << 44) - 1))

static _Alignas(4096) uint64_t empty_table[512];

/* Of native code's mappings, which the kernel does not use; the way back to EL0 is a context synchronisation event
 * (SCTLR_EL2.EOS), so no ISB follows. */
void tlb_invalidate_asid(uint32_t asid)
{
    __asm__ volatile("dsb ishst\n\ttlbi aside1is, %0\n\tdsb ish" : : "r"(TAG(asid)) : "memory");
}

void tlb_invalidate_address(uint32_t asid, vaddr_t address)
{
    __asm__ volatile("dsb ishst\n\ttlbi vae1is, %0\n\tdsb ish" : : "r"(TAG(asid) | PAGE(address)) : "memory");
}

/* With TGE set the operations on EL1&0 would act on EL2&0 (D8.13.4); the VMID is taken from VTTBR_EL2. */
static uint64_t enter_guest_regime(uint32_t vmid)
{
    uint64_t vttbr = read_sysreg(vttbr_el2);
    write_sysreg(vttbr_el2, TAG(vmid));
    write_sysreg(hcr_el2, HCR_HOST & ~HCR_TGE);
    instruction_barrier();
    return vttbr;
}

static void leave_guest_regime(uint64_t vttbr)
{
    data_barrier();
    instruction_barrier();
    write_sysreg(hcr_el2, HCR_HOST);
    write_sysreg(vttbr_el2, vttbr);
    instruction_barrier();
}

void tlb_invalidate_vmid(uint32_t vmid)
{
    data_barrier();
    uint64_t vttbr = enter_guest_regime(vmid);
    __asm__ volatile("tlbi vmalls12e1is" ::: "memory");
    leave_guest_regime(vttbr);
}

void tlb_invalidate_ipa(uint32_t vmid, vaddr_t address)
{
    data_barrier();
    uint64_t vttbr = enter_guest_regime(vmid);
    /* Combined stage 1 and 2 entries are not found by IPA, so all of stage 1 goes too (D8.13.5). */
    __asm__ volatile("tlbi ipas2e1is, %0\n\tdsb ish\n\ttlbi vmalle1is" : : "r"(PAGE(address)) : "memory");
    leave_guest_regime(vttbr);
}

void ttbr_set_empty(void)
{
    ttbr_set(image_paddr(empty_table), 0);
}

unsigned vmid_bits(void)
{
    return cpu_features.vmid16 ? 16 : 8;
}
