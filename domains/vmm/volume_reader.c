/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/volume_reader.h"

#include <string.h>

#include "domains/vmm/system.h"
#include "domains/vmm/vm.h"
#include "libs/runtime/runtime.h"

#define IN_FLIGHT 4u

struct transfer {
    uint8_t *destination;
    uint64_t start;   /* byte of the volume */
    uint64_t length;  /* bytes wanted */
    uint64_t asked;   /* bytes that have been requested */
    uint64_t arrived; /* bytes that have been copied */
    uint32_t chunk;   /* of a request, a multiple of the sector */
    uint32_t free;    /* bit i: buffer i of the data region is free */
    bool failed;
};

static void volume_attached(void *device, const struct bh_channel *channel)
{
    struct volume_reader *reader = device;
    if (!reader->opened) {
        bh_block_client_init(&reader->client, channel);
        reader->opened = true;
    } else if (bh_block_client_attach(&reader->client, channel)) {
        system_signal(channel->signal_cap);
    }
}

static void volume_detached(void *device)
{
    struct volume_reader *reader = device;
    bh_block_client_detach(&reader->client);
}

static void volume_signalled(void *device)
{
    (void)device; /* volume_read looks after every signal */
}

bool volume_open(struct volume_reader *reader, struct vm *vm, const char *name)
{
    static const struct vm_link_ops ops = {
        .attached = volume_attached, .detached = volume_detached, .signalled = volume_signalled};
    const struct bh_resource *resource = bh_resource_find(BH_RESOURCE_CLIENT, name);
    if (resource == NULL || resource->protocol != BH_PROTOCOL_BLOCK) {
        return false;
    }
    uint64_t sectors = resource->argument[0];
    reader->vm = vm;
    reader->bytes = sectors < UINT64_MAX / BH_BLOCK_SECTOR ? sectors * BH_BLOCK_SECTOR : 0;
    memcpy(reader->volume, resource->object, sizeof(reader->volume));
    return vm_link_start(&reader->link, vm, resource, &ops, reader);
}

/* Asks for as much as there are buffers for. */
static void ask(struct volume_reader *reader, struct transfer *transfer)
{
    while (transfer->free != 0 && transfer->asked < transfer->length) {
        uint32_t buffer = (uint32_t)__builtin_ctz(transfer->free);
        uint64_t left = transfer->length - transfer->asked;
        uint32_t length = transfer->chunk;
        if (left < length) {
            length = ((uint32_t)left + BH_BLOCK_SECTOR - 1) & ~(BH_BLOCK_SECTOR - 1);
        }
        uint64_t sector = (transfer->start + transfer->asked) / BH_BLOCK_SECTOR;
        if (bh_block_client_submit(&reader->client, BH_BLOCK_READ, sector,
                                   (uint64_t)buffer * transfer->chunk, length,
                                   NULL) != BH_RING_OK) {
            break; /* detached or broken: goes on after the next attachment */
        }
        transfer->free &= ~(UINT32_C(1) << buffer);
        transfer->asked += length;
    }
    if (bh_block_client_publish(&reader->client)) {
        system_signal(reader->client.channel.signal_cap);
    }
}

/* Copies what has come. */
static void take(struct volume_reader *reader, struct transfer *transfer)
{
    struct bh_block_done done;
    while (bh_block_client_next(&reader->client, &done)) {
        uint64_t at = done.request.sector * BH_BLOCK_SECTOR - transfer->start;
        uint64_t length = transfer->length - at < done.request.length ? transfer->length - at
                                                                      : done.request.length;
        transfer->free |= UINT32_C(1) << (done.request.offset / transfer->chunk);
        transfer->arrived += length;
        if (done.status != BH_BLOCK_OK) {
            transfer->failed = true;
        } else {
            memcpy(transfer->destination + at, reader->client.channel.data + done.request.offset,
                   length);
        }
    }
}

bool volume_read(struct volume_reader *reader, uint64_t start, void *destination, uint64_t length)
{
    if (start > reader->bytes || length > reader->bytes - start) {
        return false;
    }
    uint64_t chunk = reader->client.channel.data_size / IN_FLIGHT;
    chunk = chunk < BH_BLOCK_LENGTH_MAX ? chunk & ~(uint64_t)(BH_BLOCK_SECTOR - 1)
                                        : BH_BLOCK_LENGTH_MAX;
    if (chunk == 0) {
        return false;
    }
    struct transfer transfer = {.destination = destination,
                                .start = start,
                                .length = length,
                                .chunk = (uint32_t)chunk,
                                .free = (UINT32_C(1) << IN_FLIGHT) - 1};
    ask(reader, &transfer);
    while (transfer.arrived < length && (!transfer.failed || transfer.arrived < transfer.asked)) {
        if (bh_block_client_sleep(&reader->client)) {
            vm_signalled(reader->vm, system_wait());
        }
        take(reader, &transfer);
        if (!transfer.failed) {
            ask(reader, &transfer);
        }
    }
    return !transfer.failed;
}
