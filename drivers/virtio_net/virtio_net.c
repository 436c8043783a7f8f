/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio_net/virtio_net.h"

#include <string.h>

#define QUEUE_RECEIVE  0 /* 5.1.2 */
#define QUEUE_TRANSMIT 1

#define FEATURE_MAC (UINT64_C(1) << 5) /* 5.1.3 */

#define CONFIG_MAC 0 /* 5.1.4 */

_Static_assert(VIRTIO_NET_HEADER + VIRTIO_NET_FRAME_MAX <= VIRTIO_NET_BUFFER,
               "a frame fits its buffer");

static uint64_t dma_bytes(uint16_t size)
{
    return 2 * (uint64_t)virtqueue_bytes(size) + 2 * (uint64_t)size * VIRTIO_NET_BUFFER;
}

enum virtio_net_error virtio_net_open(struct virtio_net *net, const volatile void *config_page,
                                      const struct virtio_bar bars[PCI_BARS], void *dma,
                                      uint64_t dma_size)
{
    memset(net, 0, sizeof(*net));
    net->dma = dma;
    net->dma_size = dma_size;
    net->transport_error = virtio_open(&net->device, config_page, bars);
    if (net->transport_error != VIRTIO_OK) {
        return VIRTIO_NET_TRANSPORT;
    }
    if (net->device.type != VIRTIO_TYPE_NET) {
        return VIRTIO_NET_OTHER_TYPE;
    }
    virtio_reset(&net->device);
    return VIRTIO_NET_OK;
}

/* The largest power of two that both queues of the device and the DMA memory have room for. */
static uint16_t choose_size(struct virtio_net *net)
{
    uint16_t receive_max = virtio_queue_max(&net->device, QUEUE_RECEIVE);
    uint16_t transmit_max = virtio_queue_max(&net->device, QUEUE_TRANSMIT);
    uint16_t size = VIRTQUEUE_SIZE_MAX;
    while (size >= VIRTIO_NET_QUEUE_MIN &&
           (size > receive_max || size > transmit_max || dma_bytes(size) > net->dma_size)) {
        size = (uint16_t)(size / 2);
    }
    return size;
}

static void add_receive_buffer(struct virtio_net *net, uint16_t number)
{
    const struct virtqueue_buffer buffer = {
        .address = (uintptr_t)(net->receive_buffers + (size_t)number * VIRTIO_NET_BUFFER),
        .length = VIRTIO_NET_BUFFER,
        .device_writes = true};
    (void)virtqueue_add(&net->receive, &buffer, 1, number);
}

static enum virtio_net_error transport_failure(struct virtio_net *net, enum virtio_error error)
{
    net->transport_error = error;
    virtio_fail(&net->device);
    return VIRTIO_NET_TRANSPORT;
}

static void read_mac(struct virtio_net *net)
{
    if ((net->device.features & FEATURE_MAC) == 0) {
        return;
    }
    for (uint32_t i = 0; i < 6; i++) {
        uint8_t byte;
        (void)virtio_config_read(&net->device, CONFIG_MAC + i, &byte, 1);
        net->mac = net->mac << 8 | byte;
    }
}

enum virtio_net_error virtio_net_start(struct virtio_net *net)
{
    net->transport_error = virtio_negotiate(&net->device, FEATURE_MAC);
    if (net->transport_error != VIRTIO_OK) {
        return VIRTIO_NET_TRANSPORT;
    }
    read_mac(net);
    uint16_t size = choose_size(net);
    if (size < VIRTIO_NET_QUEUE_MIN) {
        bool queues = virtio_queue_max(&net->device, QUEUE_RECEIVE) >= VIRTIO_NET_QUEUE_MIN &&
                      virtio_queue_max(&net->device, QUEUE_TRANSMIT) >= VIRTIO_NET_QUEUE_MIN;
        enum virtio_net_error error = transport_failure(net, VIRTIO_NO_QUEUE);
        return queues ? VIRTIO_NET_MEMORY : error;
    }
    uint8_t *at = net->dma;
    virtqueue_open(&net->receive, size, at);
    at += virtqueue_bytes(size);
    virtqueue_open(&net->transmit, size, at);
    at += virtqueue_bytes(size);
    net->receive_buffers = at;
    net->transmit_buffers = at + (size_t)size * VIRTIO_NET_BUFFER;
    memset(net->receive_buffers, 0, 2 * (size_t)size * VIRTIO_NET_BUFFER);

