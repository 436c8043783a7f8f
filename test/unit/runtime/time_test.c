/* SPDX-License-Identifier: BSD-2-Clause */
/* Conversions of time are exact, rounded the way that is safe, and do not overflow. */
#include "libs/runtime/time_math.h"
#include "test/unit/check.h"

int main(void)
{
    const uint64_t qemu = 62500000;
    CHECK_EQUAL(time_ticks_from_us(0, qemu), 0);
    CHECK_EQUAL(time_ticks_from_us(1, qemu), 63); /* 62.5, up */
    CHECK_EQUAL(time_ticks_from_us(2, qemu), 125);
    CHECK_EQUAL(time_ticks_from_us(1000000, qemu), qemu);
    CHECK_EQUAL(time_ticks_from_us(3600000001u, qemu), 3600 * qemu + 63);
    CHECK_EQUAL(time_ticks_from_us(UINT64_MAX, qemu), UINT64_MAX);
    CHECK_EQUAL(time_ticks_from_us(UINT64_MAX, 10000000000), UINT64_MAX);
    CHECK_EQUAL(time_ticks_from_us(999999, 10000000000), 9999990000);
    CHECK_EQUAL(time_us_from_ticks(62, qemu), 0);
    CHECK_EQUAL(time_us_from_ticks(63, qemu), 1);
    CHECK_EQUAL(time_us_from_ticks(qemu * 3600, qemu), 3600000000u);
    CHECK_EQUAL(time_us_from_ticks(UINT64_MAX, 1000000000), UINT64_MAX / 1000);
    CHECK_EQUAL(time_ns_part(qemu + 1, qemu), 16);
    CHECK_EQUAL(time_ns_part(2 * qemu - 1, qemu), 999999984);
    CHECK_EQUAL(time_ns_part(9999999999, 10000000000), 999999999);
    return 0;
}
