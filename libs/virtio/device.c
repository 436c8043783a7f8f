/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/virtio/device.h"

#include <string.h>

static void reset(struct virtio_device *device)
{
    device->status = 0;
    device->accepted = 0;
    for (uint32_t i = 0; i < device->queue_count; i++) {
        virtqueue_reset(&device->queue[i], &device->memory, device->queue_sizes[i]);
    }
}

void virtio_device_init(struct virtio_device *device)
{
    device->offered |= VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX;
    while (device->queue_count < VIRTIO_QUEUES_MAX &&
           device->queue_sizes[device->queue_count] != 0) {
        device->queue_count++;
    }
    reset(device);
}

void virtio_device_fail(struct virtio_device *device)
{
    if ((device->status & VIRTIO_STATUS_NEEDS_RESET) != 0) {
        return;
    }
    device->status |= VIRTIO_STATUS_NEEDS_RESET;
    if ((device->status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        device->transport->configuration_changed(device); /* 2.1.2 */
    }
}

/* 3.1.1: VERSION_1 is required, and nothing may be accepted that was not offered. */
static bool features_acceptable(const struct virtio_device *device)
{
    return (device->accepted & ~device->offered) == 0 &&
           (device->accepted & VIRTIO_F_VERSION_1) != 0;
}

void virtio_device_set_status(struct virtio_device *device, uint8_t status)
{
    if (status == 0) {
        reset(device);
        device->ops->reset(device);
        return;
    }
    uint8_t before = device->status;
    /* 2.1.1: the driver clears no bit but by a reset; NEEDS_RESET is not its to set. */
    status = (uint8_t)(before | (status & ~VIRTIO_STATUS_NEEDS_RESET));
    if ((before & VIRTIO_STATUS_FEATURES_OK) == 0 && (status & VIRTIO_STATUS_FEATURES_OK) != 0 &&
        !features_acceptable(device)) {
        status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
    }
    if ((status & VIRTIO_STATUS_FEATURES_OK) == 0) {
        status &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK; /* 3.1.1: not before step 8 */
    }
    device->status = status;
    if (((before ^ status) & VIRTIO_STATUS_DRIVER_OK) != 0 && virtio_device_running(device)) {
        device->ops->start(device);
    }
}

void virtio_device_set_features(struct virtio_device *device, uint64_t features)
{
    if ((device->status & VIRTIO_STATUS_FEATURES_OK) == 0) { /* 2.2.1 */
        device->accepted = features;
    }
}

void virtio_device_enable_queue(struct virtio_device *device, unsigned index)
{
    if (index >= device->queue_count || device->queue[index].ready || device->queue[index].broken) {
        return;
    }
    bool negotiated = (device->status & VIRTIO_STATUS_FEATURES_OK) != 0;
    if (!negotiated ||
        !virtqueue_enable(&device->queue[index], virtio_device_has(device, VIRTIO_F_EVENT_IDX),
                          virtio_device_has(device, VIRTIO_F_INDIRECT_DESC))) {
        virtio_device_fail(device);
    }
}

void virtio_device_notified(struct virtio_device *device, unsigned index)
{
    if (index < device->queue_count && device->queue[index].ready &&
        virtio_device_running(device)) {
        device->ops->kick(device, index);
    }
}

uint64_t virtio_device_read_configuration(const struct virtio_device *device, uint32_t offset,
                                          unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        if ((uint64_t)offset + i < device->configuration_size) {
            value |= (uint64_t)((const uint8_t *)device->configuration)[offset + i] << (8 * i);
        }
    }
    return value;
}

void virtio_device_write_configuration(struct virtio_device *device, uint32_t offset,
                                       unsigned bytes, uint64_t value)
{
    if (device->ops->configure != NULL && offset < device->configuration_size) {
        device->ops->configure(device, offset, bytes, value);
    }
}

bool virtio_device_pop(struct virtio_device *device, unsigned index, struct virtqueue_chain *chain)
{
    struct virtqueue *queue = &device->queue[index];
    if (!queue->ready) {
        return false;
    }
    switch (virtqueue_pop(queue, chain)) {
    case VIRTQUEUE_OK:
        return true;
    case VIRTQUEUE_EMPTY:
        return false;
    default:
        virtio_device_fail(device);
        return false;
    }
}

void virtio_device_publish(struct virtio_device *device, unsigned index)
{
    if (virtqueue_publish(&device->queue[index])) {
        device->transport->used(device, index);
    }
}

void virtio_device_configuration_changed(struct virtio_device *device)
{
    device->generation++;
    if ((device->status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        device->transport->configuration_changed(device);
    }
}
