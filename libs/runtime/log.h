/* SPDX-License-Identifier: BSD-2-Clause */
/* The log as the rest of the runtime uses it. */
#ifndef LIBS_RUNTIME_LOG_H
#define LIBS_RUNTIME_LOG_H

#include <stddef.h>

/* What musl writes to standard output and error: each line becomes a line of the log; a line
 * without an end waits for it. */
void log_stream(const char *text, size_t length);

/* Logs what log_stream holds back. */
void log_stream_flush(void);

#endif
