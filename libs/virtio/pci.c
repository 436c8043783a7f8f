/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/virtio/pci.h"

#include "libs/virtio/pci_common.h"

#define ISR_QUEUE         1u
#define ISR_CONFIGURATION 2u

/* 4.1.4: virtio_pci_cap */
#define CAPABILITY_VENDOR 0x09u
#define CAPABILITY_LENGTH 2u
#define CAPABILITY_TYPE   3u
#define CAPABILITY_BAR    4u
#define CAPABILITY_OFFSET 8u
#define CAPABILITY_SIZE   12u
#define CAPABILITY_BYTES  16u
#define CAPABILITY_EXTRA  16u /* notify_off_multiplier (4.1.4.4), pci_cfg_data (4.1.4.9) */

enum capability_type {
    TYPE_COMMON = 1,
    TYPE_NOTIFY,
    TYPE_ISR,
    TYPE_DEVICE,
    TYPE_WINDOW
};

static uint8_t read_isr(struct virtio_pci *pci)
{
    uint8_t isr = pci->isr;
    pci->isr = 0; /* 4.1.4.5.1: reading clears it and lowers the line */
    pci_endpoint_set_line(&pci->endpoint, false);
    return isr;
}

static uint64_t bar_read(void *context, uint64_t offset, unsigned bytes)
{
    struct virtio_pci *pci = context;
    uint32_t within = (uint32_t)offset % VIRTIO_PCI_REGION_SIZE;
    uint64_t value = 0;
    switch (offset - within) {
    case VIRTIO_PCI_COMMON:
        value = virtio_pci_common_word(pci, within & ~3u) >> (8 * (within & 3));
        if (bytes == 8) {
            value |= (uint64_t)virtio_pci_common_word(pci, within + 4) << 32;
        }
        break;
    case VIRTIO_PCI_ISR:
        value = within == 0 ? read_isr(pci) : 0;
        break;
    case VIRTIO_PCI_DEVICE:
        return virtio_device_read_configuration(pci->device, within, bytes);
    default:
        break;
    }
    return bytes == 8 ? value : value & ((UINT64_C(1) << (8 * bytes)) - 1);
}

static void bar_write(void *context, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct virtio_pci *pci = context;
    uint32_t within = (uint32_t)offset % VIRTIO_PCI_REGION_SIZE;
    switch (offset - within) {
    case VIRTIO_PCI_NOTIFY:
        virtio_device_notified(pci->device, within / VIRTIO_PCI_NOTIFY_STEP);
        break;
    case VIRTIO_PCI_COMMON:
        if (bytes == 8) { /* the 64-bit fields, by halves as 4.1.3.1 has it */
            virtio_pci_write_common(pci, within, 4, (uint32_t)value);
            virtio_pci_write_common(pci, within + 4, 4, (uint32_t)(value >> 32));
        } else {
            virtio_pci_write_common(pci, within, bytes, (uint32_t)value);
        }
        break;
    case VIRTIO_PCI_DEVICE:
        virtio_device_write_configuration(pci->device, within, bytes, value);
        break;
    default:
        break;
    }
}

/*
 * 4.1.4.9: the window by which firmware reaches the BAR through the configuration space. An access
 * is carried out when pci_cfg_data is accessed from its first byte on, with the length that the
 * driver put into the capability.
 */
static bool window_target(const struct virtio_pci *pci, uint32_t offset, uint32_t *address,
                          unsigned *bytes)
{
    if (pci->window == 0 || offset != pci->window + CAPABILITY_EXTRA) {
        return false;
    }
    *address = pci_endpoint_get32(&pci->endpoint, pci->window + CAPABILITY_OFFSET);
    *bytes = pci_endpoint_get32(&pci->endpoint, pci->window + CAPABILITY_SIZE);
    return pci->endpoint.config[pci->window + CAPABILITY_BAR] == VIRTIO_PCI_BAR &&
           (*bytes == 1 || *bytes == 2 || *bytes == 4) && *address % *bytes == 0 &&
           *address < VIRTIO_PCI_BAR_SIZE;
}

static void window_read(void *context, uint32_t offset, unsigned bytes)
{
    struct virtio_pci *pci = context;
    uint32_t address;
    (void)bytes;
    unsigned length;
    if (window_target(pci, offset, &address, &length)) {
        pci_endpoint_put32(&pci->endpoint, offset, (uint32_t)bar_read(pci, address, length));
    }
}

static void window_write(void *context, uint32_t offset, unsigned bytes)
{
    struct virtio_pci *pci = context;
    uint32_t address;
    (void)bytes;
    unsigned length;
    if (window_target(pci, offset, &address, &length)) {
        uint32_t value = pci_endpoint_get32(&pci->endpoint, offset);
        bar_write(pci, address, length, length == 4 ? value : value & ((1u << (8 * length)) - 1));
    }
}

