/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root's memory and slots: the untyped memory that the kernel handed over at boot, and root's own
 * CNode.
 *
 * Objects are made in arenas. An arena holds blocks of the buddy allocator and the slots of all
 * capabilities that stand for its objects; destroying it revokes the blocks, so that every object
 * in it and every capability to one, in whichever CNode or address space, is gone, and memory and
 * slots are free again.
 */
#ifndef ROOT_MEMORY_H
#define ROOT_MEMORY_H

#include <bh/boot_info.h>
#include <bh/object.h>
#include <bh/types.h>

#include "domains/root/buddy.h"

#define ARENA_BLOCK_BITS 14u /* small objects come out of blocks of 16 KiB */

struct arena {
    uint32_t blocks;  /* BUDDY_NONE, or the first of the list by buddy_node.next */
    uint32_t current; /* the block that has most room left */
    uint64_t used;    /* bytes of it */
    uint32_t runs;    /* slots: index into a pool, 0 for none */
    uint64_t bytes;   /* of all blocks */
};

/* Takes over what the boot information lists. */
void memory_init(const struct bh_boot_info *info);

uint64_t memory_free_bytes(void);

/* A slot of root's CNode that belongs to no arena; 0: none is left. */
uint32_t slot_allocate(void);
/* Deletes what is in the slot and frees it. */
void slot_delete(uint32_t slot);

void arena_init(struct arena *arena);

/*
 * Makes `count` objects (size_bits as for bh_untyped_retype) with their capabilities in a row of
 * root's slots. Returns the first slot; 0: no memory or no slots, and what was made stays in the
 * arena.
 */
uint32_t arena_make(struct arena *arena, enum bh_type type, unsigned size_bits, uint32_t count);

/* The kernel clears memory when objects are made of it. In the middle of much of it arena_make
 * calls `pause` again and again, so that root, which runs before all others, leaves them some of
 * the time. */
void memory_set_pause(void (*pause)(void));

/* A row of empty slots that is freed with the arena, for further capabilities to its objects; 0:
 * none is left. */
uint32_t arena_slots(struct arena *arena, uint32_t count);

/* The same for capabilities to other objects, which have to be deleted one by one. */
uint32_t arena_slots_foreign(struct arena *arena, uint32_t count);

/* Destroys everything in the arena. It is empty afterwards and may be used again. */
void arena_destroy(struct arena *arena);

/*
 * The Untyped or Frames of device memory. `device_frames` makes frames of 4 KiB for [address,
 * address + size), both multiples of 4 KiB, with their capabilities in a row of slots, for good. 0:
 * not device memory, or in use already.
 */
uint32_t device_frames(uint64_t address, uint64_t size);

#endif
