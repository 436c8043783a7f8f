/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root's log: lines to the kernel's debug console until the console server runs, to root's own log
 * channel from then on. Root never waits for anybody: lines that find the ring full are kept in a
 * backlog, and lost (and counted) when that is full as well.
 */
#ifndef ROOT_LOG_H
#define ROOT_LOG_H

#include <stdbool.h>

#include "ipc/channel.h"

/* A line "root: ...". */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line "bulkhead: ...", for scripts. */
void log_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line as it stands. */
void log_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on lines go to this channel. */
void log_channel(struct bh_channel *channel);

/* The console server has made room: sends what is in the backlog. */
void log_flush(void);

/* Whether the console server has taken everything. */
bool log_drained(void);

#endif
