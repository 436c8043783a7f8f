/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver for NVM Express 1.4 controllers: one namespace, one pair of I/O queues, MSI-X or INTx.
 * How it is used is in drivers/block_device.h; nvme_open does not touch the device.
 *
 * The controller reaches `memory` (BH_RESOURCE_DMA) and the data of commands at the addresses that
 * the driver itself uses. The first active namespace is served; its logical blocks must have 512
 * bytes and no metadata. Section numbers in the sources are of NVM Express 1.4.
 */
#ifndef DRIVERS_NVME_NVME_H
#define DRIVERS_NVME_NVME_H

#include <stddef.h>

#include "drivers/block_device.h"

#define NVME_QUEUE_SIZE_MAX 256u
#define NVME_MEMORY_MIN     (16u * 4096u) /* for a few commands at a time */
#define NVME_MEMORY_FULL    ((8u + 128u) * 4096u)
#define NVME_REGISTERS_MIN  0x2000u

struct nvme_queue {
    uint8_t *submissions;
    uint8_t *completions;
    volatile uint32_t *tail_doorbell;
    volatile uint32_t *head_doorbell;
    uint16_t size; /* entries, the same for both queues of the pair */
    uint16_t tail;
    uint16_t kicked; /* the tail that the controller knows */
    uint16_t head;
    uint16_t released; /* the head that the controller knows */
    uint16_t phase;    /* of completions not seen yet */
};

enum nvme_stage {
    NVME_SETTLE,  /* enabled but not ready: 3.1.5 forbids to clear CC.EN before it is */
    NVME_DISABLE, /* wait for CSTS.RDY = 0 */
    NVME_ENABLE,  /* wait for CSTS.RDY = 1 */
    NVME_IDENTIFY_CONTROLLER,
    NVME_LIST_NAMESPACES,
    NVME_IDENTIFY_NAMESPACE,
    NVME_SET_QUEUE_COUNT,
    NVME_CREATE_COMPLETION_QUEUE,
    NVME_CREATE_SUBMISSION_QUEUE,
    NVME_RUNNING,
};

struct nvme {
    struct block_device block;
    volatile uint8_t *registers;
    uint64_t registers_size;
    bool messages;
    uint8_t *memory;
    size_t memory_size;
    uint64_t second; /* ticks */
    enum nvme_stage stage;
    uint64_t deadline; /* of the stage */
    uint64_t ready_timeout;
    uint16_t admin_command; /* identifier of the last admin command */
    struct nvme_queue admin;
    struct nvme_queue io;
    uint8_t *identify; /* a page */
    uint8_t *prp_lists;
    uint32_t namespace_id;
    uint16_t free_count;
    uint16_t free[NVME_QUEUE_SIZE_MAX];
    bool busy[NVME_QUEUE_SIZE_MAX];
    uint64_t token[NVME_QUEUE_SIZE_MAX];
};

/* `memory` is page-aligned; `messages`: the controller interrupts by MSI-X. NULL: fine; else what
 * is wrong. */
const char *nvme_open(struct nvme *nvme, volatile void *registers, uint64_t registers_size,
                      bool messages, void *memory, size_t memory_size, uint64_t ticks_per_second);

#endif
