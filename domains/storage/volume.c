/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/volume.h"

#include <string.h>

#include "libs/runtime/runtime.h"

const struct volume *volume_find(const struct volume_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (strncmp(table->volume[i].name, name, BH_VOLUME_NAME_MAX) == 0) {
            return &table->volume[i];
        }
    }
    return NULL;
}

void volume_add(struct volume_table *table, const struct volume *volume, const char *where)
{
    if (volume_find(table, volume->name) != NULL) {
        bh_log("%s: a volume called \"%s\" exists already; this one is left out", where,
               volume->name);
    } else if (table->count == BH_VOLUMES_MAX) {
        bh_log("%s: volume \"%s\" is left out: there are %u already", where, volume->name,
               BH_VOLUMES_MAX);
    } else {
        table->volume[table->count++] = *volume;
    }
}

void volume_publish(const struct volume_table *table, struct bh_volume_table *region)
{
    uint64_t version = __atomic_load_n(&region->version, __ATOMIC_RELAXED) | 1;
    __atomic_store_n(&region->version, version, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memset(region->volume, 0, sizeof region->volume);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct volume *volume = &table->volume[i];
        struct bh_volume *entry = &region->volume[i];
        memcpy(entry->name, volume->name, sizeof entry->name);
        entry->sectors = volume->sectors;
        entry->read_only = volume->read_only;
    }
    region->volume_count = table->count;
    __atomic_store_n(&region->version, version + 1, __ATOMIC_RELEASE);
}
