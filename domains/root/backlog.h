/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes that wait for room in a ring: a circular buffer that takes whole lines or nothing.
 */
#ifndef ROOT_BACKLOG_H
#define ROOT_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKLOG_SIZE 32768u /* a power of two */

struct backlog {
    uint32_t put, taken; /* run free */
    uint32_t lost;       /* lines, since the caller last looked */
    char data[BACKLOG_SIZE];
};

/* False, and counted: there is no room for all of it. */
bool backlog_put(struct backlog *backlog, const char *text, size_t length);

/* Copies up to `size` bytes out without taking them; returns how many. */
size_t backlog_peek(const struct backlog *backlog, char *text, size_t size);

/* Takes bytes that were peeked at. */
void backlog_take(struct backlog *backlog, size_t length);

#endif
