/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/machine_cells.h"

#include <libfdt.h>

bool cells_open(const void *tree, int node, const char *name, struct cells *cells)
{
    int size;
    const void *data = fdt_getprop(tree, node, name, &size);
    if (data == NULL || size < 0 || size % 4 != 0) {
        return false;
    }
    *cells = (struct cells){.data = data, .count = (uint32_t)size / 4};
    return true;
}

bool cells_have(const struct cells *cells, uint32_t count)
{
    return count > 0 && count <= cells->count;
}

uint64_t cells_take(struct cells *cells, uint32_t count)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *data = cells->data;
        value = value << 32 | (uint64_t)data[0] << 24 | (uint64_t)data[1] << 16 |
                (uint64_t)data[2] << 8 | data[3];
        cells->data += 4;
    }
    cells->count -= count;
    return value;
}

bool cells_take_interrupt(struct cells *cells, struct machine_interrupt *interrupt)
{
    uint64_t type = cells_take(cells, 1);
    uint64_t number = cells_take(cells, 1);
    uint64_t flags = cells_take(cells, 1);
    if (type != 0 || number > 1019 - 32) {
        return false;
    }
    interrupt->intid = (uint32_t)number + 32;
    interrupt->edge = (flags & 3) != 0; /* 1 rising, 2 falling edge; 4, 8 level */
    return true;
}

uint32_t cells_number(const void *tree, int node, const char *name, uint32_t otherwise)
{
    struct cells cells;
    if (!cells_open(tree, node, name, &cells) || cells.count != 1) {
        return otherwise;
    }
    return (uint32_t)cells_take(&cells, 1);
}
