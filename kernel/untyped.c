/* SPDX-License-Identifier: BSD-2-Clause */
/* Making objects of the memory of Untypeds. */
#include "aarch64/cpu.h"
#include "cnode.h"
#include "core.h"
#include "object.h"

#define CLEAR_CHUNK UINT64_C(0x10000) /* bytes between two preemption points */

/* Memory of a used-up Untyped is free again once nothing derived from it is left. */
static void reset_if_unused(struct slot *slot)
{
    if (slot->cap.untyped.used != 0 && !slot_has_children(slot)) {
        slot->cap.untyped.used = 0;
        slot->cap.untyped.cleared = 0;
    }
}

/* Clears up to `end` (bytes from the start). What is clear is remembered, so that it can be done piece by piece. */
static bool clear_until(struct slot *slot, uint64_t start, uint64_t end)
{
    struct cap *cap = &slot->cap;
    uint64_t cleared = (uint64_t)cap->untyped.cleared << BH_UNTYPED_MIN_BITS;

    if (cleared < start) {
        /* What lies between is skipped and never used: what may not be clear is not above the watermark. */
        cap->untyped.used = (uint32_t)(start >> BH_UNTYPED_MIN_BITS);
        cleared = start;
    }
    while (cleared < end) {
        uint64_t chunk = smaller(end - cleared, CLEAR_CHUNK);
        clear_memory(paddr_pointer(paddr(cap->object + cleared)), chunk);
        cleared += chunk;
        cap->untyped.cleared = (uint32_t)(cleared >> BH_UNTYPED_MIN_BITS);
        if (cleared < end && preemption_wanted()) {
            return false;
        }
    }
    return true;
}

static bool slots_are_empty(const struct slot *slots, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!slot_empty(&slots[i])) {
            return false;
        }
    }
    return true;
}

static enum bh_error retype(struct all_cores *all, struct invocation *invocation)
{
    struct slot *slot = invocation->slot;
    enum bh_type type = (enum bh_type)invocation->word[0];
    uint64_t size_bits = invocation->word[1];
    uint64_t offset = invocation->word[2];
    uint64_t index = invocation->word[4];
    uint64_t count = invocation->word[5];
    bool device = invocation->cap.type == BH_TYPE_DEVICE_UNTYPED;
    bool fits = device ? type == BH_TYPE_FRAME || type == BH_TYPE_DEVICE_UNTYPED : type != BH_TYPE_DEVICE_UNTYPED;

    if (!invocation_requires(invocation, 1, BH_ERROR_INVALID_ARGUMENT,
                             invocation->word[0] < BH_TYPE_COUNT && type != BH_TYPE_NULL) ||
        !invocation_requires(invocation, 1, BH_ERROR_ILLEGAL_OPERATION, fits)) {
        return invocation->error;
    }
    unsigned object_bits = object_size_bits(type, size_bits);
    if (object_bits == 0) {
        bool fixed = object_size_bits(type, BH_PAGE_BITS) == 0; /* a type that can't be made at all */
        return invocation_fail(invocation, fixed ? 1 : 2, BH_ERROR_INVALID_ARGUMENT);
    }
    struct slot *cnode;
    if (invocation_cap(invocation, 4, BH_TYPE_CNODE, 0, &cnode) != BH_OK) {
        return invocation->error;
    }
    uint64_t slots = UINT64_C(1) << cnode->cap.size_bits;
    struct slot *destination = cnode_slot(cnode->cap, index);
    if (!invocation_requires(invocation, 6, BH_ERROR_INVALID_ARGUMENT, count != 0 && count <= BH_RETYPE_MAX_COUNT) ||
        !invocation_requires(invocation, 5, BH_ERROR_RANGE, destination != NULL && count <= slots - index) ||
        !invocation_requires(invocation, 5, BH_ERROR_NOT_EMPTY, slots_are_empty(destination, count))) {
        return invocation->error;
    }
    if (offset == BH_RETYPE_NEXT || offset < (uint64_t)slot->cap.untyped.used << BH_UNTYPED_MIN_BITS) {
        reset_if_unused(slot); /* but not what this call has begun to clear at its offset */
    }
    uint64_t size = UINT64_C(1) << slot->cap.size_bits;
    uint64_t used = (uint64_t)slot->cap.untyped.used << BH_UNTYPED_MIN_BITS;
    uint64_t start = offset != BH_RETYPE_NEXT ? offset : align_up(used, UINT64_C(1) << object_bits);
    if (!invocation_requires(invocation, 3, BH_ERROR_ALIGNMENT, is_aligned(start, object_bits)) ||
        !invocation_requires(invocation, 3, BH_ERROR_RANGE, start >= used) ||
        !invocation_requires(invocation, 0, BH_ERROR_NO_MEMORY,
                             start <= size && count <= (size - start) >> object_bits)) {
        return invocation->error;
    }
    uint64_t end = start + (count << object_bits);
    bool clears = !device && type != BH_TYPE_UNTYPED;
    if (clears && !clear_until(slot, start, end)) {
        all->core->preempted = true;
        return BH_OK;
    }

    slot->cap.untyped.used = (uint32_t)(end >> BH_UNTYPED_MIN_BITS);
    for (uint64_t i = 0; i < count; i++) {
        paddr_t address = paddr(slot->cap.object + start + (i << object_bits));
        slot_insert_after(all, &destination[i], object_create(all, type, size_bits & 63, address, device), slot);
    }
    return BH_OK;
}

LANDING_PAD enum bh_error untyped_invoke(struct all_cores *all, struct invocation *invocation)
{
    return invocation->operation == BH_OP_UNTYPED_RETYPE ? retype(all, invocation) : BH_ERROR_ILLEGAL_OPERATION;
}
