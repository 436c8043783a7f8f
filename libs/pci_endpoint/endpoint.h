/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One emulated PCI function, type 0, as software sees it: its configuration space with BARs and a
 * capability list, and its interrupts (msix.h, or the INTx line). Pure logic: what is behind the
 * function comes in by `struct pci_endpoint_host`. Whatever is written, the function stays within
 * its own arrays.
 *
 * Sources: PCI Local Bus 3.0 chapter 6. The extended configuration space (above 256 bytes) is the
 * bus's to answer: it reads as zero.
 */
#ifndef LIBS_PCI_ENDPOINT_ENDPOINT_H
#define LIBS_PCI_ENDPOINT_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "libs/pci_endpoint/msix.h"

#define PCI_ENDPOINT_CONFIG_SIZE 256u
#define PCI_ENDPOINT_BARS        6u

/* Registers of the header, PCI 3.0 6.1 */
enum pci_endpoint_register {
    PCI_ENDPOINT_VENDOR = 0x00,
    PCI_ENDPOINT_DEVICE = 0x02,
    PCI_ENDPOINT_COMMAND = 0x04,
    PCI_ENDPOINT_STATUS = 0x06,
    PCI_ENDPOINT_REVISION = 0x08,
    PCI_ENDPOINT_CLASS = 0x09,
    PCI_ENDPOINT_CACHE_LINE = 0x0c,
    PCI_ENDPOINT_BAR = 0x10,
    PCI_ENDPOINT_SUBSYSTEM_VENDOR = 0x2c,
    PCI_ENDPOINT_SUBSYSTEM = 0x2e,
    PCI_ENDPOINT_CAPABILITIES = 0x34,
    PCI_ENDPOINT_INTERRUPT_LINE = 0x3c,
    PCI_ENDPOINT_INTERRUPT_PIN = 0x3d,
    PCI_ENDPOINT_FIRST_CAPABILITY = 0x40,
};

/* Bits of the command register, PCI 3.0 6.2.2 */
enum pci_endpoint_command {
    PCI_ENDPOINT_COMMAND_MEMORY = 0x0002,
    PCI_ENDPOINT_COMMAND_MASTER = 0x0004,
    PCI_ENDPOINT_COMMAND_INTX_DISABLE = 0x0400,
};

struct pci_endpoint;

/* What the bus does for its functions. */
struct pci_endpoint_host {
    void (*message)(void *context, uint64_t address, uint32_t data); /* an MSI */
    void (*line)(void *context, bool level);                         /* INTx; NULL: there is none */
    void (*moved)(void *context); /* BARs or their decoding may have changed */
    void *context;
};

struct pci_endpoint_identity {
    uint16_t vendor, device;
    uint16_t subsystem_vendor, subsystem;
    uint32_t class_code; /* class << 16 | subclass << 8 | programming interface */
    uint8_t revision;
    uint8_t interrupt_pin; /* 0 none, 1 INTA to 4 INTD */
};

/* Memory behind a BAR; accesses are naturally aligned, 1 to 8 bytes, and inside `size`. */
struct pci_endpoint_bar {
    uint64_t size; /* a power of two, at least 16 bytes; 0: no such BAR */
    bool wide;     /* 64 bits: takes the next BAR's place as well */
    bool prefetchable;
    uint64_t (*read)(void *device, uint64_t offset, unsigned bytes);
    void (*write)(void *device, uint64_t offset, unsigned bytes, uint64_t value);
    void *device;
};

/* For capabilities that do something when they are read or written (whole accesses, after masking).
 */
struct pci_endpoint_hooks {
    void (*before_read)(void *device, uint32_t offset, unsigned bytes);
    void (*after_write)(void *device, uint32_t offset, unsigned bytes);
    void *device;
};

struct pci_endpoint {
    uint8_t config[PCI_ENDPOINT_CONFIG_SIZE];
    uint8_t writable[PCI_ENDPOINT_CONFIG_SIZE]; /* a mask of bits */
    struct pci_endpoint_bar bar[PCI_ENDPOINT_BARS];
    struct pci_endpoint_host host;
    struct pci_endpoint_hooks hooks;
    struct pci_msix msix;
    uint8_t last_capability; /* its offset, 0: none yet */
    uint8_t free;            /* where the next capability goes */
    bool line_wanted;        /* the device asserts INTx */
    bool line_driven;        /* what the host was told last */
};

/* `hooks` may be NULL. */
void pci_endpoint_init(struct pci_endpoint *endpoint, const struct pci_endpoint_identity *identity,
                       const struct pci_endpoint_host *host,
                       const struct pci_endpoint_hooks *hooks);

/* False: the number or the size is no good. */
bool pci_endpoint_add_bar(struct pci_endpoint *endpoint, unsigned number,
                          const struct pci_endpoint_bar *bar);

/* Offset of a new capability of `length` bytes, all read-only zeroes behind its two-byte header; 0:
 * no room. */
uint8_t pci_endpoint_add_capability(struct pci_endpoint *endpoint, uint8_t id, uint8_t length);

/* `offset` is aligned to `bytes` (1, 2 or 4) and inside the configuration space. */
uint32_t pci_endpoint_config_read(struct pci_endpoint *endpoint, uint32_t offset, unsigned bytes);
void pci_endpoint_config_write(struct pci_endpoint *endpoint, uint32_t offset, unsigned bytes,
                               uint32_t value);

/* Where a BAR is decoded now. False: nowhere. */
bool pci_endpoint_bar_address(const struct pci_endpoint *endpoint, unsigned number,
                              uint64_t *address);

/* The device asserts or releases its INTx line; masked by the command register and by MSI-X. */
void pci_endpoint_set_line(struct pci_endpoint *endpoint, bool level);

/* Little-endian fields of the configuration space, for the makers of capabilities. */
uint16_t pci_endpoint_get16(const struct pci_endpoint *endpoint, uint32_t offset);
uint32_t pci_endpoint_get32(const struct pci_endpoint *endpoint, uint32_t offset);
void pci_endpoint_put16(struct pci_endpoint *endpoint, uint32_t offset, uint16_t value);
void pci_endpoint_put32(struct pci_endpoint *endpoint, uint32_t offset, uint32_t value);

/* After a change of what masks interrupts (used by endpoint.c and msix.c). */
void pci_endpoint_update_line(struct pci_endpoint *endpoint);

#endif
