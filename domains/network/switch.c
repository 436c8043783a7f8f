/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports, networks and cards come and go. How frames move is in turn.c. */
#include "domains/network/switch.h"

#include <stdlib.h>
#include <string.h>

void switch_init(struct network_switch *sw, struct bh_service_statistics *statistics,
                 uint64_t lifetime, void (*signal)(uint64_t cap))
{
    memset(sw, 0, sizeof(*sw));
    sw->statistics = statistics;
    sw->lifetime = lifetime;
    sw->signal = signal;
}

static bool client_in_use(void *context, const char *name)
{
    const struct network_switch *sw = context;
    for (uint32_t i = 1; i < SWITCH_PORTS; i++) {
        if (sw->ports[i].open && strcmp(sw->ports[i].client, name) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < SWITCH_UPLINKS; i++) {
        if (strcmp(sw->uplinks[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static struct switch_network *find_network(struct network_switch *sw, const char *name)
{
    for (uint32_t i = 0; i < SWITCH_NETWORKS; i++) {
        if (strcmp(sw->networks[i].name, name) == 0) {
            return &sw->networks[i];
        }
    }
    return NULL;
}

static bool card_taken(const struct network_switch *sw, uint32_t uplink, uint16_t vlan)
{
    for (uint32_t i = 0; i < SWITCH_NETWORKS; i++) {
        const struct switch_network *network = &sw->networks[i];
        if (network->name[0] != '\0' && network->uplink == uplink && network->vlan == vlan) {
            return true;
        }
    }
    return false;
}

static bool uplink_in_service(const struct network_switch *sw, uint32_t uplink)
{
    return uplink < SWITCH_UPLINKS && sw->uplinks[uplink].uplink.card != NULL;
}

static enum switch_error create_network(struct network_switch *sw,
                                        const struct switch_port_config *config, uint64_t seed,
                                        struct switch_network **created)
{
    struct switch_network *network = find_network(sw, "");
    if (network == NULL) {
        return SWITCH_FULL;
    }
    if (config->uplink != SWITCH_NO_UPLINK && card_taken(sw, config->uplink, config->vlan)) {
        return SWITCH_CONFLICT;
    }
    struct forwarding *forwarding = malloc(sizeof(*forwarding));
    if (forwarding == NULL) {
        return SWITCH_NO_MEMORY;
    }
    forwarding_init(forwarding, config->isolated, seed, sw->lifetime);
    if (uplink_in_service(sw, config->uplink)) {
        (void)forwarding_add_port(forwarding, MAC_TABLE_UPLINK, 0);
    }
    *network = (struct switch_network){
        .uplink = config->uplink, .vlan = config->vlan, .forwarding = forwarding};
    memcpy(network->name, config->network, sizeof(network->name));
    *created = network;
    return SWITCH_OK;
}

static void leave_network(struct switch_network *network)
{
    if (network->port_count == 0) {
        free(network->forwarding);
        *network = (struct switch_network){.port_count = 0};
    }
}

static enum switch_error join_network(struct network_switch *sw,
                                      const struct switch_port_config *config, uint64_t seed,
                                      uint32_t number, struct switch_network **joined)
{
    struct switch_network *network = find_network(sw, config->network);
    if (network == NULL) {
        enum switch_error error = create_network(sw, config, seed, &network);
        if (error != SWITCH_OK) {
            return error;
        }
    } else if (network->uplink != config->uplink || network->vlan != config->vlan ||
               network->forwarding->isolated != config->isolated) {
        return SWITCH_CONFLICT;
    }
    if (!forwarding_add_port(network->forwarding, number, config->mac)) {
        leave_network(network);
        return SWITCH_BAD_MAC;
    }
    network->port_count++;
    *joined = network;
    return SWITCH_OK;
}

enum switch_error switch_attach(struct network_switch *sw, const struct bh_channel *channel,
                                const struct switch_port_config *config, uint64_t seed,
                                uint32_t *number)
{
    uint32_t free_port = 1;
    while (free_port < SWITCH_PORTS && sw->ports[free_port].open) {
        free_port++;
    }
    if (free_port == SWITCH_PORTS || config->network[0] == '\0') {
        return SWITCH_FULL;
    }
    struct switch_network *network;
    enum switch_error error = join_network(sw, config, seed, free_port, &network);
    if (error != SWITCH_OK) {
        return error;
    }
    struct switch_port *port = &sw->ports[free_port];
    struct counters counters = counters_open(sw->statistics, config->client, client_in_use, sw);
    if (!port_open(&port->port, channel, counters)) {
        forwarding_remove_port(network->forwarding, free_port);
        network->port_count--;
        leave_network(network);
        return SWITCH_NO_MEMORY;
    }
    port->open = true;
    port->network = network;
    memcpy(port->client, config->client, sizeof(port->client));
    sw->active |= UINT64_C(1) << free_port;
    *number = free_port;
    return SWITCH_OK;
}

void switch_detach(struct network_switch *sw, uint32_t number)
{
    struct switch_port *port = &sw->ports[number];
    sw->active &= ~(UINT64_C(1) << number);
    sw->broken &= ~(UINT64_C(1) << number);
    forwarding_remove_port(port->network->forwarding, number);
    port->network->port_count--;
    leave_network(port->network);
    port_close(&port->port);
    port->open = false;
}

void switch_set_uplink(struct network_switch *sw, uint32_t number, const char *name,
                       const struct uplink *uplink)
{
    sw->uplinks[number].uplink = *uplink;
    sw->active_uplinks &= ~(UINT32_C(1) << number);
    if (uplink->card != NULL) {
        memcpy(sw->uplinks[number].name, name, sizeof(sw->uplinks[number].name));
        sw->uplinks[number].counters = counters_open(sw->statistics, name, client_in_use, sw);
        switch_wake_uplink(sw, number);
    }
    for (uint32_t i = 0; i < SWITCH_NETWORKS; i++) {
        struct switch_network *network = &sw->networks[i];
        if (network->name[0] == '\0' || network->uplink != number) {
            continue;
        }
        if (uplink->card != NULL) {
            (void)forwarding_add_port(network->forwarding, MAC_TABLE_UPLINK, 0);
        } else {
            forwarding_remove_port(network->forwarding, MAC_TABLE_UPLINK);
        }
    }
}

const char *switch_error_text(enum switch_error error)
{
    switch (error) {
    case SWITCH_OK:
        return "ok";
    case SWITCH_NO_MEMORY:
        return "out of memory (heap-size)";
    case SWITCH_FULL:
        return "no more ports or networks";
    case SWITCH_CONFLICT:
        return "the network's card, VLAN or isolation contradict another port or network";
    case SWITCH_BAD_MAC:
        return "its MAC address is no individual one or belongs to another port of the network";
    }
    return "unknown error";
}
