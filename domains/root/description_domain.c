/* SPDX-License-Identifier: BSD-2-Clause */
#include <libfdt.h>
#include <string.h>

#include "domains/root/description_read.h"
#include "domains/root/property.h"

static const struct property none[] = {PROPERTIES_END};

static const struct property_choice serves[] = {
    {"block", BH_PROTOCOL_BLOCK},
    {"net", BH_PROTOCOL_NET},
    {"console", BH_PROTOCOL_CONSOLE},
    {NULL, 0},
};

static const struct property_choice may[] = {
    {"machine-off", MAY_MACHINE_OFF},
    {"machine-reset", MAY_MACHINE_RESET},
    {"manage-guests", MAY_MANAGE_GUESTS},
    {NULL, 0},
};

static const struct property_choice reads[] = {
    {"history", READS_HISTORY},
    {"volumes", READS_VOLUMES},
    {"guests", READS_GUESTS},
    {"statistics", READS_STATISTICS},
    {"trace", READS_TRACE},
    {NULL, 0},
};

#define AT(member) offsetof(struct domain_description, member)

static const struct property domain_properties[] = {
    {"program", PROPERTY_STRING, AT(program), 0, 1, BH_NAME_MAX - 1, NULL, false},
    {"priority", PROPERTY_CELL, AT(time.priority), 0, 1, 254, NULL, false},
    {"budget-us", PROPERTY_CELL, AT(time.budget_us), 0, 100, 10000000, NULL, false},
    {"period-us", PROPERTY_CELL, AT(time.period_us), 0, 100, 10000000, NULL, false},
    {"partition", PROPERTY_CELL, AT(time.partition), 0, 0, BH_PARTITIONS - 1, NULL, false},
    {"heap-size", PROPERTY_SIZE, AT(heap_size), 0, 0, 64u << 20, NULL, false},
    {"stack-size", PROPERTY_SIZE, AT(stack_size), 0, 4096, 512u << 10, NULL, false},
    {"arguments", PROPERTY_STRING, AT(arguments), 0, 0, 255, NULL, false},
    {"fp", PROPERTY_FLAG, AT(fp), 0, 0, 0, NULL, false},
    {"devices", PROPERTY_NAMES, AT(devices), 0, 0, 0, NULL, false},
    {"serves", PROPERTY_CHOICE, AT(serves), 0, 0, 0, serves, false},
    {"log", PROPERTY_FLAG, AT(log), 0, 0, 0, NULL, false},
    {"statistics", PROPERTY_FLAG, AT(statistics), 0, 0, 0, NULL, false},
    {"reads", PROPERTY_CHOICES, AT(reads), 0, 0, 0, reads, false},
    {"may", PROPERTY_CHOICES, AT(may), 0, 0, 0, may, false},
    PROPERTIES_END,
};

static const struct property root_properties[] = {
    {"log", PROPERTY_FLAG, offsetof(struct description, root_log), 0, 0, 0, NULL, false},
    {"arguments", PROPERTY_STRING, offsetof(struct description, root_arguments), 0, 0, 255, NULL,
     false},
    PROPERTIES_END,
};

static void read_domain(const struct reader *reader, int node, const char *where, const char *name)
{
    struct description *description = reader->description;
    if (!name_is_new(reader, where, name, description->domain, description->domain_count,
                     sizeof(description->domain[0]), "a second domain of that name; left out")) {
        return;
    }
    if (description->domain_count == DESCRIPTION_DOMAINS) {
        report_line(reader->report, where, "", "too many domains; left out", "");
        return;
    }
    struct domain_description *domain = &description->domain[description->domain_count++];
    *domain = (struct domain_description){
        .time = {.priority = 100, .budget_us = 10000, .period_us = 10000},
        .heap_size = 1u << 20,
        .stack_size = 64u << 10};
    strcpy(domain->name, name);
    strcpy(domain->program, name);
    bool good =
        properties_read(reader->tree, node, where, domain_properties, domain, reader->report);
    good = no_subnodes(reader, node, where) && good;
    if (good && domain->time.budget_us > domain->time.period_us) {
        report_line(reader->report, where, "budget-us", "is longer than period-us", "");
        good = false;
    }
    if (good && !reader->programs->exists(reader->programs->context, domain->program)) {
        report_line(reader->report, where, "program", "not in the bundle:", domain->program);
        good = false;
    }
    if (!good) {
        report_line(reader->report, where, "", "left out", "");
    }
    domain->present = good;
}

void read_domains(const struct reader *reader, int node)
{
    (void)properties_read(reader->tree, node, "/domains", none, NULL, reader->report);
    int child;
    fdt_for_each_subnode(child, reader->tree, node)
    {
        const char *name = fdt_get_name(reader->tree, child, NULL);
        char where[WHERE_MAX];
        if (name == NULL) {
            continue;
        }
        where_child(where, "/domains", name);
        if (strcmp(name, "root") == 0) {
            (void)properties_read(reader->tree, child, where, root_properties, reader->description,
                                  reader->report);
            (void)no_subnodes(reader, child, where);
        } else {
            read_domain(reader, child, where, name);
        }
    }
}
