/* SPDX-License-Identifier: BSD-2-Clause */
/* See vspace_program.h. Position-independent; system call 5 is BH_SYS_SEND. */

    .section .rodata.vspace_program, "a"
    .balign 8
    .global vspace_program
vspace_program:
increment:
    ldr x3, [x2]
    add x3, x3, #1
    str x3, [x2]
    b send
read:
    ldr x3, [x0]
send:
    mov x0, x1
    mov x2, x3
    mov x1, #1 /* one word */
    mov x12, #5
    svc #0
1:  b 1b
loop:
    ldr x4, [x2]
2:  ldr x3, [x2, #8]
    add x3, x3, #1
    str x3, [x2, #8]
    ldr x5, [x2]
    cmp x4, x5
    b.eq 2b
    ldr x3, [x2, #16]
    add x3, x3, #1
    str x3, [x2, #16]
    b 2b
end:

    .balign 8
    .global vspace_program_size, vspace_increment, vspace_read, vspace_loop
vspace_program_size:
    .quad end - vspace_program
vspace_increment:
    .quad increment - vspace_program
vspace_read:
    .quad read - vspace_program
vspace_loop:
    .quad loop - vspace_program

    .section .note.GNU-stack, "", %progbits
