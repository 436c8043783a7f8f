/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on CNodes: copying, moving, deleting and reading capabilities. */
#ifndef KERNEL_CNODE_H
#define KERNEL_CNODE_H

#include "invocation.h"

enum bh_error cnode_invoke(struct all_cores *all, struct invocation *invocation);

/* The slot with `index` of the CNode that `cap` names, or NULL. */
struct slot *cnode_slot(struct cap cap, uint64_t index);

#endif
