/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bundle: a newc cpio archive in memory, as the loader passed it. Nothing in it is trusted:
 * every header, name and size is checked against the archive's end before it is used. Files stay
 * where they are; nothing is copied.
 */
#ifndef ROOT_BUNDLE_H
#define ROOT_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bundle {
    const uint8_t *data;
    size_t size;
};

struct bundle_file {
    const char *name; /* NUL-terminated, inside the archive */
    const uint8_t *data;
    size_t size;
};

enum bundle_status {
    BUNDLE_OK = 0,
    BUNDLE_END,       /* the trailer */
    BUNDLE_TRUNCATED, /* a header, name or file reaches beyond the archive */
    BUNDLE_BAD_HEADER /* no newc magic, a field that is no hexadecimal number, a name without NUL */
};

/* Reads the member at *offset (0 for the first) and moves *offset to the next. */
enum bundle_status bundle_next(const struct bundle *bundle, size_t *offset,
                               struct bundle_file *file);

/* The status of the first member that is not OK: BUNDLE_END for an archive that is whole. */
enum bundle_status bundle_check(const struct bundle *bundle);

/* The first regular file with the name; false when there is none before the archive's end, or
 * damage. */
bool bundle_find(const struct bundle *bundle, const char *name, struct bundle_file *file);

const char *bundle_status_text(enum bundle_status status);

#endif
