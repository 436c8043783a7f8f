/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block protocol: a VMM (client) reads and writes one volume of the storage domain (server).
 *
 * The volume's size in sectors is argument[0] of the channel's resource on both sides; argument[1] is 1 for a
 * read-only volume. Data crosses in the channel's data region, at offsets the client chooses. Every request gets
 * exactly one completion, in any order. A write is durable once a later flush has completed.
 */
#ifndef IPC_BLOCK_H
#define IPC_BLOCK_H

#include <stdint.h>

#define BH_BLOCK_SECTOR 512u

enum bh_block_operation {
    BH_BLOCK_READ = 1,
    BH_BLOCK_WRITE = 2,
    BH_BLOCK_FLUSH = 3, /* sector, length and offset are 0 */
};

enum bh_block_status {
    BH_BLOCK_OK = 0,
    BH_BLOCK_IO_ERROR = 1,
    BH_BLOCK_BAD_REQUEST = 2, /* unknown operation; length no multiple of the sector, or 0; offset outside the data */
    BH_BLOCK_RANGE = 3,       /* beyond the end of the volume */
    BH_BLOCK_READ_ONLY = 4,
};

/* submit entry */
struct bh_block_request {
    uint64_t id; /* the client's; comes back unchanged */
    uint32_t operation;
    uint32_t length; /* bytes, a multiple of BH_BLOCK_SECTOR, at most BH_BLOCK_LENGTH_MAX */
    uint64_t sector; /* of the volume */
    uint64_t offset; /* in the data region, a multiple of BH_BLOCK_SECTOR */
};

/* complete entry */
struct bh_block_response {
    uint64_t id;
    uint32_t status; /* enum bh_block_status */
    uint32_t reserved;
};

#define BH_BLOCK_LENGTH_MAX (1024u * 1024u)

_Static_assert(sizeof(struct bh_block_request) == 32, "fixed by the protocol");
_Static_assert(sizeof(struct bh_block_response) == 16, "fixed by the protocol");

#endif
