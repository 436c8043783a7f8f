/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bringing the described domains up, each when the servers of its channels are ready, and then the
 * guests.
 */
#ifndef ROOT_BOOT_H
#define ROOT_BOOT_H

#include "domains/root/domain.h"

/* Enters the domains of the description and starts those that wait for nobody. */
void boot_begin(void);

/* Something has changed (a domain is ready, has died, or time has passed): starts what can start
 * now. */
void boot_step(uint64_t now);

/* The next time at which boot_step has something to do; UINT64_MAX: never. */
uint64_t boot_deadline(void);

#endif
