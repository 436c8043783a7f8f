/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio block device (virtio 1.2 section 5.2) over a block channel (ipc/block.h).
 *
 * Data crosses in the channel's data region and is copied to and from guest memory here. A request
 * is sent in as few pieces as the region and the ring allow. When neither has room, the request
 * waits, and nothing more is taken from the queue until answers come; so at most one request waits
 * at a time. While the service is away, requests in flight stay in the client's table and are sent
 * again; the guest notices a delay only.
 */
#ifndef DOMAINS_VMM_VIRTIO_BLK_H
#define DOMAINS_VMM_VIRTIO_BLK_H

#include "domains/vmm/link.h"
#include "ipc/block_client.h"
#include "ipc/pages.h"
#include "libs/virtio/device.h"

#define VIRTIO_BLK_QUEUE_SIZE 256u
#define VIRTIO_BLK_REQUESTS   128u /* under way at a time */
#define VIRTIO_BLK_SEGMENTS_MAX \
    (VIRTIO_BLK_QUEUE_SIZE - 2u) /* of data: the header and the status take one each */
#define VIRTIO_BLK_INLINE   4u
#define VIRTIO_BLK_ID_BYTES 20u

/* 5.2.4, as far as it is offered */
struct virtio_blk_config {
    uint64_t capacity; /* sectors */
    uint32_t size_max;
    uint32_t seg_max;
    uint8_t geometry[4];
    uint32_t blk_size;
};

struct virtio_blk;

struct virtio_blk_request {
    struct virtio_blk_request *next_free;
    uint64_t sector;
    uint32_t operation; /* enum bh_block_operation */
    uint32_t length;    /* bytes in all */
    uint32_t sent;      /* bytes of them in pieces sent so far; a flush: 1 when sent */
    uint32_t pieces;    /* unanswered */
    uint16_t head;
    bool orphan;  /* the device was reset meanwhile: guest memory is not to be touched */
    bool flushed; /* a write through: its flush has been sent */
    uint8_t status;
    uint8_t *status_byte; /* in guest memory */
    uint32_t segment_count;
    struct virtqueue_segment *segments; /* in guest memory: inline_segments, or malloc's */
    struct virtqueue_segment inline_segments[VIRTIO_BLK_INLINE];
};

struct virtio_blk {
    struct virtio_device device;
    struct vm *vm;
    struct vm_link link;
    struct virtio_blk_config config;
    char id[VIRTIO_BLK_ID_BYTES];
    bool read_only;
    bool started;    /* the client is initialised: an attachment there has been */
    bool deferred;   /* the next chain waits in the queue for memory */
    bool complained; /* about a broken channel */
    uint32_t piece_min;
    struct bh_block_client client;
    struct bh_pages pages;
    struct virtio_blk_request *free;
    struct virtio_blk_request *waiting; /* not wholly sent */
    struct virtio_blk_request request[VIRTIO_BLK_REQUESTS];
};

/* `blk` is zeroed; `resource` a block channel. The transport is up to the caller. False: no room
 * for signals. */
bool virtio_blk_create(struct virtio_blk *blk, struct vm *vm, const struct bh_resource *resource);

#endif
