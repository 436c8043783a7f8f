/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header of an arm64 Image (Linux, Documentation/arm64/booting.rst), the entry, and the exception vectors: an exception
 * that an instruction causes is counted, and the instruction is skipped. Interrupts stay masked.
 */
    .section .header, "ax"
    .global image_header
image_header:
    b start
    .long 0
    .quad 0                     /* text offset */
    .quad image_size
    .quad 2                     /* little-endian, 4 KiB pages */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

    .text
start:
    adrp x9, stack_top
    add x9, x9, :lo12:stack_top
    msr spsel, #1
    mov sp, x9
    /* The loader need not clear .bss. */
    adrp x10, __bss
    add x10, x10, :lo12:__bss
1:  cmp x10, x9
    b.hs 2f
    stp xzr, xzr, [x10], #16
    b 1b
2:  adrp x9, vectors
    add x9, x9, :lo12:vectors
    msr vbar_el1, x9
    isb
    bl main
    /* PSCI SYSTEM_OFF */
    mov w0, #0x0008
    movk w0, #0x8400, lsl #16
    hvc #0
3:  wfi
    b 3b

/* Where PSCI CPU_ON may start another vCPU: x0 is its stack, vcpu_main what it does. */
    .weak vcpu_main
    .hidden vcpu_main
    .global vcpu_start
    .hidden vcpu_start
vcpu_start:
    msr spsel, #1
    mov sp, x0
    adrp x9, vectors
    add x9, x9, :lo12:vectors
    msr vbar_el1, x9
    isb
    bl vcpu_main
4:  wfi
    b 4b

    .macro vector handler
    .balign 128
    b \handler
    .endm

    .balign 2048
vectors:
    .rept 16
    vector exception
    .endr

/* For exceptions in straight code of this program: nothing but the stack is touched. */
exception:
    stp x0, x1, [sp, #-16]!
    adrp x0, exception_count
    add x0, x0, :lo12:exception_count
    ldr x1, [x0]
    add x1, x1, #1
    str x1, [x0]
    mrs x1, esr_el1
    str x1, [x0, #8]
    lsr x1, x1, #26
    cmp x1, #0x15               /* SVC returns behind itself */
    b.eq 1f
    mrs x1, elr_el1
    add x1, x1, #4
    msr elr_el1, x1
1:  ldp x0, x1, [sp], #16
    eret
