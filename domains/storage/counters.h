/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counters of a client (ipc/statistics.h): the entry of its name, and the sum of all clients.
 * A client has one entry for all its channels.
 */
#ifndef DOMAINS_STORAGE_COUNTERS_H
#define DOMAINS_STORAGE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/block.h"
#include "ipc/statistics.h"

struct counters {
    struct bh_io_counters *own;
    struct bh_io_counters *all;
};

/*
 * Finds the entry of the client `name`, or gives it one: an unused one, else one whose client has
 * no channel any more, as `in_use` says. When there is none it is counted in the sum only.
 */
struct counters counters_open(struct bh_service_statistics *region, const char *name,
                              bool (*in_use)(void *context, const char *name), void *context);

/* A request has been answered. */
void counters_request(const struct counters *counters, uint32_t operation, uint32_t length,
                      enum bh_block_status status);

#endif
