/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry of the test program and of its threads, and a way out of a failed case. */

    .section .text._start, "ax"
    .global _start
_start: /* x0 boot information; sp is set by the kernel */
    mov x29, xzr
    mov x30, xzr
    bl test_main
1:  wfe
    b 1b

    .text
    /* x0 argument, x1 entry, x2 own TCB: runs the entry, then suspends the thread for good */
    .global thread_trampoline
thread_trampoline:
    hint #34 /* BTI C: its address is taken, though nothing branches there */
    mov x29, xzr
    mov x30, xzr
    mov x19, x2
    blr x1
1:  mov x0, x19
    bl thread_finish
    b 1b

    /* uint64_t test_mark(uint64_t context[13]): 0 now, 1 after test_jump(context) */
    .global test_mark
test_mark:
    stp x19, x20, [x0, #0]
    stp x21, x22, [x0, #16]
    stp x23, x24, [x0, #32]
    stp x25, x26, [x0, #48]
    stp x27, x28, [x0, #64]
    stp x29, x30, [x0, #80]
    mov x1, sp
    str x1, [x0, #96]
    mov x0, #0
    ret

    .global test_jump
test_jump:
    ldp x19, x20, [x0, #0]
    ldp x21, x22, [x0, #16]
    ldp x23, x24, [x0, #32]
    ldp x25, x26, [x0, #48]
    ldp x27, x28, [x0, #64]
    ldp x29, x30, [x0, #80]
    ldr x1, [x0, #96]
    mov sp, x1
    mov x0, #1
    ret

    .section .note.GNU-stack, "", %progbits