    enum virtio_error error = virtio_queue_start(&net->device, QUEUE_RECEIVE, &net->receive);
    if (error == VIRTIO_OK) {
        error = virtio_queue_start(&net->device, QUEUE_TRANSMIT, &net->transmit);
    }
    if (error != VIRTIO_OK) {
        return transport_failure(net, error);
    }
    for (uint16_t i = 0; i < size; i++) {
        add_receive_buffer(net, i);
        net->transmit_free[i] = i;
    }
    net->transmit_free_count = size;
    (void)virtqueue_interrupts(&net->transmit,
                               false); /* sent buffers are collected when others are needed */
    virtio_driver_ok(&net->device);
    virtio_net_flush(net);
    return VIRTIO_NET_OK;
}

const uint8_t *virtio_net_receive(struct virtio_net *net, uint32_t *frame_length)
{
    uint64_t number;
    uint32_t written;
    if (virtqueue_take(&net->receive, &number, &written) != VIRTQUEUE_OK) {
        return NULL;
    }
    net->received = (uint16_t)number;
    bool frame = written > VIRTIO_NET_HEADER && written - VIRTIO_NET_HEADER <= VIRTIO_NET_FRAME_MAX;
    *frame_length = frame ? written - VIRTIO_NET_HEADER : 0;
    return net->receive_buffers + (size_t)number * VIRTIO_NET_BUFFER + VIRTIO_NET_HEADER;
}

void virtio_net_release(struct virtio_net *net)
{
    add_receive_buffer(net, net->received);
}

static void collect_sent(struct virtio_net *net)
{
    uint64_t number;
    uint32_t written;
    while (virtqueue_take(&net->transmit, &number, &written) == VIRTQUEUE_OK) {
        net->transmit_free[net->transmit_free_count++] = (uint16_t)number;
    }
}

uint8_t *virtio_net_transmit_buffer(struct virtio_net *net)
{
    if (net->transmit_free_count == 0) {
        collect_sent(net);
    }
    if (net->transmit_free_count == 0) {
        return NULL;
    }
    uint16_t number = net->transmit_free[net->transmit_free_count - 1];
    return net->transmit_buffers + (size_t)number * VIRTIO_NET_BUFFER + VIRTIO_NET_HEADER;
}

void virtio_net_transmit(struct virtio_net *net, uint32_t frame_length)
{
    uint16_t number = net->transmit_free[net->transmit_free_count - 1];
    uint8_t *memory = net->transmit_buffers + (size_t)number * VIRTIO_NET_BUFFER;
    memset(memory, 0, VIRTIO_NET_HEADER); /* no offloads: 5.1.6.2 */
    const struct virtqueue_buffer buffer = {.address = (uintptr_t)memory,
                                            .length = VIRTIO_NET_HEADER + frame_length};
    if (virtqueue_add(&net->transmit, &buffer, 1, number)) {
        net->transmit_free_count--;
    }
}

void virtio_net_flush(struct virtio_net *net)
{
    if (virtqueue_publish(&net->receive)) {
        virtio_notify(&net->receive);
    }
    if (virtqueue_publish(&net->transmit)) {
        virtio_notify(&net->transmit);
    }
}

bool virtio_net_broken(const struct virtio_net *net)
{
    return net->receive.broken || net->transmit.broken;
}

bool virtio_net_sleep(struct virtio_net *net)
{
    return !virtqueue_interrupts(&net->receive, true);
}

void virtio_net_awake(struct virtio_net *net)
{
    (void)virtqueue_interrupts(&net->receive, false);
}

const char *virtio_net_error_text(const struct virtio_net *net, enum virtio_net_error error)
{
    switch (error) {
    case VIRTIO_NET_OK:
        return "ok";
    case VIRTIO_NET_TRANSPORT:
        return virtio_error_text(net->transport_error);
    case VIRTIO_NET_OTHER_TYPE:
        return "it is a virtio device, but no network card";
    case VIRTIO_NET_MEMORY:
        return "its DMA memory is too small (dma-size)";
    }
    return "unknown error";
}
