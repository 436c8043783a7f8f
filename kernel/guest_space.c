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

    if (index >= BH_DOORBELLS) {
        return invocation_fail(invocation, 1, BH_ERROR_RANGE);
    }
    if (!slot_empty(&space->doorbell_slots[index])) {
        return invocation_fail(invocation, 1, BH_ERROR_NOT_EMPTY);
    }
    if (!is_aligned(address, 2)) {
        return invocation_fail(invocation, 2, BH_ERROR_ALIGNMENT);
    }
    if (address >= BH_SPACE_SIZE) {
        return invocation_fail(invocation, 2, BH_ERROR_RANGE);
    }
    if (!is_aligned(size, 2)) {
        return invocation_fail(invocation, 3, BH_ERROR_ALIGNMENT);
    }
    if (size == 0 || size > BH_PAGE_SIZE - address % BH_PAGE_SIZE) {
        return invocation_fail(invocation, 3, BH_ERROR_RANGE);
    }
    struct slot *notification;
    enum bh_error error = invocation_cap(invocation, 4, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &notification);
    if (error != BH_OK) {
        return error;
    }
    struct cap derived;
    error = cap_derive(notification->cap, BH_RIGHTS_ALL, 0, &derived);
    if (error != BH_OK) {
        return invocation_fail(invocation, 4, error);
    }

    slot_insert_after(all, &space->doorbell_slots[index], derived, notification);
    space->doorbells[index] = (struct space_doorbell){.address = address, .size = size};
    return BH_OK;
}

enum bh_error guest_space_invoke(struct all_cores *all, struct invocation *invocation)
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
