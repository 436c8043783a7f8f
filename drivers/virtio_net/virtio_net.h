/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of a virtio network device (virtio 1.2 5.1): one receive and one transmit queue, whole
 * frames without offloads. Runs over drivers/virtio; no system calls, nothing waits.
 *
 *     virtio_net_open     checks the device, takes the DMA memory, starts a reset
 *     virtio_net_start    once virtio_reset_done(&net->device): sets the queues up; the device
 * works virtio_net_receive  the next received frame, and virtio_net_release to give its buffer back
 *     virtio_net_transmit_buffer, virtio_net_transmit  room for a frame, and sending what was
 * written there virtio_net_flush    after a batch of those: tells the device virtio_net_sleep asks
 * for an interrupt before the caller waits
 *
 * After a failure (virtio_net_broken, virtio_failed) the caller may begin again with
 * virtio_net_open. The device is not trusted: an impossible completion breaks the queue, and a
 * length counts only within the buffer.
 */
#ifndef DRIVERS_VIRTIO_NET_VIRTIO_NET_H
#define DRIVERS_VIRTIO_NET_VIRTIO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/virtio/virtio.h"

#define VIRTIO_NET_BUFFER    2048u
#define VIRTIO_NET_HEADER    12u /* struct virtio_net_hdr, 5.1.6 */
#define VIRTIO_NET_FRAME_MAX 1522u

enum virtio_net_error {
    VIRTIO_NET_OK = 0,
    VIRTIO_NET_TRANSPORT,  /* see transport_error */
    VIRTIO_NET_OTHER_TYPE, /* a virtio device, but no network card */
    VIRTIO_NET_MEMORY, /* the DMA memory is too small for queues of VIRTIO_NET_QUEUE_MIN entries */
};

#define VIRTIO_NET_QUEUE_MIN 16u

struct virtio_net {
    struct virtio_device device;
    enum virtio_error transport_error;
    struct virtqueue receive;
    struct virtqueue transmit;
    uint8_t *dma;
    uint64_t dma_size;
    uint8_t *receive_buffers;
    uint8_t *transmit_buffers;
    uint64_t mac; /* first byte in bits 47-40; 0: the device names none */
    uint16_t transmit_free[VIRTQUEUE_SIZE_MAX]; /* numbers of unused transmit buffers */
    uint16_t transmit_free_count;
    uint16_t received; /* the buffer that virtio_net_receive lent out */
};

/* `dma` is page-aligned and lies at the same address for the device. May be called again after a
 * failure. */
enum virtio_net_error virtio_net_open(struct virtio_net *net, const volatile void *config_page,
                                      const struct virtio_bar bars[PCI_BARS], void *dma,
                                      uint64_t dma_size);

enum virtio_net_error virtio_net_start(struct virtio_net *net);

/* The next frame, or NULL. Its memory may still be changed by a device that misbehaves. At most one
 * is lent at a time. *frame_length is 0 to VIRTIO_NET_FRAME_MAX; 0: what came is no frame; release
 * it all the same. */
const uint8_t *virtio_net_receive(struct virtio_net *net, uint32_t *frame_length);
void virtio_net_release(struct virtio_net *net);

/* Room for VIRTIO_NET_FRAME_MAX bytes, or NULL: the device has not sent enough yet. Then
 * virtio_net_transmit sends what was written there; without that call the buffer stays free. */
uint8_t *virtio_net_transmit_buffer(struct virtio_net *net);
void virtio_net_transmit(struct virtio_net *net, uint32_t frame_length);

void virtio_net_flush(struct virtio_net *net);

/* A queue is broken: nothing moves any more. Devices may also fail by their status:
 * virtio_failed(&net->device). */
bool virtio_net_broken(const struct virtio_net *net);

/* True: an interrupt will announce the next frame. False: one is there already. */
bool virtio_net_sleep(struct virtio_net *net);

/* No interrupts while the caller polls. */
void virtio_net_awake(struct virtio_net *net);

/* A sentence for messages. */
const char *virtio_net_error_text(const struct virtio_net *net, enum virtio_net_error error);

#endif
