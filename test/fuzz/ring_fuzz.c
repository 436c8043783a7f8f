/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both ends of a ring whose shared memory somebody rewrites at will. The memory is exactly as large
 * as the ring, so that a step outside is found; what holds for a side, whatever the other does, is
 * checked after every step.
 */
#include "ipc/ring.h"
#include "test/fuzz/input.h"

#define ENTRY 16u

struct side {
    struct bh_ring ring;
    bool was_broken;
    uint32_t index;
};

/* At most one entry forward in a call, none once broken, and broken for good. */
static void check(struct side *side)
{
    HOLDS(side->ring.index - side->index <= (side->was_broken ? 0u : 1u));
    HOLDS(!side->was_broken || side->ring.broken);
    side->index = side->ring.index;
    side->was_broken = side->ring.broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint32_t entries = 1u << (input_byte(&input) % 5);
    uint32_t start = (uint32_t)input_take(&input, 4);
    size_t bytes = bh_ring_bytes(entries, ENTRY);
    uint8_t *memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    HOLDS(memory != NULL);
    memset(memory, 0, bytes);
    struct side producer = {.index = start}, consumer = {.index = start};
    bh_ring_open(&producer.ring, memory, entries, ENTRY);
    bh_ring_open(&consumer.ring, memory, entries, ENTRY);
    producer.ring.index = producer.ring.told = consumer.ring.index = consumer.ring.told = start;
    producer.ring.shared->produced = producer.ring.shared->consumed = start;

    uint64_t entry[ENTRY / 8] = {0};
    while (input.size != 0) {
        switch (input_byte(&input) % 11) {
        case 0:
            entry[0] = input_byte(&input);
            (void)bh_ring_produce(&producer.ring, entry);
            break;
        case 1:
            (void)bh_ring_publish(&producer.ring);
            break;
        case 2:
            (void)bh_ring_consume(&consumer.ring, entry);
            break;
        case 3:
            (void)bh_ring_release(&consumer.ring);
            break;
        case 4:
            (void)bh_ring_consumer_sleep(&consumer.ring);
            break;
        case 5:
            (void)bh_ring_producer_sleep(&producer.ring);
            break;
        case 6:
            HOLDS(bh_ring_space(&producer.ring) <= entries);
            break;
        case 7: /* one index to something near */
            producer.ring.shared->produced += (uint32_t)(int8_t)input_byte(&input);
            break;
        case 8:
            producer.ring.shared->consumed += (uint32_t)(int8_t)input_byte(&input);
            break;
        case 9:
            producer.ring.shared->produced = (uint32_t)input_take(&input, 4);
            break;
        default: {
            uint64_t place = input_take(&input, 2) % bytes;
            memory[place] = input_byte(&input);
            break;
        }
        }
        check(&producer);
        check(&consumer);
    }
    free(memory);
    return 0;
}
