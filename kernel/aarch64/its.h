/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Interrupt Translation Service of a GICv3 (Arm IHI 0069 chapter 5): a device's write to GITS_TRANSLATER becomes an
 * LPI, chosen by the device's DeviceID, which comes from the bus, and the EventID that was written. So a device raises
 * its own interrupts only. Each device of bus 0 has ITS_EVENTS events; the LPIs are one pool.
 *
 * An LPI has no active state. It goes to the core whose collection it is in: there is one for each core.
 */
#ifndef KERNEL_ITS_H
#define KERNEL_ITS_H

#include "invocation.h"

#define LPI_FIRST 8192u
#define LPI_COUNT 256u
#define ITS_EVENTS 32u

/* Takes over the ITS at `base` (registers in the direct map) on the boot core. */
void its_init(const struct core *core, paddr_t base);

/* Each core for itself, behind gic_init_core: its LPI tables and its collection. Nothing without an ITS. */
void its_init_core(const struct core *core);

/* The register that devices write to. Its page is for IOSpaces only. 0: there is no ITS. */
paddr_t its_doorbell(void);

/* An LPI for the event that arguments 1 and 2, a DeviceID and an EventID, name and that has none. */
enum bh_error its_find_lpi(struct invocation *invocation, uint32_t *lpi);

/* Makes the event that LPI, disabled and not pending; and undoes it: the LPI is not pending afterwards. */
void its_map(struct all_cores *all, uint32_t lpi, uint64_t device, uint64_t event);
void its_unmap(struct all_cores *all, uint32_t lpi);

/* Enabling routes it to `core`. Holding disables it and makes it pending, as a message does; it stays so. Both may
 * happen on several cores at once. */
void its_enable(uint32_t lpi, const struct core *core);
void its_hold(uint32_t lpi);

#endif
