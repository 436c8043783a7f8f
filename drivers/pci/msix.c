/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts as messages: PCI 3.0 6.8.2. */
#include "drivers/pci/registers.h"

#define TABLE_WORD  4u
#define TABLE_BAR   7u
#define ENTRY_SIZE  16u
#define ENTRY_WORDS 4u

bool pci_msix_find(const volatile void *config, const struct pci_function *function,
                   struct pci_msix *msix)
{
    uint32_t at = pci_capability_find(config, PCI_CAPABILITY_MSIX);
    if (at == 0) {
        return false;
    }
    uint32_t table = pci_config_read32(config, at + TABLE_WORD);
    *msix = (struct pci_msix){.capability = at,
                              .vectors = (pci_config_read32(config, at) >> 16 & 0x7ff) + 1,
                              .bar = table & TABLE_BAR,
                              .offset = table & ~TABLE_BAR};
    return msix->bar < PCI_BARS && function->bar[msix->bar].assigned &&
           msix->offset % ENTRY_SIZE == 0 && /* so no entry lies in two pages; it might be 8 */
           msix->offset <= function->bar[msix->bar].size &&
           msix->vectors * ENTRY_SIZE <= function->bar[msix->bar].size - msix->offset;
}

void pci_msix_write(volatile void *table, uint32_t vector, uint64_t address, uint32_t data)
{
    volatile uint32_t *entry = (volatile uint32_t *)table + (size_t)vector * ENTRY_WORDS;
    entry[0] = (uint32_t)address;
    entry[1] = (uint32_t)(address >> 32);
    entry[2] = data;
    entry[3] = 0; /* not masked */
}

void pci_msix_enable(const struct pci_access *access, const struct pci_function *function,
                     const struct pci_msix *msix)
{
    uint32_t word = pci_read(access, function, msix->capability);
    pci_write(access, function, msix->capability, (word & ~MSIX_MASK) | MSIX_ENABLE);
}
