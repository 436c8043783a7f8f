/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio_console/virtio_console.h"

#include <string.h>

#define QUEUE_TRANSMIT 1 /* 5.3.2: of the first port */

const char *virtio_console_open(struct virtio_console *console, const volatile void *config_page,
                                const struct virtio_bar bars[PCI_BARS], void *dma, uint64_t dma_size)
{
    *console = (struct virtio_console){.dma = dma, .dma_size = dma_size};
    enum virtio_error error = virtio_open(&console->device, config_page, bars);
    if (error != VIRTIO_OK) {
        return virtio_error_text(error);
    }
    if (console->device.type != VIRTIO_TYPE_CONSOLE) {
        return "it is a virtio device, but no console";
    }
    virtio_reset(&console->device);
    return NULL;
}

static const char *fail(struct virtio_console *console, const char *reason)
{
    virtio_fail(&console->device);
    return reason;
}

const char *virtio_console_start(struct virtio_console *console)
{
    enum virtio_error error = virtio_negotiate(&console->device, 0);
    if (error != VIRTIO_OK) {
        return virtio_error_text(error);
    }
    uint16_t size = virtio_queue_max(&console->device, QUEUE_TRANSMIT);
    if (size > VIRTIO_CONSOLE_BUFFERS) {
        size = VIRTIO_CONSOLE_BUFFERS;
    }
    if (size == 0 || (size & (size - 1)) != 0) {
        return fail(console, virtio_error_text(VIRTIO_NO_QUEUE));
    }
    uint64_t queue_bytes = (virtqueue_bytes(size) + VIRTQUEUE_ALIGN - 1) & ~(uint64_t)(VIRTQUEUE_ALIGN - 1);
    uint64_t room = console->dma_size < queue_bytes ? 0 : console->dma_size - queue_bytes;
    uint64_t count = room / VIRTIO_CONSOLE_BUFFER;
    if (count == 0) {
        return fail(console, "its DMA memory is too small (dma-size)");
    }
    console->buffer_count = count < size ? (uint32_t)count : size;
    console->free = (UINT32_C(1) << console->buffer_count) - 1;
    console->buffers = console->dma + queue_bytes;
    virtqueue_open(&console->transmit, size, console->dma);
    error = virtio_queue_start(&console->device, QUEUE_TRANSMIT, &console->transmit);
    if (error != VIRTIO_OK) {
        return fail(console, virtio_error_text(error));
    }
    (void)virtqueue_interrupts(&console->transmit, false); /* sent buffers are collected when others are needed */
    virtio_driver_ok(&console->device);
    return NULL;
}

static void collect_sent(struct virtio_console *console)
{
    uint64_t number;
    uint32_t written;
    while (virtqueue_take(&console->transmit, &number, &written) == VIRTQUEUE_OK) {
        console->free |= UINT32_C(1) << number;
    }
}

uint8_t *virtio_console_buffer(struct virtio_console *console)
{
    if (console->free == 0) {
        collect_sent(console);
    }
    if (console->free == 0 || console->transmit.broken) {
        return NULL;
    }
    return console->buffers + (size_t)__builtin_ctz(console->free) * VIRTIO_CONSOLE_BUFFER;
}

void virtio_console_send(struct virtio_console *console, uint32_t length)
{
    uint32_t number = (uint32_t)__builtin_ctz(console->free);
    const struct virtqueue_buffer buffer = {
        .address = (uintptr_t)(console->buffers + (size_t)number * VIRTIO_CONSOLE_BUFFER), .length = length};
    if (!virtqueue_add(&console->transmit, &buffer, 1, number)) {
        return;
    }
    console->free &= ~(UINT32_C(1) << number);
    if (virtqueue_publish(&console->transmit)) {
        virtio_notify(&console->transmit);
    }
}

bool virtio_console_idle(struct virtio_console *console)
{
    collect_sent(console);
    return console->transmit.in_flight == 0 || console->transmit.broken;
}

bool virtio_console_broken(const struct virtio_console *console)
{
    return console->transmit.broken;
}
