/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last output of a console, in memory that the manager reads (ipc/console.h). This domain is
 * the only writer and keeps nothing about it elsewhere, so a new incarnation of the domain goes on
 * where the last one ended.
 */
#ifndef DOMAINS_CONSOLE_HISTORY_H
#define DOMAINS_CONSOLE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/console.h"

/* Whether the entry belongs to a console: its name is a string of printable characters. */
bool history_valid(const struct bh_console_history *history);

/* Makes the entry that of a new console. */
void history_reset(struct bh_console_history *history, const char name[BH_CONSOLE_NAME_MAX]);

void history_append(struct bh_console_history *history, const void *data, size_t length);

/* Where the last `lines` lines begin, the unfinished one included, or the last `bytes` bytes if
 * that is less: a position as `written` counts them. */
uint64_t history_tail(const struct bh_console_history *history, unsigned lines, size_t bytes);

/* Copies [from, from + length), which the entry must still hold. */
void history_copy(const struct bh_console_history *history, uint64_t from, void *data,
                  size_t length);

#endif
