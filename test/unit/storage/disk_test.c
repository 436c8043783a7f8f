/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk and its clients: volumes, requests, flushes, hostile and slow clients, devices that fail.
 */
#include <string.h>

#include "domains/storage/memory_disk.h"
#include "test/unit/storage/gpt_image.h"
#include "test/unit/storage/log.h"
#include "test/unit/storage/model_disk.h"
#include "test/unit/storage/peer.h"

#define SECOND UINT64_C(1000)
#define DATA   (UINT64_C(1) << 20)

static struct image image;
static struct model_disk model;
static struct disk disk;
static struct volume_table volumes;
static uint8_t scan_buffer[SCAN_BUFFER];
static struct peer a, b;
static uint64_t now;

static void run(void)
{
    unsigned rounds = 0;
    while (disk_run(&disk, now, signal_peer)) {
        CHECK(rounds++ < 1000);
    }
}

/* The device's interrupt. */
static void interrupt(void)
{
    disk_step(&disk, now);
    run();
}

static void answer_all(void)
{
    run();
    while (model.queued != 0) {
        model_disk_answer_some(&model, MODEL_DEPTH_MAX);
        interrupt();
    }
}

static void bring_up(uint32_t depth, uint32_t transfer_max)
{
    log_clear();
    memset(&volumes, 0, sizeof volumes);
    memset(&statistics, 0, sizeof statistics);
    image_init(&image);
    image_partition(&image, 0, 40, 99, "debian1");
    image_partition(&image, 1, 100, 103, "kernel");
    image_seal(&image);
    now = 1000 * SECOND;
    model_disk_open(&model, image.sector[0], IMAGE_SECTORS, depth, transfer_max);
    disk_open(&disk, "disk0", &model.block, &volumes, scan_buffer, SECOND, 30);
    disk_start(&disk, now);
    while (disk_starting(&disk)) {
        CHECK(model.queued != 0 || disk_wake_at(&disk) != BLOCK_NEVER);
        model_disk_answer_some(&model, 1);
        disk_step(&disk, now);
    }
    model.reads = 0;
    CHECK_EQUAL(disk.state, DISK_READY);
}

static void open_peers(void)
{
    peer_open(&a, 0, &disk, volume_find(&volumes, "debian1"), 64, DATA, false);
    peer_open(&b, 1, &disk, volume_find(&volumes, "kernel"), 16, 65536, true);
    run();
}

static void test_volumes_are_found_and_published(void)
{
    bring_up(64, 65536);
    CHECK_EQUAL(volumes.count, 2);
    CHECK_EQUAL(volume_find(&volumes, "debian1")->sectors, 60);
    CHECK(volume_find(&volumes, "debian") == NULL);
    static _Alignas(8) uint8_t region[BH_VOLUMES_REGION_SIZE];
    struct bh_volume_table *table = (struct bh_volume_table *)(void *)region;
    volume_publish(&volumes, table);
    CHECK_EQUAL(table->version, 2);
    CHECK_EQUAL(table->volume_count, 2);
    CHECK(strcmp(table->volume[1].name, "kernel") == 0);
    CHECK_EQUAL(table->volume[1].sectors, 4);
    struct volume same = *volume_find(&volumes, "kernel");
    volume_add(&volumes, &same, "disk1");
    CHECK_EQUAL(volumes.count, 2);
    CHECK(log_has("disk1: a volume called \"kernel\" exists already"));
}

static void test_read_and_write(void)
{
    bring_up(64, 65536);
    open_peers();
    memset(a.channel.data + 8192, 0x3c, 1024);
    peer_submit(&a, 77, BH_BLOCK_WRITE, 2, 8192, 1024);
    run();
    CHECK_EQUAL(model.queued, 1);
    CHECK_EQUAL(model.queue[0].sector, 42); /* of the disk */
    peer_expect_none(&a);
    answer_all();
    peer_expect(&a, 77, BH_BLOCK_OK);
    CHECK_EQUAL(image.sector[42][0], 0x3c);
    CHECK_EQUAL(image.sector[43][511], 0x3c);
    CHECK_EQUAL(image.sector[44][0], 0);
    peer_submit(&a, 78, BH_BLOCK_READ, 3, 0, 512);
    answer_all();
    peer_expect(&a, 78, BH_BLOCK_OK);
    CHECK_EQUAL(a.channel.data[511], 0x3c);
    CHECK_EQUAL(a.client.free_count, CLIENT_REQUESTS);
    CHECK_EQUAL(a.client.bytes, 0);
    CHECK_EQUAL(disk.in_flight, 0);
}

