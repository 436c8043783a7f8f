/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of requests in flight: answers in any order, hostile answers, and servers that come and
 * go. */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "ipc/block_client.h"
#include "test/unit/check.h"

#define ENTRIES 16u

struct fixture {
    void *memory;
    struct bh_channel_geometry geometry;
    struct bh_block_client client;
    struct bh_channel server;
};

static void server_open(struct fixture *fixture, struct bh_channel *client_channel, uint32_t epoch)
{
    memset(fixture->memory, 0, bh_channel_data_offset(&fixture->geometry));
    bh_channel_open(&fixture->server, fixture->memory, &fixture->geometry);
    bh_channel_open(client_channel, fixture->memory, &fixture->geometry);
    fixture->server.epoch = client_channel->epoch = epoch;
}

static struct fixture *fixture_new(uint32_t entries)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    CHECK(fixture != NULL);
    fixture->geometry =
        (struct bh_channel_geometry){.entries = entries,
                                     .submit_size = sizeof(struct bh_block_request),
                                     .complete_size = sizeof(struct bh_block_response),
                                     .data_size = 65536};
    fixture->memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&fixture->geometry));
    CHECK(fixture->memory != NULL);
    struct bh_channel channel;
    server_open(fixture, &channel, 1);
    bh_block_client_init(&fixture->client, &channel);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    free(fixture->memory);
    free(fixture);
}

static void answer(struct fixture *fixture, uint64_t id, uint32_t status)
{
    struct bh_block_response response = {.id = id, .status = status};
    CHECK_EQUAL(bh_ring_produce(&fixture->server.complete, &response), BH_RING_OK);
    (void)bh_ring_publish(&fixture->server.complete);
}

static struct bh_block_request take(struct fixture *fixture)
{
    struct bh_block_request request;
    CHECK_EQUAL(bh_ring_consume(&fixture->server.submit, &request), BH_RING_OK);
    (void)bh_ring_release(&fixture->server.submit);
    return request;
}

static void answers_come_in_any_order(void)
{
    struct fixture *fixture = fixture_new(ENTRIES);
    struct bh_block_client *client = &fixture->client;
    static char cookie[ENTRIES];
    for (unsigned round = 0; round < 1000; round++) {
        struct bh_block_request request[ENTRIES];
        for (unsigned i = 0; i < ENTRIES; i++) {
            CHECK_EQUAL(bh_block_client_submit(client, BH_BLOCK_READ, i, i * 512, 512, &cookie[i]),
                        BH_RING_OK);
        }
        CHECK_EQUAL(bh_block_client_submit(client, BH_BLOCK_FLUSH, 0, 0, 0, NULL), BH_RING_FULL);
        (void)bh_block_client_publish(client);
        for (unsigned i = 0; i < ENTRIES; i++) {
            request[i] = take(fixture);
            CHECK_EQUAL(request[i].sector, i);
        }
        for (unsigned i = 0; i < ENTRIES; i++) {
            const struct bh_block_request *next = &request[(i * 5 + round) % ENTRIES];
            answer(fixture, next->id, (uint32_t)(next->sector % 2));
            struct bh_block_done done;
            CHECK(bh_block_client_next(client, &done));
            CHECK_EQUAL(done.request.sector, next->sector);
            CHECK_EQUAL(done.status, next->sector % 2);
            CHECK(done.cookie == &cookie[next->sector]);
            CHECK(!bh_block_client_next(client, &done));
        }
        CHECK(bh_block_client_sleep(client));
        CHECK_EQUAL(bh_block_client_in_flight(client), 0);
    }
    fixture_free(fixture);
}

static void more_slots_than_the_ring_holds_are_not_used(void)
{
    struct fixture *fixture = fixture_new(2);
    CHECK_EQUAL(bh_block_client_submit(&fixture->client, BH_BLOCK_READ, 0, 0, 512, NULL),
                BH_RING_OK);
    CHECK_EQUAL(bh_block_client_submit(&fixture->client, BH_BLOCK_READ, 0, 0, 512, NULL),
                BH_RING_OK);
    CHECK_EQUAL(bh_block_client_submit(&fixture->client, BH_BLOCK_READ, 0, 0, 512, NULL),
                BH_RING_FULL);
    fixture_free(fixture);
}

