/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/machine_tree.h"

#include <libfdt.h>
#include <string.h>

#include "domains/root/machine_cells.h"

#define DEPTH_MAX 16u

int machine_tree_path(const void *tree, const char *path)
{
    int node = fdt_path_offset(tree, path);
    return node >= 0 ? node : -1;
}

static bool enabled(const void *tree, int node)
{
    int size;
    const char *status = fdt_getprop(tree, node, "status", &size);
    return status == NULL || (size > 0 && memchr(status, 0, (size_t)size) != NULL &&
                              (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0));
}

int machine_tree_compatible(const void *tree, const char *compatible, uint32_t index)
{
    int node = fdt_node_offset_by_compatible(tree, -1, compatible);
    while (node >= 0) {
        if (enabled(tree, node)) {
            if (index == 0) {
                return node;
            }
            index--;
        }
        node = fdt_node_offset_by_compatible(tree, node, compatible);
    }
    return -1;
}

/* An address on the bus `bus` as one on the bus above, by one `ranges` property. False: it does not
 * go through. */
static bool translate_once(const void *tree, int bus, int parent, uint64_t *address, uint64_t size)
{
    struct cells ranges;
    if (!cells_open(tree, bus, "ranges", &ranges)) {
        return false;
    }
    if (ranges.count == 0) {
        return true; /* an empty one means the same addresses */
    }
    uint32_t child_cells = cells_number(tree, bus, "#address-cells", 2);
    uint32_t size_cells = cells_number(tree, bus, "#size-cells", 1);
    uint32_t parent_cells = cells_number(tree, parent, "#address-cells", 2);
    while (cells_have(&ranges, child_cells + parent_cells + size_cells)) {
        uint64_t child = cells_take(&ranges, child_cells);
        uint64_t base = cells_take(&ranges, parent_cells);
        uint64_t length = cells_take(&ranges, size_cells);
        if (*address >= child && *address - child < length && size <= length - (*address - child)) {
            *address = base + (*address - child);
            return true;
        }
    }
    return false;
}

/* An address in a `reg` of a node below `bus`, as the processor sees it. */
static bool translate(const void *tree, int bus, uint64_t *address, uint64_t size)
{
    for (unsigned depth = 0; bus > 0 && depth < DEPTH_MAX; depth++) {
        int parent = fdt_parent_offset(tree, bus);
        if (parent < 0 || !translate_once(tree, bus, parent, address, size)) {
            return false;
        }
        bus = parent;
    }
    return bus == 0;
}

static const char *read_registers(const void *tree, int node, struct platform_device *device)
{
    int bus = fdt_parent_offset(tree, node);
    struct cells reg;
    if (bus < 0 || !cells_open(tree, node, "reg", &reg)) {
        return "the node has no reg";
    }
    uint32_t address_cells = cells_number(tree, bus, "#address-cells", 2);
    uint32_t size_cells = cells_number(tree, bus, "#size-cells", 1);
    while (device->reg_count < PLATFORM_PARTS && cells_have(&reg, address_cells + size_cells)) {
        uint64_t address = cells_take(&reg, address_cells);
        uint64_t size = cells_take(&reg, size_cells);
        if (size == 0 || size > UINT64_MAX - address || !translate(tree, bus, &address, size)) {
            return "its reg is no range of addresses of the processor";
        }
        device->reg[device->reg_count].address = address;
        device->reg[device->reg_count].size = size;
        device->reg_count++;
    }
    return device->reg_count == 0 ? "its reg is empty" : NULL;
}

/* The phandle of the controller that a node's interrupts go to: its own property, or that of a node
 * above. */
static uint32_t interrupt_parent(const void *tree, int node)
{
    for (unsigned depth = 0; node >= 0 && depth < DEPTH_MAX; depth++) {
        uint32_t phandle = cells_number(tree, node, "interrupt-parent", 0);
        if (phandle != 0) {
            return phandle;
        }
        node = fdt_parent_offset(tree, node);
    }
    return 0;
}

const char *machine_tree_platform(const void *tree, int node, struct platform_device *device)
{
    *device = (struct platform_device){0};
    const char *reason = read_registers(tree, node, device);
    if (reason != NULL) {
        return reason;
    }
    struct cells interrupts;
    if (!cells_open(tree, node, "interrupts", &interrupts)) {
        return NULL;
    }
    int controller = fdt_node_offset_by_phandle(tree, interrupt_parent(tree, node));
    if (controller < 0 || cells_number(tree, controller, "#interrupt-cells", 0) != 3) {
        return "its interrupts do not go to the GIC";
    }
    while (device->interrupt_count < PLATFORM_PARTS && cells_have(&interrupts, 3)) {
        if (!cells_take_interrupt(&interrupts, &device->interrupt[device->interrupt_count++])) {
            return "one of its interrupts is no SPI";
        }
    }
    return NULL;
}
