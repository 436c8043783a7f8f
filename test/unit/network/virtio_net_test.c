/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio network driver against a model of the device: registers, queues, frames, and a device
 * that lies. */
#include <string.h>

#include "drivers/virtio_net/virtio_net.h"
#include "test/unit/check.h"

#define DMA_SIZE (256u * 1024u)

static _Alignas(4096) uint8_t dma[DMA_SIZE];
static _Alignas(4) uint8_t config_page[4096];
static _Alignas(
    8) uint8_t bar[4096]; /* common at 0, notify at 256, isr at 512, the device's own at 768 */
static struct virtio_net net;
static uint16_t seen[2]; /* available entries that the device has looked at */

static void put(uint32_t offset, const void *value, size_t size)
{
    memcpy(config_page + offset, value, size);
}

static void put_capability(uint32_t at, uint8_t next, uint8_t type, uint32_t offset, uint32_t size)
{
    const uint8_t head[] = {0x09, next, 20, type, 0};
    const uint32_t place[] = {offset, size, 0};
    put(at, head, sizeof(head));
    put(at + 8, place, sizeof(place));
}

static void make_device(uint16_t device_id)
{
    const uint16_t identity[] = {0x1af4, device_id};
    const uint16_t status = 0x10; /* there is a capability list */
    memset(config_page, 0, sizeof(config_page));
    memset(bar, 0, sizeof(bar));
    put(0, identity, sizeof(identity));
    put(6, &status, 2);
    config_page[0x34] = 0x40;
    put_capability(0x40, 0x60, 1, 0, 64);
    put_capability(0x60, 0x80, 2, 256, 4);
    put_capability(0x80, 0xa0, 3, 512, 4);
    put_capability(0xa0, 0, 4, 768, 8);
    memcpy(bar + 768, "\x52\x54\x00\x12\x34\x56", 6);
}

/*
 * The register block is memory here: it reads back what was written last. So the features "offered"
 * are the same in both halves (bit 0 and bit 1 of the upper half are VERSION_1 and ACCESS_PLATFORM,
 * bit 5 of the lower one is MAC).
 */
static enum virtio_net_error start(uint16_t queue_max, uint32_t features, uint64_t dma_size)
{
    const struct virtio_bar bars[PCI_BARS] = {{.address = bar, .size = sizeof(bar)}};
    memset(dma, 0xee, sizeof(dma));
    memset(seen, 0, sizeof(seen));
    enum virtio_net_error error = virtio_net_open(&net, config_page, bars, dma, dma_size);
    if (error != VIRTIO_NET_OK) {
        return error;
    }
    CHECK(virtio_reset_done(&net.device));
    memcpy(bar + 4, &features, 4);
    memcpy(bar + 24, &queue_max, 2);
    return virtio_net_start(&net);
}

#define GOOD 0x23u

static void start_well(void)
{
    make_device(0x1041);
    CHECK_EQUAL(start(32, GOOD, DMA_SIZE), VIRTIO_NET_OK);
}

/* The device's side of a queue: the next available buffer. */
static struct virtqueue_descriptor *next_available(struct virtqueue *queue, unsigned which)
{
    if (queue->available->index == seen[which]) {
        return NULL;
    }
    return &queue->descriptors[queue->available->ring[seen[which]++ % queue->size]];
}

static void complete(struct virtqueue *queue, const struct virtqueue_descriptor *descriptor,
                     uint32_t length)
{
    queue->used->ring[queue->used->index % queue->size] = (struct virtqueue_used_entry){
        .id = (uint32_t)(descriptor - queue->descriptors), .length = length};
    queue->used->index++;
}

/* A frame of `length` bytes `fill` comes in. */
static void arrive(uint32_t length, uint8_t fill)
{
    struct virtqueue_descriptor *d = next_available(&net.receive, 0);
    CHECK(d != NULL);
    CHECK_EQUAL(d->flags, 2);
    CHECK_EQUAL(d->length, VIRTIO_NET_BUFFER);
    uint8_t *memory = (uint8_t *)(uintptr_t)d->address;
    CHECK(memory >= dma && memory + VIRTIO_NET_BUFFER <= dma + DMA_SIZE);
    if (VIRTIO_NET_HEADER + length <= VIRTIO_NET_BUFFER) {
        memset(memory, 0, VIRTIO_NET_HEADER);
        memset(memory + VIRTIO_NET_HEADER, fill, length);
    }
    complete(&net.receive, d, VIRTIO_NET_HEADER + length);
}

static void starts_and_knows_its_address(void)
{
    start_well();
    CHECK_EQUAL(net.mac, UINT64_C(0x525400123456));
    CHECK_EQUAL(net.receive.size, 32);
    CHECK_EQUAL(net.receive.available->index, 32); /* all buffers wait for frames */
    CHECK_EQUAL(bar[20] & 4, 4);                   /* DRIVER_OK */
}

