/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host can do to the kernel that it runs, and see of it. */
#ifndef TEST_HOST_KERNEL_HARDWARE_H
#define TEST_HOST_KERNEL_HARDWARE_H

#include <bh/types.h>

/* Maps `size` bytes of memory at a physical address; a second call gives it back and starts anew. */
void host_memory(uint64_t physical, uint64_t size);

/* Registers, core and interrupt controller as after a reset. */
void host_reset(void);

/* The poll of preemption_wanted() that answers yes, once: 1 is the next one, 0 none. */
extern uint64_t host_preempt_at;

/* An interrupt that is pending and has not been taken, or HOST_NO_IRQ. */
#define HOST_NO_IRQ 1023u
extern uint32_t host_irq_pending;

/* Called when no thread can run; may make an interrupt pending. Without it the test ends as failed. */
extern void (*host_on_idle)(void);

/* Before a panic ends the program: says what led there. */
extern void (*host_on_panic)(void);

#define HOST_FREQUENCY 1000000u /* of the system counter, Hz */
#define HOST_STREAMS 8u /* of the SMMU */
#define HOST_IRQS 96u   /* INTIDs below this exist */
#define HOST_LPIS 6u    /* of the ITS: as many messages can be had at once */
#define HOST_DEVICES 4u /* DeviceIDs below this exist */
#define HOST_DOORBELL UINT64_C(0x100000040)
#define HOST_TIMER_IRQ 26u
#define HOST_MAINTENANCE_IRQ 25u

#endif
