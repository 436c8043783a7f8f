/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel on no machine. A proof includes this first, then the kernel's sources that it is about, and says where
 * physical memory lies (paddr_pointer, pointer_paddr). System registers read as anything; the kernel's own assertions
 * are to be proved; an interrupt may want in at any preemption point.
 */
#ifndef TEST_PROOF_KERNEL_H
#define TEST_PROOF_KERNEL_H

#define paddr_pointer paddr_pointer_of_machine
#define pointer_paddr pointer_paddr_of_machine
#include "kernel/address.h"
#undef paddr_pointer
#undef pointer_paddr
void *paddr_pointer(paddr_t address);
paddr_t pointer_paddr(const void *pointer);

#include "kernel/assert.h"
#undef kernel_assert
#define kernel_assert(condition) PROVE(condition)

#include "kernel/aarch64/cpu.h"
#undef read_sysreg
#undef write_sysreg
#define read_sysreg(name)         ANY(uint64_t)
#define write_sysreg(name, value) ((void)(value))

/* Tickets run over their 16 bits, on purpose. */
#define lock_release lock_release_of_machine
#include "kernel/lock.h"
#undef lock_release
static inline void lock_release(union lock *lock)
{
    lock->owner = ANY(uint16_t);
}

#define this_core this_core_of_machine
#include "kernel/core.h"
#undef this_core
struct core *this_core(void);

#define ticks_now ticks_now_of_machine
#include "kernel/scheduler.h"
#undef ticks_now
#define ticks_now() ANY(uint64_t)

#endif
