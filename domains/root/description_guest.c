/* SPDX-License-Identifier: BSD-2-Clause */
#include <libfdt.h>
#include <string.h>

#include "domains/root/description_read.h"
#include "domains/root/guest_config.h"
#include "domains/root/property.h"

#define SETTINGS(member) offsetof(struct guest_settings, member)

#define TIME_PROPERTIES(base)                                                                    \
    {"priority", PROPERTY_CELL, (base) + SETTINGS(time.priority), 0, 1, 254, NULL, false},       \
        {"budget-us", PROPERTY_CELL, (base) + SETTINGS(time.budget_us), 0, 100, 10000000,        \
         NULL,        false},                                                                    \
        {"period-us", PROPERTY_CELL, (base) + SETTINGS(time.period_us), 0, 100, 10000000,        \
         NULL,        false},                                                                    \
        {"partition", PROPERTY_CELL, (base) + SETTINGS(time.partition), 0, 0, BH_PARTITIONS - 1, \
         NULL,        false},                                                                    \
        {"disk-data-size",                                                                       \
         PROPERTY_SIZE,                                                                          \
         (base) + SETTINGS(disk_data_size),                                                      \
         0,                                                                                      \
         4096,                                                                                   \
         16u << 20,                                                                              \
         NULL,                                                                                   \
         false},                                                                                 \
    {                                                                                            \
        "net-data-size", PROPERTY_SIZE, (base) + SETTINGS(net_data_size), 0, 4096, 16u << 20,    \
            NULL, false                                                                          \
    }

#define DEFAULTS(member) offsetof(struct description, member)

static const struct property guests_properties[] = {
    {"program", PROPERTY_STRING, DEFAULTS(guest_program), 0, 1, BH_NAME_MAX - 1, NULL, false},
    {"heap-size", PROPERTY_SIZE, DEFAULTS(guest_heap_size), 0, 0, 64u << 20, NULL, false},
    {"stack-size", PROPERTY_SIZE, DEFAULTS(guest_stack_size), 0, 4096, 512u << 10, NULL, false},
    {"boot-data-size", PROPERTY_SIZE, DEFAULTS(boot_data_size), 0, 4096, 16u << 20, NULL, false},
    TIME_PROPERTIES(DEFAULTS(guest_defaults)),
    PROPERTIES_END,
};

static const struct property_choice policies[] = {
    {"stop", POLICY_STOP},
    {"restart", POLICY_RESTART},
    {NULL, 0},
};

/* What the flags of a guest are read into, beside its description. */
struct guest_reading {
    struct guest_description guest;
    bool autostart;
};

#define GUEST(member)  offsetof(struct guest_reading, guest.config.member)
#define POLICY(member) offsetof(struct guest_reading, guest.settings.member)

static const struct property guest_properties[] = {
    {"memory", PROPERTY_BYTES, GUEST(memory), 0, GUEST_MEMORY_MIN, GUEST_MEMORY_MAX, NULL, true},
    {"vcpus", PROPERTY_CELL, GUEST(vcpu_count), 0, 1, BH_GUEST_VCPUS_MAX, NULL, false},
    {"cores", PROPERTY_CORES, POLICY(core_count), 0, 0, BH_GUEST_VCPUS_MAX - 1, NULL, false},
    {"kernel", PROPERTY_STRING, GUEST(kernel_volume), 0, 1, BH_NAME_MAX - 1, NULL, true},
    {"initrd", PROPERTY_STRING, GUEST(initrd_volume), 0, 1, BH_NAME_MAX - 1, NULL, false},
    {"initrd-size", PROPERTY_BYTES, GUEST(initrd_size), 0, 0, GUEST_MEMORY_MAX, NULL, false},
    {"command-line", PROPERTY_STRING, GUEST(command_line), 0, 0, BH_GUEST_COMMAND_LINE_MAX - 1,
     NULL, false},
    {"autostart", PROPERTY_FLAG, offsetof(struct guest_reading, autostart), 0, 0, 0, NULL, false},
    {"on-reset", PROPERTY_CHOICE, POLICY(on_reset), 0, 0, 0, policies, false},
    {"on-crash", PROPERTY_CHOICE, POLICY(on_crash), 0, 0, 0, policies, false},
    {"exit-with-machine", PROPERTY_FLAG, POLICY(exit_with_machine), 0, 0, 0, NULL, false},
    TIME_PROPERTIES(offsetof(struct guest_reading, guest.settings)),
    PROPERTIES_END,
};

struct disk_reading {
    char volume[BH_NAME_MAX];
    bool read_only;
};

static const struct property disk_properties[] = {
    {"volume", PROPERTY_STRING, offsetof(struct disk_reading, volume), 0, 1, BH_NAME_MAX - 1, NULL,
     true},
    {"read-only", PROPERTY_FLAG, offsetof(struct disk_reading, read_only), 0, 0, 0, NULL, false},
    PROPERTIES_END,
};

static const struct property net_properties[] = {
    {"network", PROPERTY_NAME, offsetof(struct bh_guest_net, network), 0, 0, 0, NULL, true},
    {"mac", PROPERTY_MAC, offsetof(struct bh_guest_net, mac), 0, 0, 0, NULL, false},
    PROPERTIES_END,
};

