/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits for the UART: a queue of bytes that knows whether the terminal's cursor is at the
 * beginning of a line. */
#ifndef DOMAINS_CONSOLE_OUTPUT_H
#define DOMAINS_CONSOLE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_SIZE 32768u /* a power of two */

struct output {
    uint32_t head; /* free-running: bytes ever put */
    uint32_t tail; /* ... and taken */
    bool in_line;  /* the last byte put is not the end of a line */
    uint8_t data[OUTPUT_SIZE];
};

static inline size_t output_room(const struct output *output)
{
    return OUTPUT_SIZE - (output->head - output->tail);
}

static inline size_t output_length(const struct output *output)
{
    return output->head - output->tail;
}

/* All of it or nothing. False: no room. */
bool output_put(struct output *output, const void *data, size_t length);

/* The same, for a text that shall begin at the beginning of a line and ends in "\r\n" or whatever
 * it brings itself. */
bool output_put_line(struct output *output, const void *data, size_t length);

/* The bytes at the front that lie in one piece; *length of them, 0 when there are none. */
const uint8_t *output_front(const struct output *output, size_t *length);

/* Takes `length` bytes, at most what output_front said, off the front. */
void output_take(struct output *output, size_t length);

#endif
