/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator, against a model of the capabilities that it splits and merges: blocks never
 * overlap, nothing is split or merged that must not be, and everything comes back.
 */
#include <string.h>

#include "domains/root/buddy.h"
#include "test/unit/check.h"

#define SLOTS 4096u
#define NODES 1024u

/* What each slot holds. */
static struct {
    bool exists;
    uint64_t address;
    unsigned size_bits;
    uint32_t child; /* 0: not split */
} slot[SLOTS];
static uint32_t next_slot;
static uint32_t slot_limit;

static struct buddy_node nodes[NODES];
static struct buddy buddy;

static bool split(void *context, uint32_t parent, unsigned half_bits, uint32_t *first)
{
    CHECK(context == slot);
    CHECK(slot[parent].exists && slot[parent].child == 0);
    CHECK_EQUAL(slot[parent].size_bits, half_bits + 1);
    if (next_slot + 2 > slot_limit) {
        return false;
    }
    *first = next_slot;
    next_slot += 2;
    for (uint32_t i = 0; i < 2; i++) {
        slot[*first + i].exists = true;
        slot[*first + i].address = slot[parent].address + ((uint64_t)i << half_bits);
        slot[*first + i].size_bits = half_bits;
        slot[*first + i].child = 0;
    }
    slot[parent].child = *first;
    return true;
}

static void merge(void *context, uint32_t parent, uint32_t first)
{
    CHECK(context == slot);
    CHECK_EQUAL(slot[parent].child, first);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(slot[first + i].exists && slot[first + i].child == 0);
        slot[first + i].exists = false;
    }
    slot[parent].child = 0;
}

static void start(uint32_t limit)
{
    static const struct {
        uint64_t address;
        unsigned size_bits;
    } blocks[] = {{0x40000000, 24}, {0x41000000, 20}, {0x50000000, 22}};
    memset(slot, 0, sizeof(slot));
    next_slot = 16;
    slot_limit = limit;
    buddy_init(&buddy, nodes, NODES,
               &(struct buddy_operations){.split = split, .merge = merge, .context = slot});
    for (uint32_t i = 0; i < 3; i++) {
        slot[i + 1].exists = true;
        slot[i + 1].address = blocks[i].address;
        slot[i + 1].size_bits = blocks[i].size_bits;
        CHECK(buddy_add(&buddy, blocks[i].address, blocks[i].size_bits, i + 1));
    }
}

static const uint64_t total = (1u << 24) + (1u << 20) + (1u << 22);

/* A taken block is the capability in its slot, whole. */
static void check_block(uint32_t node, unsigned size_bits)
{
    uint32_t s = buddy.node[node].slot;
    CHECK(slot[s].exists && slot[s].child == 0);
    CHECK_EQUAL(slot[s].size_bits, size_bits);
    CHECK_EQUAL(slot[s].address, buddy.node[node].address);
    CHECK_EQUAL(slot[s].address % (1u << size_bits), 0);
}

static void everything_comes_back(void)
{
    start(SLOTS);
    uint32_t held[200];
    uint32_t count = 0;
    while (count < 200 && (held[count] = buddy_allocate(&buddy, 16)) != BUDDY_NONE) {
        check_block(held[count], 16);
        for (uint32_t i = 0; i < count; i++) {
            CHECK(buddy.node[held[i]].address != buddy.node[held[count]].address);
        }
        count++;
    }
    CHECK_EQUAL(buddy.free_bytes, total - ((uint64_t)count << 16));
    for (uint32_t i = 0; i < count; i++) {
        buddy_free(&buddy, held[i * 7 % count]); /* 7 and 200 have no common factor */
    }
    CHECK_EQUAL(buddy.free_bytes, total);
    uint32_t whole = buddy_allocate(&buddy, 24);
    CHECK(whole != BUDDY_NONE);
    check_block(whole, 24);
}

static void takes_by_address_in_any_order(void)
{
    start(SLOTS);
    static const uint64_t wanted[] = {0x40fff000, 0x40000000, 0x40800000, 0x40001000, 0x50003000};
    uint32_t held[5];
    for (unsigned i = 0; i < 5; i++) {
        held[i] = buddy_allocate_at(&buddy, wanted[i], 12);
        CHECK(held[i] != BUDDY_NONE);
        check_block(held[i], 12);
        CHECK_EQUAL(buddy.node[held[i]].address, wanted[i]);
        CHECK_EQUAL(buddy_allocate_at(&buddy, wanted[i], 12), BUDDY_NONE);
    }
    CHECK_EQUAL(buddy_allocate_at(&buddy, 0x40800000, 16), BUDDY_NONE); /* part of it is taken */
    CHECK_EQUAL(buddy_allocate_at(&buddy, 0x60000000, 12), BUDDY_NONE); /* no memory here */
    CHECK_EQUAL(buddy_allocate_at(&buddy, 0x40000800, 12), BUDDY_NONE); /* not aligned */
    CHECK(buddy_allocate_at(&buddy, 0x40900000, 20) != BUDDY_NONE);
    for (unsigned i = 0; i < 5; i++) {
        buddy_free(&buddy, held[i]);
    }
    CHECK_EQUAL(buddy.free_bytes, total - (1u << 20));
}

/* Without slots for another split nothing changes. */
static void fails_cleanly(void)
{
    start(16 + 2 * 3);
    CHECK_EQUAL(buddy_allocate(&buddy, 12), BUDDY_NONE);
    CHECK_EQUAL(buddy.free_bytes, total);
    CHECK(!slot[1].child && !slot[2].child && !slot[3].child);
    CHECK(buddy_allocate(&buddy, 24) != BUDDY_NONE);
    CHECK_EQUAL(buddy_allocate(&buddy, 30), BUDDY_NONE);
    CHECK_EQUAL(buddy_allocate(&buddy, 4), BUDDY_NONE);
    CHECK(!buddy_add(&buddy, 0, 8, 9));
}

static void survives_churn(void)
{
    static uint32_t held[64];
    static unsigned bits[64];
    uint32_t random = 7;
    start(SLOTS);
    memset(held, 0xff, sizeof(held));
    for (uint32_t step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t i = random >> 20 & 63;
        if (held[i] != BUDDY_NONE) {
            check_block(held[i], bits[i]);
            buddy_free(&buddy, held[i]);
            held[i] = BUDDY_NONE;
        } else {
            bits[i] = 12 + (random >> 12 & 7);
            held[i] = buddy_allocate(&buddy, bits[i]);
        }
        if (next_slot > SLOTS - 200) { /* the model gives out each slot once */
            for (uint32_t j = 0; j < 64; j++) {
                if (held[j] != BUDDY_NONE) {
                    buddy_free(&buddy, held[j]);
                    held[j] = BUDDY_NONE;
                }
            }
            CHECK_EQUAL(buddy.free_bytes, total);
            next_slot = 16;
        }
    }
}

int main(void)
{
    everything_comes_back();
    takes_by_address_in_any_order();
    fails_cleanly();
    survives_churn();
    return 0;
}
