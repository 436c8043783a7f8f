/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all objects have in common: size, creation, the slots inside them, and destruction.
 */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include "cap.h"

/* Bytes of memory, which came from an Untyped, of an object; 0 for those without. */
uint64_t object_size(struct cap cap);

/* log2 of the size of an object to be made, or 0 if `type` and `size_bits` can't be made. */
unsigned object_size_bits(enum bh_type type, uint64_t size_bits);

/* The capability of a new object in cleared memory, which it initialises. It belongs to the core that makes it. */
struct cap object_create(struct all_cores *all, enum bh_type type, unsigned size_bits, paddr_t address, bool device);

/* The capability slots inside an object. */
struct slot_range {
    struct slot *slots;
    size_t count;
};

bool object_holds_slots(struct cap cap);
struct slot_range object_slots(struct cap cap);

/* Before the slots inside are emptied: nothing runs with them any more. */
void object_quiesce(struct all_cores *all, struct cap cap);

/* What goes with one capability (a mapping), and with the last one (the object). The slots inside are empty. */
void object_release(struct all_cores *all, struct slot *slot, bool last);

#endif
