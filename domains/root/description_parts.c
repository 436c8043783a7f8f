/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices, channels, networks, volumes, the quota and the schedule: nodes that are mere tables of
 * properties. */
#include <libfdt.h>
#include <string.h>

#include "domains/root/description_read.h"
#include "domains/root/property.h"

/* One kind of node below a section: the array its entries go to, and what is checked after the
 * properties. */
struct part {
    const char *section;
    const struct property *properties;
    void *entries;
    uint32_t *count;
    uint32_t capacity;
    size_t size; /* of an entry, which begins with its name */
    void (*defaults)(void *entry);
    /* The reason why the entry is wrong, with the property at fault in *property; NULL: it is
     * right. */
    const char *(*check)(const void *entry, const char **property);
    size_t present; /* offset */
};

static void read_part(const struct reader *reader, int node, const struct part *part)
{
    static const struct property none[] = {PROPERTIES_END};
    (void)properties_read(reader->tree, node, part->section, none, NULL, reader->report);
    int child;
    fdt_for_each_subnode(child, reader->tree, node)
    {
        const char *name = fdt_get_name(reader->tree, child, NULL);
        char where[WHERE_MAX];
        where_child(where, part->section, name == NULL ? "" : name);
        if (name == NULL || !name_is_new(reader, where, name, part->entries, *part->count,
                                         part->size, "a second one of that name; left out")) {
            continue;
        }
        if (*part->count == part->capacity) {
            report_line(reader->report, where, "", "too many; left out", "");
            continue;
        }
        char *entry = (char *)part->entries + (size_t)(*part->count)++ * part->size;
        memset(entry, 0, part->size);
        strcpy(entry, name);
        part->defaults(entry);
        bool good =
            properties_read(reader->tree, child, where, part->properties, entry, reader->report);
        good = no_subnodes(reader, child, where) && good;
        const char *property = "";
        const char *reason = good ? part->check(entry, &property) : NULL;
        if (reason != NULL) {
            report_line(reader->report, where, property, reason, "");
        }
        if (!good || reason != NULL) {
            report_line(reader->report, where, "", "left out", "");
        }
        *(bool *)(entry + part->present) = good && reason == NULL;
    }
}

#define AT(member) offsetof(struct device_description, member)

static const struct property device_properties[] = {
    {"driver", PROPERTY_STRING, AT(driver), 0, 1, BH_NAME_MAX - 1, NULL, true},
    {"pci-class", PROPERTY_CELL, AT(pci_class), AT(by_class), 0, 0xffffff, NULL, false},
    {"pci-id", PROPERTY_CELLS2, AT(pci_id), AT(by_id), 0, 0xffff, NULL, false},
    {"pci-slot", PROPERTY_CELLS2, AT(pci_slot), AT(by_slot), 0, 31, NULL, false},
    {"path", PROPERTY_STRING, AT(path), 0, 1, 127, NULL, false},
    {"node-compatible", PROPERTY_STRING, AT(node_compatible), 0, 1, 63, NULL, false},
    {"index", PROPERTY_CELL, AT(index), 0, 0, 255, NULL, false},
    {"dma-size", PROPERTY_SIZE, AT(dma_size), 0, 4096, 16u << 20, NULL, false},
    {"optional", PROPERTY_FLAG, AT(optional), 0, 0, 0, NULL, false},
    PROPERTIES_END,
};

#undef AT

static void device_defaults(void *entry)
{
    struct device_description *device = entry;
    device->dma_size = 1u << 20;
}

static const char *device_check(const void *entry, const char **property)
{
    const struct device_description *device = entry;
    bool pci = device->by_class || device->by_id || device->by_slot;
    bool path = device->path[0] != 0;
    bool compatible = device->node_compatible[0] != 0;
    if ((pci ? 1 : 0) + (path ? 1 : 0) + (compatible ? 1 : 0) != 1) {
        return "must say either what PCI device it is, or path, or node-compatible";
    }
    if (device->by_slot && device->pci_slot[1] > 7) {
        *property = "pci-slot";
        return "function out of range";
    }
    return NULL;
}

void read_devices(const struct reader *reader, int node)
{
    struct description *description = reader->description;
    read_part(reader, node,
              &(struct part){.section = "/devices",
                             .properties = device_properties,
                             .entries = description->device,
                             .count = &description->device_count,
                             .capacity = DESCRIPTION_DEVICES,
                             .size = sizeof(description->device[0]),
                             .defaults = device_defaults,
                             .check = device_check,
                             .present = offsetof(struct device_description, present)});
}

