/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's driver of one virtio device on the PCI bus: everything goes through the configuration
 * window and BARs. */
#ifndef TEST_UNIT_VMM_DEVICES_DRIVER_H
#define TEST_UNIT_VMM_DEVICES_DRIVER_H

#include "test/unit/vmm_devices/machine.h"

#define DRIVER_FEATURE_EVENT_IDX (UINT64_C(1) << 29)
#define DRIVER_FEATURE_INDIRECT  (UINT64_C(1) << 28)
#define DRIVER_FEATURE_VERSION_1 (UINT64_C(1) << 32)

struct pci_driver {
    struct vm *vm;
    uint64_t config; /* address of the function's configuration space */
    uint64_t bar, msix;
    uint64_t features; /* accepted */
    uint32_t first_message;
    struct driver_queue queue[2];
};

/* The function in slot `device`, its BARs at `bar` (16 KiB) and behind it, MSI-X messages from
 * `first_message` on. */
void pci_driver_find(struct pci_driver *driver, struct vm *vm, unsigned device, uint64_t bar,
                     uint32_t first_message);

/* Resets the device, negotiates, sets `queue_count` queues of `queue_size` up, and starts it. */
void pci_driver_start(struct pci_driver *driver, uint64_t features, unsigned queue_count,
                      uint16_t queue_size);

uint8_t pci_driver_status(struct pci_driver *driver);
void pci_driver_reset(struct pci_driver *driver);
uint64_t pci_driver_offered(struct pci_driver *driver);
uint64_t pci_driver_configuration(struct pci_driver *driver, uint32_t offset, unsigned bytes);

/* Notifies the queue if the device wants that. */
void pci_driver_kick(struct pci_driver *driver, unsigned queue);

/* How often the queue's interrupt came. */
unsigned pci_driver_interrupts(struct pci_driver *driver, unsigned queue);

#endif
