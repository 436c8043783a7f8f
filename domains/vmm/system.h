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

struct bh_resource;

/* The "vcpu" region of a vCPU that the following functions may name from now on. */
void system_vcpu_use(const struct bh_resource *resource);

/* Between save and load the state in the vCPU's frame may be edited (kernel/api/bh/vcpu.h). The vCPU is
 * not in the guest: vcpu_hold. */
void system_vcpu_save(unsigned cpu);
void system_vcpu_load(unsigned cpu);

/* Posts an interrupt to a vCPU that another thread runs. */
void system_vcpu_post(unsigned cpu, uint32_t intid);

/* Ends the bh_vm_enter, or the system_wait_kick, of a vCPU's thread, now or the next. */
void system_kick(unsigned cpu);

/* Of vCPU `cpu`'s own thread: waits for its bound notification; returns its bits. */
uint64_t system_wait_kick(unsigned cpu);

/* The same of the notification that its waits for other threads are for, and what ends them. A wait may
 * end without a reason. */
void system_park(unsigned cpu);
void system_unpark(unsigned cpu);

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
