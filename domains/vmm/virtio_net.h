/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio network device (virtio 1.2 section 5.1) over a port of the network service (ipc/net.h).
 * No offloads: every frame is copied once on its way, between guest memory and a buffer of the
 * channel's data region.
 *
 * Half of the buffers are for each direction. A frame to send has left the guest once it is copied.
 * A received frame for which the guest has no buffer stays where it is; when all buffers hold such
 * frames, the service drops what comes. While the service is away, frames to send wait in the
 * guest's queue, and those it has not answered are sent again.
 */
#ifndef DOMAINS_VMM_VIRTIO_NET_H
#define DOMAINS_VMM_VIRTIO_NET_H

#include "domains/vmm/link.h"
#include "ipc/net.h"
#include "libs/virtio/device.h"

#define VIRTIO_NET_QUEUE_SIZE  256u
#define VIRTIO_NET_BUFFERS_MAX 512u

/* 5.1.4, as far as it is offered */
struct virtio_net_config {
    uint8_t mac[6];
    uint16_t status;
};

struct virtio_net_buffer {
    uint32_t use;    /* counts its submissions: with its number, the request's id */
    uint32_t length; /* of the frame to send */
    bool in_flight;
};

struct virtio_net {
    struct virtio_device device;
    struct vm *vm;
    struct vm_link link;
    struct virtio_net_config config;
    struct bh_channel channel; /* usable while attached */
    bool attached;
    bool complained;
    uint32_t
        receive_count; /* buffers [0, receive_count) receive, [receive_count, buffer_count) send */
    uint32_t buffer_count;
    uint32_t unannounced; /* receive buffers put into the ring since the service was signalled */
    uint32_t free_count;
    uint32_t held_first, held_count; /* received frames in their order, a ring of receive_count */
    uint16_t free[VIRTIO_NET_BUFFERS_MAX]; /* to send with */
    struct {
        uint16_t buffer;
        uint16_t length;
    } held[VIRTIO_NET_BUFFERS_MAX];
    struct virtio_net_buffer buffer[VIRTIO_NET_BUFFERS_MAX];
};

/* `net` is zeroed; `resource` a network channel. The transport is up to the caller. False: no room
 * for signals, or the channel is too small. */
bool virtio_net_create(struct virtio_net *net, struct vm *vm, const struct bh_resource *resource);

#endif
