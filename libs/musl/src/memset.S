/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memset without SIMD registers (musl's own uses them): a domain may be running with a guest's FP
 * state in place. Zeroing uses DC ZVA from 256 bytes on where EL0 may (Arm ARM D24.2.38, DCZID_EL0).
 */

        .section .text.memset, "ax"
        .global memset
        .type memset, %function
        .balign 64
memset:
        hint    #34                     // BTI C
        and     x1, x1, #0xff
        mov     x3, #0x0101010101010101
        mul     x1, x1, x3
        add     x4, x0, x2              // end
        cmp     x2, #16
        b.lo    .Lsmall
        cmp     x2, #64
        b.hi    .Llarge

        stp     x1, x1, [x0]            // 16 to 64: overlapping stores from both ends
        stp     x1, x1, [x4, #-16]
        cmp     x2, #32
        b.ls    .Ldone
        stp     x1, x1, [x0, #16]
        stp     x1, x1, [x4, #-32]
.Ldone:
        ret

.Lsmall:
        tbz     x2, #3, 1f
        str     x1, [x0]
        str     x1, [x4, #-8]
        ret
1:      tbz     x2, #2, 2f
        str     w1, [x0]
        str     w1, [x4, #-4]
        ret
2:      cbz     x2, .Ldone
        strb    w1, [x0]
        tbz     x2, #1, .Ldone
        strh    w1, [x4, #-2]
        ret

.Llarge:
        stp     x1, x1, [x0]
        add     x3, x0, #16
        and     x3, x3, #~15            // next address that is 16-byte aligned
        cmp     x2, #256
        ccmp    x1, #0, #0, hs
        b.ne    .Lstores
        mrs     x5, dczid_el0
        tbnz    w5, #4, .Lstores        // prohibited
        mov     x6, #4
        lsl     x6, x6, x5              // block size; bits above BS are zero
        sub     x7, x6, #1
        cmp     x2, x6, lsl #1
        b.lo    .Lstores                // might not hold one whole aligned block

        add     x8, x3, x7              // stores up to the first block
        bic     x8, x8, x7
3:      cmp     x3, x8
        b.hs    4f
        stp     xzr, xzr, [x3], #16
        b       3b
4:      sub     x9, x4, x6              // blocks while a whole one is left
5:      cmp     x3, x9
        b.hi    .Lstores
        dc      zva, x3
        add     x3, x3, x6
        b       5b

.Lstores:
        sub     x5, x4, #64             // 64 at a time, then the last 64 over again
6:      cmp     x3, x5
        b.hs    7f
        stp     x1, x1, [x3]
        stp     x1, x1, [x3, #16]
        stp     x1, x1, [x3, #32]
        stp     x1, x1, [x3, #48]
        add     x3, x3, #64
        b       6b
7:      stp     x1, x1, [x5]
        stp     x1, x1, [x5, #16]
        stp     x1, x1, [x5, #32]
        stp     x1, x1, [x5, #48]
        ret
        .size memset, . - memset
        .section .note.GNU-stack, "", %progbits
