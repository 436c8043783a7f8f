/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/memory_disk.h"

#include <string.h>

static void start(struct block_device *device, uint64_t now)
{
    (void)now;
    ((struct memory_disk *)device)->answered = 0;
    device->state = BLOCK_READY;
}

static void step(struct block_device *device, uint64_t now)
{
    (void)device;
    (void)now;
}

static bool submit(struct block_device *device, const struct block_command *command)
{
    struct memory_disk *disk = (struct memory_disk *)device;
    if (disk->answered == MEMORY_DISK_DEPTH) {
        return false;
    }
    uint8_t *at = disk->memory + command->sector * BLOCK_SECTOR;
    void *data = (void *)(uintptr_t)command->address;
    if (command->operation == BLOCK_READ) {
        memcpy(data, at, command->length);
    } else if (command->operation == BLOCK_WRITE) {
        memcpy(at, data, command->length);
    }
    disk->token[disk->answered++] = command->token;
    return true;
}

static void kick(struct block_device *device)
{
    (void)device;
}

static bool take(struct block_device *device, uint64_t *token, enum block_result *result)
{
    struct memory_disk *disk = (struct memory_disk *)device;
    if (disk->answered == 0) {
        return false;
    }
    *token = disk->token[--disk->answered];
    *result = BLOCK_OK;
    return true;
}

static const struct block_device_operations operations = {
    .start = start,
    .step = step,
    .submit = submit,
    .kick = kick,
    .take = take,
};

void memory_disk_open(struct memory_disk *disk, void *memory, uint64_t sectors)
{
    *disk = (struct memory_disk){
        .block = {.operations = &operations,
                  .state = BLOCK_STOPPED,
                  .wake_at = BLOCK_NEVER,
                  .sectors = sectors,
                  .transfer_max = BLOCK_TRANSFER_MAX,
                  .depth = MEMORY_DISK_DEPTH,
                  .model = "memory"},
        .memory = memory,
    };
}
