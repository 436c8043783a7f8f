/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls of the VMM, bh_vm_enter apart. They are behind these functions so that
 * everything else runs on the host as well, where the unit tests put a stand-in for the kernel
 * here.
 */
#ifndef DOMAINS_VMM_SYSTEM_H
#define DOMAINS_VMM_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

/* Between save and load the state in the vCPU's frame may be edited (kernel/api/bh/vcpu.h). */
void system_vcpu_save(unsigned cpu);
void system_vcpu_load(unsigned cpu);

/* Signals BH_SIGNAL_TIMER to this domain at `deadline`; UINT64_MAX: never. */
void system_arm(uint64_t deadline);

/* Waits for the domain's notification; returns its bits. */
uint64_t system_wait(void);

/* Signals a peer. */
void system_signal(uint64_t cap);

/* Reports to root (enum bh_guest_event). */
void system_guest_event(uint64_t event, uint64_t code);

/* Fills the buffer. False: with numbers that are no secret (libs/runtime's bh_random). */
bool system_random(void *buffer, uint64_t bytes);

#endif
