/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/pci_endpoint/msix.h"

#include <string.h>

#include "libs/pci_endpoint/endpoint.h"

#define CAPABILITY_MSIX   0x11u
#define CAPABILITY_LENGTH 12u
#define CONTROL_MASKED    0x4000u /* the whole function */
#define CONTROL_ENABLED   0x8000u
#define ENTRY_MASKED      1u
#define PENDING_OFFSET    2048u

_Static_assert(sizeof(struct pci_msix_entry) == 16, "PCI 3.0 6.8.2.6 to 6.8.2.9");
_Static_assert(PCI_MSIX_VECTORS_MAX * sizeof(struct pci_msix_entry) <= PENDING_OFFSET,
               "the table fits");

static void send_pending(struct pci_endpoint *endpoint)
{
    struct pci_msix *msix = &endpoint->msix;
    if (!msix->open) {
        return;
    }
    for (uint32_t left = msix->pending; left != 0; left &= left - 1) {
        uint32_t vector = (uint32_t)__builtin_ctz(left);
        const struct pci_msix_entry *entry = &msix->entry[vector];
        if ((entry->control & ENTRY_MASKED) == 0) {
            msix->pending &= ~(1u << vector);
            endpoint->host.message(endpoint->host.context, entry->address, entry->data);
        }
    }
}

static uint64_t table_read(void *device, uint64_t offset, unsigned bytes)
{
    const struct pci_endpoint *endpoint = device;
    const struct pci_msix *msix = &endpoint->msix;
    uint64_t value = 0;
    if (offset < msix->count * sizeof(struct pci_msix_entry)) {
        memcpy(&value, (const uint8_t *)msix->entry + offset, bytes);
    } else if (offset >= PENDING_OFFSET && offset < PENDING_OFFSET + sizeof(msix->pending)) {
        value = msix->pending >> (8 * (offset - PENDING_OFFSET));
    }
    return value;
}

static void table_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct pci_endpoint *endpoint = device;
    struct pci_msix *msix = &endpoint->msix;
    if (offset < msix->count * sizeof(struct pci_msix_entry)) {
        memcpy((uint8_t *)msix->entry + offset, &value, bytes);
        msix->entry[offset / sizeof(struct pci_msix_entry)].control &= ENTRY_MASKED;
        send_pending(endpoint);
    }
}

bool pci_msix_init(struct pci_endpoint *endpoint, unsigned bar, uint32_t count)
{
    struct pci_endpoint_bar table = {
        .size = PCI_MSIX_BAR_SIZE, .read = table_read, .write = table_write, .device = endpoint};
    if (count == 0 || count > PCI_MSIX_VECTORS_MAX ||
        !pci_endpoint_add_bar(endpoint, bar, &table)) {
        return false;
    }
    uint8_t capability = pci_endpoint_add_capability(endpoint, CAPABILITY_MSIX, CAPABILITY_LENGTH);
    if (capability == 0) {
        return false;
    }
    pci_endpoint_put16(endpoint, capability + 2u, (uint16_t)(count - 1));
    pci_endpoint_put32(endpoint, capability + 4u, bar);
    pci_endpoint_put32(endpoint, capability + 8u, PENDING_OFFSET | bar);
    endpoint->writable[capability + 3u] = (CONTROL_ENABLED | CONTROL_MASKED) >> 8;

    endpoint->msix = (struct pci_msix){.count = count, .capability = capability};
    for (uint32_t i = 0; i < count; i++) {
        endpoint->msix.entry[i].control = ENTRY_MASKED; /* PCI 3.0 6.8.2.9: the state after reset */
    }
    return true;
}

void pci_msix_raise(struct pci_endpoint *endpoint, uint32_t vector)
{
    struct pci_msix *msix = &endpoint->msix;
    if (vector >= msix->count || !msix->enabled) {
        return;
    }
    const struct pci_msix_entry *entry = &msix->entry[vector];
    if (msix->open && (entry->control & ENTRY_MASKED) == 0) {
        endpoint->host.message(endpoint->host.context, entry->address, entry->data);
    } else {
        msix->pending |= 1u << vector;
    }
}

void pci_msix_update(struct pci_endpoint *endpoint)
{
    struct pci_msix *msix = &endpoint->msix;
    if (msix->count == 0) {
        return;
    }
    uint16_t control = pci_endpoint_get16(endpoint, msix->capability + 2u);
    bool master =
        (pci_endpoint_get16(endpoint, PCI_ENDPOINT_COMMAND) & PCI_ENDPOINT_COMMAND_MASTER) != 0;
    msix->enabled = (control & CONTROL_ENABLED) != 0;
    msix->open = msix->enabled && (control & CONTROL_MASKED) == 0 && master;
    if (!msix->enabled) {
        msix->pending = 0;
    }
    send_pending(endpoint);
}
