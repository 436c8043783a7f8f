/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/storage/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libs/runtime/runtime.h"

static char text[65536];
static size_t length;
static unsigned lines;

void log_clear(void)
{
    length = 0;
    text[0] = '\0';
    lines = 0;
}

bool log_has(const char *wanted)
{
    return strstr(text, wanted) != NULL;
}

unsigned log_lines(void)
{
    return lines;
}

void bh_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text + length, sizeof text - length, format, arguments);
    va_end(arguments);
    if (n > 0 && (size_t)n + 2 < sizeof text - length) {
        length += (size_t)n;
        text[length++] = '\n';
        text[length] = '\0';
    }
    lines++;
}
