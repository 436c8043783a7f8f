/* SPDX-License-Identifier: BSD-2-Clause */
/* Copied into an address space of its own. x0 endpoint, x1 reply object, x2 message information of the answers. */
    .section .rodata.server_program, "a"
    .balign 8
    .global server_program, server_program_end
server_program:
    mov     x19, x0
    mov     x20, x1
    mov     x21, x2
    mov     x10, x20
    mov     x12, #7         /* BH_SYS_RECV */
    svc     #0
1:  mov     x0, x19
    mov     x1, x21
    mov     x10, x20
    mov     x12, #4         /* BH_SYS_REPLY_RECV */
    svc     #0
    b       1b
server_program_end:
    .section .note.GNU-stack, "", %progbits
