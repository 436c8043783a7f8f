/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/platform.h"

#include <bh/syscall.h>
#include <string.h>

#include "libs/runtime/runtime.h"

/* --- what the API asks --- */

static uint64_t call_root(void *context, enum bh_root_request request, uint64_t word,
                          uint64_t *value)
{
    (void)context;
    struct bh_root_answer answer = bh_root_call((uint32_t)request, word, 0, 0);
    *value = answer.value[0];
    return answer.status;
}

static const struct bh_resource *find_of(uint32_t kind, const char *name, const char *object)
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED && resource->kind == kind &&
            strcmp(resource->name, name) == 0 &&
            (object == NULL || strcmp(resource->object, object) == 0)) {
            return resource;
        }
    }
    return NULL;
}

static const void *statistics(void *context, const char *owner, size_t size)
{
    (void)context;
    const struct bh_resource *region = find_of(BH_RESOURCE_REGION, "statistics", owner);
    return region != NULL && region->size >= size ? (const void *)(uintptr_t)region->address : NULL;
}

static bool refresh(void *context, const char *owner)
{
    (void)context;
    const struct bh_resource *notification = find_of(BH_RESOURCE_NOTIFY, "refresh", owner);
    return notification != NULL && bh_signal(notification->cap) == BH_OK;
}

static const char *domain(void *context, unsigned index)
{
    (void)context;
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED &&
            resource->kind == BH_RESOURCE_REGION && strcmp(resource->name, "statistics") == 0 &&
            resource->object[0] != '\0' && index-- == 0) {
            return resource->object;
        }
    }
    return NULL;
}

static void signal_peer(void *context, uint64_t cap)
{
    (void)context;
    (void)bh_signal(cap);
}

static uint64_t ticks(void *context)
{
    (void)context;
    return bh_ticks();
}

void platform_init(struct manager *manager)
{
    static const struct manager_operations operations = {
        .root = call_root,
        .statistics = statistics,
        .refresh = refresh,
        .domain = domain,
        .signal = signal_peer,
        .ticks = ticks,
    };
    manager->operations = &operations;
    manager->timer_frequency = bh_timer_frequency();
}

/* --- what root gives and takes --- */

static void *find_region(const char *name, size_t size)
{
    const struct bh_resource *region = find_of(BH_RESOURCE_REGION, name, NULL);
    return region != NULL && region->size >= size ? (void *)(uintptr_t)region->address : NULL;
}

static void scan_regions(struct manager *manager)
{
    manager->guests = find_region("guests", sizeof(*manager->guests));
    manager->volumes = find_region("volumes", sizeof(*manager->volumes));
    manager->request = find_region("request", sizeof(*manager->request));
    manager->history = find_region("history", sizeof(*manager->history));
    if (manager->history != NULL) {
        manager->history_count =
            find_of(BH_RESOURCE_REGION, "history", NULL)->size / sizeof(*manager->history);
    }
}

static void scan_channel(struct platform_channel *channel)
{
    const struct bh_domain_page *page = bh_domain();
    channel->change = PLATFORM_SAME;
    for (uint32_t i = 0; i < page->resource_count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) != BH_RESOURCE_ATTACHED ||
            resource->kind != BH_RESOURCE_CLIENT ||
            resource->protocol != (uint32_t)channel->protocol) {
            continue;
        }
        if (!channel->attached || channel->epoch != resource->epoch) {
            bh_channel_attach(&channel->channel, resource);
            channel->attached = true;
            channel->epoch = resource->epoch;
            channel->change = PLATFORM_ATTACHED;
        }
        return;
    }
    if (channel->attached) {
        channel->attached = false;
        channel->change = PLATFORM_DETACHED;
    }
}

void platform_scan(struct platform *platform, struct manager *manager)
{
    scan_regions(manager);
    platform->net.protocol = BH_PROTOCOL_NET;
    platform->console_input.protocol = BH_PROTOCOL_CONSOLE_INPUT;
    scan_channel(&platform->net);
    scan_channel(&platform->console_input);
    manager->console_input =
        platform->console_input.attached ? &platform->console_input.channel : NULL;
}

/* The runtime looks after the log's channel itself. */
static bool is_log(const struct bh_resource *resource)
{
    return resource->kind == BH_RESOURCE_CLIENT && resource->protocol == BH_PROTOCOL_CONSOLE;
}

void platform_release(struct platform *platform)
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count; i++) {
        bool detaching = bh_resource_state(&page->resource[i]) == BH_RESOURCE_DETACHING;
        if (!detaching) {
            platform->released[i] = false;
        } else if (!platform->released[i] && !is_log(&page->resource[i])) {
            platform->released[i] = true;
            (void)bh_root_call(BH_ROOT_DETACHED, i, 0, 0);
        }
    }
}
