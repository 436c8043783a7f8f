/* SPDX-License-Identifier: BSD-2-Clause */
/* References between the parts of a description. Leaving one thing out may make others impossible:
 * all checks are repeated until nothing changes, which ends because each round but the last leaves
 * something out. */
#include <string.h>

#include "domains/root/description_read.h"
#include "domains/root/guest_config.h"
#include "domains/root/property.h"

static bool leave_out(const struct reader *reader, const char *section, const char *name,
                      const char *property, const char *reason, const char *subject, bool *present)
{
    char where[WHERE_MAX];
    where_child(where, section, name);
    report_line(reader->report, where, property, reason, subject);
    report_line(reader->report, where, "", "left out", "");
    *present = false;
    return true;
}

static const struct domain_description *owner_of(const struct description *description,
                                                 const char *device)
{
    for (uint32_t i = 0; i < description->domain_count; i++) {
        const struct domain_description *domain = &description->domain[i];
        for (uint32_t j = 0; domain->present && j < domain->devices.count; j++) {
            if (strcmp(domain->devices.name[j], device) == 0) {
                return domain;
            }
        }
    }
    return NULL;
}

/* A device twice in one list, or in the list of a domain before this one. */
static bool device_taken(const struct description *description,
                         const struct domain_description *domain, uint32_t index)
{
    const char *name = domain->devices.name[index];
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(domain->devices.name[i], name) == 0) {
            return true;
        }
    }
    return owner_of(description, name) != domain;
}

/* Whether there is any time for a partition. */
static bool has_window(const struct description *description, uint32_t partition)
{
    for (uint32_t i = 0; i < description->window_count; i++) {
        if (description->window[i].partition == partition) {
            return true;
        }
    }
    return description->window_count == 0 && partition == 0;
}

static bool check_domain(const struct reader *reader, struct domain_description *domain)
{
    const struct description *description = reader->description;
    if (!has_window(description, domain->time.partition)) {
        return leave_out(reader, "/domains", domain->name, "partition",
                         "has no window in /schedule", "", &domain->present);
    }
    for (uint32_t i = 0; i < domain->devices.count; i++) {
        const char *name = domain->devices.name[i];
        if (description_device(description, name) == NULL) {
            return leave_out(reader, "/domains", domain->name, "devices", "no such device:", name,
                             &domain->present);
        }
        if (device_taken(description, domain, i)) {
            return leave_out(reader, "/domains", domain->name, "devices",
                             "belongs to a domain already:", name, &domain->present);
        }
    }
    for (struct domain_description *other = reader->description->domain; other != domain; other++) {
        if (!other->present) {
            continue;
        }
        if (domain->serves != 0 && other->serves == domain->serves) {
            return leave_out(reader, "/domains", domain->name, "serves",
                             "the protocol has a server already:", other->name, &domain->present);
        }
        if ((domain->may & other->may & MAY_MANAGE_GUESTS) != 0) {
            return leave_out(reader, "/domains", domain->name, "may",
                             "one domain manages guests already:", other->name, &domain->present);
        }
    }
    return false;
}

static bool check_network(const struct reader *reader, struct network_description *network)
{
    const struct description *description = reader->description;
    if (network->uplink[0] == 0) {
        return false;
    }
    const struct domain_description *owner = owner_of(description, network->uplink);
    if (description_device(description, network->uplink) == NULL || owner == NULL ||
        owner->serves != BH_PROTOCOL_NET) {
        return leave_out(reader, "/networks", network->name, "uplink",
                         "no device of the domain that serves \"net\":", network->uplink,
                         &network->present);
    }
    for (struct network_description *other = reader->description->network; other != network;
         other++) {
        if (other->present && strcmp(other->uplink, network->uplink) == 0 &&
            other->vlan == network->vlan) {
            return leave_out(reader, "/networks", network->name, "vlan",
                             "is already on that card, for network", other->name,
                             &network->present);
        }
    }
    return false;
}

/* What a channel's protocol is called when a domain serves it: console input comes with consoles.
 */
static uint32_t served_protocol(uint32_t protocol)
{
    return protocol == BH_PROTOCOL_CONSOLE_INPUT ? (uint32_t)BH_PROTOCOL_CONSOLE : protocol;
}

static bool check_channel(const struct reader *reader, struct channel_description *channel)
{
    const struct description *description = reader->description;
    const struct domain_description *client = description_domain(description, channel->client);
    const struct domain_description *server = description_domain(description, channel->server);
    if (client == NULL) {
        return leave_out(reader, "/channels", channel->name, "client",
                         "no such domain:", channel->client, &channel->present);
    }
    if (server == NULL || server->serves != served_protocol(channel->protocol)) {
        return leave_out(reader, "/channels", channel->name, "server",
                         "no domain that serves the protocol:", channel->server, &channel->present);
    }
    if (client == server) {
        return leave_out(reader, "/channels", channel->name, "client",
                         "is the server as well:", channel->client, &channel->present);
    }
    if (channel->network[0] != 0 && description_network(description, channel->network) == NULL) {
        return leave_out(reader, "/channels", channel->name, "network",
                         "no such network:", channel->network, &channel->present);
    }
    if (client->log && strcmp(channel->as, "log") == 0) {
        return leave_out(reader, "/channels", channel->name, "as",
                         "the client's log is called so:", channel->as, &channel->present);
    }
    for (struct channel_description *other = reader->description->channel; other != channel;
         other++) {
        if (other->present && strcmp(other->client, channel->client) == 0 &&
            strcmp(other->as, channel->as) == 0) {
            return leave_out(reader, "/channels", channel->name, "as",
                             "the client has a channel of that name:", channel->as,
                             &channel->present);
        }
    }
    return false;
}