static const struct property_choice protocols[] = {
    {"block", BH_PROTOCOL_BLOCK},
    {"net", BH_PROTOCOL_NET},
    {"console", BH_PROTOCOL_CONSOLE},
    {"console-input", BH_PROTOCOL_CONSOLE_INPUT},
    {NULL, 0},
};

#define AT(member) offsetof(struct channel_description, member)

static const struct property channel_properties[] = {
    {"client", PROPERTY_NAME, AT(client), 0, 0, 0, NULL, true},
    {"server", PROPERTY_NAME, AT(server), 0, 0, 0, NULL, true},
    {"protocol", PROPERTY_CHOICE, AT(protocol), 0, 0, 0, protocols, true},
    {"as", PROPERTY_NAME, AT(as), 0, 0, 0, NULL, false},
    {"volume", PROPERTY_STRING, AT(volume), 0, 1, BH_NAME_MAX - 1, NULL, false},
    {"read-only", PROPERTY_FLAG, AT(read_only), 0, 0, 0, NULL, false},
    {"network", PROPERTY_NAME, AT(network), 0, 0, 0, NULL, false},
    {"mac", PROPERTY_MAC, AT(mac), 0, 0, 0, NULL, false},
    {"entries", PROPERTY_CELL, AT(entries), 0, 8, 1024, NULL, false},
    {"data-size", PROPERTY_SIZE, AT(data_size), 0, 4096, 16u << 20, NULL, false},
    PROPERTIES_END,
};

#undef AT

static void channel_defaults(void *entry)
{
    struct channel_description *channel = entry;
    strcpy(channel->as, channel->name);
}

static const char *channel_check(const void *entry, const char **property)
{
    static const uint8_t no_mac[6];
    const struct channel_description *channel = entry;
    bool block = channel->protocol == BH_PROTOCOL_BLOCK;
    bool net = channel->protocol == BH_PROTOCOL_NET;
    *property = "volume";
    if (block != (channel->volume[0] != 0)) {
        return block ? "missing" : "only for the block protocol";
    }
    *property = "read-only";
    if (channel->read_only && !block) {
        return "only for the block protocol";
    }
    *property = "network";
    if (net != (channel->network[0] != 0)) {
        return net ? "missing" : "only for the net protocol";
    }
    *property = "mac";
    if (!net && memcmp(channel->mac, no_mac, 6) != 0) {
        return "only for the net protocol";
    }
    *property = "data-size";
    if (channel->data_size != 0 && !block && !net) {
        return "consoles have no data region";
    }
    *property = "entries";
    if ((channel->entries & (channel->entries - 1)) != 0) {
        return "must be a power of two";
    }
    return NULL;
}

void read_channels(const struct reader *reader, int node)
{
    struct description *description = reader->description;
    read_part(reader, node,
              &(struct part){.section = "/channels",
                             .properties = channel_properties,
                             .entries = description->channel,
                             .count = &description->channel_count,
                             .capacity = DESCRIPTION_CHANNELS,
                             .size = sizeof(description->channel[0]),
                             .defaults = channel_defaults,
                             .check = channel_check,
                             .present = offsetof(struct channel_description, present)});
}

#define AT(member) offsetof(struct network_description, member)

static const struct property network_properties[] = {
    {"uplink", PROPERTY_NAME, AT(uplink), 0, 0, 0, NULL, false},
    {"vlan", PROPERTY_CELL, AT(vlan), 0, 1, 4094, NULL, false},
    {"isolated", PROPERTY_FLAG, AT(isolated), 0, 0, 0, NULL, false},
    PROPERTIES_END,
};

#undef AT

static void no_defaults(void *entry)
{
    (void)entry;
}

static const char *network_check(const void *entry, const char **property)
{
    const struct network_description *network = entry;
    *property = "vlan";
    return network->vlan != 0 && network->uplink[0] == 0 ? "needs an uplink" : NULL;
}

void read_networks(const struct reader *reader, int node)
{
    struct description *description = reader->description;
    read_part(reader, node,
              &(struct part){.section = "/networks",
                             .properties = network_properties,
                             .entries = description->network,
                             .count = &description->network_count,
                             .capacity = DESCRIPTION_NETWORKS,
                             .size = sizeof(description->network[0]),
                             .defaults = no_defaults,
                             .check = network_check,
                             .present = offsetof(struct network_description, present)});
}