static void interrupt(struct virtio_pci *pci, uint16_t vector, uint8_t cause)
{
    if (pci->endpoint.msix.enabled) {
        if (vector != VIRTIO_PCI_NO_VECTOR) {
            pci_msix_raise(&pci->endpoint, vector);
        }
        return;
    }
    pci->isr |= cause;
    pci_endpoint_set_line(&pci->endpoint, true);
}

static void transport_used(struct virtio_device *device, unsigned index)
{
    struct virtio_pci *pci = device->transport_context;
    interrupt(pci, pci->queue_vector[index], ISR_QUEUE);
}

static void transport_configuration_changed(struct virtio_device *device)
{
    struct virtio_pci *pci = device->transport_context;
    interrupt(pci, pci->configuration_vector, ISR_CONFIGURATION);
}

static const struct virtio_transport_ops transport_ops = {
    .used = transport_used,
    .configuration_changed = transport_configuration_changed,
};

static uint8_t add_capability(struct virtio_pci *pci, enum capability_type type, uint8_t length,
                              uint32_t offset, uint32_t size)
{
    struct pci_endpoint *endpoint = &pci->endpoint;
    uint8_t at = pci_endpoint_add_capability(endpoint, CAPABILITY_VENDOR, length);
    if (at != 0) {
        endpoint->config[at + CAPABILITY_LENGTH] = length;
        endpoint->config[at + CAPABILITY_TYPE] = (uint8_t)type;
        endpoint->config[at + CAPABILITY_BAR] = VIRTIO_PCI_BAR;
        pci_endpoint_put32(endpoint, at + CAPABILITY_OFFSET, offset);
        pci_endpoint_put32(endpoint, at + CAPABILITY_SIZE, size);
    }
    return at;
}

/* PCI class codes of the types; 4.1.2.1 leaves them open. */
static uint32_t class_code(enum virtio_type type)
{
    switch (type) {
    case VIRTIO_TYPE_NET:
        return 0x020000;
    case VIRTIO_TYPE_BLOCK:
        return 0x010000;
    case VIRTIO_TYPE_CONSOLE:
        return 0x078000;
    default:
        return 0x00ff00;
    }
}

bool virtio_pci_init(struct virtio_pci *pci, struct virtio_device *device,
                     const struct pci_endpoint_host *host)
{
    struct pci_endpoint_identity identity = {
        .vendor = 0x1af4,
        .device = (uint16_t)(0x1040 + device->type),
        .subsystem_vendor = 0x1af4,
        .subsystem = 0x1100, /* 4.1.2.1: 0x40 or above, so that no legacy driver takes it */
        .class_code = class_code(device->type),
        .revision = 1,
        .interrupt_pin = 1,
    };
    struct pci_endpoint_hooks hooks = {
        .before_read = window_read, .after_write = window_write, .device = pci};
    struct pci_endpoint_bar bar = {
        .size = VIRTIO_PCI_BAR_SIZE, .read = bar_read, .write = bar_write, .device = pci};
    *pci = (struct virtio_pci){.device = device};
    pci_endpoint_init(&pci->endpoint, &identity, host, &hooks);
    if (!pci_endpoint_add_bar(&pci->endpoint, VIRTIO_PCI_BAR, &bar) ||
        !pci_msix_init(&pci->endpoint, VIRTIO_PCI_BAR_MSIX, device->queue_count + 1)) {
        return false;
    }
    uint8_t common = add_capability(pci, TYPE_COMMON, CAPABILITY_BYTES, VIRTIO_PCI_COMMON,
                                    VIRTIO_PCI_COMMON_SIZE);
    uint8_t isr = add_capability(pci, TYPE_ISR, CAPABILITY_BYTES, VIRTIO_PCI_ISR, 4);
    uint8_t own = add_capability(pci, TYPE_DEVICE, CAPABILITY_BYTES, VIRTIO_PCI_DEVICE,
                                 VIRTIO_PCI_REGION_SIZE);
    uint8_t notify = add_capability(pci, TYPE_NOTIFY, CAPABILITY_BYTES + 4, VIRTIO_PCI_NOTIFY,
                                    VIRTIO_PCI_REGION_SIZE);
    uint8_t window = add_capability(pci, TYPE_WINDOW, CAPABILITY_BYTES + 4, 0, 0);
    if (common == 0 || isr == 0 || own == 0 || notify == 0 || window == 0) {
        return false;
    }
    pci_endpoint_put32(&pci->endpoint, notify + CAPABILITY_EXTRA, VIRTIO_PCI_NOTIFY_STEP);
    pci->endpoint.writable[window + CAPABILITY_BAR] = 0xff;
    for (uint32_t i = CAPABILITY_OFFSET; i < CAPABILITY_EXTRA + 4; i++) {
        pci->endpoint.writable[window + i] = 0xff; /* offset, length, data */
    }
    pci->window = window;
    device->transport = &transport_ops;
    device->transport_context = pci;
    virtio_pci_set_status(pci, 0);
    return true;
}
