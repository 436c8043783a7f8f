/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/units.h"

#include <string.h>

bool size_from_text(const char *text, uint64_t *bytes)
{
    static const struct {
        const char *suffix;
        unsigned shift;
    } units[] = {{"", 0}, {"K", 10}, {"KiB", 10}, {"M", 20}, {"MiB", 20}, {"G", 30}, {"GiB", 30}};
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value)) {
            return false;
        }
    }
    if (c == text) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(c, units[i].suffix) == 0) {
            return !__builtin_mul_overflow(value, UINT64_C(1) << units[i].shift, bytes);
        }
    }
    return false;
}

uint64_t nanoseconds_from_ticks(uint64_t ticks, uint64_t frequency)
{
    if (frequency == 0) {
        return 0;
    }
    unsigned __int128 result = (unsigned __int128)ticks * 1000000000u / frequency;
    return result > UINT64_MAX ? UINT64_MAX : (uint64_t)result;
}
