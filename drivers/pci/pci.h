/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI Express: bus 0 of a host bridge with an enhanced configuration window (ECAM).
 *
 * Two users. Root, who owns the window, finds the functions, gives them addresses and switches them
 * on:
 *
 *     pci_enumerate      what is there, with the sizes of all BARs; leaves every function switched
 * off pci_assign         addresses for one function's BARs, out of the windows of the device tree's
 * `ranges` pci_enable         memory decoding and bus mastering on, INTx not disabled pci_disable
 * all off: no DMA and no interrupt after it
 *
 * pci_msix_find, _write, _enable: interrupts as messages
 *
 * And drivers, who see the configuration page of their function read-only and use the pci_config_
 * functions on it.
 *
 * Devices are not trusted: every walk is bounded, every size and offset checked. Nothing allocates,
 * blocks or keeps state beyond the caller's structs. Bridges are listed but neither assigned nor
 * enabled: buses behind them are not used. Expansion ROMs and I/O BARs are never given addresses.
 *
 * Sources: PCI Local Bus 3.0 chapter 6, PCI Express Base 4.0 chapter 7.
 */
#ifndef DRIVERS_PCI_PCI_H
#define DRIVERS_PCI_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_ECAM_BUS_SIZE UINT32_C(0x100000) /* of one bus: what root has to map */
#define PCI_CONFIG_SIZE   4096u              /* of one function */
#define PCI_BARS          6u
#define PCI_FUNCTIONS_MAX 256u /* on one bus */

/* Registers of the configuration header */
enum pci_register {
    PCI_VENDOR_ID = 0x00,
    PCI_COMMAND = 0x04, /* status in the upper half */
    PCI_CLASS = 0x08,   /* revision in the lowest byte */
    PCI_HEADER = 0x0c,  /* header type in bits 16-23 */
    PCI_BAR_0 = 0x10,
    PCI_SUBSYSTEM = 0x2c,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT = 0x3c, /* line in bits 0-7, pin in bits 8-15 */
};

enum pci_capability_id {
    PCI_CAPABILITY_MSI = 0x05,
    PCI_CAPABILITY_VENDOR = 0x09,
    PCI_CAPABILITY_EXPRESS = 0x10,
    PCI_CAPABILITY_MSIX = 0x11,
};

/*
 * Access to the window by 32-bit words; `offset` is within bus 0 (device << 15 | function << 12 |
 * register) and a multiple of 4. pci_ecam_access makes the one for real, mapped (device memory)
 * windows.
 */
struct pci_access {
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
    void *context;
};

enum pci_bar_kind {
    PCI_BAR_NONE = 0, /* not implemented, or the upper half of the one before */
    PCI_BAR_MEMORY_32,
    PCI_BAR_MEMORY_64,
    PCI_BAR_IO,
};

struct pci_bar {
    enum pci_bar_kind kind;
    bool prefetchable;
    bool assigned;
    uint64_t size; /* bytes, a power of two, as the device decodes them */
    uint64_t
        address; /* as the processor sees it (physical); valid when assigned, a multiple of 4 KiB */
    uint64_t mapped_size; /* bytes from `address` on that belong to this BAR alone, a multiple of 4
                             KiB */
};

struct pci_function {
    uint8_t device;   /* 0-31 */
    uint8_t function; /* 0-7 */
    bool bridge;      /* header type 1 or 2 */
    uint16_t
        requester_id; /* bus 0: device << 3 | function; the stream of the SMMU before `iommu-map` */
    uint32_t config_offset; /* of its configuration page in the window; add the window's address */
    uint16_t vendor_id;
    uint16_t device_id;
    uint16_t subsystem_vendor_id;
    uint16_t subsystem_id;
    uint32_t class_code; /* class << 16 | subclass << 8 | programming interface */
    uint8_t revision;
    uint8_t interrupt_pin; /* 0 none, 1 INTA .. 4 INTD: look it up in `interrupt-map` */
    struct pci_bar bar[PCI_BARS];
};

/* A range of addresses for BARs: one entry of `ranges`. `used` starts as 0; pci_assign moves it. */
struct pci_window {
    uint64_t cpu_address; /* what `struct pci_bar` will say */
    uint64_t pci_address; /* what is written into BARs */
    uint64_t size;
    uint64_t used;
    bool prefetchable; /* for prefetchable BARs only */
};

enum pci_status {
    PCI_OK = 0,
    PCI_NO_SPACE,    /* no window has room for the BAR */
    PCI_NOT_WRITTEN, /* the BAR does not read back what was written */
    PCI_BRIDGE,      /* bridges are not assigned */
};

struct pci_access pci_ecam_access(volatile void *window);

/*
 * Fills `functions` with what is on the bus, in order, and returns how many there are; more than
 * `capacity` means that only the first `capacity` were stored and touched. Switches decoding and
 * bus mastering of every stored endpoint off while it sizes the BARs, and leaves them off.
 */
size_t pci_enumerate(const struct pci_access *access, struct pci_function *functions,
                     size_t capacity);

/*
 * Gives every memory BAR an address from the first window that fits: 32-bit BARs below 4 GiB,
 * prefetchable windows for prefetchable BARs only, naturally aligned and at least 4 KiB each, so
 * that no two BARs share a page. Larger BARs of the function go first. On failure *bar is the BAR's
 * number, and BARs assigned so far keep their addresses.
 */
enum pci_status pci_assign(const struct pci_access *access, struct pci_function *function,
                           struct pci_window *windows, size_t window_count, unsigned *bar);

void pci_enable(const struct pci_access *access, const struct pci_function *function);
void pci_disable(const struct pci_access *access, const struct pci_function *function);

/* The MSI-X capability of a function and where its table is, of one entry for each vector. */
struct pci_msix {
    uint32_t capability; /* in the configuration page */
    uint32_t vectors;
    uint32_t bar;
    uint32_t offset; /* of the table in that BAR, a multiple of 16 */
};

/* False: the function, whose BARs have addresses, has none, or its table is not in one of them. */
bool pci_msix_find(const volatile void *config, const struct pci_function *function,
                   struct pci_msix *msix);

/* Sets what the function writes for a vector, and where. The others stay masked, as they are after
 * a reset. */
void pci_msix_write(volatile void *table, uint32_t vector, uint64_t address, uint32_t data);

/* From now on the function interrupts by messages, and not by INTx. */
void pci_msix_enable(const struct pci_access *access, const struct pci_function *function,
                     const struct pci_msix *msix);

/* A word for messages to people. */
const char *pci_status_name(enum pci_status status);

/* --- for drivers: `config` is the function's configuration page, PCI_CONFIG_SIZE bytes --- */

/* `offset` must be aligned to the access and inside the page; anything else reads as all ones. */
uint8_t pci_config_read8(const volatile void *config, uint32_t offset);
uint16_t pci_config_read16(const volatile void *config, uint32_t offset);
uint32_t pci_config_read32(const volatile void *config, uint32_t offset);

/*
 * The walk over the capability list: 0 as `previous` gives the first capability, later the last
 * answer; 0 is the end, also of a list that leaves its area. A list that goes in circles ends after
 * 48 steps, the number that fit: `steps` is the walk's counter, 0 at the start.
 */
uint32_t pci_capability_next(const volatile void *config, uint32_t previous, unsigned *steps);

/* The first capability with the identifier, or 0. */
uint32_t pci_capability_find(const volatile void *config, uint8_t id);

/* Whether the function interrupts by messages: then what its driver uses is vector 0. */
bool pci_msix_enabled(const volatile void *config);

#endif
