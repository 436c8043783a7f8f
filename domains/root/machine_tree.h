/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What root reads from the machine's device tree: platform devices, and the PCI host bridge. The
 * tree comes from the loader and is believed about addresses (nothing else could tell), but never
 * about its own structure. The caller has checked it with tree_valid.
 *
 * Sources: Devicetree Specification 0.4; the Linux bindings host-generic-pci, iommu (pci-iommu) and
 * arm,gic-v3.
 */
#ifndef ROOT_MACHINE_TREE_H
#define ROOT_MACHINE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/pci/pci.h"

#define PLATFORM_PARTS 4u
#define PCI_WINDOWS    4u

struct machine_interrupt {
    uint32_t intid; /* 32 to 1019: an SPI */
    bool edge;
};

struct platform_device {
    uint32_t reg_count;
    struct {
        uint64_t address, size;
    } reg[PLATFORM_PARTS];
    uint32_t interrupt_count;
    struct machine_interrupt interrupt[PLATFORM_PARTS];
};

struct pci_host {
    const void *tree;
    int node;
    uint64_t ecam_address; /* of bus 0 */
    uint64_t ecam_size;
    uint32_t window_count;
    struct pci_window window[PCI_WINDOWS];
};

/* The node, or -1. `index`: which of those with the compatible, in order of the tree; disabled ones
 * don't count. */
int machine_tree_path(const void *tree, const char *path);
int machine_tree_compatible(const void *tree, const char *compatible, uint32_t index);

/* Registers (as the processor sees them) and interrupts of a node. The reason why it can't be used,
 * or NULL. */
const char *machine_tree_platform(const void *tree, int node, struct platform_device *device);

/* The first pci-host-ecam-generic. The reason why there is none to use, or NULL. */
const char *machine_tree_pci_host(const void *tree, struct pci_host *host);

/* The interrupt behind a function's pin (1 INTA to 4 INTD), by the bridge's interrupt-map. False:
 * none. */
bool pci_host_interrupt(const struct pci_host *host, const struct pci_function *function,
                        struct machine_interrupt *interrupt);

/* The SMMU's stream of a requester, by the bridge's iommu-map. False: no SMMU is in front of it. */
bool pci_host_stream(const struct pci_host *host, uint16_t requester, uint32_t *stream);

/* The DeviceID with which a requester's messages reach the ITS, by the bridge's msi-map. False:
 * they reach none. */
bool pci_host_message(const struct pci_host *host, uint16_t requester, uint32_t *device_id);

#endif
