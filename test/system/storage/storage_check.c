/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the storage domain that checks every volume it has a channel to: what it writes is
 * what it reads, wrong requests get the right status, and all volumes together under load. At the
 * end each sector of a writable volume holds its number and a mark of the volume, for the test on
 * the build machine to look at. Turns the machine off with the number of failures as exit status.
 */
#include <bh/syscall.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/block_client.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

#define VOLUMES_MAX 8u
#define SLICE       65536u /* bytes of a request under load */
#define IN_FLIGHT   16u

struct volume {
    const struct bh_resource *resource;
    struct bh_block_client client;
    uint64_t sectors;
    uint64_t position; /* under load: the next sector */
    bool verify;       /* ... reading, not writing */
    uint64_t expected[IN_FLIGHT];
    bool used[IN_FLIGHT];
};

static struct volume volumes[VOLUMES_MAX];
static uint32_t volume_count;
static unsigned failures;

static void fail(const struct volume *volume, const char *what)
{
    failures++;
    bh_log("%s: FAILED: %s", volume->resource->name, what);
}

static void wait_for_signal(void)
{
    uint64_t bits;
    (void)bh_wait(BH_SLOT_NOTIFICATION, &bits);
    if ((bits & BH_SIGNAL_CONTROL) != 0) {
        bh_domain_changed();
    }
}

static void publish(struct volume *volume)
{
    if (bh_block_client_publish(&volume->client)) {
        (void)bh_signal(volume->client.channel.signal_cap);
    }
}

/* One request, and its status. */
static uint32_t ask(struct volume *volume, uint32_t operation, uint64_t sector, uint64_t offset,
                    uint32_t length)
{
    struct bh_block_done done;
    if (bh_block_client_submit(&volume->client, (enum bh_block_operation)operation, sector, offset,
                               length, NULL) != BH_RING_OK) {
        fail(volume, "the ring takes no request");
        return UINT32_MAX;
    }
    publish(volume);
    while (!bh_block_client_next(&volume->client, &done)) {
        if (bh_block_client_sleep(&volume->client)) {
            wait_for_signal();
        }
    }
    return done.status;
}

static void expect(struct volume *volume, uint32_t status, uint32_t expected, const char *what)
{
    if (status != expected) {
        failures++;
        bh_log("%s: FAILED: %s: status %u, expected %u", volume->resource->name, what, status,
               expected);
    }
}

static void fill(uint8_t *at, uint32_t length, uint32_t seed)
{
    for (uint32_t i = 0; i < length; i++) {
        seed = seed * 1103515245 + 12345;
        at[i] = (uint8_t)(seed >> 16);
    }
}

/* Writes from the first half of the data region, reads into the second. */
static void check_transfers(struct volume *volume)
{
    static const uint32_t lengths[] = {512, 3584, 4096, 8192, 66048, 1024 * 1024};
    static const uint32_t offsets[] = {0, 512, 3584};
    uint8_t *data = volume->client.channel.data;
    const uint32_t half = 1024 * 1024;
    for (uint32_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (uint32_t j = 0; j < sizeof offsets / sizeof *offsets; j++) {
            uint32_t length = lengths[i];
            uint32_t offset = length == half ? 0 : offsets[j];
            uint64_t sector = (i * 1009 + j * 13) % (volume->sectors - length / 512 + 1);
            fill(data + offset, length, i * 100 + j);
            memset(data + half + offset, 0, length);
            expect(volume, ask(volume, BH_BLOCK_WRITE, sector, offset, length), BH_BLOCK_OK,
                   "write");
            expect(volume, ask(volume, BH_BLOCK_READ, sector, half + offset, length), BH_BLOCK_OK,
                   "read");
            if (memcmp(data + offset, data + half + offset, length) != 0) {
                fail(volume, "what was read is not what was written");
            }
        }
    }
    expect(volume, ask(volume, BH_BLOCK_FLUSH, 0, 0, 0), BH_BLOCK_OK, "flush");
}

static void check_wrong_requests(struct volume *volume, bool read_only)
{
    uint64_t size = volume->client.channel.data_size;
    uint64_t sectors = volume->sectors;
    expect(volume, ask(volume, BH_BLOCK_READ, sectors, 0, 512), BH_BLOCK_RANGE, "behind the end");
    expect(volume, ask(volume, BH_BLOCK_READ, sectors - 1, 0, 1024), BH_BLOCK_RANGE,
           "over the end");
    expect(volume, ask(volume, BH_BLOCK_READ, UINT64_MAX, 0, 512), BH_BLOCK_RANGE, "far away");
    expect(volume, ask(volume, BH_BLOCK_READ, 0, size, 512), BH_BLOCK_BAD_REQUEST, "no data");
    expect(volume, ask(volume, BH_BLOCK_READ, 0, 100, 512), BH_BLOCK_BAD_REQUEST, "unaligned");
    expect(volume, ask(volume, BH_BLOCK_READ, 0, 0, 100), BH_BLOCK_BAD_REQUEST, "odd length");
    expect(volume, ask(volume, 77, 0, 0, 512), BH_BLOCK_BAD_REQUEST, "unknown operation");
    expect(volume, ask(volume, BH_BLOCK_READ, sectors - 1, 0, 512), BH_BLOCK_OK, "the last sector");
    if (read_only) {
        expect(volume, ask(volume, BH_BLOCK_WRITE, 0, 0, 512), BH_BLOCK_READ_ONLY, "write");
    }
}

