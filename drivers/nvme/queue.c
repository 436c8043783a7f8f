/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/nvme/queue.h"

#include <string.h>

#include "drivers/mmio.h"

void nvme_queue_open(struct nvme_queue *queue, const struct nvme *nvme, uint64_t cap,
                     uint32_t number, uint16_t size, void *submissions, void *completions)
{
    /* 3.1.24 and 3.1.25: a pair of doorbells for each queue, 4 << DSTRD bytes from one to the next
     */
    uint32_t stride = 4u << NVME_CAP_DSTRD(cap);
    volatile uint8_t *doorbell = nvme->registers + NVME_DOORBELLS + (uint64_t)2 * number * stride;
    *queue = (struct nvme_queue){
        .submissions = submissions,
        .completions = completions,
        .tail_doorbell = (volatile uint32_t *)(volatile void *)doorbell,
        .head_doorbell = (volatile uint32_t *)(volatile void *)(doorbell + stride),
        .size = size,
        .phase = 1,
    };
    memset(submissions, 0, size * sizeof(struct nvme_command));
    memset(completions, 0, size * sizeof(struct nvme_completion));
}

static uint16_t next(const struct nvme_queue *queue, uint16_t index)
{
    return (uint16_t)(index + 1 == queue->size ? 0 : index + 1);
}

void nvme_queue_put(struct nvme_queue *queue, const struct nvme_command *command)
{
    memcpy(queue->submissions + queue->tail * sizeof *command, command, sizeof *command);
    queue->tail = next(queue, queue->tail);
}

void nvme_queue_kick(struct nvme_queue *queue)
{
    if (queue->kicked != queue->tail) {
        dma_write_barrier();
        mmio_write32(queue->tail_doorbell, queue->tail);
        queue->kicked = queue->tail;
    }
}

bool nvme_queue_take(struct nvme_queue *queue, struct nvme_completion *completion)
{
    struct nvme_completion *entry = (void *)(queue->completions + queue->head * sizeof *completion);
    /* 4.6: the phase bit flips with each pass of the controller through the queue. */
    uint16_t status = __atomic_load_n(&entry->status, __ATOMIC_RELAXED);
    if ((status & 1) != queue->phase) {
        if (queue->released != queue->head) {
            /* The last completion must have been read before the controller may overwrite it. */
            dma_barrier();
            mmio_write32(queue->head_doorbell, queue->head);
            queue->released = queue->head;
        }
        return false;
    }
    dma_read_barrier();
    memcpy(completion, entry, sizeof *completion);
    queue->head = next(queue, queue->head);
    if (queue->head == 0) {
        queue->phase ^= 1;
    }
    return true;
}

void nvme_fill_prp(struct nvme_command *command, uint64_t address, uint32_t length, uint64_t *list)
{
    uint64_t second = (address | (NVME_PAGE - 1)) + 1;
    uint64_t end = address + length;
    command->prp[0] = address;
    if (end <= second) {
        command->prp[1] = 0;
    } else if (end <= second + NVME_PAGE) {
        command->prp[1] = second;
    } else {
        uint32_t count = 0;
        for (uint64_t page = second; page < end; page += NVME_PAGE) {
            list[count++] = page;
        }
        command->prp[1] = (uintptr_t)list;
    }
}
