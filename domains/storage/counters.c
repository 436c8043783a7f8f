/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/counters.h"

#include <string.h>

static struct bh_io_counters nowhere; /* of clients without an entry */

static struct bh_client_statistics *find(struct bh_service_statistics *region, const char *name)
{
    for (uint32_t i = 1; i < BH_STATISTICS_CLIENTS; i++) {
        if (strncmp(region->client[i].name, name, sizeof region->client[i].name) == 0) {
            return &region->client[i];
        }
    }
    return NULL;
}

struct counters counters_open(struct bh_service_statistics *region, const char *name,
                              bool (*in_use)(void *context, const char *name), void *context)
{
    memcpy(region->client[0].name, "all", sizeof "all");
    struct counters counters = {.own = &nowhere, .all = &region->client[0].counters};
    struct bh_client_statistics *own = find(region, name);
    if (own == NULL) {
        own = find(region, "");
        for (uint32_t i = 1; own == NULL && i < BH_STATISTICS_CLIENTS; i++) {
            own = in_use(context, region->client[i].name) ? NULL : &region->client[i];
        }
        if (own == NULL) {
            return counters;
        }
        memset(own, 0, sizeof *own);
        size_t length = strnlen(name, sizeof own->name - 1);
        memcpy(own->name, name, length);
    }
    counters.own = &own->counters;
    return counters;
}

/* The manager reads while we write: a counter changes in one store. */
static void add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

static void count(struct bh_io_counters *counters, uint32_t operation, uint32_t length,
                  enum bh_block_status status)
{
    if (status != BH_BLOCK_OK) {
        add(&counters->errors, 1);
    } else if (operation == BH_BLOCK_READ) {
        add(&counters->read_operations, 1);
        add(&counters->read_bytes, length);
    } else if (operation == BH_BLOCK_WRITE) {
        add(&counters->write_operations, 1);
        add(&counters->write_bytes, length);
    } else {
        add(&counters->flushes, 1);
    }
}

void counters_request(const struct counters *counters, uint32_t operation, uint32_t length,
                      enum bh_block_status status)
{
    count(counters->own, operation, length, status);
    count(counters->all, operation, length, status);
}
