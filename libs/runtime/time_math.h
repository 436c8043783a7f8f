/* SPDX-License-Identifier: BSD-2-Clause */
/* Conversions between ticks of a counter of `frequency` Hz (1 to 10^10) and other units, without
 * overflow on the way. */
#ifndef LIBS_RUNTIME_TIME_MATH_H
#define LIBS_RUNTIME_TIME_MATH_H

#include <stdint.h>

#define TIME_US UINT64_C(1000000)

/* Rounded up, so that a wait is never too short; UINT64_MAX if it does not fit. */
static inline uint64_t time_ticks_from_us(uint64_t us, uint64_t frequency)
{
    uint64_t whole, ticks;
    uint64_t part = (us % TIME_US * frequency + TIME_US - 1) / TIME_US;
    if (__builtin_mul_overflow(us / TIME_US, frequency, &whole) ||
        __builtin_add_overflow(whole, part, &ticks)) {
        return UINT64_MAX;
    }
    return ticks;
}

/* Rounded down; wraps after 584 000 years. */
static inline uint64_t time_us_from_ticks(uint64_t ticks, uint64_t frequency)
{
    return ticks / frequency * TIME_US + ticks % frequency * TIME_US / frequency;
}

/* Nanoseconds beyond the last whole second. */
static inline uint64_t time_ns_part(uint64_t ticks, uint64_t frequency)
{
    return ticks % frequency * UINT64_C(1000000000) / frequency;
}

#endif
