/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/property.h"

#include <libfdt.h>
#include <string.h>

#define PAGE UINT64_C(4096)

void report_line(const struct description_report *report, const char *node, const char *property,
                 const char *reason, const char *subject)
{
    report->line(report->context, node, property, reason, subject);
}

/* Strings end with NUL within the property, and hold printable ASCII only. */
static bool string_ok(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

/* The next string of a list of `size` bytes, from *at on; NULL: damaged. */
static const char *next_string(const char *data, size_t size, size_t *at, size_t *length)
{
    const char *text = data + *at;
    const char *end = memchr(text, 0, size - *at);
    if (end == NULL) {
        return NULL;
    }
    *length = (size_t)(end - text);
    *at += *length + 1;
    return string_ok(text, *length) ? text : NULL;
}

static uint32_t cell(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static const char *read_number(const struct property *property, const uint8_t *data, size_t size,
                               void *value)
{
    uint64_t number;
    if (size == 4) {
        number = cell(data);
    } else if (size == 8 && property->kind != PROPERTY_CELL) {
        number = (uint64_t)cell(data) << 32 | cell(data + 4);
    } else {
        return property->kind == PROPERTY_CELL ? "must be one cell"
                                               : "must be a size (one or two cells)";
    }
    if (number < property->low || number > property->high) {
        return "out of range";
    }
    if (property->kind == PROPERTY_CELL) {
        uint32_t word = (uint32_t)number;
        memcpy(value, &word, sizeof(word));
        return NULL;
    }
    if (property->kind == PROPERTY_SIZE) {
        number = (number + PAGE - 1) & ~(PAGE - 1);
    }
    memcpy(value, &number, sizeof(number));
    return NULL;
}

static const char *read_string(const struct property *property, const char *data, size_t size,
                               char *value)
{
    size_t at = 0;
    size_t length;
    const char *text = size == 0 ? NULL : next_string(data, size, &at, &length);
    if (text == NULL || at != size) {
        return "must be a string";
    }
    size_t limit = property->kind == PROPERTY_NAME ? BH_NAME_MAX - 1 : (size_t)property->high;
    if (length > limit) {
        return "too long";
    }
    if (length < property->low) {
        return "must not be empty";
    }
    if (property->kind == PROPERTY_NAME && !description_name_ok(text)) {
        return "no valid name";
    }
    memcpy(value, text, length + 1);
    return NULL;
}

static const char *read_names(const char *data, size_t size, struct name_list *list)
{
    struct name_list names = {0};
    for (size_t at = 0; at < size;) {
        size_t length;
        const char *text = next_string(data, size, &at, &length);
        if (text == NULL) {
            return "must be a list of strings";
        }
        if (length == 0 || length >= BH_NAME_MAX) {
            return "a string in it is empty or too long";
        }
        if (names.count == DESCRIPTION_LIST) {
            return "too many strings";
        }
        memcpy(names.name[names.count++], text, length + 1);
    }
    *list = names;
    return NULL;
}

static const struct property_choice *find_choice(const struct property *property, const char *text)
{
    const struct property_choice *choice = property->choice;
    while (choice->word != NULL && strcmp(choice->word, text) != 0) {
        choice++;
    }
    return choice->word == NULL ? NULL : choice;
}

static const char *read_choices(const struct property *property, const char *data, size_t size,
                                void *value)
{
    uint32_t sum = 0;
    uint32_t count = 0;
    for (size_t at = 0; at < size; count++) {
        size_t length;
        const char *text = next_string(data, size, &at, &length);
        if (text == NULL) {
            return "must be a string";
        }
        const struct property_choice *choice = find_choice(property, text);
        if (choice == NULL) {
            return "not one of the words it may be";
        }
        sum |= choice->value;
    }
    if (property->kind == PROPERTY_CHOICE && count != 1) {
        return "must be one string";
    }
    memcpy(value, &sum, sizeof(sum));
    return NULL;
}

static const char *read_mac(const uint8_t *data, size_t size, void *value)
{
    static const uint8_t none[6];
    if (size != 6) {
        return "must be six bytes, as in [52 42 48 00 00 01]";
    }
    if ((data[0] & 1) != 0 || memcmp(data, none, 6) == 0) {
        return "is the address of no single station";
    }
    memcpy(value, data, 6);
    return NULL;
}

static const char *read_cores(const struct property *property, const uint8_t *data, size_t size,
                              uint32_t *value)
{
    size_t count = size / 4;
    if (size % 4 != 0 || count == 0 || count > BH_GUEST_VCPUS_MAX) {
        return "must be one to eight cells";
    }
    for (size_t i = 0; i < count; i++) {
        if (cell(data + 4 * i) > property->high) {
            return "out of range";
        }
    }
    value[0] = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        value[1 + i] = cell(data + 4 * i);
    }
    return NULL;
}

/* The reason why the value is wrong, or NULL. */
static const char *read_value(const struct property *property, const void *data, size_t size,
                              void *value)
{
    switch (property->kind) {
    case PROPERTY_FLAG:
        if (size != 0) {
            return "is a flag and has no value";
        }
        *(bool *)value = true;
        return NULL;
    case PROPERTY_CELL:
    case PROPERTY_BYTES:
    case PROPERTY_SIZE:
        return read_number(property, data, size, value);
    case PROPERTY_CELLS2: {
        if (size != 8) {
            return "must be two cells";
        }
        uint32_t words[2] = {cell(data), cell((const uint8_t *)data + 4)};
        if (words[0] > property->high || words[1] > property->high) {
            return "out of range";
        }
        memcpy(value, words, sizeof(words));
        return NULL;
    }
    case PROPERTY_CORES:
        return read_cores(property, data, size, value);
    case PROPERTY_STRING:
    case PROPERTY_NAME:
        return read_string(property, data, size, value);
    case PROPERTY_NAMES:
        return read_names(data, size, value);
    case PROPERTY_CHOICE:
    case PROPERTY_CHOICES:
        return read_choices(property, data, size, value);
    case PROPERTY_MAC:
        return read_mac(data, size, value);
    }
    return "of no known type";
}

static const struct property *find_property(const struct property *table, const char *name)
{
    while (table->name != NULL && strcmp(table->name, name) != 0) {
        table++;
    }
    return table->name == NULL ? NULL : table;
}

bool properties_read(const void *tree, int node, const char *where, const struct property *table,
                     void *target, const struct description_report *report)
{
    bool good = true;
    int at;
    fdt_for_each_property_offset(at, tree, node)
    {
        const char *name;
        int size;
        const void *data = fdt_getprop_by_offset(tree, at, &name, &size);
        if (data == NULL || size < 0) {
            report_line(report, where, "", "damaged property", "");
            return false;
        }
        if (strcmp(name, "phandle") == 0) {
            continue; /* dtc adds it to nodes with labels */
        }
        const struct property *property = find_property(table, name);
        if (property == NULL) {
            report_line(report, where, name, "no such property here", "");
            good = false;
            continue;
        }
        char *base = target;
        const char *reason = read_value(property, data, (size_t)size, base + property->offset);
        if (reason != NULL) {
            report_line(report, where, name, reason, "");
            good = false;
        } else if (property->has_offset != 0) {
            *(bool *)(base + property->has_offset) = true;
        }
    }
    for (; table->name != NULL; table++) {
        if (table->required && fdt_getprop(tree, node, table->name, NULL) == NULL) {
            report_line(report, where, table->name, "missing", "");
            good = false;
        }
    }
    return good;
}
