/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest of register_walk.h, a page: vectors, and a loop over the table. x10 is the step, x11 how many are left, x12
 * the page that the instruction is written to, so that the loop itself stays translated. No flags and no stack: both
 * belong to what is walked.
 */
    .arch armv8.1-a
    .section .rodata.register_walk, "a"
    .balign 2048
    .global register_walk_image
register_walk_image:
    .rept 16
    .balign 128
    mov w13, #2 /* STEP_UNDEFINED */
    mrs x14, elr_el1
    add x14, x14, #4
    msr elr_el1, x14
    eret
    .endr
    .balign 128

walk:
    cbz x11, 2f
    ldr w13, [x10]
    str w13, [x12]
    dc cvau, x12
    dsb ish
    ic ivau, x12
    dsb ish
    isb
    mov w13, #1 /* STEP_WORKED; the VMM puts STEP_TRAPPED here */
    ldr x0, [x10, #8]
    blr x12
    isb
    str x0, [x10, #8]
    str w13, [x10, #4]
    add x10, x10, #16
    sub x11, x11, #1
    b walk
2:  hvc #1
    b walk
end:

    .balign 8
    .global register_walk_size, register_walk_entry
register_walk_size:
    .quad end - register_walk_image
register_walk_entry:
    .quad walk - register_walk_image

    .section .note.GNU-stack, "", %progbits
