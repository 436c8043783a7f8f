/* SPDX-License-Identifier: BSD-2-Clause */

    .text

    .global fault_load, fault_store, fault_undefined, fault_breakpoint, fault_system_call, fault_keep_registers
fault_load:
    hint #34 /* BTI C */
1:  ldr x0, [x0]
    ret

    .global fault_answer, fault_jump
fault_jump:
    hint #34 /* BTI C */
    br x0

fault_answer:
    hint #34 /* BTI C */
5:  mov x0, #42
    ret

fault_store:
    hint #34 /* BTI C */
    mov x1, #0x08ed
    movk x1, #0x57, lsl #16
2:  str x1, [x0]
    ret

fault_undefined:
    hint #34 /* BTI C */
3:  udf #0
    ret

fault_breakpoint:
    hint #34 /* BTI C */
    brk #7
    ret

fault_system_call:
    hint #34 /* BTI C */
    mov x12, x0
    svc #0
4:  ret

fault_keep_registers:
    hint #34 /* BTI C */
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    .irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    mov x\n, #(0x4000 + \n)
    .endr
    cmp xzr, xzr /* Z and C */
    ldr x1, [x0]
    b.ne 6f
    cmp x1, #0x77
    b.ne 6f
    .irp n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    mov x1, #(0x4000 + \n)
    cmp x\n, x1
    b.ne 6f
    .endr
    mov x1, #1
    b 7f
6:  mov x1, #2
7:  str x1, [x0, #8]
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    ret

    .macro privileged instruction:vararg
10: hint #34
    \instruction
    ret
    .pushsection .rodata.fault_privileged, "a"
    .quad 10b
    .popsection
    .endm

    .pushsection .rodata.fault_privileged, "a"
    .balign 8
    .global fault_privileged
fault_privileged:
    .popsection

    privileged mrs x0, sctlr_el1
    privileged mrs x0, hcr_el2
    privileged mrs x0, vbar_el2
    privileged mrs x0, ttbr0_el1
    privileged mrs x0, mpidr_el1
    privileged mrs x0, cnthp_ctl_el2
    privileged msr vbar_el1, x0
    privileged msr ttbr0_el1, x0
    privileged msr tpidr_el1, x0
    privileged msr daifset, #2
    privileged msr cntp_ctl_el0, x0
    privileged msr cntv_cval_el0, x0
    privileged mrs x0, cntp_ctl_el0
    privileged mrs x0, cntv_ctl_el0
    privileged mrs x0, pmcr_el0
    privileged mrs x0, mdscr_el1
    privileged tlbi vmalle1
    privileged at s1e1r, x0
    privileged dc isw, x0
    privileged ic iallu
    privileged eret
    privileged hvc #0
    privileged smc #0
    /* State that no switch of threads moves: SCXTNUM_EL0, PMSELR_EL0, TPIDR2_EL0, SVE (RDVL), SME (SMSTART) */
    privileged msr S3_3_C13_C0_7, x0
    privileged msr S3_3_C9_C12_5, x0
    privileged msr S3_3_C13_C0_5, x0
    privileged .inst 0x04bf5020
    privileged .inst 0xd503477f

    .pushsection .rodata.fault_privileged, "a"
    .set fault_privileged_end, .
    .popsection

    .section .rodata.fault_stubs, "a"
    .balign 8
    .global fault_load_at, fault_store_at, fault_undefined_at, fault_system_call_after, fault_privileged_count
    .global fault_answer_at
fault_load_at:
    .quad 1b
fault_store_at:
    .quad 2b
fault_undefined_at:
    .quad 3b
fault_system_call_after:
    .quad 4b
fault_answer_at:
    .quad 5b
fault_privileged_count:
    .quad (fault_privileged_end - fault_privileged) / 8

    .section .note.GNU-stack, "", %progbits
