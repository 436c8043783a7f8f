/* SPDX-License-Identifier: BSD-2-Clause */
/* The channels that the description asks for, with what their protocols need to know. */
#include <string.h>

#include "domains/root/channel.h"
#include "domains/root/device.h"
#include "domains/root/guest_config.h"
#include "domains/root/root.h"
#include "domains/root/volumes.h"
#include "ipc/console.h"

/* The domain that serves a protocol, if it has been built. */
static struct domain *server_of(uint32_t protocol)
{
    const struct domain_description *server = description_server(&root.description, protocol);
    struct domain *domain = server == NULL ? NULL : domain_find(server->name);
    return domain != NULL && (domain->state == DOMAIN_STARTING || domain->state == DOMAIN_READY)
               ? domain
               : NULL;
}

const char *channel_open_console(struct domain *client, const char *name, const char *console)
{
    struct channel_plan plan = {.client = client,
                                .server = server_of(BH_PROTOCOL_CONSOLE),
                                .protocol = BH_PROTOCOL_CONSOLE,
                                .client_name = name,
                                .server_name = client->name,
                                .object = console,
                                .entries = client->number == 0 ? 256 : 0};
    uint32_t resource;
    return plan.server == NULL ? "the console server is not there" : channel_open(&plan, &resource);
}

const char *channel_open_log(struct domain *client)
{
    return channel_open_console(client, "log", BH_CONSOLE_SYSTEM);
}

static uint64_t pack_mac(const uint8_t mac[6])
{
    uint64_t packed = 0;
    for (unsigned i = 0; i < 6; i++) {
        packed = packed << 8 | mac[i];
    }
    return packed;
}

/* The number of a device among those of its domain. */
static uint64_t device_number(const struct domain *domain, const char *device)
{
    const struct name_list *devices = &domain->description->devices;
    uint32_t i = 0;
    while (i < devices->count && strcmp(devices->name[i], device) != 0) {
        i++;
    }
    return i;
}

const char *channel_open_net(struct domain *client, const char *name, const char *network,
                             const uint8_t mac[6], uint32_t entries, uint64_t data_size)
{
    struct channel_plan plan = {.client = client,
                                .server = server_of(BH_PROTOCOL_NET),
                                .protocol = BH_PROTOCOL_NET,
                                .client_name = name,
                                .server_name = client->name,
                                .object = network,
                                .entries = entries,
                                .data_size = data_size};
    const struct network_description *description = description_network(&root.description, network);
    if (plan.server == NULL) {
        return "the network server is not there";
    }
    if (description == NULL) {
        return "no such network";
    }
    plan.argument[0] = pack_mac(mac);
    if (description->uplink[0] != 0 && device_given(description->uplink)) {
        plan.server_argument[1] = 1 | (uint64_t)description->vlan << 16;
        plan.server_argument[2] = device_number(plan.server, description->uplink);
    }
    plan.server_argument[1] |= description->isolated ? 2 : 0;
    uint32_t resource;
    return channel_open(&plan, &resource);
}

const char *channel_open_block(struct domain *client, const char *name, const char *volume,
                               bool read_only, uint32_t entries, uint64_t data_size)
{
    struct channel_plan plan = {.client = client,
                                .server = server_of(BH_PROTOCOL_BLOCK),
                                .protocol = BH_PROTOCOL_BLOCK,
                                .client_name = name,
                                .server_name = client->name,
                                .entries = entries,
                                .data_size = data_size};
    if (plan.server == NULL) {
        return "the storage server is not there";
    }
    plan.object = volume_resolve(&root.description, volume, &read_only);
    struct bh_volume found;
    if (!volume_find(plan.object, &found)) {
        return "no such volume";
    }
    if (found.read_only != 0 && !read_only) {
        return "its volume can't be written";
    }
    plan.argument[0] = found.sectors;
    plan.argument[1] = read_only ? 1 : 0;
    uint32_t resource;
    return channel_open(&plan, &resource);
}

static const char *open_console(struct domain *client, const struct channel_description *channel)
{
    if (channel->protocol == BH_PROTOCOL_CONSOLE && strcmp(channel->as, "log") == 0) {
        return channel_open_log(client);
    }
    char console[2 * BH_NAME_MAX];
    size_t length = strnlen(client->name, BH_NAME_MAX - 1);
    memcpy(console, client->name, length);
    console[length++] = '-';
    strcpy(console + length, channel->as);
    struct channel_plan plan = {.client = client,
                                .server = server_of(channel->protocol == BH_PROTOCOL_CONSOLE_INPUT
                                                        ? (uint32_t)BH_PROTOCOL_CONSOLE
                                                        : channel->protocol),
                                .protocol = channel->protocol,
                                .client_name = channel->as,
                                .server_name = client->name,
                                .object = channel->protocol == BH_PROTOCOL_CONSOLE ? console : "",
                                .entries = channel->entries};
    uint32_t resource;
    return plan.server == NULL ? "the console server is not there" : channel_open(&plan, &resource);
}

const char *channel_open_described(const struct channel_description *channel)
{
    struct domain *client = domain_find(channel->client);
    if (client == NULL) {
        return "the client is not there";
    }
    /* A port's address, unless the description gives one. */
    const uint8_t chosen[6] = {0x52,
                               0x42,
                               0x48,
                               0,
                               (uint8_t)client->number,
                               (uint8_t)(channel - root.description.channel)};
    static const uint8_t none[6];
    bool given = memcmp(channel->mac, none, sizeof(none)) != 0;
    switch (channel->protocol) {
    case BH_PROTOCOL_BLOCK:
        return channel_open_block(client, channel->as, channel->volume, channel->read_only,
                                  channel->entries, channel->data_size);
    case BH_PROTOCOL_NET:
        return channel_open_net(client, channel->as, channel->network,
                                given ? channel->mac : chosen, channel->entries,
                                channel->data_size);
    default:
        return open_console(client, channel);
    }
}
