/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies out of regions that others write while we read (ipc/root.h, ipc/volume.h, ipc/console.h).
 * What a copy holds is consistent and its strings are terminated; nothing else is promised of it.
 */
#ifndef MANAGER_TABLES_H
#define MANAGER_TABLES_H

#include "domains/manager/manager.h"

enum table_status {
    TABLE_OK = 0,
    TABLE_NONE, /* no such entry */
    TABLE_BUSY, /* the region is missing, or its writer does not let go of it */
};

struct memory_figures {
    uint64_t total; /* bytes */
    uint64_t free;
};

enum table_status table_memory(const struct manager *manager, struct memory_figures *figures);

/* The entry with number `index`, which may be empty (NONE). */
enum table_status table_guest(const struct manager *manager, uint32_t index,
                              struct bh_guest_info *guest);
enum table_status table_guest_named(const struct manager *manager, const char *name,
                                    struct bh_guest_info *guest);

enum table_status table_volume(const struct manager *manager, uint32_t index,
                               struct bh_volume *volume);
enum table_status table_volume_named(const struct manager *manager, const char *name,
                                     struct bh_volume *volume);

struct console_output {
    uint64_t from; /* number of the first byte copied, counted from the console's start */
    uint64_t next; /* number behind the last */
};

/*
 * Copies the output of console `name` from byte `from` on, as far as it is still there, to `data`
 * (BH_CONSOLE_HISTORY bytes). A `from` that lies beyond what has been written gives all there is:
 * the console has begun anew.
 */
enum table_status table_console(const struct manager *manager, const char *name, uint64_t from,
                                uint8_t *data, struct console_output *output);

#endif
