/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/description_read.h"

#include <libfdt.h>
#include <string.h>

#include "domains/root/property.h"
#include "domains/root/tree.h"

void where_child(char *where, const char *parent, const char *name)
{
    size_t length = strnlen(parent, WHERE_MAX - 2);
    memmove(where, parent, length);
    where[length++] = '/';
    size_t rest = strnlen(name, WHERE_MAX - 1 - length);
    memcpy(where + length, name, rest);
    where[length + rest] = 0;
}

bool no_subnodes(const struct reader *reader, int node, const char *where)
{
    bool good = true;
    int child;
    fdt_for_each_subnode(child, reader->tree, node)
    {
        const char *name = fdt_get_name(reader->tree, child, NULL);
        report_line(reader->report, where, name == NULL ? "" : name, "no such node here", "");
        good = false;
    }
    return good;
}

bool name_is_new(const struct reader *reader, const char *where, const char *name,
                 const void *entries, uint32_t count, size_t size, const char *reason)
{
    if (!description_name_ok(name)) {
        report_line(reader->report, where, "", "no valid name; left out", "");
        return false;
    }
    const char *entry = entries;
    for (uint32_t i = 0; i < count; i++, entry += size) {
        if (strcmp(entry, name) == 0) {
            report_line(reader->report, where, "", reason, "");
            return false;
        }
    }
    return true;
}

static const struct property root_properties[] = {
    {"compatible", PROPERTY_STRING, offsetof(struct description, model), 0, 1, 63, NULL, true},
    {"model", PROPERTY_STRING, offsetof(struct description, model), 0, 0, 63, NULL, false},
    PROPERTIES_END,
};

static const struct {
    const char *name;
    void (*read)(const struct reader *reader, int node);
} sections[] = {
    {"domains", read_domains},   {"devices", read_devices},   {"channels", read_channels},
    {"networks", read_networks}, {"volumes", read_volumes},   {"guests", read_guests},
    {"quota", read_quota},       {"schedule", read_schedule},
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static void report_unknown_sections(const struct reader *reader)
{
    int child;
    fdt_for_each_subnode(child, reader->tree, 0)
    {
        const char *name = fdt_get_name(reader->tree, child, NULL);
        bool known = false;
        for (size_t i = 0; i < SECTIONS; i++) {
            known = known || (name != NULL && strcmp(name, sections[i].name) == 0);
        }
        if (!known) {
            report_line(reader->report, "/", name == NULL ? "" : name, "no such node here", "");
        }
    }
}

static const struct guest_settings default_settings = {
    .time = {.priority = 50, .budget_us = 10000, .period_us = 10000},
    .disk_data_size = 256u << 10,
    .net_data_size = 256u << 10,
    .on_reset = POLICY_RESTART,
    .on_crash = POLICY_STOP,
};

bool description_read(const void *tree, size_t size, struct description *description,
                      const struct description_programs *programs,
                      const struct description_report *report)
{
    *description = (struct description){.guest_program = "vmm",
                                        .guest_heap_size = 96u << 10,
                                        .guest_stack_size = 32u << 10,
                                        .boot_data_size = 64u << 10,
                                        .guest_defaults = default_settings};
    if (!tree_valid(tree, size)) {
        report_line(report, "/", "", "no valid device tree", "");
        return false;
    }
    if (fdt_node_check_compatible(tree, 0, "bulkhead,system-1") != 0) {
        report_line(report, "/", "compatible", "must be \"bulkhead,system-1\"", "");
        return false;
    }
    struct reader reader = {tree, description, programs, report};
    (void)properties_read(tree, 0, "/", root_properties, description, report);
    const char *model = fdt_getprop(tree, 0, "model", NULL);
    if (model == NULL) {
        description->model[0] = 0;
    }
    for (size_t i = 0; i < SECTIONS; i++) {
        int node = fdt_subnode_offset(tree, 0, sections[i].name);
        if (node >= 0) {
            sections[i].read(&reader, node);
        }
    }
    report_unknown_sections(&reader);
    check_references(&reader);
    return true;
}
