/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device as a PCI function (virtio 1.2 section 4.1), modern only: vendor ID 0x1af4, device
 * ID 0x1040 + type, MSI-X with a vector for each queue and one for configuration changes, or INTx.
 *
 * BAR 0, 16 KiB: a page each for the common configuration, the ISR status, the device's
 * configuration and the queue notifications (4 bytes for each queue, so that each may be bound to a
 * doorbell of its own). BAR 2: MSI-X.
 */
#ifndef LIBS_VIRTIO_PCI_H
#define LIBS_VIRTIO_PCI_H

#include "libs/pci_endpoint/endpoint.h"
#include "libs/virtio/device.h"

#define VIRTIO_PCI_BAR         0u
#define VIRTIO_PCI_BAR_MSIX    2u
#define VIRTIO_PCI_BAR_SIZE    0x4000u
#define VIRTIO_PCI_COMMON      0x0000u
#define VIRTIO_PCI_ISR         0x1000u
#define VIRTIO_PCI_DEVICE      0x2000u
#define VIRTIO_PCI_NOTIFY      0x3000u
#define VIRTIO_PCI_REGION_SIZE 0x1000u
#define VIRTIO_PCI_NOTIFY_STEP 4u

#define VIRTIO_PCI_NO_VECTOR 0xffffu

struct virtio_pci {
    struct pci_endpoint endpoint;
    struct virtio_device *device;
    uint8_t isr;
    uint8_t window; /* offset of the configuration access capability */
    uint16_t configuration_vector;
    uint16_t queue_vector[VIRTIO_QUEUES_MAX];
    uint32_t device_feature_select;
    uint32_t driver_feature_select;
    uint64_t driver_features; /* as written so far */
    uint16_t queue_select;
};

/* Makes `device`, initialised, a function on the bus behind `host`. False: too many queues for the
 * vectors. */
bool virtio_pci_init(struct virtio_pci *pci, struct virtio_device *device,
                     const struct pci_endpoint_host *host);

#endif
