/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The physical GICv3 (Arm IHI 0069): distributor, each core's redistributor and CPU interface, all in non-secure
 * group 1 with one priority. ICC_CTLR_EL1.EOImode = 1: priority drop and deactivation are separate.
 */
#ifndef KERNEL_GIC_H
#define KERNEL_GIC_H

#include "address.h"
#include "cpu.h"

struct core;

#define GIC_PRIORITY 0xa0u

/* Registers are in the direct map. */
void gic_init(paddr_t distributor);

/* For the core that this runs on: finds its redistributor and makes both ready. */
void gic_init_core(struct core *core, paddr_t redistributors, uint64_t redistributors_size);

/* The SGI by which cores call each other. */
#define GIC_KICK_INTID 0
void gic_send_kick(uint64_t affinity);

/* The next pending interrupt, which becomes active; 1020 to 1023: none. */
static inline uint32_t gic_acknowledge(void)
{
    uint64_t intid = read_sysreg(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */
    __asm__ volatile("dsb sy" ::: "memory");
    return (uint32_t)intid & 0xffffff;
}

static inline void gic_drop_priority(uint32_t intid)
{
    write_sysreg(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
}

static inline void gic_deactivate(uint32_t intid)
{
    write_sysreg(S3_0_C12_C11_1, intid); /* ICC_DIR_EL1 */
}

/* Whether an interrupt waits for this core (which has them masked). */
static inline bool gic_interrupt_pending(void)
{
    return (read_sysreg(isr_el1) & (1 << 7)) != 0;
}

void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);
void gic_configure(uint32_t intid, bool edge);

/* Makes a PPI of this core active without taking it: a guest's list register that names it is back in the hardware. */
void gic_set_active(uint32_t intid);

/* SGIs, PPIs and SPIs below this exist. */
uint32_t gic_interrupt_count(void);

#endif
