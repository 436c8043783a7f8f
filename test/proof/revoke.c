/* SPDX-License-Identifier: BSD-2-Clause */
/* Revocation, from any well-formed list. */
#define BOUND_CAPS 3 /* capabilities in the list before, of any types */
#define UNWIND     4
#define WITHOUT_HOLDERS

#include "test/proof/caps.h"

/* Revoking deletes all descendants and no other capability; cut short by an interrupt, it deletes some of them. */
void prove_revoke(void)
{
    any_list();
    uint32_t top = any_index(), i = any_index();
    struct cap cap = slots[i].cap;
    bool done = slot_revoke(&all, &slots[top]);

    PROVE(!done || !slot_has_children(&slots[top]));
    if (top < i && descends[top][i]) {
        if (done) {
            REACHED("a descendant");
            PROVE(slot_empty(&slots[i]));
        } else {
            REACHED("a revocation that is cut");
        }
    } else {
        PROVE(same_cap(slots[i].cap, cap));
    }
    if (!slot_empty(&slots[i])) {
        PROVE(slots[i].next == NULL || slots[i].next->previous == &slots[i]);
        PROVE(slots[i].previous == NULL || slots[i].previous->next == &slots[i]);
    }
}
