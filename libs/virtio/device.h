/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device, whatever its type and transport: status, features, configuration space and
 * queues (virtio 1.2 chapter 2 and 3.1). A type is one table of operations; a transport is another.
 * Only modern devices: a driver that does not accept VIRTIO_F_VERSION_1 gets no FEATURES_OK.
 *
 * A driver that breaks the rules gets DEVICE_NEEDS_RESET and no service until it resets the device.
 */
#ifndef LIBS_VIRTIO_DEVICE_H
#define LIBS_VIRTIO_DEVICE_H

#include "libs/virtio/queue.h"

/* Types, chapter 5 */
enum virtio_type {
    VIRTIO_TYPE_NET = 1,
    VIRTIO_TYPE_BLOCK = 2,
    VIRTIO_TYPE_CONSOLE = 3,
    VIRTIO_TYPE_ENTROPY = 4,
};

/* 2.1 */
enum virtio_status {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

/* Chapter 6 */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

#define VIRTIO_QUEUES_MAX 4u

struct virtio_device;

struct virtio_device_ops {
    /* The driver has set DRIVER_OK: the queues it wanted are ready. */
    void (*start)(struct virtio_device *device);
    /* The device is reset: queues are gone, nothing in guest memory may be touched for what was
     * under way. */
    void (*reset)(struct virtio_device *device);
    /* The driver notified queue `index`, which is ready; or there may be more in it. */
    void (*kick)(struct virtio_device *device, unsigned index);
    /* The driver wrote [offset, offset + bytes) of the configuration space; NULL: it is read-only.
     */
    void (*configure)(struct virtio_device *device, uint32_t offset, unsigned bytes,
                      uint64_t value);
};

struct virtio_transport_ops {
    void (*used)(struct virtio_device *device,
                 unsigned index); /* notify the driver of used buffers */
    void (*configuration_changed)(struct virtio_device *device);
};

struct virtio_device {
    const struct virtio_device_ops *ops;
    void *context;                                /* the device model's */
    const struct virtio_transport_ops *transport; /* set by the transport, with transport_context */
    void *transport_context;
    enum virtio_type type;
    uint64_t offered;  /* features */
    uint64_t accepted; /* by the driver; final once FEATURES_OK is set */
    const void *configuration;
    uint32_t configuration_size; /* bytes */
    uint8_t generation;          /* of the configuration space, 2.5 */
    uint8_t status;
    struct virtio_memory memory;
    uint16_t queue_sizes[VIRTIO_QUEUES_MAX]; /* 0 behind the last */
    uint32_t queue_count;
    struct virtqueue queue[VIRTIO_QUEUES_MAX];
};

/*
 * `device` is zeroed but for ops, context, type, offered (VERSION_1 and EVENT_IDX are added here;
 * INDIRECT_DESC is the device's choice), configuration, configuration_size, memory and queue_sizes.
 */
void virtio_device_init(struct virtio_device *device);

/* What a transport passes on. */
void virtio_device_set_status(struct virtio_device *device, uint8_t status);
void virtio_device_set_features(struct virtio_device *device, uint64_t features);
void virtio_device_enable_queue(struct virtio_device *device, unsigned index);
void virtio_device_notified(struct virtio_device *device, unsigned index);
uint64_t virtio_device_read_configuration(const struct virtio_device *device, uint32_t offset,
                                          unsigned bytes);
void virtio_device_write_configuration(struct virtio_device *device, uint32_t offset,
                                       unsigned bytes, uint64_t value);

/* For devices. */

static inline bool virtio_device_running(const struct virtio_device *device)
{
    return (device->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) ==
           VIRTIO_STATUS_DRIVER_OK;
}

static inline bool virtio_device_has(const struct virtio_device *device, uint64_t feature)
{
    return (device->accepted & feature) != 0;
}

/* The driver broke the rules: DEVICE_NEEDS_RESET (2.1.2). */
void virtio_device_fail(struct virtio_device *device);

/* virtqueue_pop of a queue that may not be enabled; a broken queue fails the device. False: nothing
 * taken. */
bool virtio_device_pop(struct virtio_device *device, unsigned index, struct virtqueue_chain *chain);

/* Publishes what was pushed into a queue and notifies the driver if it wants that. */
void virtio_device_publish(struct virtio_device *device, unsigned index);

/* The device changed its configuration space. */
void virtio_device_configuration_changed(struct virtio_device *device);

#endif
