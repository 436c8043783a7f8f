/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities of the model kernel: slots, derivation, and what is mapped where. */
#ifndef TEST_UNIT_ROOT_MODEL_SLOTS_H
#define TEST_UNIT_ROOT_MODEL_SLOTS_H

#include "test/unit/root/model_kernel.h"

#define MODEL_ROOT_RADIX 14u

struct model_slot {
    enum bh_type type;
    unsigned rights;
    unsigned size_bits;
    uint64_t badge;
    uint64_t object; /* physical address; made up for what needs no memory */
    uint64_t used;   /* Untyped: bytes */
    bool runs;       /* TCB */
    uint64_t core;   /* TCB */
    bool mapped;     /* Frame, PageTable */
    unsigned level;  /* PageTable: 2 or 3 */
    uint64_t space;  /* object of the space */
    uint64_t address;
    struct model_slot *parent, *child;  /* derivation: the child made last */
    struct model_slot *next, *previous; /* other children of the parent */
    struct model_slot *chain;           /* mapped ones with the same hash */
};

void model_slots_start(void);

/* The slot of a CNode that root holds in its slot `cnode`; both must exist. */
struct model_slot *model_slot_at(bh_cptr cnode, uint64_t index);
/* The same, which must be empty. */
struct model_slot *model_slot_empty(bh_cptr cnode, uint64_t index);
/* Root's slot, which must hold a capability of the type. */
struct model_slot *model_slot(bh_cptr slot, enum bh_type type);

/* Enters a slot that has just been filled. */
void model_slot_insert(struct model_slot *slot, struct model_slot *parent);
void model_slot_delete(struct model_slot *slot);
void model_slot_revoke(struct model_slot *slot);
bool model_has_children(const struct model_slot *slot);

/* Enters a frame or table that has just been mapped, and takes it out again. */
void model_mapping_insert(struct model_slot *slot);
void model_mapping_remove(struct model_slot *slot);

/* What is mapped in a space: a table of the level on the way to the address, a frame that covers
 * part of the range. */
bool model_table_find(uint64_t space, uint64_t address, unsigned level);
struct model_slot *model_frame_at(uint64_t space, uint64_t address, uint64_t size);
bool model_is_root_space(uint64_t space);

/* A frame's mapping goes (model_kernel.c). */
void model_unmapped(const struct model_slot *frame);

#endif
