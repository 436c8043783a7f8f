/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a virtqueue in memory that a hostile driver fills and rewrites. A chain that
 * is accepted lies in guest memory, readable before writable, no longer than the queue; what is
 * broken stays so.
 */
#include "libs/virtio/queue.h"
#include "test/fuzz/input.h"

#define BASE   UINT64_C(0x40000000)
#define MEMORY 4096u
#define QUEUE  8u

/* Queue parts at fixed places, so that inputs hit them. */
#define DESCRIPTORS 0u
#define AVAILABLE   256u
#define USED        512u

struct guest {
    uint8_t *memory;
};

static void *pointer(void *context, uint64_t address, uint64_t length)
{
    struct guest *guest = context;
    uint64_t offset = address - BASE;
    return length != 0 && offset < MEMORY && length <= MEMORY - offset ? guest->memory + offset
                                                                       : NULL;
}

static struct virtqueue_chain chain;

static void check_chain(const struct guest *guest, const struct virtqueue *queue)
{
    uint64_t readable = 0, writable = 0;
    uint32_t count = (uint32_t)chain.readable_count + chain.writable_count;
    HOLDS(count != 0 && count <= queue->size && chain.head < queue->size);
    for (uint32_t i = 0; i < count; i++) {
        const struct virtqueue_segment *segment = &chain.segment[i];
        HOLDS(segment->length != 0 && segment->data >= guest->memory);
        HOLDS(segment->data + segment->length <= guest->memory + MEMORY);
        *(i < chain.readable_count ? &readable : &writable) += segment->length;
    }
    HOLDS(readable == chain.readable_bytes && writable == chain.writable_bytes);
    uint8_t buffer[64];
    HOLDS(virtqueue_copy_out(chain.segment, chain.readable_count, 0, buffer, sizeof(buffer)) <=
          readable);
    (void)virtqueue_copy_in(chain.segment + chain.readable_count, chain.writable_count, 1,
                            "abcdefgh", 8);
}

static void poke(struct input *input, struct guest *guest)
{
    uint64_t place = input_take(input, 2) % MEMORY;
    size_t length = input_byte(input) % 32 + 1u;
    for (size_t i = 0; i < length && place + i < MEMORY && input->size != 0; i++) {
        guest->memory[place + i] = input_byte(input);
    }
}

/* A descriptor that looks right but for what the input spoils. */
static void plausible_descriptor(struct input *input, struct guest *guest)
{
    uint64_t place = input_byte(input) % 16 * 16u;
    uint64_t address = BASE + input_take(input, 2) % (MEMORY + 64);
    uint32_t length = (uint32_t)input_take(input, 1) * 16;
    uint16_t flags = input_byte(input) & 7;
    uint16_t next = input_byte(input) % 10;
    memcpy(guest->memory + place, &address, 8);
    memcpy(guest->memory + place + 8, &length, 4);
    memcpy(guest->memory + place + 12, &flags, 2);
    memcpy(guest->memory + place + 14, &next, 2);
}

static void offer(struct input *input, struct guest *guest)
{
    uint16_t index;
    uint16_t head = input_byte(input) % 10;
    memcpy(&index, guest->memory + AVAILABLE + 2, 2);
    memcpy(guest->memory + AVAILABLE + 4 + 2 * (index % QUEUE), &head, 2);
    index++;
    memcpy(guest->memory + AVAILABLE + 2, &index, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct guest guest = {.memory = calloc(1, MEMORY)};
    HOLDS(guest.memory != NULL);
    struct virtio_memory memory = {.pointer = pointer, .context = &guest};
    struct virtqueue queue;
    virtqueue_reset(&queue, &memory, 256);
    uint8_t kind = input_byte(&input);
    queue.size = (kind & 4) != 0 ? (uint16_t)input_take(&input, 2) : QUEUE;
    queue.descriptor_address = BASE + DESCRIPTORS + ((kind & 8) != 0 ? input_take(&input, 8) : 0);
    queue.available_address = BASE + AVAILABLE + ((kind & 16) != 0 ? input_take(&input, 8) : 0);
    queue.used_address = BASE + USED + ((kind & 32) != 0 ? input_take(&input, 8) : 0);
    (void)virtqueue_enable(&queue, (kind & 1) != 0, (kind & 2) != 0);

    uint16_t taken[QUEUE];
    unsigned taken_count = 0;
    while (input.size != 0) {
        bool was_broken = queue.broken;
        switch (input_byte(&input) % 8) {
        case 0:
            poke(&input, &guest);
            break;
        case 1:
            plausible_descriptor(&input, &guest);
            break;
        case 2:
            offer(&input, &guest);
            break;
        case 3:
        case 4:
            if (virtqueue_pop(&queue, &chain) == VIRTQUEUE_OK) {
                HOLDS(queue.size > QUEUE || taken_count < QUEUE);
                check_chain(&guest, &queue);
                if (taken_count < QUEUE) {
                    taken[taken_count++] = chain.head;
                } else {
                    virtqueue_unpop(&queue);
                }
            }
            break;
        case 5:
            if (taken_count != 0) {
                virtqueue_push(&queue, taken[--taken_count], input_byte(&input));
            }
            break;
        case 6:
            (void)virtqueue_publish(&queue);
            break;
        default:
            (void)virtqueue_wait(&queue);
            break;
        }
        HOLDS(!was_broken || queue.broken);
    }
    free(guest.memory);
    return 0;
}