static void test_bad_requests(void)
{
    bring_up(64, 65536);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_READ, 60, 0, 512);
    peer_submit(&a, 2, BH_BLOCK_READ, 59, 0, 1024);
    peer_submit(&a, 3, BH_BLOCK_READ, 0, DATA, 512);
    peer_submit(&a, 4, (enum bh_block_operation)9, 0, 0, 512);
    peer_submit(&a, 5, BH_BLOCK_FLUSH, 0, 0, 512);
    peer_submit(&b, 6, BH_BLOCK_WRITE, 0, 0, 512);
    run();
    CHECK_EQUAL(model.queued, 0);
    peer_expect(&a, 1, BH_BLOCK_RANGE);
    peer_expect(&a, 2, BH_BLOCK_RANGE);
    peer_expect(&a, 3, BH_BLOCK_BAD_REQUEST);
    peer_expect(&a, 4, BH_BLOCK_BAD_REQUEST);
    peer_expect(&a, 5, BH_BLOCK_BAD_REQUEST);
    peer_expect(&b, 6, BH_BLOCK_READ_ONLY);
    CHECK_EQUAL(statistics.client[1].counters.errors, 5);
    CHECK_EQUAL(statistics.client[2].counters.errors, 1);
    CHECK_EQUAL(statistics.client[0].counters.errors, 6);
}

static void test_large_requests_are_cut(void)
{
    bring_up(4, 4096);
    open_peers();
    for (uint32_t i = 0; i < 60; i++) {
        memset(image.sector[40 + i], (int)i + 1, 512);
    }
    peer_submit(&a, 5, BH_BLOCK_READ, 0, 512, 60 * 512);
    run();
    CHECK_EQUAL(model.queued, 3); /* its share of the disk's depth */
    answer_all();
    peer_expect(&a, 5, BH_BLOCK_OK);
    peer_expect_none(&a);
    CHECK_EQUAL(model.reads, 8);
    for (uint32_t i = 0; i < 60; i++) {
        CHECK_EQUAL(a.channel.data[512 + i * 512 + 100], i + 1);
    }
    /* One failing part fails the request, once, and spares the disk the rest. */
    peer_submit(&a, 6, BH_BLOCK_WRITE, 0, 0, 60 * 512);
    run();
    model_disk_answer(&model, 1, BLOCK_ERROR);
    interrupt();
    answer_all();
    peer_expect(&a, 6, BH_BLOCK_IO_ERROR);
    peer_expect_none(&a);
    CHECK_EQUAL(model.writes, 2);
    CHECK(log_has("disk0: a write of 30720 bytes at sector 40 failed"));
    CHECK_EQUAL(a.client.writes, 0);
}

static void test_flush_covers_earlier_writes(void)
{
    bring_up(64, 65536);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_WRITE, 0, 0, 512);
    peer_submit(&a, 2, BH_BLOCK_WRITE, 1, 512, 512);
    peer_submit(&a, 3, BH_BLOCK_FLUSH, 0, 0, 0);
    peer_submit(&a, 4, BH_BLOCK_WRITE, 2, 1024, 512);
    peer_submit(&a, 5, BH_BLOCK_READ, 3, 1536, 512);
    run();
    CHECK_EQUAL(model.queued, 4);           /* all but the flush; what is behind it does not wait */
    model_disk_answer(&model, 2, BLOCK_OK); /* the later write does not count */
    interrupt();
    peer_expect(&a, 4, BH_BLOCK_OK);
    model_disk_answer(&model, 1, BLOCK_OK);
    interrupt();
    peer_expect(&a, 2, BH_BLOCK_OK);
    CHECK_EQUAL(model.queued, 2);
    model_disk_answer(&model, 0, BLOCK_OK);
    interrupt();
    peer_expect(&a, 1, BH_BLOCK_OK);
    CHECK_EQUAL(model.queued, 2);
    CHECK_EQUAL(model.queue[1].operation, BLOCK_FLUSH);
    CHECK_EQUAL(model.flushes, 0);
    model_disk_answer(&model, 1, BLOCK_OK);
    interrupt();
    peer_expect(&a, 3, BH_BLOCK_OK);
    CHECK_EQUAL(model.flushes, 1);
    CHECK_EQUAL(statistics.client[1].counters.flushes, 1);
    answer_all();
    peer_expect(&a, 5, BH_BLOCK_OK);
    peer_submit(&a, 6, BH_BLOCK_FLUSH, 0, 0, 0);
    run();
    model_disk_answer(&model, 0, BLOCK_ERROR); /* a flush that fails says so */
    interrupt();
    peer_expect(&a, 6, BH_BLOCK_IO_ERROR);
}

