/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where vectors.S finds things. The saved registers of a native thread lie at the start of its struct tcb, those of a
 * guest at the start of its vCPU frame, in the same order, so that an exception can store through SP before it knows
 * which of the two was running.
 */
#ifndef KERNEL_CONTEXT_H
#define KERNEL_CONTEXT_H

#define CONTEXT_PC 248
#define CONTEXT_PSTATE 256
#define CONTEXT_SP 264
#define CONTEXT_TPIDR 272

#define CORE_CURRENT 0
#define CORE_VCPU 16
#define CORE_LOCK 64

/* enum bh_syscall */
#define SYSCALL_VM_ENTER 2
#define SYSCALL_REPLY_RECV 4

/* What short_signal and short_poll return besides an error code. */
#define SHORT_MORE_BIT 8
#define SHORT_SWITCHED_BIT 9
#define SHORT_SCHEDULE_BIT 10

#define VCPU_SP_EL0 0
#define VCPU_TPIDR_EL0 8
#define VCPU_PSTATE 16

/* struct core_area: a page that is not mapped, the kernel stack, struct core. */
#define CORE_STACK_SIZE 8192
#define CORE_OFFSET (4096 + CORE_STACK_SIZE)
#define CORE_AREA_SIZE (CORE_OFFSET + 36864)

#endif
