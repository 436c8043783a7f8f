/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions that fault at known addresses. */
#ifndef TEST_KERNEL_FAULT_STUBS_H
#define TEST_KERNEL_FAULT_STUBS_H

#include <stdint.h>

#define FAULT_STORED 0x5708ed

uint64_t fault_load(uint64_t address);
void fault_store(uint64_t address);
uint64_t fault_jump(uint64_t address); /* a branch, not a call */
void fault_undefined(void);
void fault_breakpoint(uint64_t argument);
void fault_system_call(uint64_t number);
/* Loads a word from `address` with all other registers known; stores 1 at address + 8 if none has changed, else 2. */
void fault_keep_registers(uint64_t address);

extern const uint64_t fault_load_at, fault_store_at, fault_undefined_at, fault_system_call_after;

/* Behind the landing pad of a function that returns 42. */
extern const uint64_t fault_answer_at;

/* Functions of one privileged instruction each. */
extern const uint64_t fault_privileged[];
extern const uint64_t fault_privileged_count;

#endif
