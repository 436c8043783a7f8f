/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio driver (virtio 1.2, 4.1) that is as wrong as its user likes: it checks nothing. */
#ifndef TEST_SYSTEM_VIRTIO_H
#define TEST_SYSTEM_VIRTIO_H

#include "payload.h"

#define VIRTIO_QUEUE_SIZE 8u

#define VIRTIO_NET     1u
#define VIRTIO_BLOCK   2u
#define VIRTIO_CONSOLE 3u
#define VIRTIO_ENTROPY 4u

#define DESCRIPTOR_NEXT     1u
#define DESCRIPTOR_WRITE    2u
#define DESCRIPTOR_INDIRECT 4u

#define STATUS_DRIVER_OK   4u
#define STATUS_NEEDS_RESET 64u

struct virtio_device {
    unsigned type;
    uint64_t bar, bar_size; /* the largest */
    uint64_t common, notify, isr, configuration;
    uint32_t notify_multiplier;
};

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

/* Memory of one queue: everything a driver and a device share. */
struct queue_memory {
    struct descriptor descriptor[VIRTIO_QUEUE_SIZE];
    volatile uint16_t available[3 + VIRTIO_QUEUE_SIZE];
    volatile uint16_t padding[5];
    volatile uint16_t used[3 + 4 * VIRTIO_QUEUE_SIZE];
};

/* False: device `number` of bus 0 is no virtio device. Its BARs are placed and it may do DMA from
 * then on. */
bool virtio_find(unsigned number, struct virtio_device *device);

void virtio_reset(const struct virtio_device *device);

/* Up to FEATURES_OK, with all features that are offered and in `wanted`. */
void virtio_negotiate(const struct virtio_device *device, uint64_t wanted);

/* Enables a queue with these addresses and this size, right or wrong. */
void virtio_queue(const struct virtio_device *device, unsigned index, unsigned size,
                  uint64_t descriptors, uint64_t available, uint64_t used);
void virtio_queue_memory(const struct virtio_device *device, unsigned index,
                         struct queue_memory *memory);

void virtio_go(const struct virtio_device *device);
uint8_t virtio_status(const struct virtio_device *device);
void virtio_notify(const struct virtio_device *device, unsigned index);

/* Makes the descriptor `head` available and notifies. */
void virtio_offer(const struct virtio_device *device, unsigned index, struct queue_memory *memory,
                  uint16_t head);

#endif
