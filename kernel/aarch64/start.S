/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the loader enters, with the MMU off and the device tree's address in x0 (Linux, Documentation/arm64/
 * booting.rst: the Image header and the state at entry).
 */
#include "address.h"
#include "context.h"
#include "hcr.h"

/* TCR_EL2 (E2H layout): T0SZ 26, T1SZ 25, write-back inner shareable tables, 4 KiB granules. */
#define TCR_VALUE (26 | (1 << 8) | (1 << 10) | (3 << 12) | (25 << 16) | (1 << 24) | (1 << 26) | (3 << 28) | (2 << 30))
/* VTCR_EL2: T0SZ 26, SL0 1 (level 1), write-back inner shareable, 4 KiB granule, bit 31 RES1. */
#define VTCR_VALUE (26 | (1 << 6) | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 31))
/*
 * SCTLR_EL2 (E2H layout, D17.2.119): M, C, SA, SA0, EOS, I, DZE, UCT, nTWE, WXN, TSCXT, EIS, UCI, nTLSMD, LSMAOE;
 * SPAN is 0: an exception sets PSTATE.PAN.
 */
#define SCTLR_VALUE                                                                                                    \
    ((1 << 0) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 11) | (1 << 12) | (1 << 14) | (1 << 15) | (1 << 18) |         \
     (1 << 19) | (1 << 20) | (1 << 22) | (1 << 26) | (1 << 28) | (1 << 29))

    .section .head, "ax"
    .global _start
_start:
    b       entry
    .long   0
    .quad   0                  /* offset from a 2 MiB boundary */
    .quad   KERNEL_IMAGE_MAX   /* memory the image takes */
    .quad   0xa                /* little-endian, 4 KiB pages, anywhere in memory */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

    .text
entry:
    msr     daifset, #0xf
    mov     x19, x0
    adrp    x20, _start
    adrp    x0, core_areas + CORE_OFFSET
    add     x0, x0, :lo12:core_areas + CORE_OFFSET
    mov     sp, x0

    adrp    x0, _bss_start
    add     x0, x0, :lo12:_bss_start
    adrp    x1, _image_end
    add     x1, x1, :lo12:_image_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b

    mov     x0, x19
    mov     x1, x20
    bl      early_boot

    /* What was written with the caches off must not be hidden by older lines. */
    adrp    x0, _start
    adrp    x1, _image_end
    mrs     x2, ctr_el0
    ubfx    x2, x2, #16, #4
    mov     x3, #4
    lsl     x2, x3, x2
1:  dc      ivac, x0
    add     x0, x0, x2
    cmp     x0, x1
    b.lo    1b
    dsb     sy
    mov     x19, xzr           /* the number of the core */
    ldr     x21, =kernel_main
    b       enable_mmu

    /* Where the firmware starts the other cores, with the argument of CPU_ON in x0. */
    .global secondary_start
secondary_start:
    msr     daifset, #0xf
    mov     x19, x0
    ldr     x21, =kernel_secondary

enable_mmu:
    ldr     x0, =HCR_HOST
    msr     hcr_el2, x0
    isb
    ldr     x0, =0x4404ff      /* MAIR_VALUE of descriptor.h */
    msr     mair_el2, x0
    mrs     x1, id_aa64mmfr0_el1
    and     x2, x1, #7         /* PARange; 48 bits at the most */
    mov     x3, #5
    cmp     x2, x3
    csel    x2, x2, x3, lo
    ldr     x0, =TCR_VALUE
    bfi     x0, x2, #32, #3    /* IPS */
    ubfx    x3, x1, #4, #4     /* ASIDBits */
    cmp     x3, #2
    cset    x3, eq
    bfi     x0, x3, #36, #1    /* AS */
    msr     tcr_el2, x0
    ldr     x0, =VTCR_VALUE
    bfi     x0, x2, #16, #3    /* PS */
    mrs     x1, id_aa64mmfr1_el1
    ubfx    x3, x1, #4, #4     /* VMIDBits */
    cmp     x3, #2
    cset    x3, eq
    bfi     x0, x3, #19, #1    /* VS */
    msr     vtcr_el2, x0
    adrp    x0, identity_level1
    msr     ttbr0_el2, x0
    adrp    x0, kernel_level1
    msr     ttbr1_el2, x0
    isb
    tlbi    alle2
    tlbi    alle1
    ic      iallu
    dsb     sy
    isb
    ldr     x0, =SCTLR_VALUE
    mrs     x1, id_aa64pfr1_el1
    and     x1, x1, #0xf       /* BT: PACIASP is a landing pad for calls alone (BT0, BT1) */
    cbz     x1, 1f
    orr     x0, x0, #(3 << 35)
1:
    msr     sctlr_el2, x0
    isb
    ldr     x0, =virtual_entry
    br      x0

virtual_entry:
    hint    #36                /* BTI J */
    ldr     x0, =core_areas + CORE_OFFSET
    mov     x1, #CORE_AREA_SIZE
    madd    x0, x19, x1, x0
    msr     tpidr_el2, x0
    mov     sp, x0
    ldr     x0, =vectors
    msr     vbar_el2, x0
    msr     hstr_el2, xzr
    msr     cntvoff_el2, xzr
    msr     vttbr_el2, xzr
    mov     x0, #0x403         /* CNTHCTL_EL2: counters for EL0 and EL1, timers trapped */
    msr     cnthctl_el2, x0
    ldr     x0, =0x50100000    /* CPTR_EL2: TAM, TTA, FPEN: see fp_access */
    msr     cptr_el2, x0
    mrs     x0, id_aa64mmfr0_el1
    ubfx    x0, x0, #56, #4    /* FGT: its traps are as the loader left them; 0 closes what is newer than it */
    cbz     x0, 1f
    .irp    name, S3_4_C1_C1_4, S3_4_C1_C1_5, S3_4_C1_C1_6, S3_4_C3_C1_4, S3_4_C3_C1_5
    msr     \name, xzr         /* HFGRTR_EL2, HFGWTR_EL2, HFGITR_EL2, HDFGRTR_EL2, HDFGWTR_EL2 */
    .endr
1:  mrs     x0, id_aa64mmfr1_el1
    ubfx    x0, x0, #40, #4    /* HCX */
    cbz     x0, 2f
    msr     S3_4_C1_C2_2, xzr  /* HCRX_EL2 likewise */
2:
    mrs     x1, pmcr_el0
    ubfx    x1, x1, #11, #5
    ldr     x0, =0x84e60       /* MDCR_EL2: TTRF, TPMS, TDRA, TDOSA, TDA, TPM, TPMCR */
    orr     x0, x0, x1         /* HPMN */
    msr     mdcr_el2, x0
    msr     pan, #1
    isb
    mrs     x0, tpidr_el2
    blr     x21
    b       kernel_exit

