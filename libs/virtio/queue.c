/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/virtio/queue.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "virtio 1.2 1.4: all fields are little-endian");

/* virtio 1.2 2.7.5 */
struct virtqueue_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

#define DESCRIPTOR_NEXT     1u
#define DESCRIPTOR_WRITE    2u
#define DESCRIPTOR_INDIRECT 4u

#define AVAILABLE_NO_INTERRUPT 1u

/* Positions in the two rings, in 16-bit words. */
#define RING_FLAGS         0u
#define RING_INDEX         1u
#define RING_ENTRIES       2u
#define USED_ELEMENT_WORDS 4u
#define AVAILABLE_WORDS(n) (RING_ENTRIES + (uint32_t)(n) + 1u)
#define USED_WORDS(n)      (RING_ENTRIES + USED_ELEMENT_WORDS * (uint32_t)(n) + 1u)

_Static_assert(sizeof(struct virtqueue_descriptor) == 16, "2.7.5");
_Static_assert(sizeof(struct virtqueue_used_element) == 2 * USED_ELEMENT_WORDS, "2.7.8");

/* From a table that need not be aligned. */
static inline struct virtqueue_descriptor copy_descriptor(const struct virtqueue_descriptor *source)
{
    uint64_t low = virtio_read_once(source);
    uint64_t high = virtio_read_once((const uint8_t *)source + 8);
    return (struct virtqueue_descriptor){.address = low,
                                         .length = (uint32_t)high,
                                         .flags = (uint16_t)(high >> 32),
                                         .next = (uint16_t)(high >> 48)};
}