enum lie {
    REPEATED,
    STALE,
    NEVER_USED,
    BEYOND_THE_TABLE,
    WRONG_USE
};

static void a_lie_breaks_the_client_and_an_attachment_mends_it(enum lie lie)
{
    struct fixture *fixture = fixture_new(ENTRIES);
    struct bh_block_client *client = &fixture->client;
    struct bh_block_done done;
    CHECK_EQUAL(bh_block_client_submit(client, BH_BLOCK_READ, 1, 0, 512, NULL), BH_RING_OK);
    CHECK_EQUAL(bh_block_client_submit(client, BH_BLOCK_READ, 2, 0, 512, NULL), BH_RING_OK);
    (void)bh_block_client_publish(client);
    uint64_t first = take(fixture).id;
    uint64_t second = take(fixture).id;
    answer(fixture, first, BH_BLOCK_OK);
    CHECK(bh_block_client_next(client, &done));
    switch (lie) {
    case REPEATED:
        answer(fixture, first, BH_BLOCK_OK);
        break;
    case STALE:
        CHECK_EQUAL(bh_block_client_submit(client, BH_BLOCK_READ, 3, 0, 512, NULL), BH_RING_OK);
        answer(fixture, first, BH_BLOCK_OK);
        break;
    case NEVER_USED:
        answer(fixture, 7, BH_BLOCK_OK);
        break;
    case BEYOND_THE_TABLE:
        answer(fixture, (second & ~UINT64_C(0xffffffff)) | 0xfffffff0, BH_BLOCK_OK);
        break;
    case WRONG_USE:
        answer(fixture, second + (UINT64_C(1) << 32), BH_BLOCK_OK);
        break;
    }
    CHECK(!bh_block_client_next(client, &done));
    CHECK(bh_channel_broken(&client->channel));
    answer(fixture, second, BH_BLOCK_OK);
    CHECK(!bh_block_client_next(client, &done));
    CHECK(bh_block_client_sleep(client));

    struct bh_channel channel;
    server_open(fixture, &channel, 2);
    CHECK(bh_block_client_attach(client, &channel));
    CHECK(!bh_channel_broken(&client->channel));
    struct bh_block_request request = take(fixture);
    if (lie == STALE) {
        CHECK_EQUAL(request.sector, 3);
        answer(fixture, request.id, BH_BLOCK_OK);
        CHECK(bh_block_client_next(client, &done));
        request = take(fixture);
    }
    CHECK_EQUAL(request.id, second);
    answer(fixture, second, BH_BLOCK_OK);
    CHECK(bh_block_client_next(client, &done));
    CHECK_EQUAL(done.request.sector, 2);
    CHECK_EQUAL(bh_block_client_in_flight(client), 0);
    fixture_free(fixture);
}

static void a_detached_client_touches_nothing(void)
{
    struct fixture *fixture = fixture_new(ENTRIES);
    struct bh_block_client *client = &fixture->client;
    struct bh_block_done done;
    CHECK_EQUAL(bh_block_client_submit(client, BH_BLOCK_WRITE, 9, 512, 1024, &done), BH_RING_OK);
    bh_block_client_detach(client);
    free(fixture->memory);
    CHECK_EQUAL(bh_block_client_submit(client, BH_BLOCK_READ, 1, 0, 512, NULL), BH_RING_BROKEN);
    CHECK(!bh_block_client_publish(client));
    CHECK(!bh_block_client_next(client, &done));
    CHECK(bh_block_client_sleep(client));

    fixture->memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&fixture->geometry));
    CHECK(fixture->memory != NULL);
    struct bh_channel channel;
    server_open(fixture, &channel, 2);
    channel.data_size -= BH_CHANNEL_PAGE;
    CHECK(!bh_block_client_attach(client, &channel));
    server_open(fixture, &channel, 3);
    CHECK(bh_block_client_attach(client, &channel));
    struct bh_block_request request = take(fixture);
    CHECK(request.operation == BH_BLOCK_WRITE && request.sector == 9 && request.offset == 512);
    CHECK(request.length == 1024);
    answer(fixture, request.id, BH_BLOCK_OK);
    CHECK(bh_block_client_next(client, &done));
    CHECK(done.cookie == &done);
    fixture_free(fixture);
}

