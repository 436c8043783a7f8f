/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/console/lines.h"

void lines_flush(struct lines *lines, lines_handler *handler, void *context)
{
    if (lines->length > 0) {
        handler(context, lines->text, lines->length);
        lines->length = 0;
    }
}

void lines_feed(struct lines *lines, const uint8_t *data, size_t length, lines_handler *handler,
                void *context)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\n') {
            handler(context, lines->text, lines->length);
            lines->length = 0;
        } else if (data[i] != '\r') {
            if (lines->length == LINE_MAX_LENGTH) {
                lines_flush(lines, handler, context);
            }
            bool printable = data[i] >= ' ' && data[i] <= '~';
            lines->text[lines->length++] = printable ? (char)data[i] : data[i] == '\t' ? ' ' : '?';
        }
    }
}