static void test_client_that_takes_no_answers(void)
{
    bring_up(64, 65536);
    open_peers();
    uint64_t given = 0;
    for (int i = 0; i < 20; i++) {
        while (peer_try(&b, given, BH_BLOCK_READ, given % 4, 0, 512)) {
            given++;
        }
        peer_publish(&b);
        answer_all();
    }
    /* 16 answers in the ring, as many requests as there are slots, and a full ring of requests */
    CHECK_EQUAL(given, 16 + CLIENT_REQUESTS + 16);
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 512); /* nobody else suffers */
    answer_all();
    peer_expect(&a, 1, BH_BLOCK_OK);
    bool seen[64] = {false};
    struct bh_block_response response;
    for (uint64_t taken = 0; taken < given; taken++) {
        while (!peer_take(&b, &response)) {
            answer_all();
            CHECK(bh_ring_consumer_sleep(&b.channel.complete) == false);
        }
        CHECK(response.id < given && !seen[response.id]);
        seen[response.id] = true;
        run();
    }
    answer_all();
    peer_expect_none(&b);
    CHECK_EQUAL(b.client.free_count, CLIENT_REQUESTS);
}

static void test_broken_rings_are_cut_off(void)
{
    bring_up(64, 65536);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 512);
    run();
    a.channel.submit.shared->produced += 1000; /* impossible */
    disk_wake_client(&a.client);
    run();
    CHECK(log_has("guest0: broke its channel to volume \"debian1\" and is cut off"));
    unsigned lines = log_lines();
    disk_wake_client(&a.client);
    answer_all();
    CHECK_EQUAL(log_lines(), lines);
    CHECK_EQUAL(a.channel.complete.shared->produced, 0);
    CHECK_EQUAL(a.client.in_flight, 0);
    peer_submit(&b, 2, BH_BLOCK_READ, 0, 0, 512);
    answer_all();
    peer_expect(&b, 2, BH_BLOCK_OK);
    /* The same by way of the complete ring. */
    b.channel.complete.shared->consumed = 12345;
    peer_submit(&b, 3, BH_BLOCK_READ, 0, 0, 512);
    answer_all();
    CHECK(log_has("guest1: broke its channel"));
}

static void test_detach_waits_for_commands_in_flight(void)
{
    bring_up(64, 4096);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_WRITE, 0, 0, 8192);
    peer_submit(&a, 2, BH_BLOCK_FLUSH, 0, 0, 0);
    peer_submit(&a, 3, BH_BLOCK_READ, 0, 0, 512);
    run();
    CHECK_EQUAL(a.client.in_flight, 3);
    peer_submit(&a, 4, BH_BLOCK_READ, 0, 0, 512); /* not seen any more */
    disk_close_client(&a.client, now);
    run();
    CHECK_EQUAL(a.client.in_flight, 3);
    model_disk_answer_some(&model, 2);
    interrupt();
    CHECK_EQUAL(a.client.in_flight, 1);
    model_disk_answer_some(&model, 9);
    interrupt();
    CHECK_EQUAL(a.client.in_flight, 0);
    CHECK_EQUAL(a.client.free_count, CLIENT_REQUESTS);
    CHECK_EQUAL(model.flushes, 0);
    peer_expect_none(&a);
    disk_remove_client(&a.client);
    memset(&a.client, 0xa5, sizeof a.client); /* nothing refers to it */
    peer_submit(&b, 5, BH_BLOCK_READ, 0, 0, 512);
    answer_all();
    peer_expect(&b, 5, BH_BLOCK_OK);
    peer_open(&a, 0, &disk, volume_find(&volumes, "debian1"), 64, DATA, false); /* the next epoch */
    peer_submit(&a, 6, BH_BLOCK_READ, 0, 0, 512);
    answer_all();
    peer_expect(&a, 6, BH_BLOCK_OK);
}

