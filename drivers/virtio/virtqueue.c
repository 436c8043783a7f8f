/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio/virtqueue.h"

#include <string.h>

#include "drivers/mmio.h"

#define DESCRIPTOR_NEXT        1u
#define DESCRIPTOR_WRITE       2u
#define AVAILABLE_NO_INTERRUPT 1u
#define USED_NO_NOTIFY         1u

#define NO_DESCRIPTOR UINT16_MAX

static size_t descriptors_bytes(uint16_t size)
{
    return (size_t)size * sizeof(struct virtqueue_descriptor);
}

/* The used ring is aligned to 4 (2.7), and both rings end with an event index, used or not. */
static size_t used_offset(uint16_t size)
{
    size_t end = descriptors_bytes(size) + sizeof(struct virtqueue_available) + 2u * size + 2u;
    return (end + 63) & ~(size_t)63;
}

size_t virtqueue_bytes(uint16_t size)
{
    size_t end = used_offset(size) + sizeof(struct virtqueue_used) +
                 size * sizeof(struct virtqueue_used_entry) + 2u;
    return (end + VIRTQUEUE_ALIGN - 1) & ~(size_t)(VIRTQUEUE_ALIGN - 1);
}

void virtqueue_open(struct virtqueue *queue, uint16_t size, void *memory)
{
    memset(memory, 0, virtqueue_bytes(size));
    memset(queue, 0, sizeof *queue);
    queue->descriptors = memory;
    queue->available = (void *)((uint8_t *)memory + descriptors_bytes(size));
    queue->used = (void *)((uint8_t *)memory + used_offset(size));
    queue->size = size;
    queue->free_count = size;
    for (uint16_t i = 0; i < size; i++) {
        queue->slot[i].next = (uint16_t)(i + 1 < size ? i + 1 : NO_DESCRIPTOR);
    }
}

bool virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers, uint16_t count,
                   uint64_t token)
{
    if (queue->broken || count == 0 || count > queue->free_count) {
        return false;
    }
    uint16_t head = queue->free_head;
    uint16_t at = head;
    uint32_t writable = 0;
    for (uint16_t i = 0; i < count; i++) {
        uint16_t next = queue->slot[at].next;
        uint16_t flags = (uint16_t)(buffers[i].device_writes ? DESCRIPTOR_WRITE : 0);
        bool last = i + 1 == count;
        queue->descriptors[at] = (struct virtqueue_descriptor){
            .address = buffers[i].address,
            .length = buffers[i].length,
            .flags = (uint16_t)(flags | (last ? 0 : DESCRIPTOR_NEXT)),
            .next = last ? 0 : next,
        };
        writable += buffers[i].device_writes ? buffers[i].length : 0;
        if (last) {
            queue->free_head = next;
        } else {
            at = next;
        }
    }
    queue->free_count = (uint16_t)(queue->free_count - count);
    queue->slot[head].token = token;
    queue->slot[head].writable = writable;
    queue->slot[head].count = count;
    queue->available->ring[queue->added & (queue->size - 1)] = head;
    queue->added++;
    queue->in_flight++;
    return true;
}

bool virtqueue_publish(struct virtqueue *queue)
{
    if (queue->published == queue->added || queue->broken) {
        return false;
    }
    dma_write_barrier();
    __atomic_store_n(&queue->available->index, queue->added, __ATOMIC_RELAXED);
    queue->published = queue->added;
    /* 2.7.13.4.1: the flag is read after the index has become visible. */
    dma_barrier();
    return (__atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED) & USED_NO_NOTIFY) == 0;
}

static void free_chain(struct virtqueue *queue, uint16_t head)
{
    uint16_t last = head;
    for (uint16_t i = 1; i < queue->slot[head].count; i++) {
        last = queue->slot[last].next;
    }
    queue->slot[last].next = queue->free_head;
    queue->free_head = head;
    queue->free_count = (uint16_t)(queue->free_count + queue->slot[head].count);
    queue->slot[head].count = 0;
}

enum virtqueue_status virtqueue_take(struct virtqueue *queue, uint64_t *token, uint32_t *length)
{
    if (queue->broken) {
        return VIRTQUEUE_BROKEN;
    }
    uint16_t completed =
        (uint16_t)(__atomic_load_n(&queue->used->index, __ATOMIC_RELAXED) - queue->taken);
    if (completed == 0) {
        return VIRTQUEUE_EMPTY;
    }
    dma_read_barrier();
    const struct virtqueue_used_entry *entry = &queue->used->ring[queue->taken & (queue->size - 1)];
    uint32_t id = __atomic_load_n(&entry->id, __ATOMIC_RELAXED);
    uint32_t written = __atomic_load_n(&entry->length, __ATOMIC_RELAXED);
    /* Chains that were not published can't have been completed. */
    uint16_t unpublished = (uint16_t)(queue->added - queue->published);
    if (completed > queue->in_flight - unpublished || id >= queue->size ||
        queue->slot[id].count == 0) {
        queue->broken = true;
        return VIRTQUEUE_BROKEN;
    }
    struct virtqueue_slot *head = &queue->slot[id];
    *token = head->token;
    *length = written < head->writable ? written : head->writable;
    free_chain(queue, (uint16_t)id);
    queue->taken++;
    queue->in_flight--;
    return VIRTQUEUE_OK;
}

bool virtqueue_interrupts(struct virtqueue *queue, bool on)
{
    uint16_t flags = (uint16_t)(on ? 0 : AVAILABLE_NO_INTERRUPT);
    __atomic_store_n(&queue->available->flags, flags, __ATOMIC_RELAXED);
    if (!on) {
        return false;
    }
    dma_barrier();
    return __atomic_load_n(&queue->used->index, __ATOMIC_RELAXED) != queue->taken;
}
