/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding IOSpaces to streams. Their mappings are in space.c, the hardware in aarch64/smmu.c. */
#include "aarch64/smmu.h"
#include "space.h"

LANDING_PAD enum bh_error io_control_invoke(struct all_cores *all, struct invocation *invocation)
{
    if (invocation->operation != BH_OP_IO_CONTROL_BIND) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    struct slot *slot;
    if (invocation_cap(invocation, 1, BH_TYPE_IO_SPACE, 0, &slot) != BH_OK) {
        return invocation->error;
    }
    struct space *space = cap_object(slot->cap);
    if (!invocation_requires(invocation, 0, BH_ERROR_UNSUPPORTED, smmu_present()) ||
        !invocation_requires(invocation, 1, BH_ERROR_NO_TAG, space->type != BH_TYPE_NULL) ||
        !invocation_requires(invocation, 1, BH_ERROR_BUSY, space->bound == 0)) {
        return invocation->error;
    }
    enum bh_error error = smmu_bind(space, invocation->word[1]);
    return error == BH_OK ? BH_OK : invocation_fail(invocation, 2, error);
}

LANDING_PAD enum bh_error io_space_invoke(struct all_cores *all, struct invocation *invocation)
{
    if (invocation->operation != BH_OP_IO_SPACE_FAULT) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    struct space *space = cap_object(invocation->cap);
    smmu_handle_events();
    invocation->result[0] = space->fault.count;
    invocation->result[1] = space->fault.type;
    invocation->result[2] = space->fault.address;
    return BH_OK;
}
