/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/vmm/virtio_blk_transfer.h"

#include <stdlib.h>

void blk_request_free(struct virtio_blk *blk, struct virtio_blk_request *request)
{
    if (request->segments != request->inline_segments) {
        free(request->segments);
    }
    request->segments = request->inline_segments;
    request->next_free = blk->free;
    blk->free = request;
}

/* 2.7.8.2: `written` counts from the start of what the driver made writable. */
void blk_request_finish(struct virtio_blk *blk, struct virtio_blk_request *request)
{
    if (!request->orphan) {
        bool ok = request->status == STATUS_OK;
        uint32_t written = request->operation != BH_BLOCK_READ ? 1 : ok ? request->length + 1 : 0;
        *request->status_byte = request->status;
        virtqueue_push(&blk->device.queue[0], request->head, written);
        blk_counters(blk)->errors += ok ? 0 : 1;
    }
    blk_request_free(blk, request);
}

/* --- Sending --- */

static bool send_piece(struct virtio_blk *blk, struct virtio_blk_request *request, uint64_t offset,
                       uint32_t length)
{
    enum bh_block_operation operation = (enum bh_block_operation)request->operation;
    uint64_t sector = request->sector + request->sent / BH_BLOCK_SECTOR;
    if (bh_block_client_submit(&blk->client, operation, sector, offset, length, request) !=
        BH_RING_OK) {
        return false;
    }
    request->pieces++;
    return true;
}

static bool send_flush(struct virtio_blk *blk, struct virtio_blk_request *request)
{
    if (bh_block_client_submit(&blk->client, BH_BLOCK_FLUSH, 0, 0, 0, request) != BH_RING_OK) {
        return false;
    }
    request->pieces++;
    blk_counters(blk)->flushes++;
    return true;
}

static bool sent_wholly(const struct virtio_blk_request *request)
{
    return request->sent == (request->operation == BH_BLOCK_FLUSH ? 1 : request->length);
}

/*
 * Room in the data region for `*length` bytes, or for less, which *length becomes then. Rather than
 * in scraps a request goes when more room is free.
 */
static uint64_t take_room(struct virtio_blk *blk, uint32_t *length)
{
    uint32_t left = *length < BH_BLOCK_LENGTH_MAX ? *length : BH_BLOCK_LENGTH_MAX;
    uint64_t offset = bh_pages_take(&blk->pages, left);
    while (offset == BH_PAGES_NONE && left > blk->piece_min) {
        left = (left / 2 + BH_CHANNEL_PAGE - 1) / BH_CHANNEL_PAGE * BH_CHANNEL_PAGE;
        offset = bh_pages_take(&blk->pages, left);
    }
    *length = left;
    return offset;
}

bool blk_request_send(struct virtio_blk *blk, struct virtio_blk_request *request)
{
    if (request->operation == BH_BLOCK_FLUSH) {
        request->sent = send_flush(blk, request) ? 1 : 0;
        return request->sent == 1;
    }
    while (request->sent < request->length) {
        uint32_t length = request->length - request->sent;
        if (!blk->client.attached || blk->client.free_count == 0) {
            return false;
        }
        uint64_t offset = take_room(blk, &length);
        if (offset == BH_PAGES_NONE) {
            return false;
        }
        if (request->operation == BH_BLOCK_WRITE) {
            (void)virtqueue_copy_out(request->segments, request->segment_count, request->sent,
                                     blk->client.channel.data + offset, length);
        }
        if (!send_piece(blk, request, offset, length)) {
            bh_pages_give(&blk->pages, offset, length);
            return false;
        }
        request->sent += length;
    }
    return true;
}

/* --- Answers --- */

/* All pieces are answered. Without FLUSH a write must be durable now (5.2.6.2). */
static bool needs_flush(const struct virtio_blk *blk, const struct virtio_blk_request *request)
{
    return request->operation == BH_BLOCK_WRITE && !request->flushed && !request->orphan &&
           request->status == STATUS_OK && !virtio_device_has(&blk->device, VIRTIO_BLK_F_FLUSH);
}

void blk_piece_answered(struct virtio_blk *blk, const struct bh_block_done *done)
{
    struct virtio_blk_request *request = done->cookie;
    const struct bh_block_request *piece = &done->request;
    request->pieces--;
    if (done->status != BH_BLOCK_OK) {
        request->status = STATUS_IO_ERROR;
    } else if (piece->operation == BH_BLOCK_READ && !request->orphan) {
        (void)virtqueue_copy_in(request->segments, request->segment_count,
                                (piece->sector - request->sector) * BH_BLOCK_SECTOR,
                                blk->client.channel.data + piece->offset, piece->length);
    }
    bh_pages_give(&blk->pages, piece->offset, piece->length);
    if (request->pieces != 0 || !sent_wholly(request)) {
        return;
    }
    if (needs_flush(blk, request)) {
        request->flushed = true;
        if (send_flush(blk, request)) {
            return;
        }
        request->status = STATUS_IO_ERROR; /* the ring broke just now */
    }
    blk_request_finish(blk, request);
}
