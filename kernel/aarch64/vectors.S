/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel entry and exit.
 *
 * While a thread or guest runs, SP_EL2 points to where its general registers are to be stored: the context at the start
 * of struct tcb, or the vCPU frame. Which of the two it is, HCR_EL2.TGE tells. The kernel's own stack ends at struct
 * core, which TPIDR_EL2 points to; nothing is kept on it from one entry to the next.
 */
#include "address.h"
#include "context.h"
#include "hcr.h"

.macro save_low base
    stp     x2, x3, [\base, #16]
    stp     x4, x5, [\base, #32]
    stp     x6, x7, [\base, #48]
    stp     x8, x9, [\base, #64]
    stp     x10, x11, [\base, #80]
.endm

.macro save_callee base
    stp     x18, x19, [\base, #144]
    stp     x20, x21, [\base, #160]
    stp     x22, x23, [\base, #176]
    stp     x24, x25, [\base, #192]
    stp     x26, x27, [\base, #208]
    stp     x28, x29, [\base, #224]
.endm

.macro save_high base
    save_callee \base
    str     x30, [\base, #240]
.endm

.macro load_high base
    ldp     x18, x19, [\base, #144]
    ldp     x20, x21, [\base, #160]
    ldp     x22, x23, [\base, #176]
    ldp     x24, x25, [\base, #192]
    ldp     x26, x27, [\base, #208]
    ldp     x28, x29, [\base, #224]
    ldr     x30, [\base, #240]
.endm

.macro load_middle base
    ldp     x16, x17, [\base, #128]
    ldp     x14, x15, [\base, #112]
    ldp     x12, x13, [\base, #96]
    ldp     x10, x11, [\base, #80]
.endm

.macro load_low base
    ldp     x8, x9, [\base, #64]
    ldp     x6, x7, [\base, #48]
    ldp     x4, x5, [\base, #32]
    ldp     x2, x3, [\base, #16]
    ldp     x0, x1, [\base]
.endm

.macro save_state base
    mrs     x2, elr_el2
    mrs     x3, spsr_el2
    stp     x2, x3, [\base, #CONTEXT_PC]
.endm

/* All registers but x0 and x1, which are stored already. */
.macro save_all base
    save_low \base
    stp     x12, x13, [\base, #96]
    stp     x14, x15, [\base, #112]
    stp     x16, x17, [\base, #128]
    save_high \base
    save_state \base
.endm

    .section .text.vectors, "ax"
    .balign 2048
    .global vectors
vectors:
    /* from EL2 itself: the kernel's own fault */
    .rept 8
    .balign 128
    b       kernel_fault
    .endr
    /* from a lower level in AArch64 */
    .balign 128
    b       synchronous
    .balign 128
    b       interrupt
    .balign 128
    b       interrupt /* FIQ: not used in group 1 */
    .balign 128
    b       synchronous /* SError: reported like an exception */
    /* from a lower level in AArch32: HCR_EL2.RW and the modes that are allowed exclude it */
    .rept 4
    .balign 128
    b       kernel_fault
    .endr

    .text
synchronous:
    stp     x0, x1, [sp]
    mrs     x0, esr_el2
    lsr     x1, x0, #26
    cmp     x1, #0x15 /* SVC from AArch64; that of a guest goes to its EL1 */
    b.ne    other_synchronous

    /* A system call, its number in x12. What it may clobber, x13 to x17, is not kept. */
    cmp     x12, #SYSCALL_VM_ENTER
    b.lo    short_call
    b.eq    vm_enter
    save_low sp
    save_high sp
    save_state sp
    mrs     x0, tpidr_el2
    cmp     x12, #SYSCALL_REPLY_RECV
    b.hi    2f
    mov     sp, x0
    b.eq    1f
    bl      syscall_call
    cbnz    x0, thread_exit
    b       kernel_exit
1:  bl      syscall_reply_recv
    cbnz    x0, thread_exit
    b       kernel_exit
2:  str     x12, [sp, #96]
    mov     sp, x0
    bl      syscall_entry
    b       kernel_exit

/*
 * Signal and Poll. Mostly some bits are set or taken, and that is all: so C, which preserves x18 to x29 and does not use
 * x11 to x17 here (shortpath.c), is asked before anything is saved.
 */
short_call:
    str     x30, [sp, #240]
    ldr     x1, [sp]
    mrs     x0, tpidr_el2
    mov     sp, x0
    cbz     x12, 1f
    bl      short_poll
    b       2f
1:  bl      short_signal
2:  tbnz    x0, #SHORT_MORE_BIT, short_call_more
    mov     x2, sp
    ldr     x2, [x2, #CORE_CURRENT]
    mov     x10, x1
    mov     sp, x2
    ldr     x30, [x2, #240]
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9
    mov     x\n, xzr
    .endr
    eret

/* More is to be done. x1: the thread that called. */
short_call_more:
    save_callee x1
    save_state x1
    tbnz    x0, #SHORT_SWITCHED_BIT, 1f
    tbnz    x0, #SHORT_SCHEDULE_BIT, kernel_exit
    mov     x0, sp
    bl      syscall_entry
    b       kernel_exit
1:  mov     x2, sp
    ldr     x0, [x2, #CORE_CURRENT]
    add     x2, x2, #CORE_LOCK
    ldrh    w3, [x2]
    add     w3, w3, #1
    stlrh   w3, [x2]
    b       thread_exit

vm_enter:
    save_callee sp
    str     x30, [sp, #240]
    save_state sp
    mrs     x0, tpidr_el2
    mov     sp, x0
    bl      syscall_vm_enter
    cbnz    x0, leave_kernel
    b       kernel_exit

other_synchronous:
    mrs     x0, hcr_el2
    tbz     x0, #27, guest_synchronous
    save_all sp
    mrs     x0, tpidr_el2
    mov     sp, x0
    bl      native_exception
    b       kernel_exit

interrupt:
    stp     x0, x1, [sp]
    mrs     x0, hcr_el2
    tbz     x0, #27, guest_interrupt
    save_all sp
    mrs     x0, tpidr_el2
    mov     sp, x0
    bl      interrupt_entry
    cbnz    x0, leave_kernel
    b       kernel_exit

/* Stores the guest's registers and makes the native world's current again. x0: struct core. */
.macro leave_guest
    msr     pan, #1            /* SCTLR_EL2.SPAN is for exceptions from EL0 under TGE alone: here it is the guest's */
    save_all sp
    mrs     x0, tpidr_el2
    ldr     x1, [x0, #CORE_VCPU]
    ldr     x2, [x0, #CORE_CURRENT]
    mrs     x3, sp_el0
    mrs     x4, tpidr_el0
    stp     x3, x4, [x1, #VCPU_SP_EL0]
    ldp     x3, x4, [x2, #CONTEXT_SP]
    msr     sp_el0, x3
    msr     tpidr_el0, x4
    ldr     x3, =HCR_HOST
    msr     hcr_el2, x3
    isb
    mov     sp, x0
.endm

guest_synchronous:
    leave_guest
    bl      guest_exception
    cbnz    x0, thread_exit
    b       kernel_exit

guest_interrupt:
    leave_guest
    bl      interrupt_entry
    cbnz    x0, leave_kernel

    .global kernel_exit
kernel_exit:
    mov     x0, sp
    bl      kernel_leave

/* x0: where the registers are; x1: struct vcpu of a guest, or 0. */
leave_kernel:
    cbnz    x1, enter_guest

/* x0: struct tcb. After a system call, x11 to x17 come back with something that was the thread's own once. */
thread_exit:
    ldp     x2, x3, [x0, #CONTEXT_PC]
    msr     elr_el2, x2
    msr     spsr_el2, x3
    mov     sp, x0
    load_high sp
    load_middle sp
    load_low sp
    eret

enter_guest:
    ldr     x2, [x0, #CONTEXT_PC]
    ldr     x3, [x1, #VCPU_PSTATE] /* the frame's may have changed since it was checked */
    msr     elr_el2, x2
    msr     spsr_el2, x3
    mov     sp, x0
    ldp     x2, x3, [x1, #VCPU_SP_EL0]
    msr     sp_el0, x2
    msr     tpidr_el0, x3
    ldr     x2, =HCR_GUEST
    msr     hcr_el2, x2
    load_high sp
    load_middle sp
    load_low sp
    eret

kernel_fault:
    mrs     x0, tpidr_el2
    mov     sp, x0
    mrs     x0, esr_el2
    mrs     x1, elr_el2
    mrs     x2, far_el2
    b       kernel_exception

    .arch_extension fp
    .arch_extension simd
.macro fp_registers operation
    \operation q0, q1, [x0, #16]
    \operation q2, q3, [x0, #48]
    \operation q4, q5, [x0, #80]
    \operation q6, q7, [x0, #112]
    \operation q8, q9, [x0, #144]
    \operation q10, q11, [x0, #176]
    \operation q12, q13, [x0, #208]
    \operation q14, q15, [x0, #240]
    \operation q16, q17, [x0, #272]
    \operation q18, q19, [x0, #304]
    \operation q20, q21, [x0, #336]
    \operation q22, q23, [x0, #368]
    \operation q24, q25, [x0, #400]
    \operation q26, q27, [x0, #432]
    \operation q28, q29, [x0, #464]
    \operation q30, q31, [x0, #496]
.endm

    .global fp_save
fp_save:
    mrs     x1, fpcr
    mrs     x2, fpsr
    stp     x1, x2, [x0]
    fp_registers stp
    ret

    .global fp_load
fp_load:
    ldp     x1, x2, [x0]
    msr     fpcr, x1
    msr     fpsr, x2
    fp_registers ldp
    ret
