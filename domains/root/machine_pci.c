/* SPDX-License-Identifier: BSD-2-Clause */
#include <libfdt.h>

#include "domains/root/machine_cells.h"
#include "domains/root/machine_tree.h"

/* The first cell of a PCI address (IEEE 1275 PCI binding 2.2.1.1). */
#define SPACE_SHIFT        24u
#define SPACE_MASK         3u
#define SPACE_MEMORY_32    2u
#define SPACE_MEMORY_64    3u
#define SPACE_PREFETCHABLE (UINT32_C(1) << 30)
#define DEVICE_SHIFT       11u
#define FUNCTION_SHIFT     8u

static void read_windows(struct pci_host *host, uint32_t parent_cells)
{
    struct cells ranges;
    if (!cells_open(host->tree, host->node, "ranges", &ranges)) {
        return;
    }
    while (host->window_count < PCI_WINDOWS && cells_have(&ranges, 5 + parent_cells)) {
        uint32_t type = (uint32_t)cells_take(&ranges, 1);
        uint64_t pci_address = cells_take(&ranges, 2);
        uint64_t cpu_address = cells_take(&ranges, parent_cells);
        uint64_t size = cells_take(&ranges, 2);
        uint32_t space = type >> SPACE_SHIFT & SPACE_MASK;
        if ((space != SPACE_MEMORY_32 && space != SPACE_MEMORY_64) || size == 0 ||
            size > UINT64_MAX - cpu_address || size > UINT64_MAX - pci_address) {
            continue;
        }
        host->window[host->window_count++] =
            (struct pci_window){.cpu_address = cpu_address,
                                .pci_address = pci_address,
                                .size = size,
                                .prefetchable = (type & SPACE_PREFETCHABLE) != 0};
    }
}

const char *machine_tree_pci_host(const void *tree, struct pci_host *host)
{
    *host = (struct pci_host){.tree = tree,
                              .node = machine_tree_compatible(tree, "pci-host-ecam-generic", 0)};
    if (host->node < 0) {
        return "the machine has no pci-host-ecam-generic";
    }
    int parent = fdt_parent_offset(tree, host->node);
    struct platform_device device;
    const char *reason = machine_tree_platform(tree, host->node, &device);
    if (reason != NULL || parent < 0) {
        return reason != NULL ? reason : "the host bridge hangs nowhere";
    }
    struct cells bus;
    uint64_t first_bus =
        cells_open(tree, host->node, "bus-range", &bus) && bus.count == 2 ? cells_take(&bus, 1) : 0;
    if (first_bus != 0 || device.reg[0].size < PCI_ECAM_BUS_SIZE) {
        return "the host bridge does not show bus 0";
    }
    host->ecam_address = device.reg[0].address;
    host->ecam_size = device.reg[0].size;
    read_windows(host, cells_number(tree, parent, "#address-cells", 2));
    return host->window_count == 0 ? "the host bridge has no memory window" : NULL;
}

bool pci_host_interrupt(const struct pci_host *host, const struct pci_function *function,
                        struct machine_interrupt *interrupt)
{
    struct cells mask;
    struct cells map;
    if (function->interrupt_pin == 0 ||
        !cells_open(host->tree, host->node, "interrupt-map-mask", &mask) || mask.count != 4 ||
        !cells_open(host->tree, host->node, "interrupt-map", &map)) {
        return false;
    }
    uint64_t address_mask = cells_take(&mask, 1);
    (void)cells_take(&mask, 2);
    uint64_t pin_mask = cells_take(&mask, 1);
    uint64_t address = (uint64_t)function->device << DEVICE_SHIFT | (uint64_t)function->function
                                                                        << FUNCTION_SHIFT;
    /* Each entry: unit address (3), pin (1), controller (1), its unit address, its interrupt. */
    while (cells_have(&map, 5)) {
        uint64_t entry_address = cells_take(&map, 1);
        (void)cells_take(&map, 2);
        uint64_t entry_pin = cells_take(&map, 1);
        int controller = fdt_node_offset_by_phandle(host->tree, (uint32_t)cells_take(&map, 1));
        if (controller < 0 || cells_number(host->tree, controller, "#interrupt-cells", 0) != 3) {
            return false;
        }
        uint32_t skip = cells_number(host->tree, controller, "#address-cells", 0);
        if (skip > 4 || !cells_have(&map, skip + 3)) {
            return false;
        }
        (void)cells_take(&map, skip);
        struct machine_interrupt found;
        bool spi = cells_take_interrupt(&map, &found);
        if ((entry_address & address_mask) == (address & address_mask) &&
            (entry_pin & pin_mask) == (function->interrupt_pin & pin_mask)) {
            *interrupt = found;
            return spi;
        }
    }
    return false;
}

/* What a map of requester IDs (pci-iommu.txt, pci-msi.txt of the device tree bindings) makes of
 * one. */
static bool map_requester(const struct pci_host *host, const char *name, const char *mask_name,
                          uint16_t requester, uint32_t *identifier)
{
    struct cells map;
    if (!cells_open(host->tree, host->node, name, &map)) {
        return false;
    }
    uint64_t masked = requester & cells_number(host->tree, host->node, mask_name, 0xffff);
    while (cells_have(&map, 4)) {
        uint64_t first = cells_take(&map, 1);
        (void)cells_take(&map,
                         1); /* the phandle of an SMMU or ITS: the kernel drives the only one */
        uint64_t base = cells_take(&map, 1);
        uint64_t length = cells_take(&map, 1);
        if (masked >= first && masked - first < length) {
            *identifier = (uint32_t)(base + (masked - first));
            return true;
        }
    }
    return false;
}

bool pci_host_stream(const struct pci_host *host, uint16_t requester, uint32_t *stream)
{
    return map_requester(host, "iommu-map", "iommu-map-mask", requester, stream);
}

bool pci_host_message(const struct pci_host *host, uint16_t requester, uint32_t *device_id)
{
    return map_requester(host, "msi-map", "msi-map-mask", requester, device_id);
}