static const struct property volume_properties[] = {
    {"partition", PROPERTY_STRING, offsetof(struct volume_description, partition), 0, 1,
     BH_NAME_MAX - 1, NULL, true},
    {"read-only", PROPERTY_FLAG, offsetof(struct volume_description, read_only), 0, 0, 0, NULL,
     false},
    PROPERTIES_END,
};

static const char *no_check(const void *entry, const char **property)
{
    (void)entry;
    (void)property;
    return NULL;
}

void read_volumes(const struct reader *reader, int node)
{
    struct description *description = reader->description;
    read_part(reader, node,
              &(struct part){.section = "/volumes",
                             .properties = volume_properties,
                             .entries = description->volume,
                             .count = &description->volume_count,
                             .capacity = DESCRIPTION_VOLUMES,
                             .size = sizeof(description->volume[0]),
                             .defaults = no_defaults,
                             .check = no_check,
                             .present = offsetof(struct volume_description, present)});
}

#define AT(member) offsetof(struct quota_description, member)

static const struct property quota_properties[] = {
    {"guests", PROPERTY_CELL, AT(guests), 0, 0, 60, NULL, false},
    {"memory", PROPERTY_BYTES, AT(memory), 0, 0, UINT64_C(1) << 40, NULL, false},
    {"guest-memory", PROPERTY_BYTES, AT(guest_memory), 0, 0, UINT64_C(1) << 40, NULL, false},
    {"guest-vcpus", PROPERTY_CELL, AT(guest_vcpus), 0, 1, BH_GUEST_VCPUS_MAX, NULL, false},
    {"volumes", PROPERTY_NAMES, AT(volumes), 0, 0, 0, NULL, false},
    {"read-only-volumes", PROPERTY_NAMES, AT(read_only_volumes), 0, 0, 0, NULL, false},
    {"networks", PROPERTY_NAMES, AT(networks), 0, 0, 0, NULL, false},
    PROPERTIES_END,
};

#undef AT

void read_quota(const struct reader *reader, int node)
{
    struct quota_description quota = {.guest_vcpus = 1};
    bool good =
        properties_read(reader->tree, node, "/quota", quota_properties, &quota, reader->report);
    if (!no_subnodes(reader, node, "/quota") || !good) {
        report_line(reader->report, "/quota", "", "left out: no guests can be created", "");
        return;
    }
    if (fdt_getprop(reader->tree, node, "guest-memory", NULL) == NULL) {
        quota.guest_memory = quota.memory;
    }
    reader->description->quota = quota;
}

static const struct property window_properties[] = {
    {"partition", PROPERTY_CELL, offsetof(struct window_description, partition), 0, 0,
     BH_PARTITIONS - 1, NULL, true},
    {"length-us", PROPERTY_CELL, offsetof(struct window_description, length_us), 0, 100, 10000000,
     NULL, true},
    PROPERTIES_END,
};

/* Half a schedule is none: the whole is left out if anything is wrong with it. */
void read_schedule(const struct reader *reader, int node)
{
    static const struct property none[] = {PROPERTIES_END};
    struct description *description = reader->description;
    bool good = properties_read(reader->tree, node, "/schedule", none, NULL, reader->report);
    bool own = false; /* there is time for root itself */
    int child;
    fdt_for_each_subnode(child, reader->tree, node)
    {
        const char *name = fdt_get_name(reader->tree, child, NULL);
        struct window_description window = {0};
        char where[WHERE_MAX];
        where_child(where, "/schedule", name == NULL ? "" : name);
        good = name_is_new(reader, where, name == NULL ? "" : name, NULL, 0, 0, "") && good;
        good = properties_read(reader->tree, child, where, window_properties, &window,
                               reader->report) &&
               good;
        good = no_subnodes(reader, child, where) && good;
        if (description->window_count == DESCRIPTION_WINDOWS) {
            report_line(reader->report, "/schedule", "", "too many windows", "");
            good = false;
            break;
        }
        description->window[description->window_count++] = window;
        own = own || window.partition == 0;
    }
    if (good && !own) {
        report_line(reader->report, "/schedule", "",
                    "has no window of partition 0, which is root's", "");
    }
    if (!good || !own) {
        report_line(reader->report, "/schedule", "", "left out", "");
        description->window_count = 0;
    }
}
