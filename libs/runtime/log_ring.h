/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines into a console channel, by its client. */
#ifndef LIBS_RUNTIME_LOG_RING_H
#define LIBS_RUNTIME_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/channel.h"

/* Puts the text into the submit ring as chunks, all of it or nothing. False: no room, or the ring
 * is broken. *signal: the server sleeps and must be signalled. */
bool log_ring_put(struct bh_channel *channel, const char *text, size_t length, bool *signal);

#endif
