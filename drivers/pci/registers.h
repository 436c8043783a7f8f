/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits of the configuration header, and access to it: private to the library. PCI 3.0 6.2. */
#ifndef DRIVERS_PCI_REGISTERS_H
#define DRIVERS_PCI_REGISTERS_H

#include "drivers/pci/pci.h"

/* 6.2.2. The upper half of the word is the status, whose bits are cleared by writing ones: always
 * write zeros there. */
#define COMMAND_MASK         UINT32_C(0xffff)
#define COMMAND_IO           (UINT32_C(1) << 0)
#define COMMAND_MEMORY       (UINT32_C(1) << 1)
#define COMMAND_BUS_MASTER   (UINT32_C(1) << 2)
#define COMMAND_INTX_DISABLE (UINT32_C(1) << 10)

/* 6.8.2.3, in the word that begins with the capability's identifier */
#define MSIX_ENABLE (UINT32_C(1) << 31)
#define MSIX_MASK   (UINT32_C(1) << 30) /* all vectors */

/* 6.2.5.1 */
#define BAR_IO           UINT32_C(1)
#define BAR_TYPE_MASK    UINT32_C(6)
#define BAR_TYPE_64      UINT32_C(4)
#define BAR_PREFETCHABLE UINT32_C(8)
#define BAR_MEMORY_MASK  UINT32_C(0xfffffff0)

uint32_t pci_read(const struct pci_access *access, const struct pci_function *function,
                  uint32_t offset);
void pci_write(const struct pci_access *access, const struct pci_function *function,
               uint32_t offset, uint32_t value);

#endif
