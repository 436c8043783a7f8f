/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: finds those of the description on the machine, and gives them to their domains.
 */
#ifndef ROOT_DEVICE_H
#define ROOT_DEVICE_H

#include "domains/root/domain.h"

/* Looks for all devices of the description, on PCI and in the machine's device tree; says in the
 * log what it found. */
void devices_init(void);

/*
 * Gives the domain, which is built but does not run, all devices of its description: registers,
 * interrupts, queue memory and an I/O space. The reason why it can't start, or NULL; optional
 * devices that are not there are no reason.
 */
const char *devices_give(struct domain *domain);

/* Whether the device has been found and given to its domain. */
bool device_given(const char *name);

/* How many interrupts the device gave its domain, and their numbers; 0: none, or not given. For
 * checks. */
uint32_t device_interrupts(const char *name, uint32_t intid[4]);

#endif
