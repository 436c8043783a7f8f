/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a split virtqueue in the memory of a pretended guest, for tests of the
 * device's side. Tests may also write the rings themselves, as a hostile driver would.
 */
#ifndef TEST_UNIT_VIRTIO_DRIVER_H
#define TEST_UNIT_VIRTIO_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_BASE UINT64_C(0x40000000)
#ifndef GUEST_SIZE
#define GUEST_SIZE UINT64_C(0x00800000)
#endif

struct guest {
    uint8_t *memory; /* GUEST_SIZE bytes on the heap: one byte beyond is an error */
    uint64_t used;
};

void guest_create(struct guest *guest);
void guest_destroy(struct guest *guest);

/* The device's view: struct virtio_memory's pointer. */
void *guest_pointer(void *guest, uint64_t address, uint64_t length);

/* Zeroed memory, aligned to 16, never given back; its guest address. */
uint64_t guest_allocate(struct guest *guest, uint64_t length);

/* The test's view. */
void *guest_at(struct guest *guest, uint64_t address);

struct ring_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

enum {
    RING_NEXT = 1,
    RING_WRITE = 2,
    RING_INDIRECT = 4
};

struct driver_queue {
    struct guest *guest;
    uint16_t size;
    bool event_index;
    uint64_t descriptor_address, available_address, used_address;
    struct ring_descriptor *descriptors;
    uint16_t *available;      /* flags, index, ring, used_event */
    uint16_t *used;           /* flags, index, elements of four words, available_event */
    uint16_t next_descriptor; /* taken in turn; a test does not have more than `size` in use */
    uint16_t last_used;
    uint16_t kicked; /* available index at the last look at whether to kick */
};

void driver_queue_create(struct driver_queue *queue, struct guest *guest, uint16_t size,
                         bool event_index);

struct driver_buffer {
    uint64_t address;
    uint32_t length;
    bool writable;
};

/* Makes a chain available; returns its head. */
uint16_t driver_add(struct driver_queue *queue, const struct driver_buffer *buffers,
                    unsigned count);

/* The same by one indirect descriptor. */
uint16_t driver_add_indirect(struct driver_queue *queue, const struct driver_buffer *buffers,
                             unsigned count);

/* Puts a head into the available ring as it is. */
void driver_offer(struct driver_queue *queue, uint16_t head);

/* Whether the device asked to be notified of what was made available since the last call. */
bool driver_wants_kick(struct driver_queue *queue);

/* The next used buffer; false: none. */
bool driver_take(struct driver_queue *queue, uint32_t *head, uint32_t *length);

/* With event index: interrupt when `distance` more buffers are used than were taken so far. */
void driver_interrupt_after(struct driver_queue *queue, uint16_t distance);

#endif
