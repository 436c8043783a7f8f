/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver for virtio block devices (virtio 1.2 section 5.2), modern, over PCI with MSI-X or INTx. How
 * it is used is in drivers/block_device.h; virtio_blk_open only looks for the registers.
 *
 * A device without VIRTIO_BLK_F_FLUSH writes through (5.2.5.2): flushes are answered at once.
 */
#ifndef DRIVERS_VIRTIO_BLK_VIRTIO_BLK_H
#define DRIVERS_VIRTIO_BLK_VIRTIO_BLK_H

#include <stddef.h>

#include "drivers/block_device.h"
#include "drivers/virtio/virtio.h"

#define VIRTIO_BLK_DESCRIPTORS  3u /* of a request: header, data, status */
#define VIRTIO_BLK_REQUESTS_MAX (VIRTQUEUE_SIZE_MAX / 2)
#define VIRTIO_BLK_MEMORY_MIN   (8u * 4096u)

/* What a request consists of beside the data, in DMA memory. */
struct virtio_blk_request {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint8_t status;
    uint8_t padding[15];
};

struct virtio_blk {
    struct block_device block;
    struct virtio_device virtio;
    struct virtqueue queue;
    uint8_t *memory;
    size_t memory_size;
    uint64_t second; /* ticks */
    uint64_t deadline;
    struct virtio_blk_request *requests; /* in DMA memory */
    uint16_t free_count;
    uint16_t free[VIRTIO_BLK_REQUESTS_MAX];
    uint64_t token[VIRTIO_BLK_REQUESTS_MAX];
    bool write_through;
    uint16_t done_count; /* flushes of a device that writes through */
    uint64_t done[VIRTIO_BLK_REQUESTS_MAX];
};

/* `config_page` and `bars` as for virtio_open; `memory` is page-aligned DMA memory. NULL: fine;
 * else what is wrong. */
const char *virtio_blk_open(struct virtio_blk *blk, const volatile void *config_page,
                            const struct virtio_bar bars[PCI_BARS], void *memory,
                            size_t memory_size, uint64_t ticks_per_second);

#endif
