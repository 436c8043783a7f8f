/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gathers the bytes of one client of the system console into lines, so that lines of several
 * clients do not mix. What is no printable ASCII character is replaced: logs move no cursors.
 */
#ifndef DOMAINS_CONSOLE_LINES_H
#define DOMAINS_CONSOLE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_LENGTH 288u /* a longer line becomes several */

struct lines {
    size_t length;
    char text[LINE_MAX_LENGTH];
};

typedef void lines_handler(void *context, const char *line, size_t length);

/* Calls `handler` for each line that the bytes complete; it gets it without its end. */
void lines_feed(struct lines *lines, const uint8_t *data, size_t length, lines_handler *handler,
                void *context);

/* The client is gone: hands on the unfinished line, if there is one. */
void lines_flush(struct lines *lines, lines_handler *handler, void *context);

#endif
