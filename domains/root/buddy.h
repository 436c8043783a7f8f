/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator over untyped memory. A block is an Untyped capability; splitting it makes two
 * Untypeds of half its size out of it, and merging them deletes both by revoking the parent.
 * Bookkeeping only: the two operations on capabilities are the caller's.
 *
 * Ordinary memory is taken by size. Device memory is taken by address, in any order: splitting down
 * to the block wanted keeps the rest usable, which the ascending watermark of a single Untyped
 * would not.
 */
#ifndef ROOT_BUDDY_H
#define ROOT_BUDDY_H

#include <stdbool.h>
#include <stdint.h>

#define BUDDY_NONE     UINT32_MAX
#define BUDDY_BITS     64u /* sizes are below 2^BUDDY_BITS */
#define BUDDY_MIN_BITS 12u

enum buddy_state {
    BUDDY_UNUSED = 0, /* the node describes no block */
    BUDDY_FREE,
    BUDDY_TAKEN,
    BUDDY_SPLIT,
};

struct buddy_node {
    uint64_t address;
    uint32_t slot; /* of the Untyped */
    uint32_t parent;
    uint32_t child; /* SPLIT: the lower half; the upper half is the node after it */
    uint32_t next;  /* FREE: in the list of its size. TAKEN: the owner's */
    uint32_t previous;
    uint8_t size_bits;
    uint8_t state;
};

struct buddy_operations {
    /* Makes two Untypeds of half the size of the one in `slot`; *first is the slot of the lower,
     * the upper is in the next slot. False: no slots, nothing done. */
    bool (*split)(void *context, uint32_t slot, unsigned half_bits, uint32_t *first);
    /* Deletes both halves and frees their slots; the Untyped in `slot` is whole again. */
    void (*merge)(void *context, uint32_t slot, uint32_t first);
    void *context;
};

struct buddy {
    struct buddy_node *node;
    uint32_t capacity;
    uint32_t high;      /* nodes from here on were never used */
    uint32_t free_pair; /* list of unused pairs, by the first node's `next` */
    uint32_t free[BUDDY_BITS];
    uint64_t free_bytes;
    struct buddy_operations operations;
};

void buddy_init(struct buddy *buddy, struct buddy_node *nodes, uint32_t capacity,
                const struct buddy_operations *operations);

/* Adds a block of 2^size_bits bytes. False: no node left, or a size below BUDDY_MIN_BITS. */
bool buddy_add(struct buddy *buddy, uint64_t address, unsigned size_bits, uint32_t slot);

/* The node of a free block of the size, now taken; BUDDY_NONE: none is left. */
uint32_t buddy_allocate(struct buddy *buddy, unsigned size_bits);

/* The same for the block at `address`, a multiple of its size; BUDDY_NONE: not all of it is free
 * memory here. */
uint32_t buddy_allocate_at(struct buddy *buddy, uint64_t address, unsigned size_bits);

/* Takes a block back, from whose capability nothing is derived any more, and merges it with its
 * free neighbours. */
void buddy_free(struct buddy *buddy, uint32_t node);

#endif
