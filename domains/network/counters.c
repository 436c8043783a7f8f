/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/network/counters.h"

#include <string.h>

static struct bh_io_counters nowhere; /* of clients without an entry */

static struct bh_client_statistics *find(struct bh_service_statistics *region, const char *name)
{
    for (uint32_t i = 1; i < BH_STATISTICS_CLIENTS; i++) {
        if (strcmp(region->client[i].name, name) == 0) {
            return &region->client[i];
        }
    }
    return NULL;
}

static struct bh_client_statistics *find_abandoned(struct bh_service_statistics *region,
                                                   bool (*in_use)(void *context, const char *name),
                                                   void *context)
{
    for (uint32_t i = 1; i < BH_STATISTICS_CLIENTS; i++) {
        if (!in_use(context, region->client[i].name)) {
            return &region->client[i];
        }
    }
    return NULL;
}

struct counters counters_open(struct bh_service_statistics *region, const char *name,
                              bool (*in_use)(void *context, const char *name), void *context)
{
    struct bh_client_statistics *all = &region->client[0];
    if (all->name[0] == '\0') {
        memcpy(all->name, "all", sizeof("all"));
    }
    struct bh_client_statistics *own = find(region, name);
    if (own == NULL) {
        own = find(region, "");
        if (own == NULL) {
            own = find_abandoned(region, in_use, context);
        }
        if (own == NULL) {
            return (struct counters){.own = &nowhere, .all = &all->counters};
        }
        memset(own, 0, sizeof(*own));
        for (size_t i = 0; i < sizeof(own->name) - 1 && name[i] != '\0'; i++) {
            own->name[i] = name[i];
        }
    }
    return (struct counters){.own = &own->counters, .all = &all->counters};
}