/* The number behind `prefix` in `name`, below `limit`; `limit` if it is not of that form. */
static uint32_t numbered(const char *name, const char *prefix, uint32_t limit)
{
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0 || name[length] < '0' || name[length + 1] != 0) {
        return limit;
    }
    uint32_t number = (uint32_t)(name[length] - '0');
    return number < limit ? number : limit;
}

static bool read_disk(const struct reader *reader, int node, const char *where,
                      struct bh_guest_disk *disk)
{
    struct disk_reading reading = {0};
    bool good =
        properties_read(reader->tree, node, where, disk_properties, &reading, reader->report);
    memcpy(disk->volume, reading.volume, sizeof(disk->volume));
    disk->read_only = reading.read_only ? 1 : 0;
    return no_subnodes(reader, node, where) && good;
}

static bool read_net(const struct reader *reader, int node, const char *where,
                     struct bh_guest_net *net)
{
    bool good = properties_read(reader->tree, node, where, net_properties, net, reader->report);
    return no_subnodes(reader, node, where) && good;
}

/* The disk and net nodes; `seen` collects their numbers, to find gaps. */
static bool read_guest_node(const struct reader *reader, int node, const char *where,
                            const char *name, struct bh_guest_config *config, uint32_t seen[2])
{
    uint32_t disk = numbered(name, "disk", BH_GUEST_DISKS_MAX);
    if (disk < BH_GUEST_DISKS_MAX) {
        seen[0] |= UINT32_C(1) << disk;
        config->disk_count++;
        return read_disk(reader, node, where, &config->disk[disk]);
    }
    uint32_t net = numbered(name, "net", BH_GUEST_NETS_MAX);
    if (net < BH_GUEST_NETS_MAX) {
        seen[1] |= UINT32_C(1) << net;
        config->net_count++;
        return read_net(reader, node, where, &config->net[net]);
    }
    report_line(reader->report, where, "", "no such node here", "");
    return false;
}

static bool read_guest_nodes(const struct reader *reader, int node, const char *where,
                             struct bh_guest_config *config)
{
    bool good = true;
    uint32_t seen[2] = {0, 0};
    int child;
    fdt_for_each_subnode(child, reader->tree, node)
    {
        const char *name = fdt_get_name(reader->tree, child, NULL);
        char path[WHERE_MAX];
        where_child(path, where, name == NULL ? "" : name);
        good = name != NULL && read_guest_node(reader, child, path, name, config, seen) && good;
    }
    /* Numbered without gaps, each once: as many bits as nodes, and all of them lowest. */
    if (seen[0] != (UINT32_C(1) << config->disk_count) - 1 ||
        seen[1] != (UINT32_C(1) << config->net_count) - 1) {
        report_line(reader->report, where, "", "its disks and nets must be numbered from 0", "");
        good = false;
    }
    return good;
}

static bool check_guest(const struct reader *reader, const char *where,
                        const struct guest_description *guest)
{
    if (guest->settings.time.budget_us > guest->settings.time.period_us) {
        report_line(reader->report, where, "budget-us", "is longer than period-us", "");
        return false;
    }
    const char *reason = guest_config_check(&guest->config);
    if (reason != NULL) {
        report_line(reader->report, where, "", reason, "");
        return false;
    }
    return true;
}

static void read_guest(const struct reader *reader, int node, const char *where, const char *name)
{
    struct description *description = reader->description;
    if (!name_is_new(reader, where, name, description->guest, description->guest_count,
                     sizeof(description->guest[0]), "a second guest of that name; left out") ||
        !name_is_new(reader, where, name, description->domain, description->domain_count,
                     sizeof(description->domain[0]), "a domain has that name; left out")) {
        return;
    }
    if (!description_guest_name_ok(name)) {
        report_line(reader->report, where, "", "a name that is taken; left out", "");
        return;
    }
    if (description->guest_count == DESCRIPTION_GUESTS) {
        report_line(reader->report, where, "", "too many guests; left out", "");
        return;
    }
    static struct guest_reading reading; /* large */
    reading = (struct guest_reading){.guest.config.vcpu_count = 1,
                                     .guest.settings = description->guest_defaults};
    strcpy(reading.guest.config.name, name);
    bool good =
        properties_read(reader->tree, node, where, guest_properties, &reading, reader->report);
    reading.guest.config.autostart = reading.autostart ? 1 : 0;
    good = read_guest_nodes(reader, node, where, &reading.guest.config) && good;
    good = good && check_guest(reader, where, &reading.guest);
    if (!good) {
        report_line(reader->report, where, "", "left out", "");
    }
    reading.guest.present = good;
    description->guest[description->guest_count++] = reading.guest;
}

void read_guests(const struct reader *reader, int node)
{
    struct description *description = reader->description;
    (void)properties_read(reader->tree, node, "/guests", guests_properties, description,
                          reader->report);
    struct processor_time *time = &description->guest_defaults.time;
    if (time->budget_us > time->period_us) {
        report_line(reader->report, "/guests", "budget-us", "is longer than period-us", "");
        time->budget_us = time->period_us;
    }
    int child;
    fdt_for_each_subnode(child, reader->tree, node)
    {
        const char *name = fdt_get_name(reader->tree, child, NULL);
        if (name != NULL) {
            char where[WHERE_MAX];
            where_child(where, "/guests", name);
            read_guest(reader, child, where, name);
        }
    }
}
