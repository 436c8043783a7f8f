/* SPDX-License-Identifier: BSD-2-Clause */
#include "cap.h"

#include "assert.h"
#include "object.h"

static bool cap_same_object(struct cap a, struct cap b)
{
    return a.type == b.type && a.object == b.object && a.size_bits == b.size_bits;
}

/* Whether the memory or thing that `b` names is within what `a` names. */
static bool cap_covers(struct cap a, struct cap b)
{
    if (a.type == BH_TYPE_UNTYPED || a.type == BH_TYPE_DEVICE_UNTYPED) {
        uint64_t size = object_size(b);
        return size != 0 && b.object >= a.object && b.object + size <= a.object + (UINT64_C(1) << a.size_bits);
    }
    return cap_same_object(a, b) || (a.type == BH_TYPE_IRQ_CONTROL && b.type == BH_TYPE_IRQ_HANDLER);
}

bool cap_is_parent(struct cap parent, struct cap child)
{
    if (!parent.original || !cap_covers(parent, child)) {
        return false;
    }
    if (cap_takes_badge(parent) && parent.badge != 0) {
        return child.badge == parent.badge && !child.original;
    }
    return true;
}

bool slot_has_children(const struct slot *slot)
{
    return slot->next != NULL && cap_is_parent(slot->cap, slot->next->cap);
}

void slot_insert_root(struct all_cores *all, struct slot *slot, struct cap cap)
{
    kernel_assert(slot_empty(slot));
    *slot = (struct slot){.cap = cap};
}

void slot_insert_after(struct all_cores *all, struct slot *slot, struct cap cap, struct slot *parent)
{
    kernel_assert(slot_empty(slot));
    slot->cap = cap;
    slot->previous = parent;
    slot->next = parent->next;
    if (parent->next != NULL) {
        parent->next->previous = slot;
    }
    parent->next = slot;
}

void slot_move(struct all_cores *all, struct slot *destination, struct slot *source)
{
    kernel_assert(slot_empty(destination));
    *destination = *source;
    *source = (struct slot){0};
    if (destination->previous != NULL) {
        destination->previous->next = destination;
    }
    if (destination->next != NULL) {
        destination->next->previous = destination;
    }
}

static void slot_unlink(struct slot *slot)
{
    if (slot->previous != NULL) {
        slot->previous->next = slot->next;
    }
    if (slot->next != NULL) {
        slot->next->previous = slot->previous;
    }
    *slot = (struct slot){0};
}

/* Not Untyped: two could hand out the same memory. Reply: one answer. PageTable: one place. */
static const uint32_t can_be_copied =
    1u << BH_TYPE_ENDPOINT | 1u << BH_TYPE_NOTIFICATION | 1u << BH_TYPE_FRAME | 1u << BH_TYPE_CNODE |
    1u << BH_TYPE_TCB | 1u << BH_TYPE_SCHED_CONTEXT | 1u << BH_TYPE_VSPACE | 1u << BH_TYPE_GUEST_SPACE |
    1u << BH_TYPE_IO_SPACE | 1u << BH_TYPE_VCPU | 1u << BH_TYPE_IRQ_HANDLER | 1u << BH_TYPE_SCHED_CONTROL |
    1u << BH_TYPE_IO_CONTROL | 1u << BH_TYPE_MACHINE;

enum bh_error cap_derive(struct cap source, uint64_t rights, uint64_t badge, struct cap *derived)
{
    bool takes_badge = cap_takes_badge(source) && source.badge == 0;
    if ((can_be_copied >> source.type & 1) == 0 || (badge != 0 && !takes_badge)) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    *derived = source;
    derived->rights &= rights & BH_RIGHTS_ALL;
    derived->original = badge != 0; /* what gets its badge here is the ancestor of its own copies */
    if (badge != 0) {
        derived->badge = badge;
    }
    if (source.type == BH_TYPE_FRAME) {
        cap_set_mapping(derived, 0, 0, 0);
    }
    return BH_OK;
}

/* Control capabilities name no object. Copies are neighbours in the list. */
static bool slot_is_last(const struct slot *slot)
{
    const struct slot *previous = slot->previous;
    const struct slot *next = slot->next;
    return (previous == NULL || !cap_same_object(previous->cap, slot->cap)) &&
           (next == NULL || !cap_same_object(next->cap, slot->cap));
}

/*
 * Deleting the last capability of an object that holds slots (a CNode, a TCB ...) empties those first; what lies in
 * them may be the last capability of another such object, and so on, in circles even. The way down is kept in the
 * otherwise unused `data` of the capabilities on it: each points to the slot above, the topmost to itself. A slot
 * that is already on the way is passed over: it goes when the way back up reaches it.
 */
static bool on_the_way(const struct slot *slot)
{
    return object_holds_slots(slot->cap) && slot->cap.data != 0;
}

static void forget_the_way(struct slot *slot, const struct slot *top)
{
    while (slot != top) {
        struct slot *above = (struct slot *)slot->cap.data;
        slot->cap.data = 0;
        slot = above;
    }
    slot->cap.data = 0;
}

static bool empty_object(struct all_cores *all, struct slot *top)
{
    struct slot *current = top;
    size_t i = 0;

    object_quiesce(all, top->cap);
    top->cap.data = (uint64_t)top;
    for (;;) {
        struct slot_range range = object_slots(current->cap);
        while (i < range.count && (slot_empty(&range.slots[i]) || on_the_way(&range.slots[i]))) {
            i++;
        }
        if (i < range.count) {
            struct slot *inner = &range.slots[i];
            bool last = slot_is_last(inner);
            if (last && object_holds_slots(inner->cap)) {
                object_quiesce(all, inner->cap);
                inner->cap.data = (uint64_t)current;
                current = inner;
                i = 0;
                continue;
            }
            object_release(all, inner, last);
            slot_unlink(inner);
        } else if (current == top) {
            top->cap.data = 0;
            return true;
        } else {
            struct slot *above = (struct slot *)current->cap.data;
            i = (size_t)(current - object_slots(above->cap).slots) + 1;
            object_release(all, current, true);
            slot_unlink(current);
            current = above;
        }
        if (preemption_wanted()) {
            forget_the_way(current, top);
            return false;
        }
    }
}

bool slot_delete(struct all_cores *all, struct slot *slot)
{
    if (slot_empty(slot)) {
        return true;
    }
    bool last = slot_is_last(slot);
    if (last && object_holds_slots(slot->cap) && !empty_object(all, slot)) {
        return false;
    }
    object_release(all, slot, last);
    slot_unlink(slot);
    return true;
}

bool slot_revoke(struct all_cores *all, struct slot *slot)
{
    while (slot_has_children(slot)) {
        if (!slot_delete(all, slot->next) || preemption_wanted()) {
            return false;
        }
    }
    return true;
}
