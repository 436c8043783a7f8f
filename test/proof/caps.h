/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any well-formed list of capabilities. The slots lie in the list in the order of the array, which costs no generality:
 * nothing but their links says where slots are. `joined[i]`: slot i + 1 follows slot i; else a list ends between them.
 *
 * What is assumed before an operation is what is proved after it, so that it holds after any number of operations.
 */
#ifndef TEST_PROOF_CAPS_H
#define TEST_PROOF_CAPS_H

#include "test/proof/kernel.h"

#include "test/proof/objects.h"

#ifdef WITHOUT_HOLDERS /* no object holds slots */
#define object_holds_slots object_holds_slots_of_kernel
#endif
#include "kernel/object.c"
#ifdef WITHOUT_HOLDERS
#undef object_holds_slots
bool object_holds_slots(struct cap cap)
{
    (void)cap;
    return false;
}
#endif
#include "kernel/cap.c"

#define ADDRESS_BITS 40

static struct all_cores all;
static struct slot slots[BOUND_CAPS];
static uint32_t slot_count;
static bool joined[BOUND_CAPS];
static bool parent_of[BOUND_CAPS][BOUND_CAPS]; /* [i][j]: cap_is_parent */
static bool descends[BOUND_CAPS][BOUND_CAPS];  /* [i][j]: j descends from i */

/* A capability as the kernel makes them: of an object that is aligned to its size. */
static struct cap any_cap(void)
{
    enum bh_type type = (enum bh_type)any_within(1, BH_TYPE_COUNT - 1);
    struct cap cap = {.type = type & 31,
                      .rights = any_within(0, BH_RIGHTS_ALL) & 15,
                      .original = any_within(0, 1) & 1,
                      .size_bits = any_within(0, 63) & 63,
                      .object = any_within(0, (UINT64_C(1) << ADDRESS_BITS) - 1) & ((UINT64_C(1) << 48) - 1),
                      .data = ANY(uint64_t)};
    switch (type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
    case BH_TYPE_FRAME:
    case BH_TYPE_CNODE:
        break;
    case BH_TYPE_IRQ_HANDLER:
        ASSUME(cap.object < 1020 && cap.size_bits == 0);
        break;
    case BH_TYPE_IRQ_CONTROL:
    case BH_TYPE_SCHED_CONTROL:
    case BH_TYPE_IO_CONTROL:
    case BH_TYPE_MACHINE:
        ASSUME(cap.object == 0 && cap.size_bits == 0);
        break;
    default:
        ASSUME(cap.size_bits == 0);
        break;
    }
    if (type < BH_TYPE_IRQ_CONTROL) {
        unsigned bits = object_size_bits(type, cap.size_bits);
        ASSUME(bits != 0 && is_aligned(cap.object, bits));
    }
    if (type == BH_TYPE_UNTYPED || type == BH_TYPE_DEVICE_UNTYPED || type == BH_TYPE_REPLY ||
        type == BH_TYPE_PAGE_TABLE || type == BH_TYPE_IRQ_CONTROL) {
        ASSUME(cap.original == 1); /* cap_derive copies none */
    }
    return cap;
}

static bool badged(struct cap cap)
{
    return cap_takes_badge(cap) && cap.badge != 0;
}

static void any_list(void)
{
    slot_count = (uint32_t)any_within(1, BOUND_CAPS);
    for (uint32_t i = 0; i < BOUND_CAPS; i++) {
        joined[i] = i + 1 < slot_count && any_bool();
        if (i < slot_count) {
            slots[i].cap = any_cap();
            slots[i].previous = i > 0 && joined[i - 1] ? &slots[i - 1] : NULL;
            slots[i].next = joined[i] ? &slots[i + 1] : NULL;
        }
    }
    for (uint32_t i = 0; i < BOUND_CAPS; i++) {
        bool run = true, cluster = true;
        for (uint32_t j = 0; j < BOUND_CAPS; j++) {
            parent_of[i][j] = i < slot_count && j < slot_count && cap_is_parent(slots[i].cap, slots[j].cap);
        }
        for (uint32_t j = i + 1; j < BOUND_CAPS; j++) {
            bool same = j < slot_count && cap_same_object(slots[i].cap, slots[j].cap);
            run = run && joined[j - 1] && parent_of[i][j];
            cluster = cluster && joined[j - 1] && same;
            descends[i][j] = run;
            /* Capabilities of one object are neighbours. At most one is the original, and it is the first. */
            ASSUME(!same || cluster);
            ASSUME(!same || !slots[j].cap.original || badged(slots[j].cap) || slots[i].cap.type <= BH_TYPE_DEVICE_UNTYPED);
            /* What lies in an Untyped (an interrupt: in the control) descends from it. */
            ASSUME(!parent_of[i][j] || badged(slots[i].cap) || run);
            ASSUME(!parent_of[j][i] || badged(slots[j].cap) || same);
        }
    }
}

#ifndef PROOF_MAPS_MEMORY /* no object is looked into */
void *paddr_pointer(paddr_t address)
{
    return (void *)address.value;
}

paddr_t pointer_paddr(const void *pointer)
{
    return paddr((uint64_t)pointer);
}
#endif

static uint32_t any_index(void)
{
    return (uint32_t)any_within(0, slot_count - 1);
}

/*
 * What may become a descendant although it was not derived from it: a copy of a badged capability whose own original is
 * gone, of the next original with that badge.
 */
static bool orphan_of(struct cap cap, struct cap orphan)
{
    return badged(cap) && cap_same_object(cap, orphan) && orphan.badge == cap.badge && !orphan.original;
}

static bool same_cap(struct cap a, struct cap b)
{
    return a.type == b.type && a.rights == b.rights && a.original == b.original && a.size_bits == b.size_bits &&
           a.object == b.object && a.data == b.data;
}

static struct slot *next_before(uint32_t i)
{
    return joined[i] ? &slots[i + 1] : NULL;
}

static struct slot *previous_before(uint32_t i)
{
    return i > 0 && joined[i - 1] ? &slots[i - 1] : NULL;
}

#endif