static void advance(uint64_t seconds)
{
    uint64_t until = now + seconds * SECOND;
    while (disk_wake_at(&disk) <= until) {
        uint64_t wake_at = disk_wake_at(&disk);
        now = wake_at > now ? wake_at : now;
        interrupt();
    }
    now = until;
    run();
}

static void test_device_that_does_not_answer(void)
{
    bring_up(64, 4096);
    open_peers();
    memset(a.channel.data, 0x11, 16384);
    peer_submit(&a, 1, BH_BLOCK_WRITE, 0, 0, 16384);
    peer_submit(&a, 2, BH_BLOCK_READ, 50, 32768, 512);
    peer_submit(&a, 3, BH_BLOCK_FLUSH, 0, 0, 0);
    run();
    model_disk_answer(&model, 1, BLOCK_OK); /* a part of the first */
    interrupt();
    advance(29);
    CHECK_EQUAL(model.starts, 1);
    model.stuck_in_reset = true;
    advance(7);
    CHECK_EQUAL(model.starts, 2);
    CHECK(log_has("disk0: a command was not answered in time; resetting it"));
    peer_submit(&b, 4, BH_BLOCK_READ, 0, 0, 512);
    run();
    peer_expect_none(&a); /* the device may still write there */
    model.stuck_in_reset = false;
    advance(1);
    CHECK(log_has("disk0: works again"));
    CHECK_EQUAL(model.queued, 6); /* all of it once more, and the new one */
    model_disk_answer_some(&model, 2);
    interrupt();
    peer_expect_none(&a);
    answer_all();
    struct bh_block_response response;
    for (int i = 0; i < 3; i++) {
        CHECK(peer_take(&a, &response));
        CHECK_EQUAL(response.status, BH_BLOCK_OK);
    }
    CHECK_EQUAL(response.id, 3); /* the flush came last */
    peer_expect(&b, 4, BH_BLOCK_OK);
    CHECK_EQUAL(image.sector[40][0], 0x11);
    CHECK_EQUAL(image.sector[71][511], 0x11);
    CHECK_EQUAL(disk.in_flight, 0);
    CHECK_EQUAL(a.client.bytes, 0);
    advance(1000);
    CHECK_EQUAL(model.starts, 2); /* idle disks are not reset */
}

static void test_requests_are_tried_twice(void)
{
    bring_up(64, 65536);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 512);
    peer_submit(&a, 2, BH_BLOCK_FLUSH, 0, 0, 0);
    run();
    advance(40);
    CHECK_EQUAL(model.starts, 2);
    CHECK_EQUAL(model.queued, 2);
    peer_expect_none(&a);
    peer_submit(&b, 3, BH_BLOCK_READ, 0, 0, 512);
    run();
    advance(40);
    CHECK_EQUAL(model.starts, 3);
    peer_expect(&a, 1, BH_BLOCK_IO_ERROR);
    peer_expect(&a, 2, BH_BLOCK_IO_ERROR);
    peer_expect_none(&b);
    answer_all();
    peer_expect(&b, 3, BH_BLOCK_OK);
}

static void test_channel_that_can_not_wait(void)
{
    bring_up(64, 65536);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 512);
    peer_submit(&b, 2, BH_BLOCK_READ, 0, 0, 512);
    run();
    disk_close_client(&a.client, now);
    CHECK_EQUAL(disk_wake_at(&disk), now + SECOND);
    model.stuck_in_reset = true;
    advance(1);
    CHECK_EQUAL(model.starts, 2);
    CHECK_EQUAL(a.client.in_flight, 1);
    model.stuck_in_reset = false;
    advance(1);
    CHECK_EQUAL(a.client.in_flight, 0);
    disk_remove_client(&a.client);
    answer_all();
    peer_expect(&b, 2, BH_BLOCK_OK); /* nothing of it is seen by others */
    /* Commands that end in time need no reset. */
    peer_open(&a, 0, &disk, volume_find(&volumes, "debian1"), 64, DATA, false);
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 512);
    run();
    disk_close_client(&a.client, now);
    answer_all();
    disk_remove_client(&a.client);
    advance(100);
    CHECK_EQUAL(model.starts, 2);
}

