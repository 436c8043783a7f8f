/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/slots.h"

static void mark(struct slots *slots, uint32_t first, uint32_t count, bool used)
{
    for (uint32_t i = first; i < first + count; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        if (used) {
            slots->used[i / 64] |= bit;
        } else {
            slots->used[i / 64] &= ~bit;
        }
    }
}

bool slots_in_use(const struct slots *slots, uint32_t slot)
{
    return slot >= slots->count || (slots->used[slot / 64] >> (slot % 64) & 1) != 0;
}

void slots_init(struct slots *slots, uint64_t *words, uint32_t count, uint32_t first)
{
    *slots = (struct slots){.used = words, .count = count};
    for (uint32_t i = 0; i < (count + 63) / 64; i++) {
        words[i] = 0;
    }
    first = first == 0 ? 1 : first;
    first = first > count ? count : first;
    mark(slots, 0, first, true);
    slots->next = first;
    slots->free_count = count - first;
}

/* First fit in [from, to). */
static uint32_t search(const struct slots *slots, uint32_t from, uint32_t to, uint32_t count)
{
    uint32_t row = 0;
    for (uint32_t i = from; i < to; i++) {
        if (row == 0 && i % 64 == 0 && slots->used[i / 64] == UINT64_MAX) {
            i += 63; /* a whole word in use */
            continue;
        }
        row = slots_in_use(slots, i) ? 0 : row + 1;
        if (row == count) {
            return i + 1 - count;
        }
    }
    return SLOTS_NONE;
}

uint32_t slots_allocate(struct slots *slots, uint32_t count)
{
    if (count == 0 || count > slots->free_count) {
        return SLOTS_NONE;
    }
    uint32_t first = search(slots, slots->next, slots->count, count);
    if (first == SLOTS_NONE) {
        first = search(slots, 1, slots->count, count);
    }
    if (first == SLOTS_NONE) {
        return SLOTS_NONE;
    }
    mark(slots, first, count, true);
    slots->free_count -= count;
    slots->next = first + count;
    return first;
}

void slots_free(struct slots *slots, uint32_t first, uint32_t count)
{
    mark(slots, first, count, false);
    slots->free_count += count;
}
