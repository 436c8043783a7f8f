/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the device, and noticing that it has failed. */
#include "drivers/virtio_blk/virtio_blk.h"

#include <string.h>

#include "drivers/virtio_blk/requests.h"

/* 5.2.3 */
#define FEATURE_SIZE_MAX   (UINT64_C(1) << 1)
#define FEATURE_READ_ONLY  (UINT64_C(1) << 5)
#define FEATURE_BLOCK_SIZE (UINT64_C(1) << 6)
#define FEATURE_FLUSH      (UINT64_C(1) << 9)

/* 5.2.4 */
#define CONFIG_CAPACITY   0
#define CONFIG_SIZE_MAX   8
#define CONFIG_BLOCK_SIZE 20

#define RESET_TIMEOUT_SECONDS 5u
#define POLLS_PER_SECOND      1000u
#define TRANSFER_MIN          4096u

void virtio_blk_stop(struct virtio_blk *blk, const char *error)
{
    virtio_fail(&blk->virtio);
    blk->block.state = BLOCK_FAILED;
    blk->block.error = error;
    blk->block.wake_at = BLOCK_NEVER;
}

static void start(struct block_device *device, uint64_t now)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    device->error = NULL;
    device->state = BLOCK_RESETTING;
    device->wake_at = now; /* most devices have reset by the time of the first look */
    blk->deadline = now + RESET_TIMEOUT_SECONDS * blk->second;
    virtio_reset(&blk->virtio);
}

static const char *read_geometry(struct virtio_blk *blk)
{
    uint64_t features = blk->virtio.features;
    uint32_t block_size = BLOCK_SECTOR;
    uint32_t size_max = BLOCK_TRANSFER_MAX;
    bool ok = virtio_config_read(&blk->virtio, CONFIG_CAPACITY, &blk->block.sectors,
                                 sizeof blk->block.sectors);
    if ((features & FEATURE_BLOCK_SIZE) != 0) {
        ok = ok &&
             virtio_config_read(&blk->virtio, CONFIG_BLOCK_SIZE, &block_size, sizeof block_size);
    }
    if ((features & FEATURE_SIZE_MAX) != 0) {
        ok = ok && virtio_config_read(&blk->virtio, CONFIG_SIZE_MAX, &size_max, sizeof size_max);
    }
    if (!ok) {
        return "its configuration can't be read";
    }
    if (block_size != BLOCK_SECTOR) {
        return "its logical blocks do not have 512 bytes, which is not supported";
    }
    if (size_max < TRANSFER_MIN) {
        return "it takes buffers of less than 4 KiB only, which is not supported";
    }
    size_max = size_max > BLOCK_TRANSFER_MAX ? BLOCK_TRANSFER_MAX : size_max;
    blk->block.transfer_max = size_max & ~(TRANSFER_MIN - 1);
    blk->block.read_only = (features & FEATURE_READ_ONLY) != 0;
    blk->write_through = (features & FEATURE_FLUSH) == 0;
    return NULL;
}

/* The largest power of two that the device, the driver and the descriptors' numbers allow. */
static uint16_t queue_size(struct virtio_blk *blk)
{
    uint16_t max = virtio_queue_max(&blk->virtio, 0);
    uint16_t size = VIRTQUEUE_SIZE_MAX;
    while (size > max) {
        size /= 2;
    }
    return size;
}

static const char *set_up(struct virtio_blk *blk)
{
    enum virtio_error error = virtio_negotiate(
        &blk->virtio, FEATURE_SIZE_MAX | FEATURE_READ_ONLY | FEATURE_BLOCK_SIZE | FEATURE_FLUSH);
    if (error != VIRTIO_OK) {
        return virtio_error_text(error);
    }
    const char *problem = read_geometry(blk);
    if (problem != NULL) {
        return problem;
    }
    uint16_t size = queue_size(blk);
    if (size < VIRTIO_BLK_DESCRIPTORS || !virtio_blk_prepare(blk, size)) {
        return "its queue, or its queue memory, is too small";
    }
    error = virtio_queue_start(&blk->virtio, 0, &blk->queue);
    return error == VIRTIO_OK ? NULL : virtio_error_text(error);
}

static void step(struct block_device *device, uint64_t now)
{
    struct virtio_blk *blk = (struct virtio_blk *)device;
    if (device->state == BLOCK_READY) {
        uint32_t causes = virtio_interrupt_causes(&blk->virtio); /* lowers the interrupt line */
        if ((causes & VIRTIO_CAUSE_CONFIG) != 0 && virtio_failed(&blk->virtio)) {
            virtio_blk_stop(blk, "the device asks for a reset, or is gone");
        }
        return;
    }
    /* No state may leave the line up: it would interrupt for ever. */
    (void)virtio_interrupt_causes(&blk->virtio);
    if (device->state != BLOCK_RESETTING) {
        return;
    }
    if (!virtio_reset_done(&blk->virtio)) {
        device->wake_at = now + blk->second / POLLS_PER_SECOND;
        if (now >= blk->deadline) {
            virtio_blk_stop(blk, "the device can't be reset");
        }
        return;
    }
    device->state = BLOCK_STARTING;
    const char *error = set_up(blk);
    if (error != NULL) {
        virtio_blk_stop(blk, error);
        return;
    }
    virtio_driver_ok(&blk->virtio);
    device->state = BLOCK_READY;
    device->wake_at = BLOCK_NEVER;
}

static const struct block_device_operations operations = {
    .start = start,
    .step = step,
    .submit = virtio_blk_submit,
    .kick = virtio_blk_kick,
    .take = virtio_blk_take,
};

const char *virtio_blk_open(struct virtio_blk *blk, const volatile void *config_page,
                            const struct virtio_bar bars[PCI_BARS], void *memory,
                            size_t memory_size, uint64_t ticks_per_second)
{
    *blk = (struct virtio_blk){
        .block = {.operations = &operations,
                  .state = BLOCK_STOPPED,
                  .wake_at = BLOCK_NEVER,
                  .model = "virtio block device"},
        .memory = memory,
        .memory_size = memory_size,
        .second = ticks_per_second,
    };
    enum virtio_error error = virtio_open(&blk->virtio, config_page, bars);
    if (error != VIRTIO_OK) {
        return virtio_error_text(error);
    }
    if (blk->virtio.type != VIRTIO_TYPE_BLOCK) {
        return "it is a virtio device, but no block device";
    }
    if (memory_size < VIRTIO_BLK_MEMORY_MIN || (uintptr_t)memory % VIRTQUEUE_ALIGN != 0) {
        return "its queue memory is less than 32 KiB, or not aligned to pages";
    }
    return NULL;
}
