/* SPDX-License-Identifier: BSD-2-Clause */
/* What the guests of the measurements run: a page of code that is copied to GUEST_DATA of a guest of guest.h. */
#ifndef TEST_BENCH_BENCH_PROGRAM_H
#define TEST_BENCH_BENCH_PROGRAM_H

#include "test/kernel/guest.h"

extern const uint8_t bench_program[], bench_program_end[];

/* Entries, none of which leaves the guest for its VMM. */
extern const uint8_t bench_program_wait[];  /* WFI until the virtual timer comes, for ever */
extern const uint8_t bench_program_run[];   /* an endless loop */
extern const uint8_t bench_program_alarm[]; /* x1: PL031, whose alarm is set to the present second, for ever */

static inline void bench_program_aim(const struct guest *guest, const uint8_t *entry)
{
    memcpy((void *)(uintptr_t)guest->data, bench_program, (size_t)(bench_program_end - bench_program));
    guest_aim(guest, GUEST_DATA - GUEST_RAM + (uint64_t)(entry - bench_program));
}

#endif
