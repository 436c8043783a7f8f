/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/share.h"

#include <string.h>

#include "domains/root/guest_table.h"
#include "domains/root/link.h"
#include "domains/root/log.h"
#include "domains/root/root.h"
#include "domains/root/trace.h"
#include "domains/root/volumes.h"
#include "ipc/console.h"
#include "ipc/volume.h"

#define HISTORY_CONSOLES 64u

/* Root reads the volumes as well, at the end of its window for the domain. */
static bool map_volumes_for_root(struct domain *domain)
{
    uint64_t address = domain_window(domain) + DOMAIN_WINDOW_OWN;
    if (!region_map(&domain->volumes, &root.space, address, BH_RIGHT_READ)) {
        return false;
    }
    volumes_set((const volatile struct bh_volume_table *)address);
    return true;
}

const char *share_make(struct domain *domain, bool statistics, uint32_t serves)
{
    if (statistics &&
        domain_region_add(domain, &domain->statistics, "statistics", "", BH_PAGE_SIZE, 0) == 0) {
        return "no memory for its statistics";
    }
    if (serves == BH_PROTOCOL_CONSOLE &&
        domain_region_add(domain, &domain->history, "history", "",
                          HISTORY_CONSOLES * sizeof(struct bh_console_history), 0) == 0) {
        return "no memory for the consoles' history";
    }
    if (serves == BH_PROTOCOL_BLOCK && (domain_region_add(domain, &domain->volumes, "volumes", "",
                                                          BH_VOLUMES_REGION_SIZE, 0) == 0 ||
                                        !map_volumes_for_root(domain))) {
        return "no memory for the table of volumes";
    }
    return NULL;
}

/* Shows `region` of `owner` to `reader`. */
static bool show(struct domain *owner, struct region *region, struct domain *reader,
                 const char *name, const char *object)
{
    uint64_t size = (uint64_t)region->count << region->size_bits;
    struct bh_resource resource = {
        .kind = BH_RESOURCE_REGION,
        .address = domain_address(reader, size, UINT64_C(1) << region->size_bits),
        .size = size};
    memcpy(resource.name, name, strnlen(name, BH_NAME_MAX - 1));
    memcpy(resource.object, object, strnlen(object, BH_NAME_MAX - 1));
    if (resource.address == 0 ||
        !region_map(region, &reader->space, resource.address, BH_RIGHT_READ)) {
        return false;
    }
    uint32_t index = domain_resource_add(reader, &resource);
    return index < BH_DOMAIN_RESOURCE_MAX && link_add(owner, reader, index, 0);
}

/* Gives `reader` the notification by which it asks `owner` for fresh counters. */
static bool give_refresh(struct domain *owner, struct domain *reader)
{
    struct bh_resource resource = {.kind = BH_RESOURCE_NOTIFY,
                                   .name = "refresh",
                                   .cap =
                                       domain_grant_notification(reader, owner, BH_SIGNAL_REFRESH)};
    memcpy(resource.object, owner->name, BH_NAME_MAX);
    if (resource.cap == 0) {
        return false;
    }
    uint32_t index = domain_resource_add(reader, &resource);
    if (index == BH_DOMAIN_RESOURCE_MAX ||
        !link_add(owner, reader, index, (uint32_t)resource.cap)) {
        domain_take_back(reader, (uint32_t)resource.cap);
        return false;
    }
    return true;
}

static void connect(struct domain *owner, struct domain *reader)
{
    bool good = true;
    if ((reader->reads & READS_STATISTICS) != 0 && owner->statistics.count != 0) {
        good = show(owner, &owner->statistics, reader, "statistics", owner->name) &&
               give_refresh(owner, reader);
    }
    if ((reader->reads & READS_HISTORY) != 0 && owner->history.count != 0) {
        good = show(owner, &owner->history, reader, "history", "") && good;
    }
    if ((reader->reads & READS_VOLUMES) != 0 && owner->volumes.count != 0) {
        good = show(owner, &owner->volumes, reader, "volumes", "") && good;
    }
    if (!good) {
        log_line("%s can't read what %s publishes: its tables are full", reader->name, owner->name);
    }
}

void share_trace(struct domain *reader)
{
    struct domain *self = domain_get(0);
    if (trace_rings()->count == 0) {
        log_line("%s can't read the trace: the kernel was built without", reader->name);
    } else if (!show(self, trace_rings(), reader, "trace", "") ||
               !show(self, trace_threads(), reader, "threads", "")) {
        log_line("%s can't read the trace: its tables are full", reader->name);
    }
}

void share_connect(struct domain *domain)
{
    if ((domain->reads & READS_GUESTS) != 0 &&
        !show(domain_get(0), guest_table_region(), domain, "guests", "")) {
        log_line("%s can't read the table of guests", domain->name);
    }
    for (uint32_t i = 1; i < DOMAINS_MAX; i++) {
        struct domain *other = domain_get(i);
        if (other != domain && domain_is_whole(other)) {
            connect(domain, other);
            connect(other, domain);
        }
    }
}