static void test_device_that_fails_too_often(void)
{
    bring_up(64, 65536);
    open_peers();
    uint64_t given = 0;
    while (disk.state == DISK_READY) {
        CHECK(given < 10);
        peer_submit(&a, given++, BH_BLOCK_READ, 0, 0, 512);
        run();
        advance(40);
    }
    for (uint64_t i = 0; i < given; i++) {
        peer_expect(&a, i, BH_BLOCK_IO_ERROR);
    }
    CHECK_EQUAL(disk.state, DISK_DEAD);
    CHECK_EQUAL(model.starts, 2 + DISK_RESTARTS);
    CHECK(log_has("disk0: it has failed too often; its volumes give errors"));
    peer_submit(&a, 10, BH_BLOCK_READ, 0, 0, 512);
    peer_submit(&a, 11, BH_BLOCK_WRITE, 0, 0, 512);
    peer_submit(&a, 12, BH_BLOCK_FLUSH, 0, 0, 0);
    peer_submit(&a, 13, BH_BLOCK_READ, 999, 0, 512);
    run();
    CHECK_EQUAL(model.queued, 0);
    struct bh_block_response response;
    for (int i = 0; i < 4; i++) {
        CHECK(peer_take(&a, &response));
        CHECK_EQUAL(response.status, response.id == 13 ? BH_BLOCK_RANGE : BH_BLOCK_IO_ERROR);
    }
    CHECK_EQUAL(a.client.free_count, CLIENT_REQUESTS);
    CHECK_EQUAL(disk_wake_at(&disk), BLOCK_NEVER);
    disk_close_client(&a.client, now);
    CHECK_EQUAL(a.client.in_flight, 0);
    disk_remove_client(&a.client);
}

static void test_device_that_disappears(void)
{
    bring_up(64, 65536);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 30720);
    peer_submit(&a, 2, BH_BLOCK_READ, 0, 0, 512);
    run();
    model.fails_to_start = true;
    model.block.state = BLOCK_FAILED; /* the driver has noticed nonsense */
    model.block.error = "nonsense";
    interrupt();
    advance(1);
    CHECK_EQUAL(disk.state, DISK_DEAD);
    CHECK(log_has("disk0: nonsense; resetting it"));
    CHECK(log_has("disk0: the model fails; its volumes give errors"));
    peer_expect(&a, 1, BH_BLOCK_IO_ERROR);
    peer_expect(&a, 2, BH_BLOCK_IO_ERROR);

    /* A device that never was one leaves no volumes, and the domain goes on. */
    log_clear();
    memset(&volumes, 0, sizeof volumes);
    model_disk_open(&model, NULL, IMAGE_SECTORS, 4, 4096);
    model.fails_to_start = true;
    disk_open(&disk, "disk0", &model.block, &volumes, scan_buffer, SECOND, 30);
    disk_start(&disk, now);
    CHECK(!disk_starting(&disk));
    CHECK_EQUAL(volumes.count, 0);

    /* One that starts, but reads nothing, is given up in time. */
    model_disk_open(&model, NULL, IMAGE_SECTORS, 4, 4096);
    disk_open(&disk, "disk0", &model.block, &volumes, scan_buffer, SECOND, 30);
    disk_start(&disk, now);
    CHECK(disk_starting(&disk));
    CHECK_EQUAL(disk_wake_at(&disk), now + SECOND);
    advance(31);
    CHECK(!disk_starting(&disk));
}

static void test_volume_that_does_not_exist(void)
{
    disk_open_dead(&disk, "nowhere");
    peer_open(&a, 0, &disk, NULL, 64, DATA, false);
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 512);
    peer_submit(&a, 2, BH_BLOCK_FLUSH, 0, 0, 0);
    run();
    peer_expect(&a, 1, BH_BLOCK_IO_ERROR);
    peer_expect(&a, 2, BH_BLOCK_IO_ERROR);
}

