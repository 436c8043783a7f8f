/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest finds where: intermediate physical addresses and interrupt numbers. The places are
 * those of QEMU's `virt` machine, so that stock firmware and kernels know them. INTIDs are as the
 * GIC counts them (SPI n of a device tree is INTID n + 32). Everything below GUEST_RAM_BASE that is
 * not listed, and the windows of PCI, reads as zero.
 */
#ifndef DOMAINS_VMM_MEMORY_MAP_H
#define DOMAINS_VMM_MEMORY_MAP_H

#include <bh/types.h>

#define GUEST_GICD_BASE   UINT64_C(0x08000000)
#define GUEST_GICD_SIZE   UINT64_C(0x00010000)
#define GUEST_GICV2M_BASE UINT64_C(0x08020000)
#define GUEST_GICV2M_SIZE UINT64_C(0x00001000)
#define GUEST_GICR_BASE   UINT64_C(0x080a0000)
#define GUEST_GICR_STRIDE UINT64_C(0x00020000) /* RD_base and SGI_base of one vCPU */
#define GUEST_GICR_REGION_SIZE \
    UINT64_C(0x00f60000) /* what the device tree reserves for all of them */
#define GUEST_PL011_BASE         UINT64_C(0x09000000)
#define GUEST_PL011_SIZE         UINT64_C(0x00001000)
#define GUEST_PL031_BASE         UINT64_C(0x09010000)
#define GUEST_PL031_SIZE         UINT64_C(0x00001000)
#define GUEST_PVPANIC_BASE       UINT64_C(0x09070000)
#define GUEST_PVPANIC_SIZE       UINT64_C(0x00001000)
#define GUEST_VIRTIO_MMIO_BASE   UINT64_C(0x0a000000)
#define GUEST_VIRTIO_MMIO_STRIDE UINT64_C(0x00000200)
#define GUEST_VIRTIO_MMIO_COUNT  32u

/* PCI Express: bus 0 only. The 64-bit window is above any guest's RAM and below BH_SPACE_SIZE. PCI
 * addresses of memory equal intermediate physical ones. Nothing lies in the I/O space, but firmware
 * expects that there is one. */
#define GUEST_PCI_WINDOW32_BASE UINT64_C(0x10000000)
#define GUEST_PCI_WINDOW32_SIZE UINT64_C(0x2eff0000)
#define GUEST_PCI_IO_BASE       UINT64_C(0x3eff0000) /* I/O port 0 */
#define GUEST_PCI_IO_SIZE       UINT64_C(0x00010000)
#define GUEST_PCI_ECAM_BASE     UINT64_C(0x3f000000)
#define GUEST_PCI_ECAM_SIZE     UINT64_C(0x00100000)
#define GUEST_PCI_WINDOW64_BASE UINT64_C(0x2000000000)
#define GUEST_PCI_WINDOW64_SIZE UINT64_C(0x2000000000)

#define GUEST_RAM_BASE     UINT64_C(0x40000000)
#define GUEST_RAM_SIZE_MAX (GUEST_PCI_WINDOW64_BASE - GUEST_RAM_BASE)

_Static_assert(GUEST_PCI_WINDOW32_BASE + GUEST_PCI_WINDOW32_SIZE <= GUEST_PCI_IO_BASE &&
                   GUEST_PCI_IO_BASE + GUEST_PCI_IO_SIZE <= GUEST_PCI_ECAM_BASE,
               "windows are apart");
_Static_assert(GUEST_PCI_ECAM_BASE + GUEST_PCI_ECAM_SIZE <= GUEST_RAM_BASE,
               "the holes end where RAM begins");
_Static_assert(GUEST_PCI_WINDOW64_BASE + GUEST_PCI_WINDOW64_SIZE <= BH_SPACE_SIZE,
               "stage 2 translates it");

/* Interrupts. */
#define GUEST_INTID_COUNT          288u
#define GUEST_INTID_VIRTUAL_TIMER  27u
#define GUEST_INTID_PHYSICAL_TIMER 30u
#define GUEST_INTID_PL011          33u
#define GUEST_INTID_PL031          34u
#define GUEST_INTID_PCI_INTX       35u /* four: pin p (1 to 4) of device d is line (d + p - 1) % 4 */
#define GUEST_INTID_VIRTIO_MMIO    48u
#define GUEST_INTID_MSI_FIRST      128u
#define GUEST_INTID_MSI_COUNT      160u

/* Where a device writes its MSI (GICv2m: MSI_SETSPI_NS); the data is the INTID. */
#define GUEST_MSI_ADDRESS (GUEST_GICV2M_BASE + 0x40)

#endif
