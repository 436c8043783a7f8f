/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring between two threads: nothing is lost, torn or reordered, and no wake-up is lost when
 * both sides sleep as domains do. Then one side turns hostile. Built twice, with the address and
 * with the thread sanitizer.
 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

#include "ipc/ring.h"
#include "test/unit/check.h"

#define SIZE    16u
#define ENTRIES 200000u

struct entry {
    uint64_t number;
    uint64_t check[3];
};

/* A notification: signals while awake collapse into one, as its bits do. */
struct notification {
    sem_t semaphore;
};

static void notification_signal(struct notification *notification)
{
    sem_post(&notification->semaphore);
}

static void notification_wait(struct notification *notification)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 60;
    CHECK(sem_timedwait(&notification->semaphore, &limit) == 0); /* else a wake-up was lost */
    while (sem_trywait(&notification->semaphore) == 0) {
    }
}

struct test {
    void *memory;
    uint32_t start;
    struct notification to_producer, to_consumer;
    uint32_t stop;
};

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void ring_open(struct bh_ring *ring, const struct test *test)
{
    bh_ring_open(ring, test->memory, SIZE, sizeof(struct entry));
    ring->index = ring->told = test->start;
}

static void *produce_all(void *argument)
{
    struct test *test = argument;
    struct bh_ring ring;
    ring_open(&ring, test);
    uint32_t random = 1;
    uint64_t number = 0;
    while (number < ENTRIES) {
        struct entry entry = {.number = number, .check = {~number, number * 3, number ^ 0x5555}};
        enum bh_ring_status status = bh_ring_produce(&ring, &entry);
        CHECK(status == BH_RING_OK || status == BH_RING_FULL);
        if (status == BH_RING_OK) {
            number++;
        }
        if (status == BH_RING_FULL || random_next(&random) % 8 == 0 || number == ENTRIES) {
            if (bh_ring_publish(&ring)) {
                notification_signal(&test->to_consumer);
            }
        }
        if (status == BH_RING_FULL && bh_ring_producer_sleep(&ring)) {
            notification_wait(&test->to_producer);
            bh_ring_producer_awake(&ring);
        }
    }
    return NULL;
}

static void *consume_all(void *argument)
{
    struct test *test = argument;
    struct bh_ring ring;
    ring_open(&ring, test);
    uint32_t random = 2;
    uint64_t number = 0;
    while (number < ENTRIES) {
        struct entry entry;
        enum bh_ring_status status = bh_ring_consume(&ring, &entry);
        CHECK(status == BH_RING_OK || status == BH_RING_EMPTY);
        if (status == BH_RING_OK) {
            CHECK_EQUAL(entry.number, number);
            CHECK(entry.check[0] == ~number && entry.check[1] == number * 3 &&
                  entry.check[2] == (number ^ 0x5555));
            number++;
        }
        if (status == BH_RING_EMPTY || random_next(&random) % 8 == 0) {
            if (bh_ring_release(&ring)) {
                notification_signal(&test->to_producer);
            }
        }
        if (status == BH_RING_EMPTY && bh_ring_consumer_sleep(&ring)) {
            notification_wait(&test->to_consumer);
            bh_ring_consumer_awake(&ring);
        }
    }
    return NULL;
}

/* Writes whatever it likes, wherever the memory is shared. */
static void *rewrite_everything(void *argument)
{
    struct test *test = argument;
    struct bh_ring_shared *shared = test->memory;
    uint64_t *words = (uint64_t *)((uint8_t *)test->memory + sizeof(*shared));
    uint32_t random = 3;
    while (__atomic_load_n(&test->stop, __ATOMIC_RELAXED) == 0) {
        uint32_t value = random_next(&random);
        uint32_t *index = value & 1 ? &shared->produced : &shared->consumed;
        /* Mostly plausible, so that the ring does not break at once. */
        uint32_t near = test->start + value % (SIZE + 1);
        __atomic_store_n(index, value % 64 == 0 ? value * 7919 : near, __ATOMIC_RELEASE);
        __atomic_store_n(&shared->consumer_wants_signal, value & 2, __ATOMIC_RELAXED);
        __atomic_store_n(&shared->producer_wants_signal, value & 4, __ATOMIC_RELAXED);
        __atomic_store_n(&words[value % (SIZE * sizeof(struct entry) / 8)], value,
                         __ATOMIC_RELAXED);
    }
    return NULL;
}

static void survive(struct test *test)
{
    struct bh_ring producer, consumer;
    pthread_t peer;
    CHECK(pthread_create(&peer, NULL, rewrite_everything, test) == 0);
    for (unsigned round = 0; round < 2000; round++) {
        ring_open(&producer, test);
        ring_open(&consumer, test);
        for (unsigned i = 0; i < 4 * SIZE; i++) {
            struct entry entry = {.number = i};
            (void)bh_ring_produce(&producer, &entry);
            (void)bh_ring_publish(&producer);
            (void)bh_ring_producer_sleep(&producer);
            CHECK(producer.index - test->start <= 4 * SIZE);
            (void)bh_ring_consume(&consumer, &entry);
            (void)bh_ring_release(&consumer);
            (void)bh_ring_consumer_sleep(&consumer);
            CHECK(consumer.index - test->start <= 4 * SIZE);
        }
    }
    __atomic_store_n(&test->stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(peer, NULL) == 0);
}

static struct test *test_new(uint32_t start)
{
    struct test *test = calloc(1, sizeof(*test));
    CHECK(test != NULL);
    size_t bytes = bh_ring_bytes(SIZE, sizeof(struct entry));
    test->memory = aligned_alloc(64, bytes);
    CHECK(test->memory != NULL);
    memset(test->memory, 0, bytes);
    test->start = start;
    struct bh_ring_shared *shared = test->memory;
    shared->produced = shared->consumed = start;
    CHECK(sem_init(&test->to_producer.semaphore, 0, 0) == 0);
    CHECK(sem_init(&test->to_consumer.semaphore, 0, 0) == 0);
    return test;
}

static void test_free(struct test *test)
{
    sem_destroy(&test->to_producer.semaphore);
    sem_destroy(&test->to_consumer.semaphore);
    free(test->memory);
    free(test);
}

int main(void)
{
    static const uint32_t starts[] = {0,
                                      UINT32_MAX - ENTRIES / 2}; /* the second wraps on the way */
    for (size_t i = 0; i < 2; i++) {
        struct test *test = test_new(starts[i]);
        pthread_t producer, consumer;
        CHECK(pthread_create(&consumer, NULL, consume_all, test) == 0);
        CHECK(pthread_create(&producer, NULL, produce_all, test) == 0);
        CHECK(pthread_join(producer, NULL) == 0);
        CHECK(pthread_join(consumer, NULL) == 0);
        test_free(test);

        test = test_new(starts[i]);
        survive(test);
        test_free(test);
    }
    return 0;
}