static void test_memory_volume(void)
{
    static uint8_t medium[64 * 512];
    static struct memory_disk memory;
    memset(&volumes, 0, sizeof volumes);
    memory_disk_open(&memory, medium, 64);
    disk_open(&disk, "bench", &memory.block, &volumes, NULL, SECOND, 30);
    disk_start(&disk, now);
    CHECK(!disk_starting(&disk));
    CHECK_EQUAL(volume_find(&volumes, "bench")->sectors, 64);
    peer_open(&a, 0, &disk, volume_find(&volumes, "bench"), 128, DATA, false);
    for (uint64_t i = 0; i < 128; i++) {
        a.channel.data[i * 512] = (uint8_t)i;
        CHECK(peer_try(&a, i, i % 3 == 2 ? BH_BLOCK_READ : BH_BLOCK_WRITE, i % 64, i * 512, 512));
    }
    peer_publish(&a);
    run();
    for (uint64_t i = 0; i < 128; i++) {
        struct bh_block_response response;
        CHECK(peer_take(&a, &response));
        CHECK_EQUAL(response.status, BH_BLOCK_OK);
    }
    CHECK_EQUAL(medium[60 * 512], 124);
    CHECK_EQUAL(disk.in_flight, 0);
}

static void test_signals_only_sleepers(void)
{
    bring_up(64, 65536);
    open_peers();
    peer_submit(&a, 1, BH_BLOCK_READ, 0, 0, 512);
    answer_all();
    CHECK_EQUAL(a.signals, 0);
    peer_expect(&a, 1, BH_BLOCK_OK);
    CHECK(bh_ring_consumer_sleep(&a.channel.complete));
    peer_submit(&a, 2, BH_BLOCK_READ, 0, 0, 512);
    run();
    CHECK_EQUAL(a.signals, 0);
    answer_all();
    CHECK_EQUAL(a.signals, 1);
    /* And the server sleeps itself: a published request asks for a signal. */
    CHECK(peer_try(&a, 3, BH_BLOCK_READ, 0, 0, 512));
    CHECK(bh_ring_publish(&a.channel.submit));
}

static void test_random_rings_break_nothing(void)
{
    uint64_t seed = 7;
    for (int round = 0; round < 1000; round++) {
        bring_up(8, 4096);
        open_peers();
        for (int i = 0; i < 8; i++) {
            for (int j = 0; j < 4; j++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                struct bh_block_request request = {
                    .id = seed,
                    .operation = (uint32_t)(seed >> 60) % 5,
                    .length = (uint32_t)(seed >> 20) & 0x3ffe00,
                    .sector = (seed >> 30) % 64,
                    .offset = (seed >> 10) & 0x1ffe00,
                };
                (void)bh_ring_produce(&a.channel.submit, &request);
            }
            peer_publish(&a);
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            if (seed >> 60 == 0) {
                a.channel.complete.shared->consumed = (uint32_t)(seed >> 20);
                disk_wake_client(&a.client);
            } else if (seed >> 60 == 1) {
                a.channel.submit.shared->produced = (uint32_t)(seed >> 20);
                disk_wake_client(&a.client);
            } else if (seed >> 60 == 2) {
                disk_close_client(&a.client, now);
            }
            run();
            if (model.queued != 0) {
                model_disk_answer(&model, (uint32_t)(seed >> 33) % model.queued,
                                  seed >> 61 == 3 ? BLOCK_ERROR : BLOCK_OK);
            }
            interrupt();
            struct bh_block_response response;
            while (seed >> 63 && peer_take(&a, &response)) {
            }
        }
        answer_all();
        CHECK_EQUAL(a.client.in_flight, 0);
        CHECK_EQUAL(disk.in_flight, 0);
    }
}

int main(void)
{
    test_volumes_are_found_and_published();
    test_read_and_write();
    test_bad_requests();
    test_large_requests_are_cut();
    test_flush_covers_earlier_writes();
    test_client_that_takes_no_answers();
    test_broken_rings_are_cut_off();
    test_detach_waits_for_commands_in_flight();
    test_device_that_does_not_answer();
    test_requests_are_tried_twice();
    test_channel_that_can_not_wait();
    test_device_that_fails_too_often();
    test_device_that_disappears();
    test_volume_that_does_not_exist();
    test_memory_volume();
    test_signals_only_sleepers();
    test_random_rings_break_nothing();
    free(a.memory);
    free(b.memory);
    return 0;
}
