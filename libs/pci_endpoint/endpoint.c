/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/pci_endpoint/endpoint.h"

#include <string.h>

#define STATUS_INTERRUPT    0x08u
#define STATUS_CAPABILITIES 0x10u

#define BAR_WIDE         0x4u
#define BAR_PREFETCHABLE 0x8u
#define BAR_FLAGS        0xfu

uint16_t pci_endpoint_get16(const struct pci_endpoint *endpoint, uint32_t offset)
{
    return (uint16_t)(endpoint->config[offset] | endpoint->config[offset + 1] << 8);
}

uint32_t pci_endpoint_get32(const struct pci_endpoint *endpoint, uint32_t offset)
{
    return pci_endpoint_get16(endpoint, offset) | (uint32_t)pci_endpoint_get16(endpoint, offset + 2)
                                                      << 16;
}

void pci_endpoint_put16(struct pci_endpoint *endpoint, uint32_t offset, uint16_t value)
{
    endpoint->config[offset] = (uint8_t)value;
    endpoint->config[offset + 1] = (uint8_t)(value >> 8);
}

void pci_endpoint_put32(struct pci_endpoint *endpoint, uint32_t offset, uint32_t value)
{
    pci_endpoint_put16(endpoint, offset, (uint16_t)value);
    pci_endpoint_put16(endpoint, offset + 2, (uint16_t)(value >> 16));
}

static void set_writable16(struct pci_endpoint *endpoint, uint32_t offset, uint16_t mask)
{
    endpoint->writable[offset] = (uint8_t)mask;
    endpoint->writable[offset + 1] = (uint8_t)(mask >> 8);
}

static void set_writable32(struct pci_endpoint *endpoint, uint32_t offset, uint32_t mask)
{
    set_writable16(endpoint, offset, (uint16_t)mask);
    set_writable16(endpoint, offset + 2, (uint16_t)(mask >> 16));
}

void pci_endpoint_init(struct pci_endpoint *endpoint, const struct pci_endpoint_identity *identity,
                       const struct pci_endpoint_host *host, const struct pci_endpoint_hooks *hooks)
{
    *endpoint = (struct pci_endpoint){.host = *host, .free = PCI_ENDPOINT_FIRST_CAPABILITY};
    if (hooks != NULL) {
        endpoint->hooks = *hooks;
    }
    pci_endpoint_put16(endpoint, PCI_ENDPOINT_VENDOR, identity->vendor);
    pci_endpoint_put16(endpoint, PCI_ENDPOINT_DEVICE, identity->device);
    pci_endpoint_put16(endpoint, PCI_ENDPOINT_SUBSYSTEM_VENDOR, identity->subsystem_vendor);
    pci_endpoint_put16(endpoint, PCI_ENDPOINT_SUBSYSTEM, identity->subsystem);
    pci_endpoint_put32(endpoint, PCI_ENDPOINT_REVISION,
                       identity->class_code << 8 | identity->revision);
    endpoint->config[PCI_ENDPOINT_INTERRUPT_PIN] = host->line != NULL ? identity->interrupt_pin : 0;

    set_writable16(endpoint, PCI_ENDPOINT_COMMAND,
                   PCI_ENDPOINT_COMMAND_MEMORY | PCI_ENDPOINT_COMMAND_MASTER |
                       PCI_ENDPOINT_COMMAND_INTX_DISABLE);
    endpoint->writable[PCI_ENDPOINT_CACHE_LINE] = 0xff;
    endpoint->writable[PCI_ENDPOINT_INTERRUPT_LINE] = 0xff;
}

bool pci_endpoint_add_bar(struct pci_endpoint *endpoint, unsigned number,
                          const struct pci_endpoint_bar *bar)
{
    unsigned last = number + (bar->wide ? 1 : 0);
    if (last >= PCI_ENDPOINT_BARS || bar->size < 16 || (bar->size & (bar->size - 1)) != 0 ||
        (!bar->wide && bar->size > UINT64_C(1) << 31)) {
        return false;
    }
    uint32_t offset = PCI_ENDPOINT_BAR + 4 * number;
    uint64_t mask = ~(bar->size - 1);
    endpoint->bar[number] = *bar;
    pci_endpoint_put32(endpoint, offset,
                       (bar->wide ? BAR_WIDE : 0) | (bar->prefetchable ? BAR_PREFETCHABLE : 0));
    set_writable32(endpoint, offset, (uint32_t)mask);
    if (bar->wide) {
        set_writable32(endpoint, offset + 4, (uint32_t)(mask >> 32));
    }
    return true;
}

