/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring seen from one thread: order, limits, wrap-around, and what a hostile peer may write. */
#include <string.h>

#include "ipc/ring.h"
#include "test/unit/check.h"

#define SIZE 8u

struct entry {
    uint64_t number;
    uint64_t check;
};

/* Exactly as large as the ring, on the heap, so that one byte beyond it is an error. */
struct pair {
    void *memory;
    struct bh_ring producer;
    struct bh_ring consumer;
};

static struct pair pair_new(uint32_t start)
{
    struct pair pair;
    size_t bytes = bh_ring_bytes(SIZE, sizeof(struct entry));
    pair.memory = aligned_alloc(64, bytes);
    CHECK(pair.memory != NULL);
    memset(pair.memory, 0, bytes);
    bh_ring_open(&pair.producer, pair.memory, SIZE, sizeof(struct entry));
    bh_ring_open(&pair.consumer, pair.memory, SIZE, sizeof(struct entry));
    pair.producer.index = pair.consumer.index = start;
    pair.producer.told = pair.consumer.told = start;
    pair.producer.shared->produced = pair.producer.shared->consumed = start;
    return pair;
}

static enum bh_ring_status produce(struct bh_ring *ring, uint64_t number)
{
    struct entry entry = {.number = number, .check = ~number};
    return bh_ring_produce(ring, &entry);
}

static void consume(struct bh_ring *ring, uint64_t number)
{
    struct entry entry;
    CHECK_EQUAL(bh_ring_consume(ring, &entry), BH_RING_OK);
    CHECK_EQUAL(entry.number, number);
    CHECK_EQUAL(entry.check, ~number);
}

static void entries_arrive_in_order_from(uint32_t start)
{
    struct pair pair = pair_new(start);
    struct entry entry;
    uint64_t next = 0;
    for (uint64_t number = 0; number < 100;) {
        for (uint64_t burst = number % SIZE + 1; burst != 0; burst--) {
            CHECK_EQUAL(produce(&pair.producer, number++), BH_RING_OK);
        }
        CHECK_EQUAL(bh_ring_consume(&pair.consumer, &entry), BH_RING_EMPTY);
        CHECK(!bh_ring_publish(&pair.producer));
        while (next < number) {
            consume(&pair.consumer, next++);
        }
        CHECK(!bh_ring_release(&pair.consumer));
    }
    free(pair.memory);
}

static void a_full_ring_takes_no_more_from(uint32_t start)
{
    struct pair pair = pair_new(start);
    for (uint64_t number = 0; number < SIZE; number++) {
        CHECK_EQUAL(produce(&pair.producer, number), BH_RING_OK);
    }
    CHECK_EQUAL(produce(&pair.producer, SIZE), BH_RING_FULL);
    (void)bh_ring_publish(&pair.producer);
    consume(&pair.consumer, 0);
    CHECK_EQUAL(produce(&pair.producer, SIZE), BH_RING_FULL); /* not released yet */
    (void)bh_ring_release(&pair.consumer);
    CHECK_EQUAL(produce(&pair.producer, SIZE), BH_RING_OK);
    (void)bh_ring_publish(&pair.producer);
    for (uint64_t number = 1; number <= SIZE; number++) {
        consume(&pair.consumer, number);
    }
    free(pair.memory);
}

static void a_sleeper_is_signalled_and_none_else(void)
{
    struct pair pair = pair_new(UINT32_MAX);
    CHECK(bh_ring_consumer_sleep(&pair.consumer));
    CHECK_EQUAL(produce(&pair.producer, 1), BH_RING_OK);
    CHECK(bh_ring_publish(&pair.producer));
    CHECK(!bh_ring_publish(&pair.producer)); /* not again for the same */
    bh_ring_consumer_awake(&pair.consumer);
    CHECK_EQUAL(produce(&pair.producer, 2), BH_RING_OK);
    CHECK(!bh_ring_publish(&pair.producer));

    /* Entries came before it slept: it must look again, and nobody signals. */
    CHECK(!bh_ring_consumer_sleep(&pair.consumer));
    CHECK(!bh_ring_publish(&pair.producer));

    for (uint64_t number = 3; number <= SIZE; number++) {
        CHECK_EQUAL(produce(&pair.producer, number), BH_RING_OK);
    }
    CHECK_EQUAL(produce(&pair.producer, 0), BH_RING_FULL);
    (void)bh_ring_publish(&pair.producer);
    CHECK(bh_ring_producer_sleep(&pair.producer));
    consume(&pair.consumer, 1);
    CHECK(bh_ring_release(&pair.consumer));
    CHECK(!bh_ring_release(&pair.consumer));
    bh_ring_producer_awake(&pair.producer);
    consume(&pair.consumer, 2);
    CHECK(!bh_ring_release(&pair.consumer));
    CHECK(!bh_ring_producer_sleep(&pair.producer)); /* there is room */
    CHECK(!bh_ring_release(&pair.consumer));
    free(pair.memory);
}

