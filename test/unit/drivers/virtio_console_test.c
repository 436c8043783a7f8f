/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio console driver against a model of the device: its buffers, and a device that lies. */
#include "drivers/virtio_console/virtio_console.h"

#include <string.h>

#include "test/unit/check.h"

#define DMA_SIZE (4096u + 4 * VIRTIO_CONSOLE_BUFFER)

static _Alignas(4096) uint8_t dma[4096 + 32 * VIRTIO_CONSOLE_BUFFER];
static _Alignas(4) uint8_t config_page[4096];
static _Alignas(8) uint8_t bar[4096]; /* common at 0, notify at 256, isr at 512 */
static struct virtio_console console;
static uint16_t seen; /* available entries that the device has looked at */

static void put_capability(uint32_t at, uint8_t next, uint8_t type, uint32_t offset, uint32_t size)
{
    const uint8_t head[] = {0x09, next, 20, type, 0};
    const uint32_t place[] = {offset, size, 0};
    memcpy(config_page + at, head, sizeof(head));
    memcpy(config_page + at + 8, place, sizeof(place));
}

static void make_device(uint16_t device_id)
{
    const uint16_t identity[] = {0x1af4, device_id};
    memset(config_page, 0, sizeof(config_page));
    memset(bar, 0, sizeof(bar));
    memcpy(config_page, identity, sizeof(identity));
    config_page[6] = 0x10; /* there is a capability list */
    config_page[0x34] = 0x40;
    put_capability(0x40, 0x60, 1, 0, 64);
    put_capability(0x60, 0x80, 2, 256, 4);
    put_capability(0x80, 0, 3, 512, 4);
    seen = 0;
}

/* The registers are memory, which reads back what was written: both halves of the features offered
 * are the same, and bits 0 and 1 of the upper one are VERSION_1 and ACCESS_PLATFORM. */
static const char *start(uint16_t queue_max, uint32_t features, uint64_t dma_size)
{
    const struct virtio_bar bars[PCI_BARS] = {{.address = bar, .size = sizeof(bar)}};
    const char *error = virtio_console_open(&console, config_page, bars, dma, dma_size);
    if (error != NULL) {
        return error;
    }
    CHECK(virtio_reset_done(&console.device));
    memcpy(bar + 4, &features, 4);
    memcpy(bar + 24, &queue_max, 2);
    return virtio_console_start(&console);
}

static void start_well(void)
{
    make_device(0x1043);
    CHECK(start(64, 3, DMA_SIZE) == NULL);
}

static const struct virtqueue_descriptor *next_available(void)
{
    struct virtqueue *queue = &console.transmit;
    if (queue->available->index == seen) {
        return NULL;
    }
    return &queue->descriptors[queue->available->ring[seen++ % queue->size]];
}

static void complete(const struct virtqueue_descriptor *descriptor)
{
    struct virtqueue *queue = &console.transmit;
    queue->used->ring[queue->used->index % queue->size] =
        (struct virtqueue_used_entry){.id = (uint32_t)(descriptor - queue->descriptors)};
    queue->used->index++;
}

static void sends_what_was_put_into_buffers(void)
{
    start_well();
    CHECK_EQUAL(console.buffer_count, 4);
    for (uint32_t round = 0; round < 100; round++) {
        uint8_t *memory = virtio_console_buffer(&console);
        CHECK(memory != NULL && virtio_console_buffer(&console) == memory);
        CHECK(memory >= dma && memory + VIRTIO_CONSOLE_BUFFER <= dma + DMA_SIZE);
        memset(memory, (int)round, VIRTIO_CONSOLE_BUFFER);
        virtio_console_send(&console, 1 + round);
        CHECK_EQUAL(bar[256], 1); /* the queue was rung */
        const struct virtqueue_descriptor *d = next_available();
        CHECK(d != NULL && next_available() == NULL);
        CHECK_EQUAL(d->flags, 0);
        CHECK_EQUAL(d->length, 1 + round);
        CHECK_EQUAL(*(const uint8_t *)(uintptr_t)d->address, round);
        complete(d);
    }
}

static void buffers_with_the_device_are_nobody_elses(void)
{
    const struct virtqueue_descriptor *with_device[4];
    start_well();
    for (unsigned i = 0; i < 4; i++) {
        CHECK(virtio_console_buffer(&console) != NULL);
        virtio_console_send(&console, VIRTIO_CONSOLE_BUFFER);
        with_device[i] = next_available();
        for (unsigned j = 0; j < i; j++) {
            CHECK(with_device[i]->address != with_device[j]->address);
        }
    }
    CHECK(virtio_console_buffer(&console) == NULL);
    uint64_t address = with_device[2]->address;
    CHECK(!virtio_console_idle(&console));
    complete(with_device[2]);
    CHECK(!virtio_console_idle(&console));
    CHECK_EQUAL((uintptr_t)virtio_console_buffer(&console), address);
    complete(with_device[0]);
    complete(with_device[1]);
    complete(with_device[3]);
    CHECK(virtio_console_idle(&console));
}

static void takes_as_many_buffers_as_there_is_room_for(void)
{
    make_device(0x1043);
    CHECK(start(64, 3, sizeof(dma)) == NULL);
    CHECK_EQUAL(console.buffer_count, VIRTIO_CONSOLE_BUFFERS);
    make_device(0x1043);
    CHECK(start(2, 3, sizeof(dma)) == NULL); /* a short queue */
    CHECK_EQUAL(console.buffer_count, 2);
}

static void refuses_what_it_can_not_drive(void)
{
    make_device(0x1042);
    CHECK(strstr(start(64, 3, DMA_SIZE), "no console") != NULL);
    make_device(0x1043);
    CHECK(start(64, 1, DMA_SIZE) != NULL); /* no ACCESS_PLATFORM */
    make_device(0x1043);
    CHECK(start(0, 3, DMA_SIZE) != NULL);
    make_device(0x1043);
    CHECK(start(3, 3, DMA_SIZE) != NULL); /* not a power of two */
    make_device(0x1043);
    CHECK(strstr(start(64, 3, VIRTIO_CONSOLE_BUFFER), "dma-size") != NULL);
    make_device(0x1043);
    CHECK(strstr(start(64, 3, 0), "dma-size") != NULL);
}

static void lies_break_the_queue(void)
{
    for (unsigned lie = 0; lie < 2; lie++) {
        start_well();
        for (unsigned i = 0; i < 4; i++) {
            CHECK(virtio_console_buffer(&console) != NULL);
            virtio_console_send(&console, 10);
        }
        console.transmit.used->ring[0] = (struct virtqueue_used_entry){.id = 4711};
        console.transmit.used->index = lie == 0 ? 1 : 1000;
        CHECK(virtio_console_buffer(&console) == NULL);
        CHECK(virtio_console_broken(&console));
        CHECK(virtio_console_idle(&console)); /* nobody waits for it */
    }
}

int main(void)
{
    sends_what_was_put_into_buffers();
    buffers_with_the_device_are_nobody_elses();
    takes_as_many_buffers_as_there_is_room_for();
    refuses_what_it_can_not_drive();
    lies_break_the_queue();
    return 0;
}
