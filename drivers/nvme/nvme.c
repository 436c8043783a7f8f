/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands and their answers; the way to NVME_RUNNING is in start.c. */
#include "drivers/nvme/nvme.h"

#include <string.h>

#include "drivers/nvme/queue.h"
#include "drivers/nvme/start.h"

static struct nvme *nvme_of(struct block_device *device)
{
    return (struct nvme *)device;
}

static bool nvme_submit(struct block_device *device, const struct block_command *command)
{
    struct nvme *nvme = nvme_of(device);
    if (device->state != BLOCK_READY || nvme->free_count == 0) {
        return false;
    }
    uint16_t identifier = nvme->free[--nvme->free_count];
    nvme->busy[identifier] = true;
    nvme->token[identifier] = command->token;
    struct nvme_command entry = {.identifier = identifier, .namespace_id = nvme->namespace_id};
    if (command->operation == BLOCK_FLUSH) {
        entry.opcode = NVME_IO_FLUSH;
    } else {
        entry.opcode = command->operation == BLOCK_READ ? NVME_IO_READ : NVME_IO_WRITE;
        entry.dword[0] = (uint32_t)command->sector;
        entry.dword[1] = (uint32_t)(command->sector >> 32);
        entry.dword[2] = command->length / BLOCK_SECTOR - 1; /* counts from 0 */
        uint8_t *list = nvme->prp_lists + (size_t)identifier * NVME_PRP_LIST_BYTES;
        nvme_fill_prp(&entry, command->address, command->length, (uint64_t *)(void *)list);
    }
    nvme_queue_put(&nvme->io, &entry);
    return true;
}

static void nvme_kick(struct block_device *device)
{
    if (device->state == BLOCK_READY) {
        nvme_queue_kick(&nvme_of(device)->io);
    }
}

static enum block_result result_of(uint16_t status)
{
    switch (NVME_STATUS(status)) {
    case 0:
        return BLOCK_OK;
    case NVME_STATUS_NAMESPACE_PROTECTED:
    case NVME_STATUS_ATTEMPTED_READ_ONLY:
        return BLOCK_WRITE_PROTECTED;
    default:
        return BLOCK_ERROR;
    }
}

static bool nvme_take(struct block_device *device, uint64_t *token, enum block_result *result)
{
    struct nvme *nvme = nvme_of(device);
    struct nvme_completion completion;
    if (device->state != BLOCK_READY || !nvme_queue_take(&nvme->io, &completion)) {
        return false;
    }
    uint16_t identifier = completion.identifier;
    if (identifier >= device->depth || !nvme->busy[identifier]) {
        nvme_stop(nvme, "the controller answered a command that was not given");
        return false;
    }
    nvme->busy[identifier] = false;
    nvme->free[nvme->free_count++] = identifier;
    *token = nvme->token[identifier];
    *result = result_of(completion.status);
    return true;
}

static void nvme_start(struct block_device *device, uint64_t now)
{
    nvme_begin(nvme_of(device), now);
}

static void nvme_step(struct block_device *device, uint64_t now)
{
    nvme_advance(nvme_of(device), now);
}

static const struct block_device_operations nvme_operations = {
    .start = nvme_start,
    .step = nvme_step,
    .submit = nvme_submit,
    .kick = nvme_kick,
    .take = nvme_take,
};

const char *nvme_open(struct nvme *nvme, volatile void *registers, uint64_t registers_size,
                      bool messages, void *memory, size_t memory_size, uint64_t ticks_per_second)
{
    *nvme = (struct nvme){
        .block = {.operations = &nvme_operations, .state = BLOCK_STOPPED, .wake_at = BLOCK_NEVER},
        .registers = registers,
        .registers_size = registers_size,
        .messages = messages,
        .memory = memory,
        .memory_size = memory_size,
        .second = ticks_per_second,
    };
    if (registers_size < NVME_REGISTERS_MIN) {
        return "its registers are too small for an NVMe controller";
    }
    if (memory_size < NVME_MEMORY_MIN || (uintptr_t)memory % NVME_PAGE != 0) {
        return "its queue memory is less than 64 KiB, or not aligned to pages";
    }
    return NULL;
}
