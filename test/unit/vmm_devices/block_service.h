/* SPDX-License-Identifier: BSD-2-Clause */
/* A volume in memory, served over a block channel. */
#ifndef TEST_UNIT_VMM_DEVICES_BLOCK_SERVICE_H
#define TEST_UNIT_VMM_DEVICES_BLOCK_SERVICE_H

#include "ipc/block.h"
#include "test/unit/vmm_devices/machine.h"

#define VOLUME_SECTORS 8192u

struct block_service {
    struct service service; /* first: `run` gets it */
    uint8_t *volume;
    unsigned requests, flushes, unflushed; /* unflushed: writes answered since the last flush */
    unsigned fail;                         /* so many requests fail */
    bool hold;                             /* take requests and answer none */
    unsigned held_count;
    struct bh_block_request held[256];
};

/* Adds the channel `name` to the domain page. */
void block_service_create(struct block_service *service, struct vm *vm, const char *name,
                          uint32_t entries, uint64_t data_size, bool read_only);
void block_service_destroy(struct block_service *service);

/* Serves one request on the volume; the status. */
uint32_t block_service_do(struct block_service *service, const struct bh_block_request *request);

/* Answers; the VMM sees it after service_publish. */
void block_service_answer(struct block_service *service, uint64_t id, uint32_t status);

/* Does and answers all requests in the ring and all that are held, in an odd order. */
void block_service_run(struct service *service);

#endif
