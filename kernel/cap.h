/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities, the slots they lie in, and the derivation tree.
 *
 * All slots that hold a capability form one doubly linked list, ordered so that what is derived from a capability
 * follows it directly: the list is the derivation tree in depth-first order. Whether a slot descends from an earlier
 * one is decided by cap_is_parent from what they name, so no depth is stored. All capabilities of one object are
 * neighbours, which makes "is this the last one" a look at two slots.
 *
 * Any core's lock keeps the list as it is; changing it needs all of them.
 */
#ifndef KERNEL_CAP_H
#define KERNEL_CAP_H

#include <bh/error.h>
#include <bh/object.h>

#include "address.h"

struct all_cores;

struct cap {
    union {
        struct {
            uint64_t type : 5; /* enum bh_type */
            uint64_t rights : 4;
            uint64_t original : 1;  /* made by retype or given its badge here: ancestor of its copies */
            uint64_t size_bits : 6; /* Untyped, Frame: log2 bytes; CNode: radix */
            uint64_t object : 48;   /* physical address; IRQHandler: INTID */
        };
        uint64_t head;
    };
    union {
        uint64_t data;
        uint64_t badge; /* Endpoint, Notification */
        struct {        /* Untyped; both in units of BH_UNTYPED_MIN_BITS */
            uint32_t used;    /* allocated from the bottom up to here */
            uint32_t cleared; /* memory in [used, cleared) is zero */
        } untyped;
        struct { /* Frame, PageTable */
            uint64_t page : 26;       /* virtual page number */
            uint64_t space : 12;      /* index into the table of spaces; 0: not mapped */
            uint64_t generation : 25; /* of that entry */
            uint64_t device : 1;      /* Frame of device memory */
        } mapping;
    };
};

struct slot {
    struct cap cap;
    struct slot *next;
    struct slot *previous;
};

_Static_assert(sizeof(struct cap) == 16, "two registers");
_Static_assert(sizeof(struct slot) == 1 << BH_SLOT_BITS, "part of the interface: the size of a CNode");

static inline void *cap_object(struct cap cap)
{
    return paddr_pointer(paddr(cap.object));
}

static inline struct cap cap_make(enum bh_type type, const void *object)
{
    return (struct cap){.type = (uint64_t)type & 31,
                        .rights = BH_RIGHTS_ALL,
                        .original = 1,
                        .object = pointer_paddr(object).value & ((UINT64_C(1) << 48) - 1)};
}

/* Whether it is of this type and has at least these rights. */
static inline bool cap_is(struct cap cap, enum bh_type type, uint64_t rights)
{
    const struct cap mask = {.type = 31, .rights = rights & BH_RIGHTS_ALL};
    const struct cap wanted = {.type = (uint64_t)type & 31, .rights = rights & BH_RIGHTS_ALL};
    return (cap.head & mask.head) == wanted.head;
}

/* Why it is not of this type, or does not have these rights; or BH_OK. */
static inline enum bh_error cap_check(struct cap cap, enum bh_type type, uint64_t rights)
{
    if (cap.type != (uint64_t)type) {
        return BH_ERROR_INVALID_CAPABILITY;
    }
    return (cap.rights & rights) == rights ? BH_OK : BH_ERROR_RIGHTS;
}

static inline bool cap_takes_badge(struct cap cap)
{
    return cap.type == BH_TYPE_ENDPOINT || cap.type == BH_TYPE_NOTIFICATION;
}

/* Where a Frame or PageTable is mapped; all 0: nowhere. */
static inline void cap_set_mapping(struct cap *cap, uint64_t page, uint64_t space, uint64_t generation)
{
    cap->mapping.page = page & 0x3ffffff;
    cap->mapping.space = space & 0xfff;
    cap->mapping.generation = generation & 0x1ffffff;
}

static inline bool slot_empty(const struct slot *slot)
{
    return slot->cap.type == BH_TYPE_NULL;
}

/* Whether `child`, later in the list, was derived from `parent`. */
bool cap_is_parent(struct cap parent, struct cap child);

bool slot_has_children(const struct slot *slot);

/* Puts `cap` into an empty slot, as a root of the tree or right behind `parent`. */
void slot_insert_root(struct all_cores *all, struct slot *slot, struct cap cap);
void slot_insert_after(struct all_cores *all, struct slot *slot, struct cap cap, struct slot *parent);

/* Moves the capability and its place in the tree to an empty slot. */
void slot_move(struct all_cores *all, struct slot *destination, struct slot *source);

/*
 * Derives a capability for a copy with `rights` and, unless 0, a new badge.
 * Errors: ILLEGAL_OPERATION.
 */
enum bh_error cap_derive(struct cap source, uint64_t rights, uint64_t badge, struct cap *derived);

/*
 * Empties a slot and, with the last capability, destroys the object. Long work (a CNode full of capabilities) is cut
 * by preemption points: returns false when an interrupt wants in and the operation must be restarted; what has been
 * done then stays done.
 */
bool slot_delete(struct all_cores *all, struct slot *slot);

/* Deletes all descendants. The same return value. */
bool slot_revoke(struct all_cores *all, struct slot *slot);

/* Whether a long operation should let an interrupt, or another core, in now. */
bool preemption_wanted(void);

#endif
