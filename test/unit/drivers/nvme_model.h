/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An NVMe controller as the driver sees it: registers and queues in memory. It works when it is
 * told to, so a test decides what happens between two steps of the driver.
 */
#ifndef TEST_UNIT_DRIVERS_NVME_MODEL_H
#define TEST_UNIT_DRIVERS_NVME_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nvme/registers.h"

#define MODEL_SECTORS 4096u

struct nvme_model_queue {
    uint64_t submissions;
    uint64_t completions;
    uint32_t size;
    uint32_t head; /* of submissions */
    uint32_t tail; /* of completions */
    uint16_t phase;
};

struct nvme_model {
    _Alignas(4096) uint8_t registers[0x4000];
    uint8_t medium[MODEL_SECTORS * 512];
    struct nvme_model_queue queue[2];
    bool ready;
    /* faults to play */
    bool never_ready;
    bool never_disabled;
    bool fatal;
    bool silent;         /* admin commands stay unanswered */
    uint16_t io_status;  /* type and code of all I/O completions */
    uint8_t block_shift; /* 9 */
    uint16_t metadata;
    uint8_t mdts;
    bool no_namespace;
    /* what was seen */
    unsigned enabled;
    unsigned reads, writes, flushes;
};

void nvme_model_init(struct nvme_model *model);

/* Follows CC.EN and answers at most `commands` commands; returns how many. */
unsigned nvme_model_work(struct nvme_model *model, unsigned commands);

/* Puts a completion into a queue, deserved or not. */
void nvme_model_complete(struct nvme_model *model, unsigned queue, uint16_t identifier,
                         uint16_t status);

#endif
