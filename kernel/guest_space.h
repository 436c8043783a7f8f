/* SPDX-License-Identifier: BSD-2-Clause */
/* Doorbells of a guest's space. Its mappings are in space.h. */
#ifndef KERNEL_GUEST_SPACE_H
#define KERNEL_GUEST_SPACE_H

#include "space.h"

enum bh_error guest_space_invoke(struct all_cores *all, struct invocation *invocation);

/* A guest stored to `address`: signals the doorbell there. False if there is none. */
bool guest_space_ring(struct core *core, const struct space *space, vaddr_t address);

#endif