static void refuses_what_it_can_not_drive(void)
{
    make_device(0x1042);
    CHECK_EQUAL(start(32, GOOD, DMA_SIZE), VIRTIO_NET_OTHER_TYPE);
    make_device(0x1041);
    CHECK_EQUAL(start(32, 0x21, DMA_SIZE), VIRTIO_NET_TRANSPORT);
    CHECK_EQUAL(net.transport_error, VIRTIO_NO_ACCESS_PLATFORM);
    make_device(0x1041);
    CHECK_EQUAL(start(8, GOOD, DMA_SIZE), VIRTIO_NET_TRANSPORT);
    CHECK_EQUAL(net.transport_error, VIRTIO_NO_QUEUE);
    make_device(0x1041);
    CHECK_EQUAL(start(32, GOOD, 65536), VIRTIO_NET_MEMORY);
    make_device(0x1041);
    CHECK_EQUAL(start(1024, GOOD, DMA_SIZE), VIRTIO_NET_OK); /* as large as the memory allows */
    CHECK_EQUAL(net.receive.size, 32);
}

static void receives(void)
{
    start_well();
    uint32_t length;
    CHECK(virtio_net_receive(&net, &length) == NULL);
    CHECK(virtio_net_sleep(&net));
    for (unsigned round = 0; round < 100; round++) {
        arrive(60 + round, (uint8_t)round);
        CHECK(!virtio_net_sleep(&net));
        const uint8_t *frame = virtio_net_receive(&net, &length);
        CHECK(frame != NULL);
        CHECK_EQUAL(length, 60 + round);
        CHECK_EQUAL(frame[0], round);
        CHECK_EQUAL(frame[length - 1], round);
        virtio_net_release(&net);
        virtio_net_flush(&net);
    }
}

static void odd_lengths_are_no_frames(void)
{
    static const uint32_t lengths[] = {0, VIRTIO_NET_FRAME_MAX + 1, 5000,
                                       UINT32_MAX - VIRTIO_NET_HEADER};
    start_well();
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint32_t length = 77;
        arrive(lengths[i], 1);
        CHECK(virtio_net_receive(&net, &length) != NULL);
        CHECK_EQUAL(length, 0);
        virtio_net_release(&net);
    }
    virtio_net_flush(&net);
    CHECK_EQUAL(net.receive.in_flight, 32);
}

static void transmits(void)
{
    start_well();
    for (unsigned i = 0; i < 32; i++) {
        uint8_t *memory = virtio_net_transmit_buffer(&net);
        CHECK(memory != NULL);
        memset(memory, (int)i, VIRTIO_NET_FRAME_MAX);
        virtio_net_transmit(&net, 60 + i);
    }
    CHECK(virtio_net_transmit_buffer(&net) == NULL);
    virtio_net_flush(&net);
    CHECK_EQUAL(bar[256], 1); /* the transmit queue was rung */
    for (unsigned round = 0; round < 100; round++) {
        struct virtqueue_descriptor *d = next_available(&net.transmit, 1);
        CHECK(d != NULL);
        CHECK_EQUAL(d->flags, 0);
        const uint8_t *memory = (const uint8_t *)(uintptr_t)d->address;
        static const uint8_t header[VIRTIO_NET_HEADER];
        CHECK(memcmp(memory, header, sizeof(header)) == 0);
        CHECK_EQUAL(d->length, VIRTIO_NET_HEADER + 60 + round);
        CHECK_EQUAL(memory[VIRTIO_NET_HEADER], round);
        complete(&net.transmit, d, 0);
        uint8_t *again = virtio_net_transmit_buffer(&net);
        CHECK(again != NULL);
        memset(again, (int)(32 + round), 1);
        virtio_net_transmit(&net, 60 + 32 + round);
        virtio_net_flush(&net);
    }
}

static void a_buffer_that_is_not_sent_stays_free(void)
{
    start_well();
    uint8_t *first = virtio_net_transmit_buffer(&net);
    CHECK(virtio_net_transmit_buffer(&net) == first);
    virtio_net_transmit(&net, 60);
    CHECK(virtio_net_transmit_buffer(&net) != first);
}

static void lies_break_the_queue(void)
{
    uint32_t length;
    start_well();
    net.receive.used->ring[0] = (struct virtqueue_used_entry){.id = 4711, .length = 100};
    net.receive.used->index = 1;
    CHECK(virtio_net_receive(&net, &length) == NULL);
    CHECK(virtio_net_broken(&net));

    start_well();
    net.receive.used->index = 1000; /* more than were ever given */
    CHECK(virtio_net_receive(&net, &length) == NULL);
    CHECK(virtio_net_broken(&net));

    start_well();
    for (unsigned i = 0; i < 32; i++) {
        CHECK(virtio_net_transmit_buffer(&net) != NULL);
        virtio_net_transmit(&net, 60);
    }
    virtio_net_flush(&net);
    struct virtqueue_descriptor *d = next_available(&net.transmit, 1);
    complete(&net.transmit, d, 0);
    complete(&net.transmit, d, 0); /* the same one twice */
    CHECK(virtio_net_transmit_buffer(&net) != NULL);
    CHECK(virtio_net_broken(&net));
    virtio_net_transmit(&net, 60); /* goes nowhere, and does no harm */
    virtio_net_flush(&net);
}

int main(void)
{
    starts_and_knows_its_address();
    refuses_what_it_can_not_drive();
    receives();
    odd_lengths_are_no_frames();
    transmits();
    a_buffer_that_is_not_sent_stays_free();
    lies_break_the_queue();
    return 0;
}
