/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest of two vCPUs in the arm64 Image format: the first sends SGIs to the second, which runs, and then waits in WFI.
 * For both it prints a line `bench NAME TICKS` on the PL011, the ticks in hexadecimal: what ROUNDS of them took, from
 * the sending to when the sender sees that the handler has run. Whoever looks in vain says YIELD, at which QEMU goes on
 * with the other processor: its clock counts the instructions of both.
 */
#define ROUNDS 4000
#define UART 0x09000000
#define GICD 0x08000000
#define GICR 0x080a0000
#define GICR_STRIDE 0x20000

#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_CPU_ON 0xc4000003

/* From x24 on, what the vCPUs share. */
#define TAKEN 0   /* the handler has run; cleared by the sender */
#define READY 8   /* the second vCPU takes interrupts */
#define WAITS 16  /* it shall wait in WFI */

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
    mov     x19, #UART
    adr     x24, shared
    mov     x0, #GICD
    mov     w1, #0x12              /* GICD_CTLR: ARE, EnableGrp1 */
    str     w1, [x0]
    ldr     x0, =GICR
    bl      redistributor_on
    ldr     x0, =(GICR + GICR_STRIDE)
    bl      redistributor_on
    bl      interface_on
    ldr     x0, =PSCI_CPU_ON
    mov     x1, #1
    adr     x2, second
    mov     x3, #0
    hvc     #0
    cbnz    x0, off
1:  yield
    ldr     x0, [x24, #READY]
    cbz     x0, 1b

.macro measure name
    mov     x21, #ROUNDS
    mov     x22, #0                /* ticks */
10: mov     x0, #4                 /* until the second vCPU is back where it was */
11: yield
    subs    x0, x0, #1
    b.ne    11b
    and     x0, x21, #15           /* from another sixteenth of a tick in each round */
    adr     x1, 12f
    sub     x1, x1, x0, lsl #2
    br      x1
    .rept 15
    nop
    .endr
12: str     xzr, [x24, #TAKEN]
    mov     x0, #2                 /* INTID 0 to affinity 1 */
    mrs     x23, cntvct_el0
row_begin_\name:
    msr     S3_0_C12_C11_5, x0     /* ICC_SGI1R_EL1 */
    b       14f
13: yield
14: ldr     x1, [x24, #TAKEN]
    cbz     x1, 13b                /* a short loop: where in it the SGI is seen differs from round to round */
row_end_\name:
    mrs     x1, cntvct_el0
    sub     x1, x1, x23
    add     x22, x22, x1
    subs    x21, x21, #1
    b.ne    10b
    adr     x0, 15f
    mov     x1, x22
    bl      report
    b       16f
15: .asciz "\name"
    .balign 4
16:
.endm

    measure sgi_to_running_vcpu
    mov     x0, #1
    str     x0, [x24, #WAITS]
    measure sgi_to_waiting_vcpu
off:
    ldr     w0, =PSCI_SYSTEM_OFF
    hvc     #0
    b       .

second:
    adr     x24, shared
    adr     x0, vectors
    msr     vbar_el1, x0
    bl      interface_on
    msr     daifclr, #2
    mov     x0, #1
    str     x0, [x24, #READY]
1:  yield
    ldr     x0, [x24, #WAITS]
    cbz     x0, 1b
2:  wfi
    b       2b

irq:
    mrs     x4, S3_0_C12_C12_0     /* ICC_IAR1_EL1 */
    mov     x5, #1
    str     x5, [x24, #TAKEN]
    msr     S3_0_C12_C12_1, x4     /* ICC_EOIR1_EL1 */
    yield
    eret

/* x0: base of a redistributor */
redistributor_on:
    str     wzr, [x0, #0x14]       /* GICR_WAKER */
    add     x0, x0, #0x10000
    mov     w1, #-1
    str     w1, [x0, #0x80]        /* group 1 */
    mov     w1, #1
    str     w1, [x0, #0x100]       /* GICR_ISENABLER0: SGI 0 */
    ret

interface_on:
    mov     x0, #7
    msr     S3_0_C12_C12_5, x0     /* ICC_SRE_EL1 */
    isb
    mov     x0, #0xff
    msr     S3_0_C4_C6_0, x0       /* ICC_PMR_EL1 */
    mov     x0, #1
    msr     S3_0_C12_C12_7, x0     /* ICC_IGRPEN1_EL1 */
    isb
    ret

#include "report.inc"

    .balign 2048
vectors:
    .rept 16
    .balign 128
    b       irq                    /* nothing else comes */
    .endr
    .balign 8
    .ltorg
    .balign 64
shared:
    .quad   0, 0, 0
