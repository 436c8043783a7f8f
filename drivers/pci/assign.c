/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses for BARs. */
#include "drivers/pci/registers.h"

#define PAGE        UINT64_C(4096)
#define BELOW_4_GIB UINT64_C(0x100000000)

/* Takes `size` bytes (a power of two) of the window such that its PCI address is aligned; false if
 * it has no room. */
static bool window_take(struct pci_window *window, uint64_t size, uint64_t limit,
                        uint64_t *pci_address, uint64_t *cpu_address)
{
    uint64_t start = window->pci_address + window->used;
    uint64_t aligned = (start + size - 1) & ~(size - 1);
    if (start < window->pci_address || aligned < start) {
        return false; /* wrapped around */
    }
    uint64_t offset = aligned - window->pci_address;
    if (offset > window->size || window->size - offset < size) {
        return false;
    }
    if (limit != 0 && (aligned > limit || limit - aligned < size)) {
        return false;
    }
    uint64_t cpu = window->cpu_address + offset;
    if (cpu % PAGE != 0) {
        return false;
    }
    window->used = offset + size;
    *pci_address = aligned;
    *cpu_address = cpu;
    return true;
}

static enum pci_status assign_bar(const struct pci_access *access, struct pci_function *function,
                                  unsigned number, struct pci_window *windows, size_t window_count)
{
    struct pci_bar *bar = &function->bar[number];
    bool wide = bar->kind == PCI_BAR_MEMORY_64;
    uint64_t size = bar->size < PAGE ? PAGE : bar->size;
    for (size_t i = 0; i < window_count; i++) {
        if (windows[i].prefetchable && !bar->prefetchable) {
            continue;
        }
        uint64_t address;
        uint64_t cpu_address;
        if (!window_take(&windows[i], size, wide ? 0 : BELOW_4_GIB, &address, &cpu_address)) {
            continue;
        }
        uint32_t offset = PCI_BAR_0 + number * 4;
        pci_write(access, function, offset, (uint32_t)address);
        uint64_t read_back = pci_read(access, function, offset) & BAR_MEMORY_MASK;
        if (wide) {
            pci_write(access, function, offset + 4, (uint32_t)(address >> 32));
            read_back |= (uint64_t)pci_read(access, function, offset + 4) << 32;
        }
        if (read_back != address) {
            return PCI_NOT_WRITTEN;
        }
        bar->address = cpu_address;
        bar->mapped_size = size;
        bar->assigned = true;
        return PCI_OK;
    }
    return PCI_NO_SPACE;
}

static bool is_memory(const struct pci_bar *bar)
{
    return bar->kind == PCI_BAR_MEMORY_32 || bar->kind == PCI_BAR_MEMORY_64;
}

enum pci_status pci_assign(const struct pci_access *access, struct pci_function *function,
                           struct pci_window *windows, size_t window_count, unsigned *bar)
{
    *bar = 0;
    if (function->bridge) {
        return PCI_BRIDGE;
    }
    for (;;) {
        /* Largest first: what is lost to alignment is then the least. */
        unsigned largest = PCI_BARS;
        for (unsigned i = 0; i < PCI_BARS; i++) {
            const struct pci_bar *candidate = &function->bar[i];
            if (is_memory(candidate) && !candidate->assigned &&
                (largest == PCI_BARS || candidate->size > function->bar[largest].size)) {
                largest = i;
            }
        }
        if (largest == PCI_BARS) {
            return PCI_OK;
        }
        *bar = largest;
        enum pci_status status = assign_bar(access, function, largest, windows, window_count);
        if (status != PCI_OK) {
            return status;
        }
    }
}

const char *pci_status_name(enum pci_status status)
{
    switch (status) {
    case PCI_OK:
        return "ok";
    case PCI_NO_SPACE:
        return "no window has room for it";
    case PCI_NOT_WRITTEN:
        return "the register does not keep the address";
    case PCI_BRIDGE:
        return "bridges are not supported";
    }
    return "unknown";
}
