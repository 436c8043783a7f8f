/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk in the domain's own memory, for benchmarks: commands are copies, answered at once. It is
 * lost with the domain. */
#ifndef DOMAINS_STORAGE_MEMORY_DISK_H
#define DOMAINS_STORAGE_MEMORY_DISK_H

#include "drivers/block_device.h"

#define MEMORY_DISK_DEPTH 64u

struct memory_disk {
    struct block_device block;
    uint8_t *memory;
    uint32_t answered;
    uint64_t token[MEMORY_DISK_DEPTH];
};

/* `memory` has `sectors` sectors. */
void memory_disk_open(struct memory_disk *disk, void *memory, uint64_t sectors);

#endif
