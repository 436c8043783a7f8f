/* SPDX-License-Identifier: BSD-2-Clause */
/* See bench_program.h. Interrupts stay masked: WFI ends all the same (Arm ARM D1.6). */
#define ICC_PMR_EL1 S3_0_C4_C6_0
#define ICC_IAR1_EL1 S3_0_C12_C12_0
#define ICC_EOIR1_EL1 S3_0_C12_C12_1
#define ICC_SRE_EL1 S3_0_C12_C12_5
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define WAIT_TICKS 1250 /* 20 us */
#define RTC_DATA 0x0
#define RTC_MATCH 0x4

    .section .rodata.bench_program, "a"
    .balign 8
    .global bench_program, bench_program_end, bench_program_wait, bench_program_run, bench_program_alarm
bench_program:
bench_program_wait:
    mov     x0, #7
    msr     ICC_SRE_EL1, x0
    isb
    mov     x0, #0xff
    msr     ICC_PMR_EL1, x0
    mov     x0, #1
    msr     ICC_IGRPEN1_EL1, x0
    isb
1:  mov     x0, #WAIT_TICKS
    msr     cntv_tval_el0, x0
    mov     x0, #1
    msr     cntv_ctl_el0, x0
    isb
    .global row_begin_vcpu_switch
row_begin_vcpu_switch:
    wfi
    mrs     x0, ICC_IAR1_EL1
    msr     cntv_ctl_el0, xzr
    isb
    msr     ICC_EOIR1_EL1, x0
    isb
    b       1b

    .global row_end_vcpu_switch
bench_program_run:
row_end_vcpu_switch:
    nop
    b       bench_program_run

bench_program_alarm:
    ldr     w0, [x1, #RTC_DATA]
    str     w0, [x1, #RTC_MATCH]
    b       bench_program_alarm
bench_program_end:
    .section .note.GNU-stack, "", %progbits
