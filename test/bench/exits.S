/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest in the arm64 Image format that measures what leaving it costs, by the virtual counter, and prints a line
 * `bench NAME TICKS` for ROUNDS repetitions of each operation on the PL011, in hexadecimal. It runs on any hypervisor
 * with QEMU virt's memory map.
 */
#define ROUNDS 4000
#define SETTLE_TICKS 125000 /* 2 ms */
#define UART 0x09000000
#define GICD 0x08000000

    .section .text
    .global _start
_start:
    b       entry
    .long   0
    .quad   0
    .quad   0x10000
    .quad   0xa
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

entry:
    mov     x26, #0
    adr     x0, stack_top
    mov     sp, x0
    mov     x19, #UART
    mov     x20, #GICD
    adr     x0, vectors
    msr     vbar_el1, x0
    mov     x0, #(3 << 20)
    msr     cpacr_el1, x0
    isb

.macro psci_version
    ldr     w0, =0x84000000
    hvc     #0
.endm

/* name, then instructions that may use x0 to x7; recorder.py finds the path between the two symbols */
.macro measure name, code:vararg
    bl      settle
    mov     x21, #ROUNDS
    isb
    mrs     x22, cntvct_el0
row_begin_\name:
    \code
row_end_\name:
    subs    x21, x21, #1
    b.ne    row_begin_\name
    isb
    mrs     x23, cntvct_el0
    adr     x0, 2f
    sub     x1, x23, x22
    bl      report
    b       3f
2:  .asciz "\name"
    .balign 4
3:
.endm

    measure loop
    measure hypercall_psci_version, psci_version
    measure gicd_typer_read, ldr w0, [x20, #4]
    measure uart_read, ldr w0, [x19, #0x18]
    measure id_register_read, mrs x0, id_aa64pfr0_el1

    /* A virtual timer that is always due, with interrupts unmasked: taken, acknowledged and completed each round. */
    bl      gic_on
    mov     x24, #0
    measure timer_interrupt, bl timer_round
    mov     x24, #1
    measure sgi_to_self, bl sgi_round
    bl      measure_wake_up

    ldr     w0, =0x84000008    /* PSCI SYSTEM_OFF */
    hvc     #0
4:  wfi
    b       4b

/* Lets others finish what the last report has given them to do. */
settle:
    mrs     x0, cntvct_el0
    add     x0, x0, #(SETTLE_TICKS & 0xfff)
    add     x0, x0, #(SETTLE_TICKS >> 12), lsl #12
1:  mrs     x1, cntvct_el0
    cmp     x1, x0
    b.lo    1b
    ret

gic_on:
    mov     x0, #7
    msr     S3_0_C12_C12_5, x0 /* ICC_SRE_EL1 */
    isb
    mov     w0, #0x12          /* GICD_CTLR: ARE, EnableGrp1 */
    str     w0, [x20]
    add     x1, x20, #0xa0000  /* GICR */
    str     wzr, [x1, #0x14]   /* GICR_WAKER */
    add     x1, x1, #0x10000
    mov     w0, #-1
    str     w0, [x1, #0x80]    /* group 1 */
    mov     w0, #(1 << 27)
    orr     w0, w0, #1
    str     w0, [x1, #0x100]   /* GICR_ISENABLER0: the virtual timer and SGI 0 */
    mov     x0, #0xff
    msr     S3_0_C4_C6_0, x0   /* ICC_PMR_EL1 */
    mov     x0, #1
    msr     S3_0_C12_C12_7, x0 /* ICC_IGRPEN1_EL1 */
    isb
    ret

timer_round:
    mov     x25, #0
    msr     cntv_tval_el0, xzr
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    msr     daifclr, #2
1:  cbz     x25, 1b
    msr     daifset, #2
    ret

sgi_round:
    mov     x25, #0
    mov     x0, #1
    msr     S3_0_C12_C11_5, x0 /* ICC_SGI1R_EL1: INTID 0 to affinity 0 */
    msr     daifclr, #2
1:  cbz     x25, 1b
    msr     daifset, #2
    ret

/*
 * How late the instruction after WFI comes when a timer ends it. The counter ticks once in 16 instructions, so the
 * handler reads it after 0 to 15 more of them, in turn: the sum of 16 readings that were rounded down is exactly what
 * one costs. WAKE_UP_READ are the guest's own from there to the reading.
 */
#define WAKE_UP_TICKS 3125 /* 50 us */
#define WAKE_UP_READ 4

measure_wake_up:
    mov     x28, x30
    mov     x21, #ROUNDS
    mov     x27, #0            /* ticks late */
1:  and     x0, x21, #15
    adr     x26, wake_up_read
    sub     x26, x26, x0, lsl #2
    mov     x25, #0
row_begin_wfi_wake_up:
    mrs     x0, cntvct_el0
    add     x0, x0, #WAKE_UP_TICKS
    msr     cntv_cval_el0, x0
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    isb
    wfi
    msr     daifclr, #2
    msr     daifset, #2
row_end_wfi_wake_up:
    add     x27, x27, x25
    mrs     x0, cntv_cval_el0
    sub     x27, x27, x0
    subs    x21, x21, #1
    b.ne    1b
    mov     x26, #0
    adr     x0, 2f
    sub     x1, x27, #(WAKE_UP_READ * ROUNDS / 16)
    bl      report
    ret     x28
2:  .asciz "wfi_wake_up"
    .balign 4

    .rept 15
    nop
    .endr
wake_up_read:
    mrs     x25, cntvct_el0
    mrs     x4, S3_0_C12_C12_0 /* ICC_IAR1_EL1 */
    msr     cntv_ctl_el0, xzr
    isb
    msr     S3_0_C12_C12_1, x4 /* ICC_EOIR1_EL1 */
    eret

irq:
    cbz     x26, 1f
    br      x26
1:  mrs     x4, S3_0_C12_C12_0 /* ICC_IAR1_EL1 */
    cbnz    x24, 2f
    msr     cntv_ctl_el0, xzr
    isb
2:  msr     S3_0_C12_C12_1, x4 /* ICC_EOIR1_EL1 */
    mov     x25, #1
    eret

#include "report.inc"

    .balign 2048
vectors:
    .rept 5
    .balign 128
    b       unexpected
    .endr
    .balign 128
    b       irq
    .rept 10
    .balign 128
    b       unexpected
    .endr
unexpected:
    adr     x0, what
    mrs     x1, esr_el1
    bl      report
    ldr     w0, =0x84000008
    hvc     #0
    b       .
what:
    .asciz "unexpected_exception"
    .balign 8
    .ltorg

    .balign 4096
    .skip 4096
stack_top:
