/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a boot volume, a block channel on which nothing else goes on, with several requests in
 * flight. It lives through restarts of the storage domain: what is unanswered is asked again. The
 * channel stays attached afterwards, idle.
 */
#ifndef DOMAINS_VMM_VOLUME_READER_H
#define DOMAINS_VMM_VOLUME_READER_H

#include "domains/vmm/link.h"
#include "ipc/block_client.h"
#include "ipc/domain.h"

struct volume_reader {
    struct vm *vm;
    struct vm_link link;
    struct bh_block_client client;
    bool opened;
    char volume[BH_NAME_MAX]; /* its name */
    uint64_t bytes;           /* its size */
};

/* Opens the block channel `name`; `reader` is zeroed and stays where it is. False: there is none.
 */
bool volume_open(struct volume_reader *reader, struct vm *vm, const char *name);

/* Reads [start, start + length) of the volume to `destination`; `start` is a multiple of the sector
 * size. Blocks; signals for others are passed on meanwhile. False: it reaches beyond the end, or
 * the storage domain reports an error. */
bool volume_read(struct volume_reader *reader, uint64_t start, void *destination, uint64_t length);

#endif