/* What each sector of a volume holds at the end: mark and number, 32 times. */
static void stamp(struct volume *volume, uint8_t *at, uint64_t sector)
{
    uint64_t mark = 0;
    memcpy(&mark, volume->resource->name + strlen(volume->resource->name) - 6, 6);
    for (unsigned i = 0; i < 512; i += 16) {
        memcpy(at + i, &mark, 8);
        memcpy(at + i + 8, &sector, 8);
    }
}

static void submit_load(struct volume *volume)
{
    for (uint32_t slot = 0; slot < IN_FLIGHT && volume->position < volume->sectors; slot++) {
        if (volume->used[slot]) {
            continue;
        }
        uint64_t count = volume->sectors - volume->position;
        count = count > SLICE / 512 ? SLICE / 512 : count;
        uint8_t *at = volume->client.channel.data + slot * SLICE;
        for (uint64_t i = 0; i < count && !volume->verify; i++) {
            stamp(volume, at + i * 512, volume->position + i);
        }
        enum bh_block_operation operation = volume->verify ? BH_BLOCK_READ : BH_BLOCK_WRITE;
        volume->used[slot] = true;
        volume->expected[slot] = volume->position;
        if (bh_block_client_submit(&volume->client, operation, volume->position, slot * SLICE,
                                   (uint32_t)count * 512, &volume->expected[slot]) != BH_RING_OK) {
            fail(volume, "the ring takes no request under load");
            return;
        }
        volume->position += count;
    }
    publish(volume);
}

/* False: there are no more answers. */
static bool take_load(struct volume *volume)
{
    struct bh_block_done done;
    if (!bh_block_client_next(&volume->client, &done)) {
        return false;
    }
    const uint64_t *sector = done.cookie;
    uint8_t expected[512];
    expect(volume, done.status, BH_BLOCK_OK, "a request under load");
    uint8_t *at = volume->client.channel.data + done.request.offset;
    for (uint32_t i = 0; i < done.request.length / 512 && volume->verify; i++) {
        stamp(volume, expected, *sector + i);
        if (memcmp(at + i * 512, expected, 512) != 0) {
            fail(volume, "a sector does not hold what was written under load");
            break;
        }
    }
    volume->used[sector - volume->expected] = false;
    return true;
}

/* All writable volumes at once, from the first sector to the last. */
static void check_load(bool verify)
{
    uint64_t begin = bh_ticks();
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < volume_count; i++) {
        volumes[i].position = volumes[i].resource->argument[1] == 1 ? volumes[i].sectors : 0;
        volumes[i].verify = verify;
        bytes += (volumes[i].sectors - volumes[i].position) * 512;
        submit_load(&volumes[i]);
    }
    for (bool busy = true; busy;) {
        busy = false;
        bool sleep = true;
        for (uint32_t i = 0; i < volume_count; i++) {
            while (take_load(&volumes[i])) {
            }
            submit_load(&volumes[i]);
            busy |= bh_block_client_in_flight(&volumes[i].client) != 0;
            sleep &= bh_block_client_sleep(&volumes[i].client);
        }
        if (busy && sleep) {
            wait_for_signal();
        }
    }
    uint64_t us = bh_us_from_ticks(bh_ticks() - begin);
    bh_log("load: %s %llu KiB in %llu us", verify ? "read" : "wrote",
           (unsigned long long)(bytes / 1024), (unsigned long long)us);
}

/* Reads of 4 KiB, one after the other: the time of each is that of a whole round trip. */
static void measure(struct volume *volume)
{
    const uint32_t count = 200;
    uint64_t begin = bh_ticks();
    for (uint32_t i = 0; i < count; i++) {
        (void)ask(volume, BH_BLOCK_READ, (i * 8) % (volume->sectors - 7), 0, 4096);
    }
    uint64_t us = bh_us_from_ticks(bh_ticks() - begin);
    bh_log("%s: a read of 4 KiB takes %llu ns", volume->resource->name,
           (unsigned long long)(us * 1000 / count));
}

static void open_volumes(void)
{
    const struct bh_domain_page *page = bh_domain();
    for (uint32_t i = 0; i < page->resource_count && volume_count < VOLUMES_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        if (bh_resource_state(resource) == BH_RESOURCE_ATTACHED &&
            resource->kind == BH_RESOURCE_CLIENT && resource->protocol == BH_PROTOCOL_BLOCK) {
            struct volume *volume = &volumes[volume_count++];
            struct bh_channel channel;
            bh_channel_attach(&channel, resource);
            volume->resource = resource;
            volume->sectors = resource->argument[0];
            bh_block_client_init(&volume->client, &channel);
            bh_log("%s: %llu sectors%s", resource->name, (unsigned long long)volume->sectors,
                   resource->argument[1] == 1 ? ", read-only" : "");
        }
    }
}

int main(void)
{
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
    open_volumes();
    for (uint32_t i = 0; i < volume_count; i++) {
        bool read_only = volumes[i].resource->argument[1] == 1;
        if (!read_only) {
            check_transfers(&volumes[i]);
        }
        check_wrong_requests(&volumes[i], read_only);
        measure(&volumes[i]);
    }
    check_load(false);
    check_load(true);
    for (uint32_t i = 0; i < volume_count; i++) {
        expect(&volumes[i], ask(&volumes[i], BH_BLOCK_FLUSH, 0, 0, 0), BH_BLOCK_OK, "last flush");
    }
    bh_log("checked %u volumes, %u failures", volume_count, failures);
    (void)bh_root_call(BH_ROOT_MACHINE_OFF, failures > 255 ? 255 : failures, 0, 0);
    for (;;) {
        wait_for_signal();
    }
}
