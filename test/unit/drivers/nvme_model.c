/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/drivers/nvme_model.h"

#include <string.h>

#include "test/unit/check.h"

static uint32_t reg32(const struct nvme_model *model, uint32_t offset)
{
    uint32_t value;
    memcpy(&value, model->registers + offset, sizeof value);
    return value;
}

static uint64_t reg64(const struct nvme_model *model, uint32_t offset)
{
    uint64_t value;
    memcpy(&value, model->registers + offset, sizeof value);
    return value;
}

static void set32(struct nvme_model *model, uint32_t offset, uint32_t value)
{
    memcpy(model->registers + offset, &value, sizeof value);
}

void nvme_model_init(struct nvme_model *model)
{
    memset(model, 0, sizeof *model);
    uint64_t cap = UINT64_C(1023) | UINT64_C(1) << 16 | UINT64_C(4) << 24 | UINT64_C(1) << 37;
    memcpy(model->registers + NVME_CAP, &cap, sizeof cap);
    model->block_shift = 9;
    model->mdts = 5; /* 128 KiB */
}

void nvme_model_complete(struct nvme_model *model, unsigned number, uint16_t identifier,
                         uint16_t status)
{
    struct nvme_model_queue *queue = &model->queue[number];
    struct nvme_completion entry = {.submission_head = (uint16_t)queue->head,
                                    .submission_queue = (uint16_t)number,
                                    .identifier = identifier,
                                    .status = (uint16_t)(status << 1 | queue->phase)};
    memcpy((uint8_t *)(uintptr_t)queue->completions + queue->tail * sizeof entry, &entry,
           sizeof entry);
    queue->tail = (queue->tail + 1) % queue->size;
    queue->phase ^= queue->tail == 0;
}

static void copy_pages(const struct nvme_command *command, uint8_t *medium, uint32_t length,
                       bool to_memory)
{
    const uint64_t *list = (const uint64_t *)(uintptr_t)command->prp[1];
    uint64_t at = command->prp[0];
    uint32_t first = (uint32_t)(4096 - at % 4096);
    uint32_t rest = length > first ? length - first : 0;
    uint32_t index = 0;
    while (length != 0) {
        uint32_t piece = (uint32_t)(4096 - at % 4096);
        piece = piece > length ? length : piece;
        void *memory = (void *)(uintptr_t)at;
        memcpy(to_memory ? memory : (void *)medium, to_memory ? (void *)medium : memory, piece);
        medium += piece;
        length -= piece;
        if (length != 0) {
            at = rest <= 4096 ? command->prp[1] : list[index++];
            CHECK_EQUAL(at % 4096, 0);
        }
    }
}

static uint16_t admin(struct nvme_model *model, const struct nvme_command *command)
{
    uint8_t *page = (uint8_t *)(uintptr_t)command->prp[0];
    uint32_t sectors = MODEL_SECTORS;
    switch (command->opcode) {
    case NVME_ADMIN_IDENTIFY:
        if (command->dword[0] == 1) {
            memcpy(page + 24, "Model controller                        ", 40);
            page[77] = model->mdts;
        } else if (command->dword[0] == 2) {
            page[0] = model->no_namespace ? 0 : 7;
        } else {
            CHECK_EQUAL(command->namespace_id, 7);
            memcpy(page, &sectors, sizeof sectors);
            page[26] = 1;
            page[25] = 1;
            page[132] = (uint8_t)model->metadata;
            page[134] = model->block_shift;
        }
        return 0;
    case NVME_ADMIN_SET_FEATURES:
        CHECK_EQUAL(command->dword[0], NVME_FEATURE_QUEUE_COUNT);
        return 0;
    case NVME_ADMIN_CREATE_COMPLETION_QUEUE:
        CHECK_EQUAL(command->dword[0] & 0xffff, 1);
        CHECK_EQUAL(command->dword[1], 3);
        model->queue[1] = (struct nvme_model_queue){
            .completions = command->prp[0], .size = (command->dword[0] >> 16) + 1, .phase = 1};
        return 0;
    case NVME_ADMIN_CREATE_SUBMISSION_QUEUE:
        CHECK_EQUAL(command->dword[1], 1u << 16 | 1);
        CHECK_EQUAL((command->dword[0] >> 16) + 1, model->queue[1].size);
        model->queue[1].submissions = command->prp[0];
        return 0;
    default:
        return 1; /* invalid opcode */
    }
}

static uint16_t io(struct nvme_model *model, const struct nvme_command *command)
{
    CHECK_EQUAL(command->namespace_id, 7);
    if (command->opcode == NVME_IO_FLUSH) {
        model->flushes++;
        return model->io_status;
    }
    uint64_t sector = command->dword[0] | (uint64_t)command->dword[1] << 32;
    uint32_t count = (command->dword[2] & 0xffff) + 1;
    CHECK(sector <= MODEL_SECTORS && count <= MODEL_SECTORS - sector);
    model->reads += command->opcode == NVME_IO_READ;
    model->writes += command->opcode == NVME_IO_WRITE;
    if (model->io_status == 0) {
        copy_pages(command, model->medium + sector * 512, count * 512,
                   command->opcode == NVME_IO_READ);
    }
    return model->io_status;
}

static void follow_enable(struct nvme_model *model)
{
    bool enable = (reg32(model, NVME_CC) & NVME_CC_ENABLE) != 0;
    if (enable && !model->ready && !model->never_ready) {
        CHECK_EQUAL(reg32(model, NVME_CC) & ~NVME_CC_ENABLE, NVME_CC_SETTINGS);
        model->ready = true;
        model->enabled++;
        memset(model->queue, 0, sizeof model->queue);
        memset(model->registers + NVME_DOORBELLS, 0, 64);
        model->queue[0] = (struct nvme_model_queue){.submissions = reg64(model, NVME_ASQ),
                                                    .completions = reg64(model, NVME_ACQ),
                                                    .size = (reg32(model, NVME_AQA) & 0xfff) + 1,
                                                    .phase = 1};
    } else if (!enable && model->ready && !model->never_disabled) {
        model->ready = false;
    }
    set32(model, NVME_CSTS, (model->ready ? 1u : 0) | (model->fatal ? 2u : 0));
}

unsigned nvme_model_work(struct nvme_model *model, unsigned commands)
{
    unsigned done = 0;
    follow_enable(model);
    for (unsigned number = 0; number < 2 && model->ready; number++) {
        struct nvme_model_queue *queue = &model->queue[number];
        while (done < commands && queue->submissions != 0 && !(number == 0 && model->silent) &&
               queue->head != reg32(model, NVME_DOORBELLS + number * 8)) {
            struct nvme_command command;
            memcpy(&command,
                   (uint8_t *)(uintptr_t)queue->submissions + queue->head * sizeof command,
                   sizeof command);
            queue->head = (queue->head + 1) % queue->size;
            uint16_t status = number == 0 ? admin(model, &command) : io(model, &command);
            nvme_model_complete(model, number, command.identifier, status);
            done++;
        }
    }
    return done;
}
