/* SPDX-License-Identifier: BSD-2-Clause */
#include "interval.h"

void intervals_reset(struct intervals *intervals)
{
    intervals->count = 0;
}

void intervals_record(struct intervals *intervals, uint64_t until)
{
    uint64_t gap = ticks_from_us(INTERVAL_GAP_US);
    uint64_t last = 0;
    for (;;) {
        uint64_t now = ticks_now();
        if (now >= until) {
            return;
        }
        if (now - last > gap) {
            CHECK(intervals->count < INTERVAL_COUNT);
            intervals->at[intervals->count].start = now;
            intervals->at[intervals->count].end = now;
            intervals->count++;
        }
        intervals->at[intervals->count - 1].end = now;
        last = now;
    }
}

static uint64_t within(const struct intervals *intervals, uint64_t start, uint64_t end)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < intervals->count; i++) {
        uint64_t from = intervals->at[i].start > start ? intervals->at[i].start : start;
        uint64_t to = intervals->at[i].end < end ? intervals->at[i].end : end;
        sum += to > from ? to - from : 0;
    }
    return sum;
}

uint64_t intervals_most(const struct intervals *intervals, uint64_t period)
{
    uint64_t most = 0;
    for (uint64_t i = 0; i < intervals->count; i++) { /* a fullest stretch begins or ends with an interval */
        uint64_t from = within(intervals, intervals->at[i].start, intervals->at[i].start + period);
        uint64_t to = within(intervals, intervals->at[i].end - period, intervals->at[i].end);
        most = from > most ? from : most;
        most = to > most ? to : most;
    }
    return most;
}

uint64_t intervals_until(const struct intervals *intervals, uint64_t end)
{
    return within(intervals, 0, end);
}

void sleep_until(bh_cptr notification, uint64_t when)
{
    uint64_t bits;
    CHECK_OK(bh_notification_arm(notification, when, 1));
    CHECK_EQUAL(bh_wait(notification, &bits), BH_OK);
}
