/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stand-in for the kernel, root and the guest's processor, for tests of the VMM: the vCPU frame
 * and its list registers as kernel/api/bh/vcpu.h describes them, a domain page, channels whose
 * other end the test plays, and the time.
 */
#ifndef TEST_UNIT_VMM_MACHINE_H
#define TEST_UNIT_VMM_MACHINE_H

#include "domains/vmm/vm.h"
#include "libs/runtime/runtime.h"

#define MACHINE_RAM            (UINT64_C(4) << 20)
#define MACHINE_LIST_REGISTERS 4u
#define MACHINE_FREQUENCY      1000000u /* ticks are microseconds */

extern struct vm vm;
extern struct bh_vcpu_frame machine_frame[GIC_CPUS];
extern struct bh_vcpu_frame *frame; /* of machine_cpu */
extern uint64_t bh_test_ticks;

extern unsigned machine_cpu;             /* the vCPU that the test plays; its thread has the lock */
extern unsigned machine_kicks[GIC_CPUS]; /* system_kick calls */
extern unsigned machine_posts[GIC_CPUS]; /* system_vcpu_post calls */
extern uint64_t machine_deadline;         /* what the VMM has armed; UINT64_MAX: nothing */
extern unsigned machine_arms;             /* how often */
extern unsigned machine_saves;            /* system_vcpu_save calls */
extern unsigned machine_signals;          /* system_signal calls */
extern uint64_t (*machine_waiting)(void); /* plays the rest of the world in system_wait */
extern struct bh_domain_page machine_page;
extern uint64_t machine_detached; /* indices reported by BH_ROOT_DETACHED, a bit each */

/* A new virtual machine with one vCPU, or several of which the first is on, 4 MiB of RAM and the board's
 * devices. */
void machine_reset(void);
void machine_reset_with(unsigned vcpu_count);

/* What follows is done by, and to, this vCPU. */
void machine_switch(unsigned cpu);

/* The thread of a vCPU that has been turned on takes it up. */
void machine_turned_on(unsigned cpu);

/* Adds a client channel to the domain page, with the bit `8 + index` to signal; its memory is the
 * test's. */
struct bh_resource *machine_channel(const char *name, uint32_t protocol,
                                    const struct bh_channel_geometry *geometry);

/* The kernel: on entry moves what is posted into list registers, the highest priority first. */
void machine_enter(void);

/* The guest: acknowledges the highest-priority pending interrupt that is deliverable; 1023: none.
 */
uint32_t machine_acknowledge(void);

/* The guest: completes an active interrupt; the kernel reports what it must, and the VMM takes
 * note. */
void machine_complete(uint32_t intid);

/* Lets the time pass up to `ticks`, with the deadlines on the way. */
void machine_time(uint64_t ticks);

/* A guest's access, through vm_exit. */
void guest_write(uint64_t ipa, unsigned bytes, uint64_t value);
uint64_t guest_read(uint64_t ipa, unsigned bytes);

/* Reproducible random numbers. */
uint64_t machine_random(void);

#endif