static void impossible_produced_index_breaks_the_consumer(uint32_t start, uint32_t produced)
{
    struct pair pair = pair_new(start);
    struct entry entry = {.number = 7};
    pair.consumer.shared->produced = produced;
    CHECK_EQUAL(bh_ring_consume(&pair.consumer, &entry), BH_RING_BROKEN);
    CHECK_EQUAL(entry.number, 7);
    CHECK(!bh_ring_consumer_sleep(&pair.consumer));

    /* It stays broken, whatever the peer mends, and publishes nothing. */
    pair.consumer.shared->produced = start;
    CHECK_EQUAL(bh_ring_consume(&pair.consumer, &entry), BH_RING_BROKEN);
    pair.consumer.shared->consumed = 4711;
    CHECK(!bh_ring_release(&pair.consumer));
    CHECK_EQUAL(pair.consumer.shared->consumed, 4711);
    free(pair.memory);
}

static void impossible_consumed_index_breaks_the_producer(uint32_t start, uint32_t consumed)
{
    struct pair pair = pair_new(start);
    pair.producer.shared->consumed = consumed;
    CHECK_EQUAL(produce(&pair.producer, 1), BH_RING_BROKEN);
    CHECK(!bh_ring_producer_sleep(&pair.producer));
    pair.producer.shared->consumed = start;
    CHECK_EQUAL(produce(&pair.producer, 1), BH_RING_BROKEN);
    pair.producer.shared->produced = 4711;
    CHECK(!bh_ring_publish(&pair.producer));
    CHECK_EQUAL(pair.producer.shared->produced, 4711);
    free(pair.memory);
}

static void no_index_reaches_beyond_the_ring(void)
{
    /* Every index that a peer can write is refused or leads to entries inside the ring. */
    static const uint32_t starts[] = {0,         1, SIZE, 0x7fffffff, 0x80000000, UINT32_MAX - 3,
                                      UINT32_MAX};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        uint32_t start = starts[i];
        impossible_produced_index_breaks_the_consumer(start, start + SIZE + 1);
        impossible_produced_index_breaks_the_consumer(start, start - 1);
        impossible_produced_index_breaks_the_consumer(start, start + 0x80000000);
        impossible_consumed_index_breaks_the_producer(start, start + 1);
        impossible_consumed_index_breaks_the_producer(start, start - SIZE - 1);
        impossible_consumed_index_breaks_the_producer(start, start + 0x80000000);
        entries_arrive_in_order_from(start);
        a_full_ring_takes_no_more_from(start);
    }
}

static void a_rewritten_entry_changes_no_copy(void)
{
    struct pair pair = pair_new(0);
    struct entry entry;
    CHECK_EQUAL(produce(&pair.producer, 5), BH_RING_OK);
    (void)bh_ring_publish(&pair.producer);
    CHECK_EQUAL(bh_ring_consume(&pair.consumer, &entry), BH_RING_OK);
    memset(pair.producer.entries, 0xff, SIZE * sizeof(struct entry));
    CHECK_EQUAL(entry.number, 5);
    CHECK_EQUAL(entry.check, ~UINT64_C(5));
    free(pair.memory);
}

static void entries_of_bytes_need_no_alignment_to_eight(void)
{
    _Alignas(64) uint8_t memory[sizeof(struct bh_ring_shared) + 2 * 64] = {0};
    struct bh_ring producer, consumer;
    bh_ring_open(&producer, memory, 2, 64);
    bh_ring_open(&consumer, memory, 2, 64);
    _Alignas(8) uint8_t in[68], out[68];
    for (unsigned i = 0; i < sizeof(in); i++) {
        in[i] = (uint8_t)i;
    }
    CHECK_EQUAL(bh_ring_produce(&producer, in + 4), BH_RING_OK);
    (void)bh_ring_publish(&producer);
    CHECK_EQUAL(bh_ring_consume(&consumer, out + 4), BH_RING_OK);
    CHECK(memcmp(in + 4, out + 4, 64) == 0);
}

int main(void)
{
    no_index_reaches_beyond_the_ring();
    a_sleeper_is_signalled_and_none_else();
    a_rewritten_entry_changes_no_copy();
    entries_of_bytes_need_no_alignment_to_eight();
    return 0;
}
