/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of the virtio block driver, against a model device on the same queue. */
#include <string.h>

#include "drivers/virtio_blk/requests.h"
#include "test/unit/check.h"

#define SECTORS 64u

static _Alignas(4096) uint8_t memory[16 * 4096];
static uint8_t common[64];
static uint8_t notify[4];
static uint8_t medium[SECTORS * BLOCK_SECTOR];
static struct virtio_blk blk;
static uint16_t device_seen;
static unsigned flushes;

static void start_driver(bool write_through)
{
    memset(&blk, 0, sizeof blk);
    blk.memory = memory;
    blk.memory_size = sizeof memory;
    blk.virtio.common = common;
    blk.write_through = write_through;
    CHECK(virtio_blk_prepare(&blk, 16));
    blk.queue.notify_address = (volatile uint16_t *)(void *)notify;
    blk.block.state = BLOCK_READY;
    device_seen = 0;
    flushes = 0;
}

/* Carries out the next request; `status` 0: as it should. */
static void device_work(uint8_t status)
{
    struct virtqueue *queue = &blk.queue;
    CHECK(queue->available->index != device_seen);
    uint16_t head = queue->available->ring[device_seen++ % queue->size];
    struct virtqueue_descriptor *d = &queue->descriptors[head];
    uint32_t type;
    uint64_t sector;
    CHECK_EQUAL(d->length, 16);
    memcpy(&type, (void *)(uintptr_t)d->address, 4);
    memcpy(&sector, (void *)(uintptr_t)(d->address + 8), 8);
    d = &queue->descriptors[d->next];
    if (type != 4) {
        CHECK(sector * BLOCK_SECTOR + d->length <= sizeof medium);
        CHECK_EQUAL(d->flags & 2, type == 0 ? 2 : 0);
        void *data = (void *)(uintptr_t)d->address;
        if (status == 0 && type == 0) {
            memcpy(data, medium + sector * BLOCK_SECTOR, d->length);
        } else if (status == 0) {
            memcpy(medium + sector * BLOCK_SECTOR, data, d->length);
        }
        d = &queue->descriptors[d->next];
    } else {
        flushes++;
    }
    CHECK_EQUAL(d->length, 1);
    CHECK_EQUAL(d->flags, 2);
    *(uint8_t *)(uintptr_t)d->address = status;
    queue->used->ring[queue->used->index % queue->size] =
        (struct virtqueue_used_entry){.id = head, .length = 1};
    queue->used->index++;
}

static bool submit(enum block_operation operation, uint64_t sector, void *data, uint32_t length,
                   uint64_t token)
{
    struct block_command command = {.operation = operation,
                                    .length = length,
                                    .sector = sector,
                                    .address = (uintptr_t)data,
                                    .token = token};
    return virtio_blk_submit(&blk.block, &command);
}

static void expect(uint64_t token, enum block_result result)
{
    uint64_t got;
    enum block_result got_result;
    CHECK(virtio_blk_take(&blk.block, &got, &got_result));
    CHECK_EQUAL(got, token);
    CHECK_EQUAL(got_result, result);
}

static void expect_none(void)
{
    uint64_t token;
    enum block_result result;
    CHECK(!virtio_blk_take(&blk.block, &token, &result));
}

static void test_transfers(void)
{
    uint8_t out[1024];
    uint8_t in[1024] = {0};
    memset(out, 0x5a, sizeof out);
    start_driver(false);
    CHECK(submit(BLOCK_WRITE, 3, out, sizeof out, 11));
    virtio_blk_kick(&blk.block);
    expect_none();
    device_work(0);
    expect(11, BLOCK_OK);
    CHECK(submit(BLOCK_READ, 3, in, sizeof in, 12));
    CHECK(submit(BLOCK_FLUSH, 0, NULL, 0, 13));
    virtio_blk_kick(&blk.block);
    device_work(0);
    device_work(0);
    expect(12, BLOCK_OK);
    expect(13, BLOCK_OK);
    expect_none();
    CHECK(memcmp(in, out, sizeof in) == 0);
    CHECK_EQUAL(flushes, 1);
}

static void test_errors_are_reported(void)
{
    uint8_t data[512];
    start_driver(false);
    CHECK(submit(BLOCK_READ, 0, data, sizeof data, 1));
    CHECK(submit(BLOCK_READ, 0, data, sizeof data, 2));
    CHECK(submit(BLOCK_READ, 0, data, sizeof data, 3));
    virtio_blk_kick(&blk.block);
    device_work(1);
    device_work(2);
    device_work(0xff); /* a status that was never written */
    expect(1, BLOCK_ERROR);
    expect(2, BLOCK_ERROR);
    expect(3, BLOCK_ERROR);
}

static void test_full(void)
{
    uint8_t data[512];
    uint32_t count = 0;
    start_driver(false);
    CHECK_EQUAL(blk.block.depth, 5); /* sixteen descriptors, three each */
    while (submit(BLOCK_READ, 0, data, sizeof data, count)) {
        count++;
    }
    CHECK_EQUAL(count, 5);
    virtio_blk_kick(&blk.block);
    device_work(0);
    expect(0, BLOCK_OK);
    CHECK(submit(BLOCK_READ, 0, data, sizeof data, 9));
}

static void test_write_through(void)
{
    start_driver(true);
    CHECK(submit(BLOCK_FLUSH, 0, NULL, 0, 21));
    virtio_blk_kick(&blk.block);
    CHECK_EQUAL(blk.queue.available->index, 0); /* the device does not know flushes */
    expect(21, BLOCK_OK);
    expect_none();
}

static void test_nonsense_stops_the_driver(void)
{
    uint8_t data[512];
    start_driver(false);
    CHECK(submit(BLOCK_READ, 0, data, sizeof data, 1));
    virtio_blk_kick(&blk.block);
    blk.queue.used->ring[0].id = 9;
    blk.queue.used->index = 1;
    expect_none();
    CHECK_EQUAL(blk.block.state, BLOCK_FAILED);
    CHECK(blk.block.error != NULL);
    CHECK(!submit(BLOCK_READ, 0, data, sizeof data, 2));
}

int main(void)
{
    test_transfers();
    test_errors_are_reported();
    test_full();
    test_write_through();
    test_nonsense_stops_the_driver();
    return 0;
}
