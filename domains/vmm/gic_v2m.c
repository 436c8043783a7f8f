/* SPDX-License-Identifier: BSD-2-Clause */
/* The MSI frame: a write of an SPI's number makes it pending (Arm SBSA, appendix "GICv2m"). */

#include "domains/vmm/gic.h"

#define MSI_TYPER     0x008u
#define MSI_SETSPI_NS 0x040u
#define MSI_IIDR      0xfccu

uint64_t gic_v2m_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)device;
    if (bytes != 4) {
        return 0;
    }
    switch (offset) {
    case MSI_TYPER:
        return GUEST_INTID_MSI_FIRST << 16 | GUEST_INTID_MSI_COUNT;
    case MSI_IIDR:
        return GIC_IIDR;
    default:
        return 0;
    }
}

void gic_v2m_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    uint32_t intid = (uint32_t)value & 0x3ff;
    if (offset == MSI_SETSPI_NS && bytes == 4 &&
        intid - GUEST_INTID_MSI_FIRST < GUEST_INTID_MSI_COUNT) {
        gic_pulse(device, 0, intid);
    }
}
