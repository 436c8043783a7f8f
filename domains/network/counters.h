/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counters of a port (ipc/statistics.h): its client's entry and the sum of all. "Read" is what
 * the client received, "write" what it sent.
 */
#ifndef NETWORK_COUNTERS_H
#define NETWORK_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/statistics.h"

struct counters {
    struct bh_io_counters *own;
    struct bh_io_counters *all;
};

/* The manager reads while we write: a counter changes in one store. */
static inline void counter_add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

static inline void count_received(const struct counters *counters, uint32_t bytes)
{
    counter_add(&counters->own->read_operations, 1);
    counter_add(&counters->own->read_bytes, bytes);
    counter_add(&counters->all->read_operations, 1);
    counter_add(&counters->all->read_bytes, bytes);
}

static inline void count_sent(const struct counters *counters, uint32_t bytes)
{
    counter_add(&counters->own->write_operations, 1);
    counter_add(&counters->own->write_bytes, bytes);
    counter_add(&counters->all->write_operations, 1);
    counter_add(&counters->all->write_bytes, bytes);
}

static inline void count_error(const struct counters *counters)
{
    counter_add(&counters->own->errors, 1);
    counter_add(&counters->all->errors, 1);
}

static inline void count_dropped(const struct counters *counters)
{
    counter_add(&counters->own->dropped, 1);
    counter_add(&counters->all->dropped, 1);
}

/*
 * Finds the entry of the client `name` in the region, or gives it one: an unused one, else one
 * whose client has no port any more, as `in_use` says. When there is none its frames are counted in
 * the sum only.
 */
struct counters counters_open(struct bh_service_statistics *region, const char *name,
                              bool (*in_use)(void *context, const char *name), void *context);

#endif
