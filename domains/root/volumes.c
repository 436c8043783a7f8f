/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/volumes.h"

#include <stddef.h>
#include <string.h>

#define TRIES \
    4u /* the writer runs below root's priority: it can't change the table while root reads */

static const volatile struct bh_volume_table *table;

void volumes_set(const volatile struct bh_volume_table *published)
{
    table = published;
}

static void copy_entry(struct bh_volume *to, const volatile struct bh_volume *from)
{
    for (size_t i = 0; i < BH_VOLUME_NAME_MAX; i++) {
        to->name[i] = from->name[i];
    }
    to->name[BH_VOLUME_NAME_MAX - 1] = 0;
    to->sectors = from->sectors;
    to->read_only = from->read_only;
    to->reserved = 0;
}

bool volume_find(const char *name, struct bh_volume *volume)
{
    for (unsigned i = 0; table != NULL && name[0] != 0 && i < TRIES; i++) {
        uint64_t version = __atomic_load_n(&table->version, __ATOMIC_ACQUIRE);
        uint32_t count = table->volume_count;
        bool found = false;
        for (uint32_t j = 0; j < count && j < BH_VOLUMES_MAX && !found; j++) {
            copy_entry(volume, &table->volume[j]);
            found = strcmp(volume->name, name) == 0;
        }
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (version % 2 == 0 && __atomic_load_n(&table->version, __ATOMIC_RELAXED) == version) {
            return found;
        }
    }
    return false;
}
