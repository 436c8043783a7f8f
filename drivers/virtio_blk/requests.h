/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests over a started queue: private to the driver, and without device registers but for the
 * doorbell. */
#ifndef DRIVERS_VIRTIO_BLK_REQUESTS_H
#define DRIVERS_VIRTIO_BLK_REQUESTS_H

#include "drivers/virtio_blk/virtio_blk.h"

/* Lays out the queue (of `size` entries) and as many requests as it holds; false: the memory is too
 * small. */
bool virtio_blk_prepare(struct virtio_blk *blk, uint16_t size);

bool virtio_blk_submit(struct block_device *device, const struct block_command *command);
void virtio_blk_kick(struct block_device *device);
bool virtio_blk_take(struct block_device *device, uint64_t *token, enum block_result *result);

/* FAILED: the device is told, and gets and answers nothing until it is started again. */
void virtio_blk_stop(struct virtio_blk *blk, const char *error);

#endif
