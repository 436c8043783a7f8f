/* SPDX-License-Identifier: BSD-2-Clause */
#include "cnode.h"

#include "core.h"
#include "endpoint.h"

struct slot *cnode_slot(struct cap cap, uint64_t index)
{
    return index >> cap.size_bits == 0 ? (struct slot *)cap_object(cap) + index : NULL;
}

/* The slot that arguments 2 and 3 (CNode, index) name, which must hold something. */
static enum bh_error source_slot(struct invocation *invocation, struct slot **source)
{
    struct slot *cnode;
    if (invocation_cap(invocation, 2, BH_TYPE_CNODE, 0, &cnode) != BH_OK) {
        return invocation->error;
    }
    *source = cnode_slot(cnode->cap, invocation->word[2]);
    if (!invocation_requires(invocation, 3, BH_ERROR_RANGE, *source != NULL) ||
        !invocation_requires(invocation, 3, BH_ERROR_INVALID_CAPABILITY, !slot_empty(*source))) {
        return invocation->error;
    }
    return BH_OK;
}

static enum bh_error copy(struct all_cores *all, struct invocation *invocation, struct slot *destination,
                          uint64_t badge)
{
    struct slot *source;
    struct cap derived;
    if (source_slot(invocation, &source) != BH_OK) {
        return invocation->error;
    }
    enum bh_error error = cap_derive(source->cap, invocation->word[3], badge, &derived);
    if (error != BH_OK) {
        return invocation_fail(invocation, 3, error);
    }
    slot_insert_after(all, destination, derived, source);
    return BH_OK;
}

static enum bh_error move(struct all_cores *all, struct invocation *invocation, struct slot *destination)
{
    struct slot *source;
    enum bh_error error = source_slot(invocation, &source);
    if (error == BH_OK) {
        slot_move(all, destination, source);
    }
    return error;
}

static void inspect(struct cap cap, uint64_t result[4])
{
    bool has_number = cap.type == BH_TYPE_IRQ_HANDLER;
    result[0] = cap.type;
    result[1] = cap.rights; /* of an empty slot 0, as all else */
    result[2] = cap_takes_badge(cap) ? cap.badge : has_number ? cap.object : cap.size_bits;
    result[3] = has_number ? 0 : cap.object;
}

LANDING_PAD enum bh_error cnode_invoke(struct all_cores *all, struct invocation *invocation)
{
    enum bh_operation operation = invocation->operation;
    if (operation < BH_OP_CNODE_COPY || operation > BH_OP_CNODE_INSPECT) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    struct slot *slot = cnode_slot(invocation->cap, invocation->word[0]);
    bool fills = operation == BH_OP_CNODE_COPY || operation == BH_OP_CNODE_MINT || operation == BH_OP_CNODE_MOVE;
    if (!invocation_requires(invocation, 1, BH_ERROR_RANGE, slot != NULL) ||
        !invocation_requires(invocation, 1, BH_ERROR_NOT_EMPTY, !fills || slot_empty(slot))) {
        return invocation->error;
    }

    switch (operation) {
    case BH_OP_CNODE_COPY:
        return copy(all, invocation, slot, 0);
    case BH_OP_CNODE_MINT:
        if (invocation->word[4] == 0) {
            return invocation_fail(invocation, 5, BH_ERROR_INVALID_ARGUMENT);
        }
        return copy(all, invocation, slot, invocation->word[4]);
    case BH_OP_CNODE_MOVE:
        return move(all, invocation, slot);
    case BH_OP_CNODE_DELETE:
        all->core->preempted = !slot_delete(all, slot);
        return BH_OK;
    case BH_OP_CNODE_REVOKE:
        all->core->preempted = !slot_revoke(all, slot);
        return BH_OK;
    case BH_OP_CNODE_CANCEL_BADGED:
        if (slot->cap.type != BH_TYPE_ENDPOINT) {
            return invocation_fail(invocation, 1, BH_ERROR_INVALID_CAPABILITY);
        }
        endpoint_cancel_badged(all, cap_object(slot->cap), slot->cap.badge);
        return BH_OK;
    default:
        inspect(slot->cap, invocation->result);
        return BH_OK;
    }
}