uint8_t pci_endpoint_add_capability(struct pci_endpoint *endpoint, uint8_t id, uint8_t length)
{
    uint32_t offset = endpoint->free;
    uint32_t end = (offset + length + 3) & ~3u;
    if (offset == 0 || length < 2 || end > PCI_ENDPOINT_CONFIG_SIZE) {
        return 0;
    }
    endpoint->config[offset] = id;
    endpoint->config[offset + 1] = 0;
    if (endpoint->last_capability == 0) {
        endpoint->config[PCI_ENDPOINT_CAPABILITIES] = (uint8_t)offset;
        endpoint->config[PCI_ENDPOINT_STATUS] |= STATUS_CAPABILITIES;
    } else {
        endpoint->config[endpoint->last_capability + 1] = (uint8_t)offset;
    }
    endpoint->last_capability = (uint8_t)offset;
    endpoint->free = (uint8_t)end; /* 0 when the space is used up to its end */
    return (uint8_t)offset;
}

uint32_t pci_endpoint_config_read(struct pci_endpoint *endpoint, uint32_t offset, unsigned bytes)
{
    if (endpoint->hooks.before_read != NULL) {
        endpoint->hooks.before_read(endpoint->hooks.device, offset, bytes);
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint32_t)endpoint->config[offset + i] << (8 * i);
    }
    return value;
}

static bool touches(uint32_t offset, unsigned bytes, uint32_t first, uint32_t length)
{
    return offset < first + length && offset + bytes > first;
}

void pci_endpoint_config_write(struct pci_endpoint *endpoint, uint32_t offset, unsigned bytes,
                               uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t mask = endpoint->writable[offset + i];
        uint8_t byte = (uint8_t)(value >> (8 * i));
        endpoint->config[offset + i] =
            (uint8_t)((endpoint->config[offset + i] & ~mask) | (byte & mask));
    }
    bool command = touches(offset, bytes, PCI_ENDPOINT_COMMAND, 2);
    if (command ||
        (endpoint->msix.count != 0 && touches(offset, bytes, endpoint->msix.capability + 2u, 2))) {
        pci_msix_update(endpoint);
        pci_endpoint_update_line(endpoint);
    }
    if (command || touches(offset, bytes, PCI_ENDPOINT_BAR, 4 * PCI_ENDPOINT_BARS)) {
        endpoint->host.moved(endpoint->host.context);
    }
    if (endpoint->hooks.after_write != NULL) {
        endpoint->hooks.after_write(endpoint->hooks.device, offset, bytes);
    }
}

bool pci_endpoint_bar_address(const struct pci_endpoint *endpoint, unsigned number,
                              uint64_t *address)
{
    const struct pci_endpoint_bar *bar = &endpoint->bar[number];
    if (bar->size == 0 ||
        (pci_endpoint_get16(endpoint, PCI_ENDPOINT_COMMAND) & PCI_ENDPOINT_COMMAND_MEMORY) == 0) {
        return false;
    }
    uint32_t offset = PCI_ENDPOINT_BAR + 4 * number;
    *address = pci_endpoint_get32(endpoint, offset) & ~BAR_FLAGS;
    if (bar->wide) {
        *address |= (uint64_t)pci_endpoint_get32(endpoint, offset + 4) << 32;
    }
    return true;
}

void pci_endpoint_update_line(struct pci_endpoint *endpoint)
{
    if (endpoint->host.line == NULL) {
        return;
    }
    bool disabled = (pci_endpoint_get16(endpoint, PCI_ENDPOINT_COMMAND) &
                     PCI_ENDPOINT_COMMAND_INTX_DISABLE) != 0;
    bool level = endpoint->line_wanted && !endpoint->msix.enabled && !disabled;
    if (level != endpoint->line_driven) {
        endpoint->line_driven = level;
        endpoint->host.line(endpoint->host.context, level);
    }
}

void pci_endpoint_set_line(struct pci_endpoint *endpoint, bool level)
{
    endpoint->line_wanted = level;
    if (level) {
        endpoint->config[PCI_ENDPOINT_STATUS] |= STATUS_INTERRUPT;
    } else {
        endpoint->config[PCI_ENDPOINT_STATUS] &= (uint8_t)~STATUS_INTERRUPT;
    }
    pci_endpoint_update_line(endpoint);
}
