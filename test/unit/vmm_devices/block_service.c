/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/vmm_devices/block_service.h"

#include <string.h>

#include "test/unit/check.h"

void block_service_create(struct block_service *service, struct vm *vm, const char *name,
                          uint32_t entries, uint64_t data_size, bool read_only)
{
    struct bh_channel_geometry geometry = {.entries = entries,
                                           .submit_size = sizeof(struct bh_block_request),
                                           .complete_size = sizeof(struct bh_block_response),
                                           .data_size = data_size};
    *service = (struct block_service){.volume = malloc(VOLUME_SECTORS * BH_BLOCK_SECTOR)};
    CHECK(service->volume != NULL);
    for (uint32_t i = 0; i < VOLUME_SECTORS * BH_BLOCK_SECTOR; i++) {
        service->volume[i] = (uint8_t)(i / 512 * 7 + i);
    }
    service_create(&service->service, vm, name, BH_PROTOCOL_BLOCK, &geometry, block_service_run);
    service->service.resource->argument[0] = VOLUME_SECTORS;
    service->service.resource->argument[1] = read_only;
    strcpy(service->service.resource->object, "a-volume");
}

void block_service_destroy(struct block_service *service)
{
    service_destroy(&service->service);
    free(service->volume);
}

uint32_t block_service_do(struct block_service *service, const struct bh_block_request *request)
{
    service->requests++;
    if (service->fail != 0) {
        service->fail--;
        return BH_BLOCK_IO_ERROR;
    }
    if (request->operation == BH_BLOCK_FLUSH) {
        CHECK(request->length == 0 && request->offset == 0 && request->sector == 0);
        service->flushes++;
        service->unflushed = 0;
        return BH_BLOCK_OK;
    }
    /* The VMM is to send nothing that the protocol forbids, whatever the guest does. */
    CHECK(request->operation == BH_BLOCK_READ || request->operation == BH_BLOCK_WRITE);
    CHECK(request->length != 0 && request->length % BH_BLOCK_SECTOR == 0 &&
          request->length <= BH_BLOCK_LENGTH_MAX);
    CHECK(request->offset % BH_BLOCK_SECTOR == 0);
    CHECK(bh_channel_range_ok(&service->service.channel, request->offset, request->length));
    CHECK(request->sector <= VOLUME_SECTORS &&
          request->length / BH_BLOCK_SECTOR <= VOLUME_SECTORS - request->sector);
    uint8_t *disk = service->volume + request->sector * BH_BLOCK_SECTOR;
    uint8_t *data = service->service.channel.data + request->offset;
    if (request->operation == BH_BLOCK_READ) {
        memcpy(data, disk, request->length);
    } else {
        CHECK(service->service.resource->argument[1] == 0);
        memcpy(disk, data, request->length);
        service->unflushed++;
    }
    return BH_BLOCK_OK;
}

void block_service_answer(struct block_service *service, uint64_t id, uint32_t status)
{
    struct bh_block_response response = {.id = id, .status = status};
    CHECK_EQUAL(bh_ring_produce(&service->service.channel.complete, &response), BH_RING_OK);
}

void block_service_run(struct service *base)
{
    struct block_service *service = (struct block_service *)base;
    do {
        while (service->held_count < 256 &&
               bh_ring_consume(&base->channel.submit, &service->held[service->held_count]) ==
                   BH_RING_OK) {
            service->held_count++;
        }
        (void)bh_ring_release(&base->channel.submit);
    } while (!bh_ring_consumer_sleep(&base->channel.submit));
    if (service->hold) {
        return;
    }
    /* Last come, first served, so that answers are out of order. */
    while (service->held_count != 0) {
        struct bh_block_request *request = &service->held[--service->held_count];
        block_service_answer(service, request->id, block_service_do(service, request));
    }
    service_publish(base);
}