static inline uint16_t load(const uint16_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void store(uint16_t *word, uint16_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* 2.7.7.2: whether `event` lies among the steps from `before` to `after`. */
static inline bool passed(uint16_t event, uint16_t after, uint16_t before)
{
    return (uint16_t)(after - event - 1) < (uint16_t)(after - before);
}

static inline uint16_t *used_event(const struct virtqueue *queue)
{
    return queue->available + RING_ENTRIES + queue->size;
}

static inline uint16_t *available_event(const struct virtqueue *queue)
{
    return queue->used + RING_ENTRIES + USED_ELEMENT_WORDS * queue->size;
}

void virtqueue_reset(struct virtqueue *queue, const struct virtio_memory *memory, uint16_t size_max)
{
    *queue = (struct virtqueue){.size = size_max, .size_max = size_max, .memory = memory};
}

bool virtqueue_enable(struct virtqueue *queue, bool event_index, bool indirect)
{
    const struct virtio_memory *memory = queue->memory;
    uint16_t size = queue->size;
    queue->broken = true;
    if (size == 0 || size > queue->size_max || (size & (size - 1)) != 0 ||
        queue->descriptor_address % 16 != 0 || queue->available_address % 2 != 0 ||
        queue->used_address % 4 != 0) {
        return false;
    }
    queue->descriptors = memory->pointer(memory->context, queue->descriptor_address,
                                         (uint64_t)size * sizeof(struct virtqueue_descriptor));
    queue->available = memory->pointer(memory->context, queue->available_address,
                                       AVAILABLE_WORDS(size) * sizeof(uint16_t));
    queue->used =
        memory->pointer(memory->context, queue->used_address, USED_WORDS(size) * sizeof(uint16_t));
    if (queue->descriptors == NULL || queue->available == NULL || queue->used == NULL) {
        return false;
    }
    queue->event_index = event_index;
    queue->indirect = indirect;
    queue->broken = false;
    queue->ready = true;
    return true;
}

/* One step of a walk: checks the copy of a descriptor and adds its segment. */
static bool add_segment(const struct virtqueue *queue, struct virtqueue_chain *chain,
                        const struct virtqueue_descriptor *descriptor)
{
    const struct virtio_memory *memory = queue->memory;
    uint32_t count = (uint32_t)chain->readable_count + chain->writable_count;
    /* 2.7.5.3.1 and 2.7.5: no chain is longer than the queue; this also ends loops. */
    if (count >= queue->size) {
        return false;
    }
    uint8_t *data = memory->pointer(memory->context, descriptor->address, descriptor->length);
    if (data == NULL) {
        return false;
    }
    if ((descriptor->flags & DESCRIPTOR_WRITE) != 0) {
        chain->writable_count++;
        chain->writable_bytes += descriptor->length;
    } else if (chain->writable_count == 0) {
        chain->readable_count++;
        chain->readable_bytes += descriptor->length;
    } else {
        return false; /* 2.7.4.2: readable ones come first */
    }
    chain->segment[count] = (struct virtqueue_segment){.data = data, .length = descriptor->length};
    return true;
}

static bool walk_indirect(const struct virtqueue *queue, struct virtqueue_chain *chain,
                          const struct virtqueue_descriptor *indirect)
{
    const struct virtio_memory *memory = queue->memory;
    uint32_t size = indirect->length / (uint32_t)sizeof(struct virtqueue_descriptor);
    /* 2.7.5.3.1: not nested, not continued, and only if negotiated. */
    if (!queue->indirect || (indirect->flags & DESCRIPTOR_NEXT) != 0 || size == 0 ||
        indirect->length % sizeof(struct virtqueue_descriptor) != 0) {
        return false;
    }
    const struct virtqueue_descriptor *table =
        memory->pointer(memory->context, indirect->address, indirect->length);
    if (table == NULL) {
        return false;
    }
    for (uint32_t index = 0;;) {
        struct virtqueue_descriptor descriptor = copy_descriptor(&table[index]);
        if ((descriptor.flags & DESCRIPTOR_INDIRECT) != 0 ||
            !add_segment(queue, chain, &descriptor)) {
            return false;
        }
        if ((descriptor.flags & DESCRIPTOR_NEXT) == 0) {
            return true;
        }
        index = descriptor.next;
        if (index >= size) {
            return false;
        }
    }
}

static bool walk(const struct virtqueue *queue, struct virtqueue_chain *chain)
{
    for (uint32_t index = chain->head; index < queue->size;) {
        struct virtqueue_descriptor descriptor = copy_descriptor(&queue->descriptors[index]);
        if ((descriptor.flags & DESCRIPTOR_INDIRECT) != 0) {
            return walk_indirect(queue, chain, &descriptor);
        }
        if (!add_segment(queue, chain, &descriptor)) {
            return false;
        }
        if ((descriptor.flags & DESCRIPTOR_NEXT) == 0) {
            return true;
        }
        index = descriptor.next;
    }
    return false;
}

enum virtqueue_status virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain)
{
    if (!queue->ready || queue->broken) {
        return VIRTQUEUE_BROKEN;
    }
    uint16_t index = __atomic_load_n(&queue->available[RING_INDEX], __ATOMIC_ACQUIRE);
    uint16_t count = (uint16_t)(index - queue->available_index);
    if (count == 0) {
        return VIRTQUEUE_EMPTY;
    }
    chain->head =
        load(&queue->available[RING_ENTRIES + (queue->available_index & (queue->size - 1u))]);
    chain->readable_count = chain->writable_count = 0;
    chain->readable_bytes = chain->writable_bytes = 0;
    /* 2.7.13.1: the driver reuses no buffer before the device has given it back. */
    uint16_t outstanding = (uint16_t)(index - queue->used_index);
    if (count > queue->size || outstanding > queue->size || !walk(queue, chain)) {
        queue->broken = true;
        return VIRTQUEUE_BROKEN;
    }
    queue->available_index++;
    return VIRTQUEUE_OK;
}

void virtqueue_unpop(struct virtqueue *queue)
{
    queue->available_index--;
}

bool virtqueue_wait(struct virtqueue *queue)
{
    if (!queue->ready || queue->broken) {
        return true;
    }
    if (queue->event_index) {
        store(available_event(queue), queue->available_index);
        __atomic_thread_fence(
            __ATOMIC_SEQ_CST); /* 2.7.7.2: the event before the look at the index */
    }
    return load(&queue->available[RING_INDEX]) == queue->available_index;
}

void virtqueue_push(struct virtqueue *queue, uint16_t head, uint32_t length)
{
    if (!queue->ready || queue->broken) {
        return;
    }
    uint16_t *words =
        queue->used + RING_ENTRIES + USED_ELEMENT_WORDS * (queue->used_index & (queue->size - 1u));
    struct virtqueue_used_element element = {.id = head, .length = length};
    memcpy(words, &element, sizeof(element));
    queue->used_index++;
}

bool virtqueue_publish(struct virtqueue *queue)
{
    if (!queue->ready || queue->broken || queue->used_index == queue->told_index) {
        return false;
    }
    __atomic_store_n(&queue->used[RING_INDEX], queue->used_index, __ATOMIC_RELEASE);
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* 2.7.7: the index before the look at what the driver wants */
    uint16_t before = queue->told_index;
    queue->told_index = queue->used_index;
    if (queue->event_index) {
        return passed(load(used_event(queue)), queue->used_index, before);
    }
    return (load(&queue->available[RING_FLAGS]) & AVAILABLE_NO_INTERRUPT) == 0;
}

size_t virtqueue_copy_out(const struct virtqueue_segment *segments, uint32_t count,
                          uint64_t position, void *buffer, size_t length)
{
    uint8_t *to = buffer;
    size_t done = 0;
    for (uint32_t i = 0; i < count && done < length; i++) {
        if (position >= segments[i].length) {
            position -= segments[i].length;
            continue;
        }
        size_t part = segments[i].length - (size_t)position;
        part = part < length - done ? part : length - done;
        memcpy(to + done, segments[i].data + position, part);
        done += part;
        position = 0;
    }
    return done;
}

size_t virtqueue_copy_in(const struct virtqueue_segment *segments, uint32_t count,
                         uint64_t position, const void *buffer, size_t length)
{
    const uint8_t *from = buffer;
    size_t done = 0;
    for (uint32_t i = 0; i < count && done < length; i++) {
        if (position >= segments[i].length) {
            position -= segments[i].length;
            continue;
        }
        size_t part = segments[i].length - (size_t)position;
        part = part < length - done ? part : length - done;
        memcpy(segments[i].data + position, from + done, part);
        done += part;
        position = 0;
    }
    return done;
}
