/* SPDX-License-Identifier: BSD-2-Clause */
/* Device trees that nobody has checked yet. */
#ifndef ROOT_TREE_H
#define ROOT_TREE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is a whole, well-formed device tree within `size` bytes at `tree`, a multiple of 8.
 */
bool tree_valid(const void *tree, size_t size);

#endif
