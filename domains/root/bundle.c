/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/bundle.h"

#include <string.h>

/* The newc format: a 110-byte header of a magic and 13 fields of eight hexadecimal digits, the name
 * with its NUL, padding to 4 bytes, the contents, padding to 4 bytes. */
#define HEADER_SIZE 110u
#define FIELD_MODE  1u
#define FIELD_SIZE  6u
#define FIELD_NAME  11u

#define MODE_TYPE    UINT32_C(0170000)
#define MODE_REGULAR UINT32_C(0100000)

static bool hexadecimal(const uint8_t *text, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t c = text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (uint32_t)(c - 'a' + 10);
        } else if (c >= 'A' && c <= 'F') {
            digit = (uint32_t)(c - 'A' + 10);
        } else {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

static bool field(const uint8_t *header, unsigned index, uint32_t *value)
{
    return hexadecimal(header + 6 + (size_t)index * 8, value);
}

static size_t align4(size_t offset)
{
    return (offset + 3) & ~(size_t)3;
}

static enum bundle_status read_member(const struct bundle *bundle, size_t *offset,
                                      struct bundle_file *file, uint32_t *mode)
{
    size_t start = *offset;
    if (start > bundle->size || bundle->size - start < HEADER_SIZE) {
        return BUNDLE_TRUNCATED;
    }
    const uint8_t *header = bundle->data + start;
    uint32_t name_size;
    uint32_t size;
    if (memcmp(header, "070701", 6) != 0 || !field(header, FIELD_MODE, mode) ||
        !field(header, FIELD_SIZE, &size) || !field(header, FIELD_NAME, &name_size) ||
        name_size == 0) {
        return BUNDLE_BAD_HEADER;
    }
    size_t name = start + HEADER_SIZE;
    if (name_size > bundle->size - name) {
        return BUNDLE_TRUNCATED;
    }
    if (memchr(bundle->data + name, 0, name_size) == NULL) {
        return BUNDLE_BAD_HEADER;
    }
    *file = (struct bundle_file){.name = (const char *)bundle->data + name, .size = size};
    if (strcmp(file->name, "TRAILER!!!") == 0) {
        return BUNDLE_END;
    }
    size_t data = align4(name + name_size);
    if (data > bundle->size || size > bundle->size - data) {
        return BUNDLE_TRUNCATED;
    }
    file->data = bundle->data + data;
    *offset = align4(data + size);
    return BUNDLE_OK;
}

enum bundle_status bundle_next(const struct bundle *bundle, size_t *offset,
                               struct bundle_file *file)
{
    for (;;) {
        uint32_t mode;
        enum bundle_status status = read_member(bundle, offset, file, &mode);
        if (status != BUNDLE_OK || (mode & MODE_TYPE) == MODE_REGULAR) {
            return status;
        }
    }
}

enum bundle_status bundle_check(const struct bundle *bundle)
{
    size_t offset = 0;
    struct bundle_file file;
    enum bundle_status status;
    do {
        status = bundle_next(bundle, &offset, &file);
    } while (status == BUNDLE_OK);
    return status;
}

bool bundle_find(const struct bundle *bundle, const char *name, struct bundle_file *file)
{
    size_t offset = 0;
    while (bundle_next(bundle, &offset, file) == BUNDLE_OK) {
        if (strcmp(file->name, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *bundle_status_text(enum bundle_status status)
{
    switch (status) {
    case BUNDLE_OK:
    case BUNDLE_END:
        return "whole";
    case BUNDLE_TRUNCATED:
        return "truncated";
    case BUNDLE_BAD_HEADER:
        return "damaged (no newc header where one must be)";
    }
    return "unknown";
}
