/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/virtio/driver.h"

#include <string.h>

#include "test/unit/check.h"

void guest_create(struct guest *guest)
{
    *guest = (struct guest){.memory = calloc(1, GUEST_SIZE)};
    CHECK(guest->memory != NULL);
}

void guest_destroy(struct guest *guest)
{
    free(guest->memory);
}

void *guest_pointer(void *context, uint64_t address, uint64_t length)
{
    struct guest *guest = context;
    uint64_t offset = address - GUEST_BASE;
    if (length == 0 || offset >= GUEST_SIZE || length > GUEST_SIZE - offset) {
        return NULL;
    }
    return guest->memory + offset;
}

uint64_t guest_allocate(struct guest *guest, uint64_t length)
{
    uint64_t offset = (guest->used + 15) & ~UINT64_C(15);
    CHECK(offset <= GUEST_SIZE && length <= GUEST_SIZE - offset);
    guest->used = offset + length;
    return GUEST_BASE + offset;
}

void *guest_at(struct guest *guest, uint64_t address)
{
    CHECK(address - GUEST_BASE < GUEST_SIZE);
    return guest->memory + (address - GUEST_BASE);
}

void driver_queue_create(struct driver_queue *queue, struct guest *guest, uint16_t size,
                         bool event_index)
{
    *queue = (struct driver_queue){.guest = guest, .size = size, .event_index = event_index};
    queue->descriptor_address = guest_allocate(guest, 16u * size);
    queue->available_address = guest_allocate(guest, 6u + 2u * size);
    queue->used_address = guest_allocate(guest, 6u + 8u * size);
    queue->descriptors = guest_at(guest, queue->descriptor_address);
    queue->available = guest_at(guest, queue->available_address);
    queue->used = guest_at(guest, queue->used_address);
}

void driver_offer(struct driver_queue *queue, uint16_t head)
{
    queue->available[2 + queue->available[1] % queue->size] = head;
    queue->available[1]++;
}

uint16_t driver_add(struct driver_queue *queue, const struct driver_buffer *buffers, unsigned count)
{
    uint16_t head = queue->next_descriptor;
    for (unsigned i = 0; i < count; i++) {
        uint16_t index = queue->next_descriptor;
        queue->next_descriptor = (uint16_t)((index + 1) % queue->size);
        queue->descriptors[index] =
            (struct ring_descriptor){.address = buffers[i].address,
                                     .length = buffers[i].length,
                                     .flags = (uint16_t)((buffers[i].writable ? RING_WRITE : 0) |
                                                         (i + 1 < count ? RING_NEXT : 0)),
                                     .next = queue->next_descriptor};
    }
    driver_offer(queue, head);
    return head;
}

uint16_t driver_add_indirect(struct driver_queue *queue, const struct driver_buffer *buffers,
                             unsigned count)
{
    uint64_t address = guest_allocate(queue->guest, 16u * count);
    struct ring_descriptor *table = guest_at(queue->guest, address);
    for (unsigned i = 0; i < count; i++) {
        table[i] =
            (struct ring_descriptor){.address = buffers[i].address,
                                     .length = buffers[i].length,
                                     .flags = (uint16_t)((buffers[i].writable ? RING_WRITE : 0) |
                                                         (i + 1 < count ? RING_NEXT : 0)),
                                     .next = (uint16_t)(i + 1)};
    }
    uint16_t head = queue->next_descriptor;
    queue->next_descriptor = (uint16_t)((head + 1) % queue->size);
    queue->descriptors[head] =
        (struct ring_descriptor){.address = address, .length = 16u * count, .flags = RING_INDIRECT};
    driver_offer(queue, head);
    return head;
}

bool driver_wants_kick(struct driver_queue *queue)
{
    uint16_t before = queue->kicked;
    uint16_t now = queue->available[1];
    queue->kicked = now;
    if (!queue->event_index) {
        return now != before && (queue->used[0] & 1) == 0;
    }
    uint16_t event = queue->used[2 + 4 * queue->size];
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

bool driver_take(struct driver_queue *queue, uint32_t *head, uint32_t *length)
{
    if (queue->used[1] == queue->last_used) {
        return false;
    }
    uint32_t element[2];
    memcpy(element, queue->used + 2 + 4 * (queue->last_used % queue->size), sizeof(element));
    queue->last_used++;
    *head = element[0];
    *length = element[1];
    return true;
}

void driver_interrupt_after(struct driver_queue *queue, uint16_t distance)
{
    queue->available[2 + queue->size] = (uint16_t)(queue->last_used + distance);
}
