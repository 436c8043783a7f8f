/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots: rows that don't overlap, all of them usable, all of them coming back. */
#include "domains/root/slots.h"
#include "test/unit/check.h"

#define COUNT 300u

static uint64_t words[(COUNT + 63) / 64];

static void gives_out_every_slot_once(void)
{
    struct slots slots;
    bool seen[COUNT] = {false};
    slots_init(&slots, words, COUNT, 8);
    for (uint32_t i = 8; i < COUNT; i++) {
        uint32_t slot = slots_allocate(&slots, 1);
        CHECK(slot >= 8 && slot < COUNT && !seen[slot]);
        seen[slot] = true;
    }
    CHECK_EQUAL(slots_allocate(&slots, 1), SLOTS_NONE);
    CHECK_EQUAL(slots.free_count, 0);
    slots_free(&slots, 100, 1);
    CHECK_EQUAL(slots_allocate(&slots, 1), 100);
}

static void keeps_slot_zero(void)
{
    struct slots slots;
    slots_init(&slots, words, COUNT, 0);
    CHECK(slots_in_use(&slots, 0));
    CHECK_EQUAL(slots_allocate(&slots, 1), 1);
    CHECK(slots_in_use(&slots, COUNT)); /* beyond the end nothing is free */
}

static void finds_rows(void)
{
    struct slots slots;
    slots_init(&slots, words, COUNT, 1);
    uint32_t a = slots_allocate(&slots, 130);
    uint32_t b = slots_allocate(&slots, 100);
    CHECK(a != SLOTS_NONE && b != SLOTS_NONE);
    CHECK_EQUAL(slots_allocate(&slots, 100), SLOTS_NONE);
    slots_free(&slots, a, 130);
    uint32_t c = slots_allocate(&slots, 128); /* in the hole, over whole words in use behind it */
    CHECK(c >= a && c + 128 <= a + 130);
    slots_free(&slots, b, 100);
    slots_free(&slots, c, 128);
    CHECK_EQUAL(slots.free_count, COUNT - 1);
    CHECK_EQUAL(slots_allocate(&slots, COUNT - 1), 1);
}

static void survives_churn(void)
{
    struct slots slots;
    static uint32_t owner[COUNT];
    struct {
        uint32_t first, count;
    } row[20] = {0};
    uint32_t random = 1;
    slots_init(&slots, words, COUNT, 16);
    for (uint32_t step = 0; step < 20000; step++) {
        random = random * 1664525u + 1013904223u;
        uint32_t i = random >> 16 & 15;
        if (row[i].count != 0) {
            for (uint32_t j = 0; j < row[i].count; j++) {
                CHECK_EQUAL(owner[row[i].first + j], i + 1);
                owner[row[i].first + j] = 0;
            }
            slots_free(&slots, row[i].first, row[i].count);
            row[i].count = 0;
            continue;
        }
        uint32_t count = 1 + (random >> 24 & 31);
        uint32_t first = slots_allocate(&slots, count);
        if (first != SLOTS_NONE) {
            row[i].first = first;
            row[i].count = count;
            for (uint32_t j = 0; j < count; j++) {
                CHECK_EQUAL(owner[first + j], 0);
                owner[first + j] = i + 1;
            }
        }
    }
}

int main(void)
{
    gives_out_every_slot_once();
    keeps_slot_zero();
    finds_rows();
    survives_churn();
    return 0;
}
