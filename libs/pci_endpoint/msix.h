/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X of an emulated PCI function: the capability, and one BAR of 4 KiB with the table at 0 and
 * the pending bits at 2 KiB. PCI 3.0 6.8.2.
 *
 * A vector that is raised while it or the function is masked stays pending and is sent when it is
 * unmasked. Nothing is sent while bus mastering is off: a message is a write to memory.
 */
#ifndef LIBS_PCI_ENDPOINT_MSIX_H
#define LIBS_PCI_ENDPOINT_MSIX_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_MSIX_VECTORS_MAX 32u
#define PCI_MSIX_BAR_SIZE    4096u

struct pci_endpoint;

struct pci_msix_entry {
    uint64_t address;
    uint32_t data;
    uint32_t control; /* bit 0: masked */
};

struct pci_msix {
    uint32_t count;     /* 0: the function has no MSI-X */
    uint32_t pending;   /* a bit for each vector */
    uint8_t capability; /* its offset in the configuration space */
    bool enabled;
    bool open; /* enabled, not masked as a whole, and bus mastering on */
    struct pci_msix_entry entry[PCI_MSIX_VECTORS_MAX];
};

/* Adds the capability and BAR `bar` to the function, with `count` vectors (1 to
 * PCI_MSIX_VECTORS_MAX). */
bool pci_msix_init(struct pci_endpoint *endpoint, unsigned bar, uint32_t count);

/* A vector beyond the table, or one raised while MSI-X is off, is lost. */
void pci_msix_raise(struct pci_endpoint *endpoint, uint32_t vector);

/* After a write to the command register or to the capability (used by endpoint.c). */
void pci_msix_update(struct pci_endpoint *endpoint);

#endif
