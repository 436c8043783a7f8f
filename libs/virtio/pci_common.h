/* SPDX-License-Identifier: BSD-2-Clause */
/* The common configuration registers of a virtio PCI function (virtio 1.2 section 4.1.4.3), for
 * pci.c. */
#ifndef LIBS_VIRTIO_PCI_COMMON_H
#define LIBS_VIRTIO_PCI_COMMON_H

#include "libs/virtio/pci.h"

#define VIRTIO_PCI_COMMON_SIZE 0x38u

/* The aligned 32-bit word that holds the registers at `offset`. Reading has no effects. */
uint32_t virtio_pci_common_word(const struct virtio_pci *pci, uint32_t offset);

/* A write of 1, 2 or 4 bytes; one in another width than the register's is ignored (4.1.3.1). */
void virtio_pci_write_common(struct virtio_pci *pci, uint32_t offset, unsigned bytes,
                             uint32_t value);

/* The status register, by which the driver resets the device and this transport. */
void virtio_pci_set_status(struct virtio_pci *pci, uint8_t status);

#endif
