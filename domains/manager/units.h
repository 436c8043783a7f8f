/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes and times as the API writes them. Pure. */
#ifndef MANAGER_UNITS_H
#define MANAGER_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes from "268435456", "256K", "256M" or "1G" (also KiB, MiB, GiB: powers of 1024). False: it is
 * none of these or does not fit. */
bool size_from_text(const char *text, uint64_t *bytes);

/* Rounded down; saturates at UINT64_MAX. A frequency of 0 gives 0. */
uint64_t nanoseconds_from_ticks(uint64_t ticks, uint64_t frequency);

#endif
