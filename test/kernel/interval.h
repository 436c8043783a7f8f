/* SPDX-License-Identifier: BSD-2-Clause */
/* When a thread had the core: it records the intervals of time in which it saw the counter move without a gap. */
#ifndef TEST_KERNEL_INTERVAL_H
#define TEST_KERNEL_INTERVAL_H

#include "harness.h"

#define INTERVAL_COUNT 128
#define INTERVAL_GAP_US 12 /* longer than an interrupt or a timer's tick takes, shorter than any pause to be seen */

struct intervals {
    volatile uint64_t count;
    struct {
        volatile uint64_t start, end; /* ticks */
    } at[INTERVAL_COUNT];
};

/* While nobody records, or ever goes on to. */
void intervals_reset(struct intervals *intervals);

/* Records until the counter reaches `until`. It must not be called again before a pause. */
void intervals_record(struct intervals *intervals, uint64_t until);

/* The most time that lies within any stretch of `period` ticks. */
uint64_t intervals_most(const struct intervals *intervals, uint64_t period);

/* Time recorded up to `end`. */
uint64_t intervals_until(const struct intervals *intervals, uint64_t end);

/* Sleeps, in a thread of its own with `notification` for itself, until the counter reaches `when`. */
void sleep_until(bh_cptr notification, uint64_t when);

#endif
