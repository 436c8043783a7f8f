/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest_space.h"

#include "core.h"
#include "notification.h"

bool guest_space_ring(struct core *core, const struct space *space, vaddr_t address)
{
    for (unsigned i = 0; i < BH_DOORBELLS; i++) {
        const struct space_doorbell *doorbell = &space->doorbells[i];
        if (address.value - doorbell->address < doorbell->size) {
            struct cap cap = space->doorbell_slots[i].cap;
            if (cap.type != BH_TYPE_NOTIFICATION) {
                return false;
            }
            notification_signal(core, cap_object(cap), notification_badge(cap));
            return true;
        }
    }
    return false;
}

static enum bh_error bind_doorbell(struct all_cores *all, struct space *space, struct invocation *invocation)
{
    uint64_t index = invocation->word[0];
    uint64_t address = invocation->word[1];
    uint64_t size = invocation->word[2];
    struct slot *notification;
    struct cap derived;

    if (!invocation_requires(invocation, 1, BH_ERROR_RANGE, index < BH_DOORBELLS) ||
        !invocation_requires(invocation, 1, BH_ERROR_NOT_EMPTY, slot_empty(&space->doorbell_slots[index])) ||
        !invocation_requires(invocation, 2, BH_ERROR_ALIGNMENT, is_aligned(address, 2)) ||
        !invocation_requires(invocation, 2, BH_ERROR_RANGE, address < BH_SPACE_SIZE) ||
        !invocation_requires(invocation, 3, BH_ERROR_ALIGNMENT, is_aligned(size, 2)) ||
        !invocation_requires(invocation, 3, BH_ERROR_RANGE,
                             size != 0 && size <= BH_PAGE_SIZE - address % BH_PAGE_SIZE) ||
        invocation_copy(invocation, 4, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &notification, &derived) != BH_OK) {
        return invocation->error;
    }

    slot_insert_after(all, &space->doorbell_slots[index], derived, notification);
    space->doorbells[index] = (struct space_doorbell){.address = address, .size = size};
    return BH_OK;
}

LANDING_PAD enum bh_error guest_space_invoke(struct all_cores *all, struct invocation *invocation)
{
    struct space *space = cap_object(invocation->cap);

    switch (invocation->operation) {
    case BH_OP_GUEST_SPACE_BIND_DOORBELL:
        return bind_doorbell(all, space, invocation);
    case BH_OP_GUEST_SPACE_UNBIND_DOORBELL:
        if (invocation->word[0] >= BH_DOORBELLS) {
            return invocation_fail(invocation, 1, BH_ERROR_RANGE);
        }
        space->doorbells[invocation->word[0]] = (struct space_doorbell){0};
        all->core->preempted = !slot_delete(all, &space->doorbell_slots[invocation->word[0]]);
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
