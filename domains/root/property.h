/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed properties of a device-tree node, by table: each entry says what a property is called, what
 * it must be, and where in a struct its value goes. Properties that the table does not have are
 * errors.
 */
#ifndef ROOT_PROPERTY_H
#define ROOT_PROPERTY_H

#include <stddef.h>

#include "domains/root/description.h"

enum property_kind {
    PROPERTY_FLAG,    /* bool */
    PROPERTY_CELL,    /* uint32_t */
    PROPERTY_BYTES,   /* uint64_t: one or two cells */
    PROPERTY_SIZE,    /* the same, rounded up to whole pages */
    PROPERTY_CELLS2,  /* uint32_t[2] */
    PROPERTY_CORES,   /* uint32_t and uint32_t[BH_GUEST_VCPUS_MAX]: a number of cells, and the cells */
    PROPERTY_STRING,  /* char[high + 1]: `low` to `high` printable characters */
    PROPERTY_NAME,    /* char[BH_NAME_MAX], a name */
    PROPERTY_NAMES,   /* struct name_list of printable strings */
    PROPERTY_CHOICE,  /* uint32_t: the value of one word of `choice` */
    PROPERTY_CHOICES, /* uint32_t: the values of several words, or-ed */
    PROPERTY_MAC,     /* uint8_t[6] */
};

struct property_choice {
    const char *word; /* NULL ends the list */
    uint32_t value;
};

struct property {
    const char *name;
    enum property_kind kind;
    size_t offset;     /* of the value in the struct */
    size_t has_offset; /* of a bool that says that the property is there; 0: none */
    uint64_t low, high;
    const struct property_choice *choice;
    bool required;
};

#define PROPERTIES_END \
    {                  \
        .name = NULL   \
    }

/* Fills the struct at `target` from the node's properties; what is missing is left as it is. False:
 * something is wrong, and all of it has been reported. `where` is the node's path. */
bool properties_read(const void *tree, int node, const char *where, const struct property *table,
                     void *target, const struct description_report *report);

void report_line(const struct description_report *report, const char *node, const char *property,
                 const char *reason, const char *subject);

#endif
