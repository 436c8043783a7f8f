/* SPDX-License-Identifier: BSD-2-Clause */
/* As kernel/aarch64/gic.h, with nothing in line: hardware.c has all of it. */
#ifndef HOST_GIC_H
#define HOST_GIC_H

#include "address.h"
#include "cpu.h"

struct core;

#define GIC_PRIORITY 0xa0u

/* The SGI by which cores call each other. */
#define GIC_KICK_INTID 0
void gic_send_kick(uint64_t affinity);

/* The next pending interrupt, which becomes active; 1020 to 1023: none. */
uint32_t gic_acknowledge(void);

void gic_drop_priority(uint32_t intid);
void gic_deactivate(uint32_t intid);

/* Whether an interrupt waits for this core (which has them masked). */
bool gic_interrupt_pending(void);

void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);
void gic_configure(uint32_t intid, bool edge);

/* Makes a PPI of this core active without taking it: a guest's list register that names it is back in the hardware. */
void gic_set_active(uint32_t intid);

/* SGIs, PPIs and SPIs below this exist. */
uint32_t gic_interrupt_count(void);

#endif
