/* SPDX-License-Identifier: BSD-2-Clause */
/* A fuzzer's input, taken from its front. Past its end everything is zero. */
#ifndef TEST_FUZZ_INPUT_H
#define TEST_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What must hold whatever the input is. */
#define HOLDS(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

struct input {
    const uint8_t *data;
    size_t size;
};

static inline uint64_t input_take(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    size_t count = bytes < input->size ? bytes : input->size;
    memcpy(&value, input->data, count);
    input->data += count;
    input->size -= count;
    return value;
}

static inline uint8_t input_byte(struct input *input)
{
    return (uint8_t)input_take(input, 1);
}

#endif
