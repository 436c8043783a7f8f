/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guests of guest.h run: vectors in the first page, the program in the second. */

#define ICC_PMR_EL1 S3_0_C4_C6_0
#define ICC_IAR1_EL1 S3_0_C12_C12_0
#define ICC_EOIR1_EL1 S3_0_C12_C12_1
#define ICC_SRE_EL1 S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICC_SGI1R_EL1 S3_0_C12_C11_5

    .arch armv8.1-a+fp+simd
    .section .rodata.guest_image, "a"
    .balign 4096
    .global guest_image
guest_image:
    /* EL1 with SP_EL0: not used */
    .rept 4
    .balign 128
    b unexpected
    .endr
    /* EL1 with SP_EL1 */
    .balign 128
    b unexpected
    .balign 128
    b take_interrupt
    .balign 128
    b unexpected
    .balign 128
    b unexpected
    .rept 8
    .balign 128
    b unexpected
    .endr
    .balign 128

unexpected:
    mrs x27, esr_el1
    mrs x28, elr_el1
    hvc #0xdea
    eret

take_interrupt:
    mrs x25, ICC_IAR1_EL1
    cmp x25, #1020
    b.ge 2f
    cmp x25, #27
    b.ne 1f
    msr cntv_ctl_el0, xzr
    isb
1:  mov x26, #0x40000000
    add x26, x26, #0x2, lsl #12
    add x26, x26, #0x200
    str x25, [x26, x24, lsl #3]
    add x24, x24, #1
    msr ICC_EOIR1_EL1, x25
    isb
2:  eret

    .balign 4096

hvc_loop:
    add x0, x0, #1
    hvc #0x12
    b hvc_loop

smc:
    smc #7
end:
    hvc #1
    b end

mmio:
    strb w2, [x1]
    strh w2, [x1, #2]
    str w2, [x1, #4]
    str x2, [x1, #8]
    str xzr, [x1, #16]
    ldrb w3, [x1, #1]
    ldrh w4, [x1, #2]
    ldr w5, [x1, #4]
    ldr x6, [x1, #8]
    ldrsb w7, [x1, #1]
    ldrsb x8, [x1, #1]
    ldrsh w9, [x1, #2]
    ldrsh x10, [x1, #2]
    ldrsw x11, [x1, #4]
    ldr xzr, [x1, #8]
    b end

sysreg:
    msr ICC_SGI1R_EL1, x2
    mrs x3, actlr_el1
    b end

ids:
    mrs x0, mpidr_el1
    mrs x1, midr_el1
    mrs x2, cntvct_el0
    b end

read:
    ldr x2, [x1]
    b end

write:
    str x2, [x1]
    b end

read_pair:
    ldp x2, x3, [x1]
    b end

jump:
    br x1

return:
    eret

aarch32_loop:
    .inst 0xeafffffe /* A32: b . */

wfi_once:
    wfi
    b end

loop:
    ldr x2, [x1]
    add x2, x2, #1
    str x2, [x1]
    b loop

breakpoint:
    brk #3
    b end

el2:
    mrs x0, hcr_el2
    b end

    .macro enable_interface
    mov x9, #7
    msr ICC_SRE_EL1, x9
    isb
    mov x9, #0xff
    msr ICC_PMR_EL1, x9
    mov x9, #1
    msr ICC_IGRPEN1_EL1, x9
    isb
    .endm

spin_irq:
    enable_interface
    msr daifclr, #2
1:  cmp x24, x2
    b.lo 1b
    msr daifset, #2
    b end

wait_irq:
    enable_interface
2:  cmp x24, x2
    b.hs 3f
    wfi
    msr daifclr, #2
    isb
    msr daifset, #2
    b 2b
3:  b end

mask_irq:
    enable_interface
    b end

timer:
    mrs x9, cntvct_el0
    add x9, x9, x3
    msr cntv_cval_el0, x9
    mov x9, #1
    msr cntv_ctl_el0, x9
    isb
    b wait_irq

    .macro check register, number
    cmp x3, \register
    b.eq 9f
    hvc #(0x100 + \number)
9:
    .endm

keep:
    .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    add x\n, x0, #\n
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    add x3, x0, #\n
    fmov d\n, x3
    .endr
    msr tpidr_el1, x0
    add x3, x0, #1
    msr tpidr_el0, x3
    add x3, x0, #2
    msr tpidrro_el0, x3
    lsl x3, x0, #12
    msr ttbr0_el1, x3
    msr ttbr1_el1, x3
    msr par_el1, xzr
    msr contextidr_el1, x0
    add x3, x0, #16
    mov sp, x3
    msr spsel, #0
    add x3, x0, #32
    mov sp, x3
    msr spsel, #1
    msr elr_el1, x0
    msr afsr0_el1, x0
    msr mair_el1, x0
1:  .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    add x3, x0, #\n
    check x\n, \n
    .endr
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    add x2, x0, #\n
    fmov x3, d\n
    check x2, 32 + \n
    .endr
    mrs x3, tpidr_el1
    check x0, 64
    mrs x3, tpidr_el0
    sub x3, x3, #1
    check x0, 65
    mrs x3, tpidrro_el0
    sub x3, x3, #2
    check x0, 66
    mrs x3, ttbr0_el1
    lsr x3, x3, #12
    check x0, 67
    mrs x3, ttbr1_el1
    lsr x3, x3, #12
    check x0, 68
    mrs x3, contextidr_el1
    check x0, 69
    mov x3, sp
    sub x3, x3, #16
    check x0, 70
    msr spsel, #0
    mov x3, sp
    msr spsel, #1
    sub x3, x3, #32
    check x0, 71
    mrs x3, elr_el1
    check x0, 72
    mrs x3, mair_el1
    check x0, 73
    ldr x3, [x1, #8]
    add x3, x3, #1
    str x3, [x1, #8]
    ldr x3, [x1, #16]
    cbz x3, 1b
    b end

fp:
    fmov d7, x0
    hvc #2
    fmov x3, d7
    b end

image_end:

    .macro entry name, label
    .balign 8
    .global \name
\name:
    .quad \label - guest_image
    .endm

    .balign 8
    .global guest_image_size
guest_image_size:
    .quad image_end - guest_image
    entry guest_hvc, hvc_loop
    entry guest_smc, smc
    entry guest_mmio, mmio
    entry guest_sysreg, sysreg
    entry guest_ids, ids
    entry guest_read, read
    entry guest_write, write
    entry guest_read_pair, read_pair
    entry guest_jump, jump
    entry guest_return, return
    entry guest_aarch32_loop, aarch32_loop
    entry guest_wfi, wfi_once
    entry guest_loop, loop
    entry guest_brk, breakpoint
    entry guest_el2, el2
    entry guest_spin_irq, spin_irq
    entry guest_wait_irq, wait_irq
    entry guest_mask_irq, mask_irq
    entry guest_timer, timer
    entry guest_keep, keep
    entry guest_fp, fp

    .section .note.GNU-stack, "", %progbits
