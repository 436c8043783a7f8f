/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls with every register known before and after. */

    .text

    /* void abi_call(uint64_t in[31], uint64_t out[32]): all general registers from in[], svc #0, all to out[];
     * out[31] is the stack pointer's change. The frame keeps the caller's registers and `out`. */
    .global abi_call
abi_call:
    sub sp, sp, #128
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    str x1, [sp, #96]
    mov x30, sp
    str x30, [sp, #104]
    ldp x2, x3, [x0, #16]
    ldp x4, x5, [x0, #32]
    ldp x6, x7, [x0, #48]
    ldp x8, x9, [x0, #64]
    ldp x10, x11, [x0, #80]
    ldp x12, x13, [x0, #96]
    ldp x14, x15, [x0, #112]
    ldp x16, x17, [x0, #128]
    ldp x18, x19, [x0, #144]
    ldp x20, x21, [x0, #160]
    ldp x22, x23, [x0, #176]
    ldp x24, x25, [x0, #192]
    ldp x26, x27, [x0, #208]
    ldp x28, x29, [x0, #224]
    ldr x30, [x0, #240]
    ldp x0, x1, [x0, #0]
    .global abi_call_svc
abi_call_svc:
    svc #0
    str x30, [sp, #112]
    ldr x30, [sp, #96]
    stp x0, x1, [x30, #0]
    stp x2, x3, [x30, #16]
    stp x4, x5, [x30, #32]
    stp x6, x7, [x30, #48]
    stp x8, x9, [x30, #64]
    stp x10, x11, [x30, #80]
    stp x12, x13, [x30, #96]
    stp x14, x15, [x30, #112]
    stp x16, x17, [x30, #128]
    stp x18, x19, [x30, #144]
    stp x20, x21, [x30, #160]
    stp x22, x23, [x30, #176]
    stp x24, x25, [x30, #192]
    stp x26, x27, [x30, #208]
    stp x28, x29, [x30, #224]
    ldr x0, [sp, #112]
    str x0, [x30, #240]
    ldr x0, [sp, #104]
    mov x1, sp
    sub x0, x1, x0
    str x0, [x30, #248]
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    add sp, sp, #128
    ret

    /* void spin_registers(uint64_t seed, volatile uint64_t *stop, volatile uint64_t *rounds): fills x4-x28 from the
     * seed, counts rounds until *stop, and returns 0 if no register changed underneath, else 1 + its number. */
    .global spin_registers
spin_registers:
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    mov x29, x0
    mov x30, x1
    .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28
    add x\n, x29, #\n
    .endr
1:  ldr x1, [x2]
    add x1, x1, #1
    str x1, [x2]
    .irp n, 4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28
    add x3, x29, #\n
    cmp x3, x\n
    mov x0, #(\n + 1)
    b.ne 2f
    .endr
    ldr x1, [x30]
    cbz x1, 1b
    mov x0, #0
2:  ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    ret

    .arch armv8.1-a+fp+simd

    /* FPCR: rounding towards zero when the seed is odd */
    .global fp_fill
fp_fill:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    add x1, x0, #(\n * 2)
    fmov d\n, x1
    add x1, x1, #1
    fmov v\n\().d[1], x1
    .endr
    and x1, x0, #1
    mov x2, #3
    mul x1, x1, x2
    lsl x1, x1, #22
    msr fpcr, x1
    ret

    .global fp_check
fp_check:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    add x1, x0, #(\n * 2)
    fmov x2, d\n
    mov x3, #(\n + 1)
    cmp x1, x2
    b.ne 1f
    add x1, x1, #1
    fmov x2, v\n\().d[1]
    cmp x1, x2
    b.ne 1f
    .endr
    and x1, x0, #1
    mov x2, #3
    mul x1, x1, x2
    lsl x1, x1, #22
    mrs x2, fpcr
    mov x3, #99
    cmp x1, x2
    b.ne 1f
    mov x3, #0
1:  mov x0, x3
    ret

    .section .note.GNU-stack, "", %progbits
