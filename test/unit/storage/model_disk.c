/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/storage/model_disk.h"

#include <string.h>

#include "test/unit/check.h"

static void start(struct block_device *device, uint64_t now)
{
    struct model_disk *disk = (struct model_disk *)device;
    disk->starts++;
    device->state = BLOCK_RESETTING;
    device->wake_at = now;
}

static void step(struct block_device *device, uint64_t now)
{
    struct model_disk *disk = (struct model_disk *)device;
    if (device->state != BLOCK_RESETTING || disk->stuck_in_reset) {
        device->wake_at = device->state == BLOCK_RESETTING ? now + 1 : BLOCK_NEVER;
        return;
    }
    disk->queued = 0;
    disk->done_count = 0;
    device->wake_at = BLOCK_NEVER;
    device->state = disk->fails_to_start ? BLOCK_FAILED : BLOCK_READY;
    device->error = disk->fails_to_start ? "the model fails" : NULL;
}

static bool submit(struct block_device *device, const struct block_command *command)
{
    struct model_disk *disk = (struct model_disk *)device;
    CHECK_EQUAL(device->state, BLOCK_READY);
    if (disk->queued + disk->done_count == device->depth) {
        return false;
    }
    if (command->operation != BLOCK_FLUSH) {
        uint64_t count = command->length / BLOCK_SECTOR;
        CHECK(command->length != 0 && command->length % BLOCK_SECTOR == 0);
        CHECK(command->length <= device->transfer_max);
        CHECK(command->sector <= device->sectors && count <= device->sectors - command->sector);
    }
    disk->queue[disk->queued++] = *command;
    return true;
}

static void kick(struct block_device *device)
{
    ((struct model_disk *)device)->kicks++;
}

static bool take(struct block_device *device, uint64_t *token, enum block_result *result)
{
    struct model_disk *disk = (struct model_disk *)device;
    if (device->state != BLOCK_READY || disk->done_count == 0) {
        return false;
    }
    *token = disk->done[0].token;
    *result = disk->result[0];
    disk->done_count--;
    memmove(disk->done, disk->done + 1, disk->done_count * sizeof *disk->done);
    memmove(disk->result, disk->result + 1, disk->done_count * sizeof *disk->result);
    return true;
}

static const struct block_device_operations operations = {
    .start = start,
    .step = step,
    .submit = submit,
    .kick = kick,
    .take = take,
};

void model_disk_open(struct model_disk *disk, uint8_t *medium, uint64_t sectors, uint32_t depth,
                     uint32_t transfer_max)
{
    CHECK(depth <= MODEL_DEPTH_MAX);
    *disk = (struct model_disk){.block = {.operations = &operations,
                                          .wake_at = BLOCK_NEVER,
                                          .sectors = sectors,
                                          .depth = depth,
                                          .transfer_max = transfer_max,
                                          .model = "model"},
                                .medium = medium};
}

void model_disk_answer(struct model_disk *disk, uint32_t index, enum block_result result)
{
    CHECK(index < disk->queued);
    struct block_command command = disk->queue[index];
    uint8_t *at = disk->medium != NULL ? disk->medium + command.sector * BLOCK_SECTOR : NULL;
    void *data = (void *)(uintptr_t)command.address;
    if (result == BLOCK_OK && command.operation == BLOCK_READ) {
        disk->reads++;
        if (at != NULL) {
            memcpy(data, at, command.length);
        }
    } else if (result == BLOCK_OK && command.operation == BLOCK_WRITE) {
        disk->writes++;
        if (at != NULL) {
            memcpy(at, data, command.length);
        }
    } else if (result == BLOCK_OK) {
        disk->flushes++;
    }
    disk->queued--;
    memmove(disk->queue + index, disk->queue + index + 1,
            (disk->queued - index) * sizeof *disk->queue);
    disk->result[disk->done_count] = result;
    disk->done[disk->done_count++] = command;
}

void model_disk_answer_some(struct model_disk *disk, uint32_t count)
{
    for (uint32_t i = 0; i < count && disk->queued != 0; i++) {
        model_disk_answer(disk, 0, BLOCK_OK);
    }
}
