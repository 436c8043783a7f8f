/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which slots of a CNode are free. Bookkeeping only: no system calls, no memory of its own.
 */
#ifndef ROOT_SLOTS_H
#define ROOT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#define SLOTS_NONE 0u

struct slots {
    uint64_t *used; /* one bit for each slot: 1 in use */
    uint32_t count;
    uint32_t next; /* where the next search begins */
    uint32_t free_count;
};

/* `words` holds (count + 63) / 64 words. Slots below `first` are in use from the start; slot 0
 * always is. */
void slots_init(struct slots *slots, uint64_t *words, uint32_t count, uint32_t first);

/* The first of `count` free slots in a row, now in use; SLOTS_NONE when there is no such row. */
uint32_t slots_allocate(struct slots *slots, uint32_t count);

/* Gives back slots that slots_allocate gave out, all or part of a row. */
void slots_free(struct slots *slots, uint32_t first, uint32_t count);

bool slots_in_use(const struct slots *slots, uint32_t slot);

#endif
