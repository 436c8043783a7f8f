/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/boot.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/capabilities.h"
#include "domains/root/channel.h"
#include "domains/root/device.h"
#include "domains/root/guest.h"
#include "domains/root/log.h"
#include "domains/root/request.h"
#include "domains/root/root.h"
#include "domains/root/share.h"
#include "libs/runtime/runtime.h"

#define READY_US UINT64_C(5000000)
#define SERVER_RADIX \
    9u /* of CNodes: servers, and readers of everybody's statistics, hold many capabilities */
#define ORDINARY_RADIX 7u
#define PAGE_FRAMES    ((uint32_t)(BH_DOMAIN_PAGE_SIZE >> BH_PAGE_BITS))

static bool guests_started, done;
static struct bh_channel own_log;

/* The channel by which root logs, as soon as the console server is built. */
static void open_own_log(void)
{
    struct domain *self = domain_get(0);
    const char *reason = channel_open_log(self);
    if (reason != NULL) {
        log_line("its own log: %s", reason);
        return;
    }
    const struct bh_resource *resource = &self->page->resource[self->page->resource_count - 1];
    bh_channel_open(&own_log, (void *)resource->address, &resource->geometry);
    own_log.signal_cap = resource->cap;
    own_log.wake_bits = resource->bits;
    log_channel(&own_log);
}

static const char *give_resources(struct domain *domain)
{
    const struct domain_description *description = domain->description;
    const char *reason = devices_give(domain);
    if (reason == NULL) {
        reason = share_make(domain, description->statistics, description->serves);
    }
    if (reason == NULL && (description->may & MAY_MANAGE_GUESTS) != 0) {
        reason = request_page_make(domain);
    }
    if (reason != NULL) {
        return reason;
    }
    if ((description->reads & READS_TRACE) != 0) {
        share_trace(domain);
    }
    const char *missing = description->log ? channel_open_log(domain) : NULL;
    if (missing != NULL) {
        log_line("domain %s: log: %s", domain->name, missing);
    }
    for (uint32_t i = 0; i < root.description.channel_count; i++) {
        const struct channel_description *channel = &root.description.channel[i];
        if (channel->present && strcmp(channel->client, domain->name) == 0) {
            missing = channel_open_described(channel);
            if (missing != NULL) {
                log_line("channel %s: %s", channel->name, missing);
            }
        }
    }
    return NULL;
}

static void start(struct domain *domain)
{
    const struct domain_description *description = domain->description;
    static const uint32_t core[] = {0};
    bool wide = description->serves != 0 || description->reads != 0;
    const char *reason = domain_build(
        domain, &(struct domain_plan){.program = description->program,
                                      .time = description->time,
                                      .heap_size = description->heap_size,
                                      .stack_size = description->stack_size,
                                      .arguments = description->arguments,
                                      .fp = description->fp,
                                      .thread_count = 1,
                                      .core = core,
                                      .cnode_radix = wide ? SERVER_RADIX : ORDINARY_RADIX,
                                      .page_frames = PAGE_FRAMES});
    if (reason == NULL) {
        reason = give_resources(domain);
    }
    if (reason != NULL) {
        log_line("domain %s can't start: %s", domain->name, reason);
        domain->state = DOMAIN_MISSING;
        return;
    }
    domain_start(domain);
    domain->deadline = bh_ticks() + root_ticks_from_us(READY_US);
    share_connect(domain);
    log_line("domain %s: started", domain->name);
    if (description->serves == BH_PROTOCOL_CONSOLE && root.description.root_log) {
        open_own_log();
    }
}

/* A server that still may become ready is worth waiting for. */
static bool worth_waiting(const char *server)
{
    const struct domain *domain = domain_find(server);
    return domain != NULL && (domain->state == DOMAIN_WAITING ||
                              (domain->state == DOMAIN_STARTING && domain->deadline != UINT64_MAX));
}

static bool waits(const struct domain *domain)
{
    for (uint32_t i = 0; i < root.description.channel_count; i++) {
        const struct channel_description *channel = &root.description.channel[i];
        if (channel->present && strcmp(channel->client, domain->name) == 0 &&
            worth_waiting(channel->server)) {
            return true;
        }
    }
    /* A log needs the console server built, not ready. */
    const struct domain_description *console =
        description_server(&root.description, BH_PROTOCOL_CONSOLE);
    if (domain->description->log && console != NULL) {
        const struct domain *server = domain_find(console->name);
        return server != NULL && server->state == DOMAIN_WAITING;
    }
    return false;
}

/* All domains are up, or known to be missing. A guest that failed to start has to be gone before
 * the capabilities are counted. */
static void finish(void)
{
    if (!guests_started) {
        guests_started = true;
        guests_autostart();
    }
    if (!guests_stopping()) {
        done = true;
        capabilities_check();
        log_event("system ready");
    }
}

void boot_step(uint64_t now)
{
    bool open;
    bool changed;
    do {
        open = false;
        changed = false;
        for (uint32_t i = 1; i <= DOMAINS_DESCRIBED; i++) {
            struct domain *domain = domain_get(i);
            if (domain == NULL) {
                continue;
            }
            if (domain->state == DOMAIN_WAITING && !waits(domain)) {
                start(domain);
                changed = true;
            }
            if (domain->state == DOMAIN_STARTING && domain->deadline != UINT64_MAX &&
                now >= domain->deadline) {
                log_line("domain %s has not said that it is ready; going on without", domain->name);
                domain->deadline = UINT64_MAX;
                changed = true;
            }
            open = open || domain->state == DOMAIN_WAITING ||
                   (domain->state == DOMAIN_STARTING && domain->deadline != UINT64_MAX);
        }
    } while (changed);
    if (!open && !done) {
        finish();
    }
}

uint64_t boot_deadline(void)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t i = 1; i <= DOMAINS_DESCRIBED; i++) {
        const struct domain *domain = domain_get(i);
        if (domain != NULL && domain->state == DOMAIN_STARTING && domain->deadline < deadline) {
            deadline = domain->deadline;
        }
    }
    return deadline;
}

static void start_schedule(const struct description *description)
{
    bool good = true;
    uint64_t frame_us = 0;
    for (uint32_t i = 0; i < description->window_count; i++) {
        const struct window_description *window = &description->window[i];
        good = good && bh_sched_control_set_window(BH_ROOT_SLOT_SCHED_CONTROL, i, window->partition,
                                                   root_ticks_from_us(window->length_us))
                               .error == BH_OK;
        frame_us += window->length_us;
    }
    if (description->window_count == 0) {
        return;
    }
    if (!good || bh_sched_control_start_schedule(BH_ROOT_SLOT_SCHED_CONTROL).error != BH_OK) {
        root_fail("the schedule can't be started");
    }
    log_line("schedule: %u windows in %llu us", description->window_count,
             (unsigned long long)frame_us);
}

void boot_begin(void)
{
    const struct description *description = &root.description;
    start_schedule(description);
    for (uint32_t i = 0; i < description->domain_count; i++) {
        const struct domain_description *from = &description->domain[i];
        if (!from->present) {
            continue;
        }
        struct domain *domain = domain_allocate(1, from->name);
        domain->description = from;
        domain->reads = from->reads;
    }
    boot_step(bh_ticks());
}
