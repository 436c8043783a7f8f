/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network domain: a learning switch for each network of the system description, whose ports are
 * the NET channels that root gives this domain and takes away at run time, and whose uplinks are
 * the domain's network cards.
 */
#include <bh/syscall.h>
#include <string.h>

#include "domains/network/card.h"
#include "domains/network/switch.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

#define ADDRESS_LIFETIME_US UINT64_C(300000000) /* 802.1Q 8.8.3 recommends 300 s */

/* net.h: argument[1] of a port's resource */
#define PORT_HAS_UPLINK UINT64_C(1)
#define PORT_ISOLATED   UINT64_C(2)
#define PORT_VLAN_SHIFT 16
#define PORT_VLAN_MASK  UINT64_C(0xfff)

/* What this domain made of an entry of its domain page. */
struct attachment {
    bool seen; /* and either a port, or refused */
    bool detached;
    uint32_t epoch;
    uint32_t port; /* 0: none */
};

static struct network_switch network_switch;
static struct card cards[SWITCH_UPLINKS];
static struct attachment attachments[BH_DOMAIN_RESOURCE_MAX];
static struct bh_service_statistics private_statistics; /* when root gives none to share */

static void signal_peer(uint64_t cap)
{
    (void)bh_signal(cap);
}

static void close_port(struct attachment *attachment)
{
    if (attachment->port != 0) {
        switch_detach(&network_switch, attachment->port);
        attachment->port = 0;
    }
}

static void open_port(struct attachment *attachment, const struct bh_resource *resource)
{
    struct switch_port_config config = {
        .mac = resource->argument[0],
        .uplink = SWITCH_NO_UPLINK,
        .vlan = 0,
        .isolated = (resource->argument[1] & PORT_ISOLATED) != 0,
    };
    if (resource->argument[1] & PORT_HAS_UPLINK) {
        config.uplink = (uint32_t)resource->argument[2];
        config.vlan = (uint16_t)(resource->argument[1] >> PORT_VLAN_SHIFT & PORT_VLAN_MASK);
    }
    memcpy(config.client, resource->name, sizeof(config.client));
    memcpy(config.network, resource->object, sizeof(config.network));
    struct bh_channel channel;
    bh_channel_attach(&channel, resource);
    uint64_t seed = 0;
    (void)bh_random(&seed, sizeof(seed));
    enum switch_error error =
        switch_attach(&network_switch, &channel, &config, seed, &attachment->port);
    if (error != SWITCH_OK) {
        bh_log("%s: no port in network %s: %s", config.client, config.network,
               switch_error_text(error));
        attachment->port = 0;
    }
}

static void scan_port(struct attachment *attachment, const struct bh_resource *resource,
                      uint32_t index)
{
    uint32_t state = bh_resource_state(resource);
    if (state == BH_RESOURCE_ATTACHED) {
        if (attachment->seen && attachment->epoch == resource->epoch) {
            return;
        }
        close_port(attachment);
        *attachment = (struct attachment){.seen = true, .epoch = resource->epoch};
        open_port(attachment, resource);
    } else if (state == BH_RESOURCE_DETACHING && !attachment->detached) {
        close_port(attachment);
        *attachment = (struct attachment){.detached = true};
        (void)bh_root_call(BH_ROOT_DETACHED, index, 0, 0);
    }
}

static void scan_resources(void)
{
    const struct bh_domain_page *page = bh_domain();
    uint32_t count = __atomic_load_n(&page->resource_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_UNUSED) {
            close_port(&attachments[i]);
            attachments[i] = (struct attachment){.seen = false};
        } else if (resource->kind == BH_RESOURCE_SERVER && resource->protocol == BH_PROTOCOL_NET) {
            scan_port(&attachments[i], resource, i);
        }
    }
}

/* A client that broke its rings is cut off until root attaches it anew. */
static void close_broken_ports(void)
{
    for (uint32_t i = 0; i < BH_DOMAIN_RESOURCE_MAX && network_switch.broken != 0; i++) {
        uint32_t port = attachments[i].port;
        if (port != 0 && (network_switch.broken >> port & 1) != 0) {
            bh_log("%s: broke its channel and is cut off", bh_domain()->resource[i].name);
            close_port(&attachments[i]);
        }
    }
}

static void start(void)
{
    struct bh_service_statistics *statistics = &private_statistics;
    const struct bh_resource *region = bh_resource_find(BH_RESOURCE_REGION, "statistics");
    if (region != NULL && region->size >= sizeof(*statistics)) {
        statistics = (struct bh_service_statistics *)(uintptr_t)region->address;
    }
    switch_init(&network_switch, statistics, bh_ticks_from_us(ADDRESS_LIFETIME_US), signal_peer);
    cards_init(cards);
    scan_resources();
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
}

int main(void)
{
    start();
    for (;;) {
        bool more = switch_turn(&network_switch, bh_ticks());
        close_broken_ports();
        uint64_t deadline = cards_poll(cards, &network_switch, bh_ticks());
        more |= network_switch.active_uplinks != 0;
        uint64_t bits = 0;
        if (more) {
            (void)bh_poll(BH_SLOT_NOTIFICATION, &bits);
        } else {
            if (deadline != UINT64_MAX) {
                bh_deadline_set(deadline);
            }
            (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
        }
        if (bits & BH_SIGNAL_CONTROL) {
            bh_domain_changed();
            scan_resources();
        }
        cards_interrupt(cards, &network_switch, bits);
        switch_wake(&network_switch, bits);
    }
}
