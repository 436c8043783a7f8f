/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the supervisor and the helpers of the cases. */
#ifndef TEST_KERNEL_SUPERVISE_H
#define TEST_KERNEL_SUPERVISE_H

#include <bh/types.h>

/* Cases take slots [first, end) of root's CNode. */
void slots_begin(bh_cptr first, uint64_t end);
/* Empties those that the last case took. */
void slots_reset(void);
void threads_reset(void);
void memory_reset(void);

uint64_t test_mark(uint64_t context[13]) __attribute__((returns_twice));
__attribute__((noreturn)) void test_jump(const uint64_t context[13]);
void thread_trampoline(uint64_t argument);

#endif
