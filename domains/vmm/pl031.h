/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's real-time clock, an Arm PrimeCell PL031 (DDI 0224): seconds, and an alarm. */
#ifndef DOMAINS_VMM_PL031_H
#define DOMAINS_VMM_PL031_H

#include "domains/vmm/device.h"

struct pl031 {
    struct vm *vm;
    uint64_t start; /* ticks when `seconds` was the time */
    uint32_t seconds;
    uint32_t load, match, mask, raw;
    struct vm_timer alarm;
};

/* `unix_time`: the time now, in seconds. */
void pl031_reset(struct pl031 *clock, struct vm *vm, uint64_t unix_time);

uint64_t pl031_read(void *device, uint64_t offset, unsigned bytes);
void pl031_write(void *device, uint64_t offset, unsigned bytes, uint64_t value);

#endif
