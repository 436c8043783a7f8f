/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the functions of bus 0 and the sizes of their BARs. */
#include "drivers/pci/pci.h"

#include "drivers/pci/registers.h"

#define DEVICES               32u
#define FUNCTIONS             8u
#define HEADER_MULTI_FUNCTION (UINT32_C(1) << 23)

static uint32_t ecam_read(void *context, uint32_t offset)
{
    return *(volatile uint32_t *)((volatile uint8_t *)context + offset);
}

static void ecam_write(void *context, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)((volatile uint8_t *)context + offset) = value;
}

struct pci_access pci_ecam_access(volatile void *window)
{
    return (struct pci_access){
        .read = ecam_read, .write = ecam_write, .context = (void *)(uintptr_t)window};
}

uint32_t pci_read(const struct pci_access *access, const struct pci_function *function,
                  uint32_t offset)
{
    return access->read(access->context, function->config_offset + offset);
}

void pci_write(const struct pci_access *access, const struct pci_function *function,
               uint32_t offset, uint32_t value)
{
    access->write(access->context, function->config_offset + offset, value);
}

/* Writes all ones, reads which bits took, and puts the old value back (PCI 3.0 6.2.5.1). */
static uint32_t probe_bar(const struct pci_access *access, const struct pci_function *function,
                          unsigned bar)
{
    uint32_t offset = PCI_BAR_0 + bar * 4;
    uint32_t old = pci_read(access, function, offset);
    pci_write(access, function, offset, UINT32_MAX);
    uint32_t mask = pci_read(access, function, offset);
    pci_write(access, function, offset, old);
    return mask;
}

/* The lowest bit that took is the size; a device whose mask has holes decodes at least that much.
 */
static uint64_t size_of_mask(uint64_t mask)
{
    return mask & (~mask + 1);
}

static void size_bars(const struct pci_access *access, struct pci_function *function)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &function->bar[i];
        uint32_t mask = probe_bar(access, function, i);
        if ((mask & BAR_IO) != 0) {
            uint64_t size = size_of_mask((mask & ~UINT32_C(3)) | ~UINT64_C(0xffff));
            *bar = (struct pci_bar){.kind = PCI_BAR_IO, .size = size};
            continue;
        }
        uint64_t size_mask = mask & BAR_MEMORY_MASK;
        bool prefetchable = (mask & BAR_PREFETCHABLE) != 0;
        if ((mask & BAR_TYPE_MASK) == BAR_TYPE_64 && i + 1 < PCI_BARS) {
            size_mask |= (uint64_t)probe_bar(access, function, i + 1) << 32;
            if (size_mask != 0) {
                *bar = (struct pci_bar){.kind = PCI_BAR_MEMORY_64,
                                        .prefetchable = prefetchable,
                                        .size = size_of_mask(size_mask)};
            }
            i++; /* the upper half is no BAR of its own */
        } else if (size_mask != 0) {
            *bar = (struct pci_bar){.kind = PCI_BAR_MEMORY_32,
                                    .prefetchable = prefetchable,
                                    .size = size_of_mask(size_mask)};
        }
    }
}

static void describe(const struct pci_access *access, struct pci_function *function,
                     uint32_t identity, uint32_t header)
{
    function->requester_id = (uint16_t)(function->device << 3 | function->function);
    function->vendor_id = (uint16_t)identity;
    function->device_id = (uint16_t)(identity >> 16);
    uint32_t class_word = pci_read(access, function, PCI_CLASS);
    function->class_code = class_word >> 8;
    function->revision = (uint8_t)class_word;
    uint8_t pin = (uint8_t)(pci_read(access, function, PCI_INTERRUPT) >> 8);
    function->interrupt_pin = pin <= 4 ? pin : 0;
    function->bridge = (header >> 16 & 0x7f) != 0;
    if (!function->bridge) {
        uint32_t subsystem = pci_read(access, function, PCI_SUBSYSTEM);
        function->subsystem_vendor_id = (uint16_t)subsystem;
        function->subsystem_id = (uint16_t)(subsystem >> 16);
        /* While a BAR holds the probe pattern the function must not decode it. */
        pci_disable(access, function);
        size_bars(access, function);
    }
}

size_t pci_enumerate(const struct pci_access *access, struct pci_function *functions,
                     size_t capacity)
{
    size_t count = 0;
    for (uint8_t device = 0; device < DEVICES; device++) {
        bool multi_function = false;
        for (uint8_t number = 0; number < FUNCTIONS; number++) {
            struct pci_function found = {.device = device,
                                         .function = number,
                                         .config_offset = (uint32_t)device << 15 | (uint32_t)number
                                                                                       << 12};
            uint32_t identity = pci_read(access, &found, PCI_VENDOR_ID);
            bool present = (identity & 0xffff) != 0xffff && (identity & 0xffff) != 0;
            if (present) {
                uint32_t header = pci_read(access, &found, PCI_HEADER);
                if (number == 0) {
                    multi_function = (header & HEADER_MULTI_FUNCTION) != 0;
                }
                if (count < capacity) {
                    describe(access, &found, identity, header);
                    functions[count] = found;
                }
                count++;
            }
            /* PCI 3.0 3.2.2.3.4: without function 0 there is no device, and only function 0 says if
             * there are more. */
            if (number == 0 && !multi_function) {
                break;
            }
        }
    }
    return count;
}

void pci_enable(const struct pci_access *access, const struct pci_function *function)
{
    if (function->bridge) {
        return;
    }
    uint32_t command = pci_read(access, function, PCI_COMMAND) & COMMAND_MASK;
    command &= ~COMMAND_INTX_DISABLE;
    pci_write(access, function, PCI_COMMAND, command | COMMAND_MEMORY | COMMAND_BUS_MASTER);
}

void pci_disable(const struct pci_access *access, const struct pci_function *function)
{
    if (function->bridge) {
        return;
    }
    uint32_t command = pci_read(access, function, PCI_COMMAND) & COMMAND_MASK;
    command &= ~(COMMAND_IO | COMMAND_MEMORY | COMMAND_BUS_MASTER);
    pci_write(access, function, PCI_COMMAND, command | COMMAND_INTX_DISABLE);
}
