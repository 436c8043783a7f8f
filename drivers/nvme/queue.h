/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A submission queue and its completion queue (4.1), private to the driver. The caller never has
 * more commands in flight than size - 1, so the submission queue can't overflow; the controller's
 * head is not needed and not believed.
 */
#ifndef DRIVERS_NVME_QUEUE_H
#define DRIVERS_NVME_QUEUE_H

#include "drivers/nvme/nvme.h"
#include "drivers/nvme/registers.h"

/* Queue pair `number`, empty, over memory that it clears. */
void nvme_queue_open(struct nvme_queue *queue, const struct nvme *nvme, uint64_t cap,
                     uint32_t number, uint16_t size, void *submissions, void *completions);

void nvme_queue_put(struct nvme_queue *queue, const struct nvme_command *command);

/* Rings the tail doorbell if commands were put since the last time. */
void nvme_queue_kick(struct nvme_queue *queue);

/* Copies the next completion out. False: none, and the head doorbell has been rung for those taken.
 */
bool nvme_queue_take(struct nvme_queue *queue, struct nvme_completion *completion);

/* Writes the PRP entries of [address, address + length) into `command`; beyond two pages they lie
 * in `list`. */
void nvme_fill_prp(struct nvme_command *command, uint64_t address, uint32_t length, uint64_t *list);

/* Entries of a list for BLOCK_TRANSFER_MAX bytes at any address: all pages but the first. */
#define NVME_PRP_LIST_ENTRIES (BLOCK_TRANSFER_MAX / NVME_PAGE)
#define NVME_PRP_LIST_BYTES   (NVME_PRP_LIST_ENTRIES * 8u)

_Static_assert(NVME_PAGE % NVME_PRP_LIST_BYTES == 0, "no list crosses a page: 4.3");

#endif
