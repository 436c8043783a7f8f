/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads a program of the bundle into an address space. */
#ifndef ROOT_LOAD_H
#define ROOT_LOAD_H

#include "domains/root/bundle.h"
#include "domains/root/space.h"

/* Maps the program's segments into `space`, out of `arena`, and gives its entry point. The reason
 * why not, or NULL. */
const char *load_program(const struct bundle *bundle, const char *name, struct arena *arena,
                         const struct space *space, uint64_t *entry);

#endif
