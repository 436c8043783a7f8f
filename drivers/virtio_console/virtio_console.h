/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver for the first port of a virtio console (virtio 1.2 5.3), for output alone: bytes go out in
 * large buffers, nothing is received. Nothing waits and nothing interrupts: the caller keeps the
 * time, and comes back for buffers.
 *
 *     virtio_console_open     finds the device and starts its reset
 *     virtio_reset_done       ... says when that is over
 *     virtio_console_start    the device works now
 *     virtio_console_buffer   a buffer that nobody uses, to be filled
 *     virtio_console_send     sends the beginning of that buffer
 */
#ifndef DRIVERS_VIRTIO_CONSOLE_H
#define DRIVERS_VIRTIO_CONSOLE_H

#include "drivers/virtio/virtio.h"

#define VIRTIO_CONSOLE_BUFFER  65536u
#define VIRTIO_CONSOLE_BUFFERS 16u

struct virtio_console {
    struct virtio_device device;
    struct virtqueue transmit;
    uint8_t *dma, *buffers;
    uint64_t dma_size;
    uint32_t buffer_count;
    uint32_t free; /* a bit for each buffer */
};

/* `dma` is BH_RESOURCE_DMA memory, a multiple of pages at a page. NULL, or why not. */
const char *virtio_console_open(struct virtio_console *console, const volatile void *config_page,
                                const struct virtio_bar bars[PCI_BARS], void *dma, uint64_t dma_size);
const char *virtio_console_start(struct virtio_console *console);

/* VIRTIO_CONSOLE_BUFFER bytes; the same one until it is sent. NULL: all are with the device. */
uint8_t *virtio_console_buffer(struct virtio_console *console);

/* `length` of the buffer's bytes, at least 1. */
void virtio_console_send(struct virtio_console *console, uint32_t length);

/* Whether the device has taken everything (or is broken, and takes nothing more). */
bool virtio_console_idle(struct virtio_console *console);

/* Whether the device answered what was not asked: nothing more is sent. */
bool virtio_console_broken(const struct virtio_console *console);

#endif