/* Whether `from` waits for `to`, over any number of channels described before `limit`, and `limit`
 * itself. */
static bool waits_for(const struct description *description, const char *from, const char *to,
                      uint32_t limit, uint32_t depth)
{
    for (uint32_t i = 0; depth > 0 && i < limit; i++) {
        const struct channel_description *channel = &description->channel[i];
        if (channel->present && strcmp(channel->client, from) == 0 &&
            (strcmp(channel->server, to) == 0 ||
             waits_for(description, channel->server, to, limit, depth - 1))) {
            return true;
        }
    }
    return false;
}

static bool check_circle(const struct reader *reader, uint32_t index)
{
    struct channel_description *channel = &reader->description->channel[index];
    /* Protocols have one server each: no path is longer than there are protocols. */
    if (waits_for(reader->description, channel->server, channel->client, index,
                  BH_PROTOCOL_CONSOLE_INPUT)) {
        return leave_out(reader, "/channels", channel->name, "server",
                         "waits for the client itself, in a circle:", channel->server,
                         &channel->present);
    }
    return false;
}

static bool check_guest(const struct reader *reader, struct guest_description *guest)
{
    const struct description *description = reader->description;
    const char *name = guest->config.name;
    if (!has_window(description, guest->settings.time.partition)) {
        return leave_out(reader, "/guests", name, "partition", "has no window in /schedule", "",
                         &guest->present);
    }
    if (!reader->programs->exists(reader->programs->context, description->guest_program)) {
        return leave_out(reader, "/guests", name, "program",
                         "not in the bundle:", description->guest_program, &guest->present);
    }
    if (description_server(description, BH_PROTOCOL_BLOCK) == NULL) {
        return leave_out(reader, "/guests", name, "kernel", "no domain serves \"block\"", "",
                         &guest->present);
    }
    for (uint32_t i = 0; i < guest->config.net_count; i++) {
        const char *network = guest->config.net[i].network;
        if (description_server(description, BH_PROTOCOL_NET) == NULL ||
            description_network(description, network) == NULL) {
            return leave_out(reader, "/guests", name, "network",
                             "no such network, or nobody serves it:", network, &guest->present);
        }
    }
    struct volume_use use[BH_GUEST_DISKS_MAX + 2];
    uint32_t count = guest_volumes(description, &guest->config, use);
    if (guest_volumes_conflict(use, count)) {
        return leave_out(reader, "/guests", name, "volume",
                         "writes a volume that it has open elsewhere", "", &guest->present);
    }
    return false;
}

static bool check_round(const struct reader *reader)
{
    struct description *description = reader->description;
    bool changed = false;
    for (uint32_t i = 0; i < description->domain_count; i++) {
        struct domain_description *domain = &description->domain[i];
        changed = (domain->present && check_domain(reader, domain)) || changed;
    }
    for (uint32_t i = 0; i < description->network_count; i++) {
        struct network_description *network = &description->network[i];
        changed = (network->present && check_network(reader, network)) || changed;
    }
    for (uint32_t i = 0; i < description->channel_count; i++) {
        struct channel_description *channel = &description->channel[i];
        changed = (channel->present && check_channel(reader, channel)) || changed;
        changed = (channel->present && check_circle(reader, i)) || changed;
    }
    for (uint32_t i = 0; i < description->guest_count; i++) {
        struct guest_description *guest = &description->guest[i];
        changed = (guest->present && check_guest(reader, guest)) || changed;
    }
    return changed;
}

/* Devices that no domain has are no error, but worth a line. Guests of the manager need time. Logs
 * without a console go nowhere. */
static void check_leftovers(const struct reader *reader)
{
    struct description *description = reader->description;
    bool console = description_server(description, BH_PROTOCOL_CONSOLE) != NULL;
    for (uint32_t i = 0; i < description->domain_count; i++) {
        struct domain_description *domain = &description->domain[i];
        char where[WHERE_MAX];
        where_child(where, "/domains", domain->name);
        if (domain->present && domain->log && (!console || domain->serves == BH_PROTOCOL_CONSOLE)) {
            report_line(reader->report, where, "log",
                        console ? "the console server has no log" : "no domain serves \"console\"",
                        "");
            domain->log = false;
        }
    }
    for (uint32_t i = 0; i < description->device_count; i++) {
        const struct device_description *device = &description->device[i];
        char where[WHERE_MAX];
        where_child(where, "/devices", device->name);
        if (device->present && owner_of(description, device->name) == NULL) {
            report_line(reader->report, where, "", "belongs to no domain", "");
        }
    }
    struct processor_time *time = &description->guest_defaults.time;
    if (!has_window(description, time->partition)) {
        report_line(reader->report, "/guests", "partition", "has no window in /schedule", "");
        time->partition = 0;
    }
    for (uint32_t i = 0; i < description->quota.networks.count; i++) {
        const char *name = description->quota.networks.name[i];
        if (description_network(description, name) == NULL) {
            report_line(reader->report, "/quota", "networks", "no such network:", name);
        }
    }
}

void check_references(const struct reader *reader)
{
    while (check_round(reader)) {
    }
    check_leftovers(reader);
}
