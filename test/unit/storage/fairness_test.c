/* SPDX-License-Identifier: BSD-2-Clause */
/* One client that floods a disk does not starve the others. */
#include <string.h>

#include "test/unit/storage/log.h"
#include "test/unit/storage/model_disk.h"
#include "test/unit/storage/peer.h"

#define SECTORS (UINT64_C(1) << 20)

static struct model_disk model;
static struct disk disk;
static struct volume_table volumes;
static struct peer flooder, polite, third, fourth;

static void bring_up(uint32_t depth, uint32_t transfer_max)
{
    memset(&volumes, 0, sizeof volumes);
    memset(&statistics, 0, sizeof statistics);
    model_disk_open(&model, NULL, SECTORS, depth, transfer_max);
    disk_open(&disk, "whole", &model.block, &volumes, NULL, 1000, 30);
    disk_start(&disk, 1);
}

static void join(struct peer *peer, unsigned number)
{
    peer_open(peer, number, &disk, volume_find(&volumes, "whole"), 256, UINT64_C(1) << 20, false);
}

static void flood(struct peer *peer, uint32_t length)
{
    while (peer_try(peer, 0, BH_BLOCK_READ, 0, 0, length)) {
    }
    peer_publish(peer);
}

static void run(void)
{
    unsigned rounds = 0;
    while (disk_run(&disk, 1, signal_peer)) {
        CHECK(rounds++ < 1000);
    }
}

/* The disk answers `count` commands, one by one in order, and clients keep their rings as they
 * like. */
static void serve(unsigned count, void (*refill)(void))
{
    for (unsigned i = 0; i < count; i++) {
        run();
        if (model.queued == 0) {
            return;
        }
        model_disk_answer_some(&model, 1);
        disk_step(&disk, 1);
        run();
        refill();
    }
}

static uint64_t drain(struct peer *peer)
{
    struct bh_block_response response;
    uint64_t count = 0;
    while (peer_take(peer, &response)) {
        count++;
    }
    return count;
}

static uint64_t waited_for;
static bool answered;

static void refill_flooder(void)
{
    (void)drain(&flooder);
    flood(&flooder, 1 << 20);
    waited_for += !answered;
    answered |= drain(&polite) != 0;
}

/* A small request among a flood of large ones waits for what is in flight, not for what is queued.
 */
static void test_latency_under_flood(void)
{
    bring_up(64, 128 * 1024);
    join(&flooder, 0);
    join(&polite, 1);
    flood(&flooder, 1 << 20);
    run();
    CHECK(flooder.client.in_flight < 64); /* a part of the disk is left for others */
    peer_submit(&polite, 1, BH_BLOCK_READ, 0, 0, 512);
    answered = false;
    waited_for = 0;
    serve(200, refill_flooder);
    CHECK(answered);
    CHECK(waited_for <= CLIENT_REQUESTS + 1);
}

static void refill_all(void)
{
    (void)drain(&flooder);
    (void)drain(&polite);
    (void)drain(&third);
    (void)drain(&fourth);
    flood(&flooder, 1 << 20);
    flood(&polite, 4096);
    flood(&third, 4096);
    flood(&fourth, 4096);
}

static uint64_t bytes_of(unsigned peer)
{
    return statistics.client[1 + peer].counters.read_bytes;
}

/* Clients that want all they can get share the disk by bytes, whatever their requests' size. */
static void test_bandwidth_is_shared(void)
{
    bring_up(16, 128 * 1024);
    join(&flooder, 0);
    join(&polite, 1);
    join(&third, 2);
    join(&fourth, 3);
    refill_all();
    serve(20000, refill_all);
    for (unsigned i = 1; i < 4; i++) {
        CHECK(bytes_of(0) < 3 * bytes_of(i));
        CHECK(bytes_of(i) < 3 * bytes_of(0));
        CHECK(bytes_of(i) * 10 < bytes_of(1) * 11 && bytes_of(1) * 10 < bytes_of(i) * 11);
    }
}

static void refill_bad(void)
{
    while (peer_try(&flooder, 0, BH_BLOCK_READ, UINT64_MAX, 0, 512)) {
    }
    peer_publish(&flooder);
    (void)drain(&flooder);
    answered |= drain(&polite) != 0;
}

/* Nonsense costs turns as well. */
static void test_flood_of_bad_requests(void)
{
    bring_up(8, 128 * 1024);
    join(&flooder, 0);
    join(&polite, 1);
    answered = false;
    refill_bad();
    peer_submit(&polite, 1, BH_BLOCK_READ, 0, 0, 512);
    for (int i = 0; i < 3; i++) {
        (void)disk_run(&disk, 1, signal_peer);
        refill_bad();
    }
    CHECK_EQUAL(model.queued, 1);
    model_disk_answer_some(&model, 1);
    disk_step(&disk, 1);
    (void)disk_run(&disk, 1, signal_peer);
    refill_bad();
    CHECK(answered);
}

/* A client alone has the whole of its limits, and the disk is never idle. */
static void test_alone(void)
{
    bring_up(64, 128 * 1024);
    join(&flooder, 0);
    flood(&flooder, 4096);
    run();
    CHECK_EQUAL(model.queued, CLIENT_REQUESTS);
    model_disk_answer_some(&model, 5);
    disk_step(&disk, 1);
    run();
    CHECK_EQUAL(model.queued, CLIENT_REQUESTS);
}

int main(void)
{
    test_latency_under_flood();
    test_bandwidth_is_shared();
    test_flood_of_bad_requests();
    test_alone();
    free(flooder.memory);
    free(polite.memory);
    free(third.memory);
    free(fourth.memory);
    return 0;
}
