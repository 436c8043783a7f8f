/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/lwip/port/siphash.h"

#include <string.h>

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void rounds(uint64_t v[4], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
}

uint64_t siphash(const uint64_t key[2], const void *message, size_t length)
{
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    const uint8_t *bytes = message;
    size_t left = length;
    for (; left >= 8; left -= 8, bytes += 8) {
        uint64_t word; /* little-endian, as all machines here are */
        memcpy(&word, bytes, sizeof(word));
        absorb(v, word);
    }
    uint64_t last = (uint64_t)length << 56;
    for (size_t i = 0; i < left; i++) {
        last |= (uint64_t)bytes[i] << (8 * i);
    }
    absorb(v, last);
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
