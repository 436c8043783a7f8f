/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices as root finds them, private to device.c and device_give.c. */
#ifndef ROOT_DEVICE_GIVE_H
#define ROOT_DEVICE_GIVE_H

#include "domains/root/domain.h"
#include "domains/root/machine_tree.h"

struct device {
    const struct device_description *description;
    bool found, given;
    uint32_t number;               /* among the devices of its domain */
    struct pci_function *function; /* NULL: a platform device */
    uint32_t bar_frame[PCI_BARS];  /* slots of the first frames of its BARs */
    bool messages;                 /* it interrupts by MSI-X */
    struct platform_device platform;
    uint32_t interrupt_count;
    uint32_t intid[PLATFORM_PARTS];
};

struct pci_bus {
    bool open;
    struct pci_host host;
    struct pci_access access;
    uint32_t ecam_slot; /* frames of the configuration window of bus 0, one for each function */
};

extern struct pci_bus pci_bus;

/* Map and grant everything of the device; the reason why not, or NULL. */
const char *device_give_pci(struct device *device, struct domain *domain);
const char *device_give_platform(struct device *device, struct domain *domain);

#endif
