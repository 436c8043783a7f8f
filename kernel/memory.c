/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler calls to copy and clear structures. Also used before the MMU is on: aligned accesses only. */
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int value, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);

static int aligned(const void *a, const void *b, size_t size)
{
    return (((uintptr_t)a | (uintptr_t)b | size) & 7) == 0;
}

void *memset(void *to, int value, size_t size)
{
    uint8_t *bytes = to;
    if (aligned(to, to, size)) {
        uint64_t *words = to;
        for (size_t i = 0; i < size / 8; i++) {
            words[i] = (uint8_t)value * UINT64_C(0x0101010101010101);
        }
        return to;
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)value;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *bytes = to;
    if (aligned(to, from, size)) {
        uint64_t *words = to;
        const uint64_t *source = from;
        for (size_t i = 0; i < size / 8; i++) {
            words[i] = source[i];
        }
        return to;
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = ((const uint8_t *)from)[i];
    }
    return to;
}
