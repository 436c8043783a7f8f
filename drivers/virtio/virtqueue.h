/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a split virtqueue (virtio 1.2 2.7), without indirect descriptors and event
 * indices.
 *
 * The rings lie in memory that the device reaches at the same address as the driver (a
 * BH_RESOURCE_DMA region); buffers are given by such addresses too. All that the driver relies on
 * is in its own memory: the device can spoil the rings, but of them only the used ring is read, and
 * each entry is checked to name a chain that is in flight.
 *
 *     virtqueue_add       a chain of buffers; fails when there are not enough free descriptors
 *     virtqueue_publish   makes what was added visible; true: call virtio_notify
 *     virtqueue_take      the next completed chain
 */
#ifndef DRIVERS_VIRTIO_VIRTQUEUE_H
#define DRIVERS_VIRTIO_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQUEUE_SIZE_MAX 256u
#define VIRTQUEUE_ALIGN    4096u

struct virtqueue_buffer {
    uint64_t address;
    uint32_t length;
    bool device_writes; /* these come after those that the device reads */
};

struct virtqueue_descriptor { /* 2.7.5 */
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct virtqueue_available { /* 2.7.6 */
    uint16_t flags;
    uint16_t index;
    uint16_t ring[];
};

struct virtqueue_used_entry { /* 2.7.8 */
    uint32_t id;
    uint32_t length;
};

struct virtqueue_used {
    uint16_t flags;
    uint16_t index;
    struct virtqueue_used_entry ring[];
};

/* What the driver knows of one descriptor. */
struct virtqueue_slot {
    uint64_t token;    /* of the chain, in its head */
    uint32_t writable; /* bytes of the chain that the device may write, in its head */
    uint16_t next;     /* of the chain, or of the free list */
    uint16_t count; /* of descriptors in the chain, in its head; 0: not the head of one in flight */
};

struct virtqueue {
    struct virtqueue_descriptor *descriptors;
    struct virtqueue_available *available;
    struct virtqueue_used *used;
    volatile uint16_t *notify_address;
    uint16_t size;  /* entries, a power of two */
    uint16_t index; /* of the queue in its device */
    uint16_t free_count;
    uint16_t free_head;
    uint16_t added;     /* chains ever added, modulo 2^16 */
    uint16_t published; /* ... and shown to the device */
    uint16_t taken;     /* completions ever taken */
    uint16_t in_flight; /* chains added and not taken */
    bool broken;
    struct virtqueue_slot slot[VIRTQUEUE_SIZE_MAX];
};

enum virtqueue_status {
    VIRTQUEUE_OK = 0,
    VIRTQUEUE_EMPTY,
    VIRTQUEUE_BROKEN, /* the device answered what was not asked: reset it */
};

/* Bytes of DMA memory for a queue of `size` entries, at a multiple of VIRTQUEUE_ALIGN. */
size_t virtqueue_bytes(uint16_t size);

/* `size` is a power of two up to VIRTQUEUE_SIZE_MAX. Clears `memory`. */
void virtqueue_open(struct virtqueue *queue, uint16_t size, void *memory);

/* False: not enough free descriptors, or the queue is broken. `token` comes back with the chain.
 * No length is 0, `count` at least 1. */
bool virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers, uint16_t count,
                   uint64_t token);

bool virtqueue_publish(struct virtqueue *queue);

/* *length: bytes the device says it wrote, at most the writable bytes of the chain. */
enum virtqueue_status virtqueue_take(struct virtqueue *queue, uint64_t *token, uint32_t *length);

/*
 * Asks for interrupts, or for none (a hint: some may come nevertheless). Turned on: true if there
 * already are completions to take, of which the device may not interrupt.
 */
bool virtqueue_interrupts(struct virtqueue *queue, bool on);

#endif
