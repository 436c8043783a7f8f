/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The derivation list under its operations, one at a time from any well-formed list. Links are compared with what they
 * must be; what that means for descent is then a matter of the order alone.
 */
#define BOUND_CAPS 4 /* capabilities in the lists before the operation, of any types */
#define UNWIND     6
#define WITHOUT_HOLDERS

#include "test/proof/caps.h"

/* A copy of a capability is linked behind it, descends from what it was derived from and that one's ancestors and from
 * nothing else, has no more rights, and changes no other link and no other descent. */
void prove_copy(void)
{
    any_list();
    struct slot copy = {0};
    uint32_t from = any_index(), i = any_index(), j = any_index();
    struct cap derived;
    if (cap_derive(slots[from].cap, ANY(uint64_t), ANY(uint64_t), &derived) != BH_OK) {
        REACHED("what can't be copied");
        return;
    }
    slot_insert_after(&all, &copy, derived, &slots[from]);

    PROVE(copy.previous == &slots[from] && copy.next == next_before(from));
    PROVE(slots[i].next == (i == from ? &copy : next_before(i)));
    PROVE(slots[i].previous == (i == from + 1 && joined[from] ? &copy : previous_before(i)));
    PROVE((copy.cap.rights & ~slots[from].cap.rights) == 0 && cap_same_object(copy.cap, slots[from].cap));

    bool parent = cap_is_parent(slots[i].cap, copy.cap);
    if (i == from) {
        PROVE(parent == slots[from].cap.original);
    } else if (i < from) {
        PROVE(!descends[i][from] || parent); /* an ancestor of the one is one of the other */
        PROVE(descends[i][from] || !parent || orphan_of(slots[i].cap, copy.cap));
    }
    if (i <= from && from < j && descends[i][j]) {
        REACHED("a descent across the copy");
        PROVE(parent);
    }
    if (joined[from] && cap_is_parent(copy.cap, slots[from + 1].cap)) {
        REACHED("an orphan behind the copy");
        PROVE(orphan_of(copy.cap, slots[from + 1].cap));
    }
}

/* A moved capability takes the place of the old one in the list, and no other link changes. */
void prove_move(void)
{
    any_list();
    struct slot destination = {0};
    uint32_t from = any_index(), i = any_index();
    struct cap cap = slots[from].cap;
    slot_move(&all, &destination, &slots[from]);

    PROVE(slot_empty(&slots[from]) && slots[from].next == NULL && slots[from].previous == NULL);
    PROVE(same_cap(destination.cap, cap));
    PROVE(destination.next == next_before(from) && destination.previous == previous_before(from));
    if (i != from) {
        REACHED("another slot");
        PROVE(slots[i].next == (i + 1 == from && joined[i] ? &destination : next_before(i)));
        PROVE(slots[i].previous == (i == from + 1 && joined[from] ? &destination : previous_before(i)));
    }
}

/* Deleting a capability of an object without slots empties its slot and no other, closes the list over it, and takes
 * no descent from the others. */
void prove_delete(void)
{
    any_list();
    uint32_t gone = any_index(), i = any_index(), j = any_index();
    struct cap cap = slots[i].cap;
    PROVE(slot_delete(&all, &slots[gone]));

    PROVE(slot_empty(&slots[gone]) && slots[gone].next == NULL && slots[gone].previous == NULL);
    if (i != gone) {
        PROVE(same_cap(slots[i].cap, cap));
        PROVE(slots[i].next == (i + 1 == gone && joined[i] ? next_before(gone) : next_before(i)));
        PROVE(slots[i].previous == (i == gone + 1 && joined[gone] ? previous_before(gone) : previous_before(i)));
    }
    /* The capability behind the gap may gain an ancestor; a descent across the gap stays (it was one all along). */
    if (i + 1 == gone && j == gone + 1 && joined[i] && joined[gone] && parent_of[i][j] && !descends[i][j]) {
        REACHED("an orphan");
        PROVE(orphan_of(slots[i].cap, slots[j].cap));
    }
}
