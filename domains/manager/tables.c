/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/tables.h"

#include <string.h>

#define READ_TRIES 1000

/*
 * Copies memory guarded by a version that is odd while it is written. The fences order the copy
 * between the two looks at the version, as a reader of a sequence lock needs.
 */
static bool read_guarded(const uint64_t *version, void *copy, const void *source, size_t size)
{
    for (int i = 0; i < READ_TRIES; i++) {
        uint64_t before = __atomic_load_n(version, __ATOMIC_ACQUIRE);
        if (before & 1) {
            continue;
        }
        memcpy(copy, source, size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(version, __ATOMIC_RELAXED) == before) {
            return true;
        }
    }
    return false;
}

enum table_status table_memory(const struct manager *manager, struct memory_figures *figures)
{
    const struct bh_guest_table *table = manager->guests;
    uint64_t copy[2];
    _Static_assert(offsetof(struct bh_guest_table, memory_free) ==
                       offsetof(struct bh_guest_table, memory_total) + 8,
                   "copied together");
    if (table == NULL || !read_guarded(&table->version, copy, &table->memory_total, sizeof(copy))) {
        return TABLE_BUSY;
    }
    *figures = (struct memory_figures){.total = copy[0], .free = copy[1]};
    return TABLE_OK;
}

#define TERMINATE(array) ((array)[sizeof(array) - 1] = '\0')

static void sanitise_config(struct bh_guest_config *config)
{
    TERMINATE(config->name);
    TERMINATE(config->kernel_volume);
    TERMINATE(config->initrd_volume);
    TERMINATE(config->command_line);
    if (config->disk_count > BH_GUEST_DISKS_MAX) {
        config->disk_count = BH_GUEST_DISKS_MAX;
    }
    if (config->net_count > BH_GUEST_NETS_MAX) {
        config->net_count = BH_GUEST_NETS_MAX;
    }
    for (uint32_t i = 0; i < BH_GUEST_DISKS_MAX; i++) {
        TERMINATE(config->disk[i].volume);
    }
    for (uint32_t i = 0; i < BH_GUEST_NETS_MAX; i++) {
        TERMINATE(config->net[i].network);
    }
}

enum table_status table_guest(const struct manager *manager, uint32_t index,
                              struct bh_guest_info *guest)
{
    const struct bh_guest_table *table = manager->guests;
    if (table == NULL) {
        return TABLE_BUSY;
    }
    if (index >= BH_GUESTS_MAX ||
        __atomic_load_n(&table->guest[index].state, __ATOMIC_RELAXED) == BH_GUEST_NONE) {
        return TABLE_NONE;
    }
    if (!read_guarded(&table->version, guest, &table->guest[index], sizeof(*guest))) {
        return TABLE_BUSY;
    }
    sanitise_config(&guest->config);
    TERMINATE(guest->reason);
    return guest->state == BH_GUEST_NONE || guest->config.name[0] == '\0' ? TABLE_NONE : TABLE_OK;
}

enum table_status table_guest_named(const struct manager *manager, const char *name,
                                    struct bh_guest_info *guest)
{
    for (uint32_t i = 0; i < BH_GUESTS_MAX; i++) {
        enum table_status status = table_guest(manager, i, guest);
        if (status == TABLE_BUSY || (status == TABLE_OK && strcmp(guest->config.name, name) == 0)) {
            return status;
        }
    }
    return TABLE_NONE;
}

enum table_status table_volume(const struct manager *manager, uint32_t index,
                               struct bh_volume *volume)
{
    const struct bh_volume_table *table = manager->volumes;
    if (table == NULL) {
        return TABLE_BUSY;
    }
    if (index >= BH_VOLUMES_MAX ||
        index >= __atomic_load_n(&table->volume_count, __ATOMIC_RELAXED)) {
        return TABLE_NONE;
    }
    if (!read_guarded(&table->version, volume, &table->volume[index], sizeof(*volume))) {
        return TABLE_BUSY;
    }
    TERMINATE(volume->name);
    return volume->name[0] == '\0' ? TABLE_NONE : TABLE_OK;
}

enum table_status table_volume_named(const struct manager *manager, const char *name,
                                     struct bh_volume *volume)
{
    for (uint32_t i = 0; i < BH_VOLUMES_MAX; i++) {
        enum table_status status = table_volume(manager, i, volume);
        if (status == TABLE_BUSY || (status == TABLE_OK && strcmp(volume->name, name) == 0)) {
            return status;
        }
    }
    return TABLE_NONE;
}

/* The first byte that is whole for sure when `written` have been put out. */
static uint64_t oldest(uint64_t written)
{
    const uint64_t safe = BH_CONSOLE_HISTORY - BH_CONSOLE_HISTORY_STEP;
    return written > safe ? written - safe : 0;
}

/* Copies bytes [from, to) of the console, at most BH_CONSOLE_HISTORY. */
static void copy_ring(const struct bh_console_history *history, uint64_t from, uint64_t to,
                      uint8_t *data)
{
    size_t start = from % BH_CONSOLE_HISTORY;
    size_t length = (size_t)(to - from);
    size_t first = length < BH_CONSOLE_HISTORY - start ? length : BH_CONSOLE_HISTORY - start;
    memcpy(data, history->data + start, first);
    memcpy(data + first, history->data, length - first);
}

static void read_console(const struct bh_console_history *history, uint64_t from, uint8_t *data,
                         struct console_output *output)
{
    uint64_t written = __atomic_load_n(&history->written, __ATOMIC_ACQUIRE);
    if (from > written || from < oldest(written)) {
        from = oldest(written);
    }
    copy_ring(history, from, written, data);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    /* What was overwritten meanwhile is dropped. */
    uint64_t now = __atomic_load_n(&history->written, __ATOMIC_RELAXED);
    uint64_t valid = now < written ? written : oldest(now);
    if (valid > from) {
        uint64_t lost = valid < written ? valid - from : written - from;
        memmove(data, data + lost, (size_t)(written - from - lost));
        from += lost;
    }
    *output = (struct console_output){.from = from, .next = written};
}

static bool has_name(const struct bh_console_history *history, const char *name)
{
    char found[BH_CONSOLE_NAME_MAX];
    memcpy(found, history->name, sizeof(found));
    TERMINATE(found);
    return strcmp(found, name) == 0;
}

enum table_status table_console(const struct manager *manager, const char *name, uint64_t from,
                                uint8_t *data, struct console_output *output)
{
    if (manager->history == NULL) {
        return TABLE_BUSY;
    }
    for (size_t i = 0; i < manager->history_count; i++) {
        const struct bh_console_history *history = &manager->history[i];
        if (has_name(history, name)) {
            read_console(history, from, data, output);
            /* The entry may have been given to another console meanwhile. */
            return has_name(history, name) ? TABLE_OK : TABLE_NONE;
        }
    }
    return TABLE_NONE;
}
