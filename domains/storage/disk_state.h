/* SPDX-License-Identifier: BSD-2-Clause */
/* What disk.c and disk_state.c share. */
#ifndef DOMAINS_STORAGE_DISK_STATE_H
#define DOMAINS_STORAGE_DISK_STATE_H

#include "domains/storage/disk.h"

/* Takes the device's answers. True: there were any. */
bool disk_collect(struct disk *disk);

/* Commands are in flight: from now on the time is kept. */
void disk_watch(struct disk *disk, uint64_t now);

void disk_scan_answer(struct disk *disk, enum block_result result);

#endif
