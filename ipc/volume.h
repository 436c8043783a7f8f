/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of volumes, in the "volumes" region: written by the domain that serves the block protocol, read by root and by
 * the manager. It is complete before that domain says BH_ROOT_READY. Readers believe nothing of it: they copy an entry,
 * then check that the name is terminated.
 */
#ifndef IPC_VOLUME_H
#define IPC_VOLUME_H

#include <stdint.h>

#define BH_VOLUME_NAME_MAX 32u
#define BH_VOLUMES_MAX 128u

struct bh_volume {
    char name[BH_VOLUME_NAME_MAX]; /* NUL-terminated; the name of its GPT partition. Empty: no entry */
    uint64_t sectors;              /* of BH_BLOCK_SECTOR bytes */
    uint32_t read_only;            /* 1: the medium can't be written */
    uint32_t reserved;
};

/* The region. `version` is odd while the server writes; a reader copies, and tries again if it changed. */
struct bh_volume_table {
    uint64_t version;
    uint32_t volume_count; /* entries in use, at most BH_VOLUMES_MAX */
    uint32_t reserved;
    struct bh_volume volume[BH_VOLUMES_MAX];
};

#define BH_VOLUMES_REGION_SIZE 8192u

_Static_assert(sizeof(struct bh_volume) == 48, "laid out without holes");
_Static_assert(sizeof(struct bh_volume_table) <= BH_VOLUMES_REGION_SIZE, "fits");

#endif
