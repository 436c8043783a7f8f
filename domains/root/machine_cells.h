/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking over the cells of a property; every step is checked against its end. */
#ifndef ROOT_MACHINE_CELLS_H
#define ROOT_MACHINE_CELLS_H

#include "domains/root/machine_tree.h"

struct cells {
    const uint8_t *data;
    uint32_t count; /* cells left */
};

/* False: the node has no such property, or it is no whole number of cells. */
bool cells_open(const void *tree, int node, const char *name, struct cells *cells);

bool cells_have(const struct cells *cells, uint32_t count);

/* The value of the next `count` cells (the low 64 bits of it), which must be there. */
uint64_t cells_take(struct cells *cells, uint32_t count);

/* Three cells of a GIC's interrupt; false: no SPI. */
bool cells_take_interrupt(struct cells *cells, struct machine_interrupt *interrupt);

/* A property of one cell; `otherwise` if there is none. */
uint32_t cells_number(const void *tree, int node, const char *name, uint32_t otherwise);

#endif
