/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's PCI Express host: bus 0 with its configuration window (ECAM, PCI Express 4.0 7.2.2),
 * a host bridge as device 0, the other devices behind it. A BAR is on the MMIO bus when memory
 * decoding is on and the guest has put it wholly inside one of the windows of memory_map.h, where
 * nothing else lies.
 *
 * Configuration accesses of 1, 2, 4 and 8 bytes. A function that does not exist reads as all ones;
 * the extended configuration space of one that does, as zero.
 */
#ifndef DOMAINS_VMM_PCI_H
#define DOMAINS_VMM_PCI_H

#include "domains/vmm/device.h"
#include "libs/pci_endpoint/endpoint.h"

#define PCI_BUS_DEVICES 32u

struct pci_bus;

struct pci_slot {
    struct pci_bus *bus;
    struct pci_endpoint *endpoint; /* NULL: empty */
    unsigned number;
    bool mapped[PCI_ENDPOINT_BARS];
    uint64_t address[PCI_ENDPOINT_BARS]; /* where, if mapped */
};

struct pci_bus {
    struct vm *vm;
    unsigned used;         /* slots from 0 on */
    uint32_t asserting[4]; /* for each INTx line: the devices that drive it, a bit each */
    struct pci_slot slot[PCI_BUS_DEVICES];
    struct pci_endpoint bridge;
};

/* False: the windows' places are taken. */
bool pci_bus_create(struct pci_bus *bus, struct vm *vm);

/* The next free slot, and what its function is initialised with; NULL: the bus is full. */
struct pci_slot *pci_bus_next(struct pci_bus *bus, struct pci_endpoint_host *host);

/* The function is there from now on. */
void pci_slot_fill(struct pci_slot *slot, struct pci_endpoint *endpoint);

#endif
