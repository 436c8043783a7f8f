/* SPDX-License-Identifier: BSD-2-Clause */
/* The volumes of all disks, by name. Pure but for the log; the region is ipc/volume.h's. */
#ifndef DOMAINS_STORAGE_VOLUME_H
#define DOMAINS_STORAGE_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/volume.h"

struct disk;

struct volume {
    char name[BH_VOLUME_NAME_MAX];
    struct disk *disk;
    uint64_t first;   /* sector of the disk */
    uint64_t sectors; /* at least 1 */
    bool read_only;
};

struct volume_table {
    uint32_t count;
    struct volume volume[BH_VOLUMES_MAX];
};

/* A name that is taken, or one too many, is left out with a line in the log; `where` is for it. */
void volume_add(struct volume_table *table, const struct volume *volume, const char *where);

/* NULL: there is none. The name is read up to BH_VOLUME_NAME_MAX bytes. */
const struct volume *volume_find(const struct volume_table *table, const char *name);

/* Writes the region, as the seqlock in ipc/volume.h wants it. */
void volume_publish(const struct volume_table *table, struct bh_volume_table *region);

#endif
