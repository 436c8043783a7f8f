/* SPDX-License-Identifier: BSD-2-Clause */
/* The first instructions of a domain: see start.h. */

        .section .text._start, "ax"
        .global _start
        .type _start, %function
_start:
        mov     x29, xzr                // the frame records end here: AAPCS64 6.4.6
        mov     x30, xzr
        mov     x9, sp
        and     sp, x9, #~15
        cbnz    x1, 1f
        b       bh_start
1:      mov     x0, x1
        b       bh_thread_start
        .size _start, . - _start
        .section .note.GNU-stack, "", %progbits
