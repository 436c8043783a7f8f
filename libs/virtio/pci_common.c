/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/virtio/pci_common.h"

/* 4.1.4.3: virtio_pci_common_cfg */
enum common_register {
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    CONFIG_MSIX_VECTOR = 0x10,
    DEVICE_STATUS = 0x14,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_MSIX_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
    QUEUE_NOTIFY_DATA = 0x38,
};

static const struct virtqueue no_queue;

static const struct virtqueue *selected(const struct virtio_pci *pci)
{
    return pci->queue_select < pci->device->queue_count ? &pci->device->queue[pci->queue_select]
                                                        : &no_queue;
}

static uint32_t feature_word(uint64_t features, uint32_t select)
{
    return select < 2 ? (uint32_t)(features >> (32 * select)) : 0;
}

uint32_t virtio_pci_common_word(const struct virtio_pci *pci, uint32_t offset)
{
    const struct virtio_device *device = pci->device;
    const struct virtqueue *queue = selected(pci);
    bool exists = queue != &no_queue;
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        return pci->device_feature_select;
    case DEVICE_FEATURE:
        return feature_word(device->offered, pci->device_feature_select);
    case DRIVER_FEATURE_SELECT:
        return pci->driver_feature_select;
    case DRIVER_FEATURE:
        return feature_word(pci->driver_features, pci->driver_feature_select);
    case CONFIG_MSIX_VECTOR: /* and num_queues */
        return pci->configuration_vector | device->queue_count << 16;
    case DEVICE_STATUS: /* config_generation and queue_select */
        return device->status | (uint32_t)device->generation << 8 |
               (uint32_t)pci->queue_select << 16;
    case QUEUE_SIZE: /* and queue_msix_vector */
        return queue->size |
               (uint32_t)(exists ? pci->queue_vector[pci->queue_select] : VIRTIO_PCI_NO_VECTOR)
                   << 16;
    case QUEUE_ENABLE: /* and queue_notify_off */
        return (queue->ready ? 1u : 0u) | (exists ? (uint32_t)pci->queue_select << 16 : 0u);
    case QUEUE_DESC:
        return (uint32_t)queue->descriptor_address;
    case QUEUE_DESC + 4:
        return (uint32_t)(queue->descriptor_address >> 32);
    case QUEUE_DRIVER:
        return (uint32_t)queue->available_address;
    case QUEUE_DRIVER + 4:
        return (uint32_t)(queue->available_address >> 32);
    case QUEUE_DEVICE:
        return (uint32_t)queue->used_address;
    case QUEUE_DEVICE + 4:
        return (uint32_t)(queue->used_address >> 32);
    default: /* queue_notify_data and queue_reset belong to features that are not offered */
        return 0;
    }
}

static uint16_t valid_vector(const struct virtio_pci *pci, uint32_t vector)
{
    /* 4.1.5.1.2: a vector that can't be had reads back as NO_VECTOR. */
    return vector < pci->endpoint.msix.count ? (uint16_t)vector : VIRTIO_PCI_NO_VECTOR;
}

static void set_low(uint64_t *address, uint32_t value)
{
    *address = (*address & ~UINT64_C(0xffffffff)) | value;
}

static void set_high(uint64_t *address, uint32_t value)
{
    *address = (*address & UINT64_C(0xffffffff)) | (uint64_t)value << 32;
}

void virtio_pci_set_status(struct virtio_pci *pci, uint8_t status)
{
    if (status == 0) {
        pci->configuration_vector = VIRTIO_PCI_NO_VECTOR;
        for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++) {
            pci->queue_vector[i] = VIRTIO_PCI_NO_VECTOR;
        }
        pci->device_feature_select = pci->driver_feature_select = 0;
        pci->driver_features = 0;
        pci->queue_select = 0;
        pci->isr = 0;
        pci_endpoint_set_line(&pci->endpoint, false);
    }
    virtio_device_set_status(pci->device, status);
}

static void set_features(struct virtio_pci *pci, uint32_t value)
{
    if (pci->driver_feature_select == 0) {
        set_low(&pci->driver_features, value);
    } else if (pci->driver_feature_select == 1) {
        set_high(&pci->driver_features, value);
    } else if (value != 0) {
        return; /* bits that were never offered: as if not written */
    }
    virtio_device_set_features(pci->device, pci->driver_features);
}

/* Registers of the selected queue. 4.1.4.3.2: not after it is enabled, but for the vector. */
static void write_queue(struct virtio_pci *pci, uint32_t offset, uint32_t value)
{
    if (pci->queue_select >= pci->device->queue_count) {
        return;
    }
    struct virtqueue *queue = &pci->device->queue[pci->queue_select];
    if (offset == QUEUE_MSIX_VECTOR) {
        pci->queue_vector[pci->queue_select] = valid_vector(pci, value);
        return;
    }
    if (queue->ready) {
        return;
    }
    switch (offset) {
    case QUEUE_SIZE:
        queue->size = (uint16_t)value;
        break;
    case QUEUE_ENABLE:
        if (value == 1) {
            virtio_device_enable_queue(pci->device, pci->queue_select);
        }
        break;
    case QUEUE_DESC:
        set_low(&queue->descriptor_address, value);
        break;
    case QUEUE_DESC + 4:
        set_high(&queue->descriptor_address, value);
        break;
    case QUEUE_DRIVER:
        set_low(&queue->available_address, value);
        break;
    case QUEUE_DRIVER + 4:
        set_high(&queue->available_address, value);
        break;
    case QUEUE_DEVICE:
        set_low(&queue->used_address, value);
        break;
    case QUEUE_DEVICE + 4:
        set_high(&queue->used_address, value);
        break;
    default:
        break;
    }
}

static unsigned common_width(uint32_t offset)
{
    if (offset == DEVICE_STATUS) {
        return 1;
    }
    return offset == CONFIG_MSIX_VECTOR || (offset >= QUEUE_SELECT && offset < QUEUE_DESC) ? 2 : 4;
}

void virtio_pci_write_common(struct virtio_pci *pci, uint32_t offset, unsigned bytes,
                             uint32_t value)
{
    if (bytes != common_width(offset)) {
        return;
    }
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        pci->device_feature_select = value;
        break;
    case DRIVER_FEATURE_SELECT:
        pci->driver_feature_select = value;
        break;
    case DRIVER_FEATURE:
        set_features(pci, value);
        break;
    case CONFIG_MSIX_VECTOR:
        pci->configuration_vector = valid_vector(pci, value);
        break;
    case DEVICE_STATUS:
        virtio_pci_set_status(pci, (uint8_t)value);
        break;
    case QUEUE_SELECT:
        pci->queue_select = (uint16_t)value;
        break;
    default:
        write_queue(pci, offset, value);
        break;
    }
}
