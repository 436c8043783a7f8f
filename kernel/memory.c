/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler calls to copy and clear structures. Also used before the MMU is on: aligned accesses only. */
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int value, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);

/* How many bytes can be taken as words. */
static size_t in_words(const void *a, const void *b, size_t size)
{
    return (((uintptr_t)a | (uintptr_t)b) & 7) == 0 ? size & ~(size_t)7 : 0;
}

void *memset(void *to, int value, size_t size)
{
    uint8_t *bytes = to;
    size_t i = 0;
    for (size_t words = in_words(to, to, size); i < words; i += 8) {
        *(uint64_t *)&bytes[i] = (uint8_t)value * UINT64_C(0x0101010101010101);
    }
    for (; i < size; i++) {
        bytes[i] = (uint8_t)value;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    const uint8_t *source = from;
    uint8_t *bytes = to;
    size_t i = 0;
    for (size_t words = in_words(to, from, size); i < words; i += 8) {
        *(uint64_t *)&bytes[i] = *(const uint64_t *)&source[i];
    }
    for (; i < size; i++) {
        bytes[i] = source[i];
    }
    return to;
}
