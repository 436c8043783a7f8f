/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of code under test: what it said since the last log_clear. */
#ifndef TEST_UNIT_STORAGE_LOG_H
#define TEST_UNIT_STORAGE_LOG_H

#include <stdbool.h>

void log_clear(void);
bool log_has(const char *text);
unsigned log_lines(void);

#endif
