/* SPDX-License-Identifier: BSD-2-Clause */
/* The volumes that the storage server has published (ipc/volume.h), read without trusting it. */
#ifndef ROOT_VOLUMES_H
#define ROOT_VOLUMES_H

#include <stdbool.h>

#include "ipc/volume.h"

/* The table, as root sees it; NULL while there is none. */
void volumes_set(const volatile struct bh_volume_table *table);

/* Copies the volume with the name. False: there is none, or the table is being written. */
bool volume_find(const char *name, struct bh_volume *volume);

#endif
