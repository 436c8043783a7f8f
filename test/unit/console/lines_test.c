/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines come out whole, however they came in, and move no cursors. */
#include <string.h>

#include "domains/console/lines.h"
#include "test/unit/check.h"

static char seen[4096];

static void handler(void *context, const char *line, size_t length)
{
    CHECK(context == seen);
    CHECK(length <= LINE_MAX_LENGTH);
    strncat(seen, line, length);
    strcat(seen, "|");
}

static void feed(struct lines *lines, const char *text)
{
    /* a copy without a terminator, so that the sanitizer sees every read beyond */
    uint8_t *data = malloc(strlen(text) + 1);
    CHECK(data != NULL);
    memcpy(data, text, strlen(text));
    lines_feed(lines, data, strlen(text), handler, seen);
    free(data);
}

static void expect(const char *text)
{
    CHECK(strcmp(seen, text) == 0);
    seen[0] = 0;
}

int main(void)
{
    struct lines lines = {0};
    feed(&lines, "one\ntw");
    expect("one|");
    feed(&lines, "o");
    expect("");
    feed(&lines, "\r\n\nthree\n");
    expect("two||three|");
    lines_flush(&lines, handler, seen);
    expect("");
    feed(&lines, "last words");
    lines_flush(&lines, handler, seen);
    expect("last words|");
    feed(&lines, "a\tb\033[2J\177\200\377c\n");
    expect("a b?[2J???c|");

    for (size_t i = 0; i < 2 * LINE_MAX_LENGTH + 5; i++) {
        feed(&lines, "x");
    }
    feed(&lines, "\n");
    CHECK_EQUAL(strlen(seen), 2 * LINE_MAX_LENGTH + 5 + 3);
    CHECK(seen[LINE_MAX_LENGTH] == '|' && seen[2 * LINE_MAX_LENGTH + 1] == '|');
    seen[0] = 0;
    for (size_t i = 0; i < LINE_MAX_LENGTH; i++) { /* exactly full: no empty line follows */
        feed(&lines, "x");
    }
    feed(&lines, "\n");
    CHECK_EQUAL(strlen(seen), LINE_MAX_LENGTH + 1);
    return 0;
}
