/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <bh/boot_info.h>

#include "libs/runtime/runtime.h"
#include "libs/runtime/start.h"

/* The generator may be out of entropy for a moment; longer than this means that it has failed. */
#define RNDR_ATTEMPTS 64

static bool has_rndr(void)
{
    const struct bh_boot_info *boot = bh_boot_info();
    return ((boot != NULL ? boot->cpu_features : bh_domain()->cpu_features) & BH_CPU_RNDR) != 0;
}

static bool read_rndr(uint64_t *value)
{
    for (int i = 0; i < RNDR_ATTEMPTS; i++) {
        uint64_t failed;
        /* RNDR by its encoding, since the assembler only knows it from Armv8.5-A on; Z is set on
         * failure (Arm ARM D17.2.119). */
        __asm__ volatile("mrs %0, s3_3_c2_c4_0\n\tcset %1, eq"
                         : "=r"(*value), "=r"(failed)
                         :
                         : "cc");
        if (failed == 0) {
            return true;
        }
    }
    return false;
}

/* SplitMix64 over a state that the counter stirs: distinct values, no secrets. */
static uint64_t next_weak(void)
{
    static uint64_t weak;
    weak += UINT64_C(0x9e3779b97f4a7c15) + bh_ticks();
    uint64_t value = weak;
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

bool bh_random(void *buffer, size_t length)
{
    bool strong = has_rndr();
    uint8_t *bytes = buffer;
    for (size_t done = 0; done < length;) {
        uint64_t value;
        if (!strong || !read_rndr(&value)) {
            strong = false;
            value = next_weak();
        }
        size_t count = length - done < sizeof(value) ? length - done : sizeof(value);
        memcpy(bytes + done, &value, count);
        done += count;
    }
    return strong;
}
