/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk that answers when the test wants it to, in the order or out of it, or never. */
#ifndef TEST_UNIT_STORAGE_MODEL_DISK_H
#define TEST_UNIT_STORAGE_MODEL_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/block_device.h"

#define MODEL_DEPTH_MAX 128u

struct model_disk {
    struct block_device block;
    uint8_t *medium;
    struct block_command queue[MODEL_DEPTH_MAX]; /* given and not answered, in order */
    uint32_t queued;
    struct block_command done[MODEL_DEPTH_MAX];
    enum block_result result[MODEL_DEPTH_MAX];
    uint32_t done_count;
    unsigned starts;
    unsigned kicks;
    unsigned reads, writes, flushes; /* carried out */
    bool stuck_in_reset;
    bool fails_to_start;
};

void model_disk_open(struct model_disk *disk, uint8_t *medium, uint64_t sectors, uint32_t depth,
                     uint32_t transfer_max);

/* Carries out, and answers, the `index`th command in the queue. */
void model_disk_answer(struct model_disk *disk, uint32_t index, enum block_result result);

/* The oldest `count` of them, as many as there are. */
void model_disk_answer_some(struct model_disk *disk, uint32_t count);

#endif