/* A server in its own thread that dies again and again, losing its state: each request is answered
 * once. */
struct restarting {
    struct fixture *fixture;
    pthread_mutex_t lock; /* held while root works on the channel */
    uint32_t stop;
    uint64_t answered;
};

static void *serve(void *argument)
{
    struct restarting *restarting = argument;
    struct bh_block_request held[ENTRIES];
    uint32_t held_count = 0, epoch = 0, random = 5;
    while (__atomic_load_n(&restarting->stop, __ATOMIC_RELAXED) == 0) {
        pthread_mutex_lock(&restarting->lock);
        struct bh_channel *server = &restarting->fixture->server;
        if (server->epoch != epoch) {
            epoch = server->epoch;
            held_count = 0;
        }
        while (held_count < ENTRIES &&
               bh_ring_consume(&server->submit, &held[held_count]) == BH_RING_OK) {
            held_count++;
        }
        (void)bh_ring_release(&server->submit);
        random = random * 1664525u + 1013904223u;
        uint32_t count = held_count == 0 ? 0 : (random >> 8) % (held_count + 1);
        while (count-- != 0) {
            struct bh_block_response response = {.id = held[--held_count].id};
            CHECK_EQUAL(bh_ring_produce(&server->complete, &response), BH_RING_OK);
        }
        (void)bh_ring_publish(&server->complete);
        pthread_mutex_unlock(&restarting->lock);
        sched_yield();
    }
    return NULL;
}

static void every_request_is_answered_once_over_restarts(void)
{
    enum {
        REQUESTS = 20000
    };
    struct restarting restarting = {.fixture = fixture_new(ENTRIES),
                                    .lock = PTHREAD_MUTEX_INITIALIZER};
    struct bh_block_client *client = &restarting.fixture->client;
    static uint8_t answered[REQUESTS];
    pthread_t server;
    CHECK(pthread_create(&server, NULL, serve, &restarting) == 0);
    uint32_t submitted = 0, done_count = 0, epoch = 1;
    while (done_count < REQUESTS) {
        while (submitted < REQUESTS &&
               bh_block_client_submit(client, BH_BLOCK_READ, submitted, 0, 512,
                                      &answered[submitted]) == BH_RING_OK) {
            submitted++;
        }
        (void)bh_block_client_publish(client);
        struct bh_block_done done;
        while (bh_block_client_next(client, &done)) {
            CHECK(done.cookie == &answered[done.request.sector]);
            CHECK(answered[done.request.sector]++ == 0);
            done_count++;
        }
        if (done_count / 100 >= epoch) {
            struct bh_channel channel;
            pthread_mutex_lock(&restarting.lock);
            server_open(restarting.fixture, &channel, ++epoch);
            pthread_mutex_unlock(&restarting.lock);
            CHECK(bh_block_client_attach(client, &channel));
        }
        sched_yield();
    }
    __atomic_store_n(&restarting.stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(server, NULL) == 0);
    CHECK(epoch > 100);
    fixture_free(restarting.fixture);
}

int main(void)
{
    answers_come_in_any_order();
    more_slots_than_the_ring_holds_are_not_used();
    a_lie_breaks_the_client_and_an_attachment_mends_it(REPEATED);
    a_lie_breaks_the_client_and_an_attachment_mends_it(STALE);
    a_lie_breaks_the_client_and_an_attachment_mends_it(NEVER_USED);
    a_lie_breaks_the_client_and_an_attachment_mends_it(BEYOND_THE_TABLE);
    a_lie_breaks_the_client_and_an_attachment_mends_it(WRONG_USE);
    a_detached_client_touches_nothing();
    every_request_is_answered_once_over_restarts();
    return 0;
}
