/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split virtqueue (virtio 1.2 section 2.7) in a guest's memory.
 *
 * The guest is hostile and may write at any time. A descriptor is copied once, checked, and the
 * copy used; a chain is walked at most as far as it may be long; an index or a chain that breaks
 * the rules breaks the queue: every later call says so, and the device asks for a reset (device.h).
 * Data that a chain points to lies in guest memory and keeps changing under the device's hands:
 * copy it before checking it.
 */
#ifndef LIBS_VIRTIO_QUEUE_H
#define LIBS_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQUEUE_SIZE_MAX 256u

/* A pointer to [address, address + length) of the guest's memory, or NULL when any of it lies
 * outside or length is 0. */
struct virtio_memory {
    void *(*pointer)(void *context, uint64_t address, uint64_t length);
    void *context;
};

struct virtqueue_descriptor; /* 2.7.5 */

struct virtqueue_used_element { /* 2.7.8 */
    uint32_t id;
    uint32_t length;
};

struct virtqueue_segment {
    uint8_t *data;
    uint32_t length; /* never 0 */
};

/* A buffer that the driver made available. */
struct virtqueue_chain {
    uint16_t head; /* names it in virtqueue_push */
    uint16_t readable_count;
    uint16_t writable_count;
    uint64_t readable_bytes;
    uint64_t writable_bytes;
    struct virtqueue_segment segment[VIRTQUEUE_SIZE_MAX]; /* the readable ones first */
};

struct virtqueue {
    /* Set by the driver through the transport before it enables the queue. */
    uint16_t size; /* entries, a power of two up to size_max */
    uint16_t size_max;
    uint64_t descriptor_address, available_address, used_address;

    bool ready;       /* enabled: the pointers below are valid */
    bool broken;      /* until the next reset */
    bool event_index; /* VIRTIO_F_EVENT_IDX was negotiated */
    bool indirect;    /* VIRTIO_F_INDIRECT_DESC was negotiated */

    const struct virtio_memory *memory;
    const struct virtqueue_descriptor *descriptors;
    uint16_t *available;      /* flags, index, ring[size], used_event: 2.7.6 */
    uint16_t *used;           /* flags, index, ring[size] of elements, available_event: 2.7.8 */
    uint16_t available_index; /* the next to take */
    uint16_t used_index;      /* the next to give, published or not */
    uint16_t told_index;      /* used_index when virtqueue_publish last looked */
};

enum virtqueue_status {
    VIRTQUEUE_OK = 0,
    VIRTQUEUE_EMPTY,
    VIRTQUEUE_BROKEN,
};

/* The state after a reset, of a queue with at most `size_max` entries (a power of two). */
void virtqueue_reset(struct virtqueue *queue, const struct virtio_memory *memory,
                     uint16_t size_max);

/* False: size or addresses are not what 2.7 asks for, or lie outside guest memory; the queue is
 * broken. */
bool virtqueue_enable(struct virtqueue *queue, bool event_index, bool indirect);

/* Takes the next chain. Not OK: `chain` holds nothing of use. */
enum virtqueue_status virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain);

/* Whether virtqueue_pop has something to say; cheaper than asking it. */
static inline bool virtqueue_pending(const struct virtqueue *queue)
{
    return queue->ready &&
           __atomic_load_n(&queue->available[1], __ATOMIC_RELAXED) != queue->available_index;
}

/* Puts back the chain that virtqueue_pop took last; nothing may have been pushed for it. */
void virtqueue_unpop(struct virtqueue *queue);

/*
 * All was taken: the driver shall notify at the next chain. True: it may be waited for; false:
 * there is one already. Until the call the driver need not notify (2.7.10).
 */
bool virtqueue_wait(struct virtqueue *queue);

/* Gives a chain back with `length` bytes written from the start of its writable part. The driver
 * sees it after publish. */
void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t length);

/* Makes what was pushed visible. True: the driver wants a notification of it (2.7.7, 2.7.8). */
bool virtqueue_publish(struct virtqueue *queue);

/* Eight bytes of guest memory, read exactly once whatever the compiler makes of the rest; any
 * alignment. */
static inline uint64_t virtio_read_once(const void *address)
{
    typedef uint64_t __attribute__((may_alias, aligned(1))) word;
    return *(const volatile word *)address;
}

/* Copies between a list of segments, from byte `position` on, and a buffer; returns how many bytes
 * there were. */
size_t virtqueue_copy_out(const struct virtqueue_segment *segments, uint32_t count,
                          uint64_t position, void *buffer, size_t length);
size_t virtqueue_copy_in(const struct virtqueue_segment *segments, uint32_t count,
                         uint64_t position, const void *buffer, size_t length);

#endif
