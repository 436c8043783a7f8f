/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/vmm/virtio_rng.h"

#include "domains/vmm/system.h"
#include "domains/vmm/virtio_memory.h"

/* 5.4.6.1: at least one byte of each buffer is filled. */
static void rng_kick(struct virtio_device *device, unsigned index)
{
    (void)index;
    struct virtqueue_chain chain;
    uint8_t bytes[VIRTIO_RNG_BYTES_MAX];
    do {
        while (virtio_device_pop(device, 0, &chain)) {
            if (chain.readable_count != 0) {
                virtio_device_fail(device);
                break;
            }
            size_t length =
                chain.writable_bytes < sizeof(bytes) ? (size_t)chain.writable_bytes : sizeof(bytes);
            if (!system_random(bytes, length)) {
                length = 0; /* the generator failed: rather none than bad ones */
            }
            (void)virtqueue_copy_in(chain.segment, chain.writable_count, 0, bytes, length);
            virtqueue_push(&device->queue[0], chain.head, (uint32_t)length);
        }
    } while (virtio_device_running(device) && !virtqueue_wait(&device->queue[0]));
    virtio_device_publish(device, 0);
}

static void rng_start(struct virtio_device *device)
{
    rng_kick(device, 0);
}

static void rng_reset(struct virtio_device *device)
{
    (void)device;
}

static const struct virtio_device_ops rng_ops = {
    .start = rng_start, .reset = rng_reset, .kick = rng_kick};

bool virtio_rng_create(struct virtio_rng *rng, struct vm *vm)
{
    uint8_t byte;
    rng->device = (struct virtio_device){.ops = &rng_ops,
                                         .type = VIRTIO_TYPE_ENTROPY,
                                         .memory = virtio_memory_of(vm),
                                         .queue_sizes = {VIRTIO_RNG_QUEUE_SIZE}};
    virtio_device_init(&rng->device);
    return system_random(&byte, sizeof(byte));
}
