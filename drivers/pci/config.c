/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a function's configuration page, and its list of capabilities. */
#include "drivers/pci/registers.h"

#define STATUS_CAPABILITIES \
    (UINT32_C(1) << 20) /* PCI 3.0 6.2.3: status bit 4, in the upper half of the word */
#define CAPABILITY_FIRST 0x40u
#define CAPABILITY_LAST  0xfcu
#define CAPABILITY_STEPS ((0x100u - CAPABILITY_FIRST) / 4)

uint8_t pci_config_read8(const volatile void *config, uint32_t offset)
{
    if (offset >= PCI_CONFIG_SIZE) {
        return UINT8_MAX;
    }
    return ((const volatile uint8_t *)config)[offset];
}

uint16_t pci_config_read16(const volatile void *config, uint32_t offset)
{
    if (offset >= PCI_CONFIG_SIZE || offset % 2 != 0) {
        return UINT16_MAX;
    }
    return ((const volatile uint16_t *)config)[offset / 2];
}

uint32_t pci_config_read32(const volatile void *config, uint32_t offset)
{
    if (offset >= PCI_CONFIG_SIZE || offset % 4 != 0) {
        return UINT32_MAX;
    }
    return ((const volatile uint32_t *)config)[offset / 4];
}

uint32_t pci_capability_next(const volatile void *config, uint32_t previous, unsigned *steps)
{
    if (*steps >= CAPABILITY_STEPS) {
        return 0;
    }
    (*steps)++;
    uint32_t next;
    if (previous == 0) {
        if ((pci_config_read32(config, PCI_COMMAND) & STATUS_CAPABILITIES) == 0) {
            return 0;
        }
        next = pci_config_read8(config, PCI_CAPABILITIES);
    } else {
        next = pci_config_read8(config, previous + 1);
    }
    next &= ~3u; /* PCI 3.0 6.7: the two low bits are reserved and to be masked */
    return next >= CAPABILITY_FIRST && next <= CAPABILITY_LAST ? next : 0;
}

uint32_t pci_capability_find(const volatile void *config, uint8_t id)
{
    unsigned steps = 0;
    uint32_t at = 0;
    while ((at = pci_capability_next(config, at, &steps)) != 0) {
        if (pci_config_read8(config, at) == id) {
            return at;
        }
    }
    return 0;
}

bool pci_msix_enabled(const volatile void *config)
{
    uint32_t at = pci_capability_find(config, PCI_CAPABILITY_MSIX);
    return at != 0 && (pci_config_read32(config, at) & MSIX_ENABLE) != 0;
}
