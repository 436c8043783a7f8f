/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio_blk/requests.h"

#include <string.h>

/* 5.2.6 */
enum request_type {
    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
};

enum request_status {
    STATUS_OK = 0,
    STATUS_PENDING = 0xff, /* none of the specification's: the device has not written it */
};

#define HEADER_BYTES offsetof(struct virtio_blk_request, status)

_Static_assert(HEADER_BYTES == 16, "5.2.6: type, reserved, sector");

bool virtio_blk_prepare(struct virtio_blk *blk, uint16_t size)
{
    size_t queue_bytes = virtqueue_bytes(size);
    if (queue_bytes > blk->memory_size) {
        return false;
    }
    size_t room = (blk->memory_size - queue_bytes) / sizeof(struct virtio_blk_request);
    size_t depth = size / VIRTIO_BLK_DESCRIPTORS;
    depth = depth > room ? room : depth;
    if (depth == 0) {
        return false;
    }
    virtqueue_open(&blk->queue, size, blk->memory);
    blk->requests = (void *)(blk->memory + queue_bytes);
    blk->done_count = 0;
    blk->block.depth = (uint32_t)depth;
    blk->free_count = (uint16_t)depth;
    for (uint16_t i = 0; i < blk->free_count; i++) {
        blk->free[i] = (uint16_t)(blk->free_count - 1 - i);
    }
    return true;
}

bool virtio_blk_submit(struct block_device *device, const struct block_command *command)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    bool flush = command->operation == BLOCK_FLUSH;
    if (device->state != BLOCK_READY || blk->free_count == 0) {
        return false;
    }
    if (flush && blk->write_through) {
        if (blk->done_count == VIRTIO_BLK_REQUESTS_MAX) {
            return false;
        }
        blk->done[blk->done_count++] = command->token;
        return true;
    }
    uint16_t index = blk->free[blk->free_count - 1];
    struct virtio_blk_request *request = &blk->requests[index];
    uint64_t at = (uintptr_t)request;
    bool read = command->operation == BLOCK_READ;
    request->type = flush ? TYPE_FLUSH : read ? TYPE_IN : TYPE_OUT;
    request->reserved = 0;
    request->sector = flush ? 0 : command->sector;
    request->status = STATUS_PENDING;
    struct virtqueue_buffer buffers[VIRTIO_BLK_DESCRIPTORS];
    uint16_t count = 0;
    buffers[count++] = (struct virtqueue_buffer){.address = at, .length = HEADER_BYTES};
    if (!flush) {
        buffers[count++] = (struct virtqueue_buffer){
            .address = command->address, .length = command->length, .device_writes = read};
    }
    buffers[count++] =
        (struct virtqueue_buffer){.address = at + HEADER_BYTES, .length = 1, .device_writes = true};
    if (!virtqueue_add(&blk->queue, buffers, count, index)) {
        return false;
    }
    blk->free_count--;
    blk->token[index] = command->token;
    return true;
}

void virtio_blk_kick(struct block_device *device)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    if (device->state == BLOCK_READY && virtqueue_publish(&blk->queue)) {
        virtio_notify(&blk->queue);
    }
}

bool virtio_blk_take(struct block_device *device, uint64_t *token, enum block_result *result)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    if (device->state != BLOCK_READY) {
        return false;
    }
    if (blk->done_count != 0) {
        *token = blk->done[--blk->done_count];
        *result = BLOCK_OK;
        return true;
    }
    uint64_t index;
    uint32_t length;
    switch (virtqueue_take(&blk->queue, &index, &length)) {
    case VIRTQUEUE_EMPTY:
        return false;
    case VIRTQUEUE_BROKEN:
        virtio_blk_stop(blk, "the device answered a request that was not given");
        return false;
    case VIRTQUEUE_OK:
        break;
    }
    uint8_t status = __atomic_load_n(&blk->requests[index].status, __ATOMIC_RELAXED);
    *token = blk->token[index];
    *result = status == STATUS_OK ? BLOCK_OK : BLOCK_ERROR;
    blk->free[blk->free_count++] = (uint16_t)index;
    return true;
}
