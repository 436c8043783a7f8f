/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of a modern virtio device on PCI: virtio 1.2 section 4.1. */
#include "drivers/virtio/virtio.h"

#include <string.h>

#include "drivers/mmio.h"

#define VENDOR_ID        0x1af4u
#define DEVICE_ID_MODERN 0x1040u /* plus the device type: 4.1.2.1 */

/* struct virtio_pci_cap, 4.1.4 */
enum capability_field {
    CAPABILITY_LENGTH = 2,
    CAPABILITY_TYPE = 3,
    CAPABILITY_BAR = 4,
    CAPABILITY_OFFSET = 8,
    CAPABILITY_SIZE = 12,
    CAPABILITY_NOTIFY_MULTIPLIER = 16,
};

enum capability_type {
    TYPE_COMMON = 1,
    TYPE_NOTIFY = 2,
    TYPE_ISR = 3,
    TYPE_DEVICE = 4,
};

/* struct virtio_pci_common_cfg, 4.1.4.3 */
enum common_field {
    COMMON_DEVICE_FEATURE_SELECT = 0,
    COMMON_DEVICE_FEATURE = 4,
    COMMON_DRIVER_FEATURE_SELECT = 8,
    COMMON_DRIVER_FEATURE = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_DEVICE_STATUS = 20,
    COMMON_CONFIG_GENERATION = 21,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY_OFFSET = 30,
    COMMON_QUEUE_DESCRIPTORS = 32,
    COMMON_QUEUE_DRIVER = 40,
    COMMON_QUEUE_DEVICE = 48,
    COMMON_BYTES = 56,
};

/* 2.1 */
enum status_bit {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
    STATUS_FAILED = 128,
    STATUS_GONE = 255, /* what a read gives where no device is */
};

#define CONFIG_READ_TRIES 16

struct block {
    volatile uint8_t *address;
    uint32_t size;
    uint32_t capability; /* where in the configuration page */
};

/* The first usable capability of a type: 4.1.4.1 has the driver take the first it supports. */
static bool find_block(const volatile void *config_page, const struct virtio_bar bars[PCI_BARS],
                       uint8_t type, uint32_t size_min, uint32_t align, struct block *block)
{
    unsigned steps = 0;
    uint32_t at = 0;
    while ((at = pci_capability_next(config_page, at, &steps)) != 0) {
        if (pci_config_read8(config_page, at) != PCI_CAPABILITY_VENDOR ||
            pci_config_read8(config_page, at + CAPABILITY_TYPE) != type) {
            continue;
        }
        uint8_t bar = pci_config_read8(config_page, at + CAPABILITY_BAR);
        uint32_t offset = pci_config_read32(config_page, at + CAPABILITY_OFFSET);
        uint32_t size = pci_config_read32(config_page, at + CAPABILITY_SIZE);
        if (bar >= PCI_BARS || bars[bar].address == NULL || offset > bars[bar].size ||
            size > bars[bar].size - offset || size < size_min || offset % align != 0) {
            continue;
        }
        *block = (struct block){.address = (volatile uint8_t *)bars[bar].address + offset,
                                .size = size,
                                .capability = at};
        return true;
    }
    return false;
}

enum virtio_error virtio_open(struct virtio_device *device, const volatile void *config_page,
                              const struct virtio_bar bars[PCI_BARS])
{
    *device = (struct virtio_device){0};
    uint32_t identity = pci_config_read32(config_page, PCI_VENDOR_ID);
    uint32_t type = (identity >> 16) - DEVICE_ID_MODERN;
    if ((identity & 0xffff) != VENDOR_ID || (identity >> 16) <= DEVICE_ID_MODERN || type > 0x3f) {
        return VIRTIO_NOT_VIRTIO;
    }
    struct block common;
    struct block notify;
    struct block isr;
    struct block config;
    if (!find_block(config_page, bars, TYPE_COMMON, COMMON_BYTES, 4, &common) ||
        !find_block(config_page, bars, TYPE_NOTIFY, 2, 2, &notify) ||
        !find_block(config_page, bars, TYPE_ISR, 1, 1, &isr)) {
        return VIRTIO_BAD_CAPABILITY;
    }
    if (pci_config_read8(config_page, notify.capability + CAPABILITY_LENGTH) <
        CAPABILITY_NOTIFY_MULTIPLIER + 4) {
        return VIRTIO_BAD_CAPABILITY;
    }
    device->type = (enum virtio_device_type)type;
    device->messages = pci_msix_enabled(config_page);
    device->common = common.address;
    device->isr = isr.address;
    device->notify = notify.address;
    device->notify_size = notify.size;
    device->notify_multiplier =
        pci_config_read32(config_page, notify.capability + CAPABILITY_NOTIFY_MULTIPLIER);
    if (find_block(config_page, bars, TYPE_DEVICE, 1, 4, &config)) {
        device->config = config.address;
        device->config_size = config.size;
    }
    return VIRTIO_OK;
}

static uint8_t status(const struct virtio_device *device)
{
    return mmio_read8(device->common + COMMON_DEVICE_STATUS);
}

static void add_status(struct virtio_device *device, uint8_t bits)
{
    mmio_write8(device->common + COMMON_DEVICE_STATUS, (uint8_t)(status(device) | bits));
}

void virtio_reset(struct virtio_device *device)
{
    device->features = 0;
    mmio_write8(device->common + COMMON_DEVICE_STATUS, 0);
}

bool virtio_reset_done(const struct virtio_device *device)
{
    return status(device) == 0;
}

static uint64_t device_features(struct virtio_device *device)
{
    mmio_write32(device->common + COMMON_DEVICE_FEATURE_SELECT, 1);
    uint64_t features = (uint64_t)mmio_read32(device->common + COMMON_DEVICE_FEATURE) << 32;
    mmio_write32(device->common + COMMON_DEVICE_FEATURE_SELECT, 0);
    return features | mmio_read32(device->common + COMMON_DEVICE_FEATURE);
}

/* 4.1.5.1.2: a device that has no room for the vector reads back as having none. */
static bool set_vector(const struct virtio_device *device, enum common_field field)
{
    if (device->messages) {
        mmio_write16(device->common + field, 0);
    }
    return !device->messages || mmio_read16(device->common + field) == 0;
}

enum virtio_error virtio_negotiate(struct virtio_device *device, uint64_t wanted)
{
    add_status(device, STATUS_ACKNOWLEDGE);
    add_status(device, STATUS_DRIVER);
    uint64_t offered = device_features(device);
    enum virtio_error error = VIRTIO_OK;
    if ((offered & VIRTIO_F_VERSION_1) == 0) {
        error = VIRTIO_LEGACY;
    } else if ((offered & VIRTIO_F_ACCESS_PLATFORM) == 0) {
        error = VIRTIO_NO_ACCESS_PLATFORM;
    }
    if (error != VIRTIO_OK) {
        virtio_fail(device);
        return error;
    }
    uint64_t accepted = offered & (wanted | VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM);
    mmio_write32(device->common + COMMON_DRIVER_FEATURE_SELECT, 0);
    mmio_write32(device->common + COMMON_DRIVER_FEATURE, (uint32_t)accepted);
    mmio_write32(device->common + COMMON_DRIVER_FEATURE_SELECT, 1);
    mmio_write32(device->common + COMMON_DRIVER_FEATURE, (uint32_t)(accepted >> 32));
    add_status(device, STATUS_FEATURES_OK);
    if ((status(device) & STATUS_FEATURES_OK) == 0) {
        virtio_fail(device);
        return VIRTIO_REFUSED;
    }
    device->features = accepted;
    return set_vector(device, COMMON_CONFIG_VECTOR) ? VIRTIO_OK : VIRTIO_NO_VECTOR;
}

uint16_t virtio_queue_max(struct virtio_device *device, uint16_t index)
{
    mmio_write16(device->common + COMMON_QUEUE_SELECT, index);
    return mmio_read16(device->common + COMMON_QUEUE_SIZE);
}

/* 4.1.3.1: a 64-bit field is written as two of 32 bits. */
static void write_address(struct virtio_device *device, enum common_field field,
                          const void *address)
{
    uint64_t value = (uintptr_t)address;
    mmio_write32(device->common + field, (uint32_t)value);
    mmio_write32(device->common + field + 4, (uint32_t)(value >> 32));
}

enum virtio_error virtio_queue_start(struct virtio_device *device, uint16_t index,
                                     struct virtqueue *queue)
{
    if (virtio_queue_max(device, index) < queue->size) {
        return VIRTIO_NO_QUEUE;
    }
    uint64_t offset = (uint64_t)mmio_read16(device->common + COMMON_QUEUE_NOTIFY_OFFSET) *
                      device->notify_multiplier;
    if (offset > device->notify_size - 2 || offset % 2 != 0) {
        return VIRTIO_BAD_CAPABILITY;
    }
    queue->index = index;
    queue->notify_address = (volatile uint16_t *)(volatile void *)(device->notify + offset);
    if (!set_vector(device, COMMON_QUEUE_VECTOR)) {
        return VIRTIO_NO_VECTOR;
    }
    mmio_write16(device->common + COMMON_QUEUE_SIZE, queue->size);
    write_address(device, COMMON_QUEUE_DESCRIPTORS, queue->descriptors);
    write_address(device, COMMON_QUEUE_DRIVER, queue->available);
    write_address(device, COMMON_QUEUE_DEVICE, queue->used);
    dma_write_barrier(); /* the cleared rings before the device looks at them */
    mmio_write16(device->common + COMMON_QUEUE_ENABLE, 1);
    return VIRTIO_OK;
}

void virtio_driver_ok(struct virtio_device *device)
{
    add_status(device, STATUS_DRIVER_OK);
}

void virtio_fail(struct virtio_device *device)
{
    add_status(device, STATUS_FAILED);
}

bool virtio_failed(const struct virtio_device *device)
{
    uint8_t now = status(device);
    return now == STATUS_GONE || (now & STATUS_NEEDS_RESET) != 0;
}

void virtio_notify(const struct virtqueue *queue)
{
    dma_write_barrier();
    mmio_write16(queue->notify_address, queue->index);
}

uint32_t virtio_interrupt_causes(const struct virtio_device *device)
{
    uint8_t causes = VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG;
    if (!device->messages) {
        causes = mmio_read8(device->isr); /* 4.1.4.5: reading clears it */
    }
    dma_read_barrier();
    return causes & (VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG);
}

/* 4.1.3.1: fields are read by their own width, those of 64 bits by halves. */
static void read_field(const volatile uint8_t *address, void *field, uint32_t size)
{
    if (size == 1) {
        uint8_t value = mmio_read8(address);
        memcpy(field, &value, sizeof value);
    } else if (size == 2) {
        uint16_t value = mmio_read16(address);
        memcpy(field, &value, sizeof value);
    } else {
        for (uint32_t i = 0; i < size; i += 4) {
            uint32_t value = mmio_read32(address + i);
            memcpy((uint8_t *)field + i, &value, sizeof value);
        }
    }
}

bool virtio_config_read(const struct virtio_device *device, uint32_t offset, void *field,
                        uint32_t size)
{
    memset(field, 0, size);
    bool size_ok = size == 1 || size == 2 || size == 4 || size == 8;
    if (!size_ok || offset % size != 0 || device->config == NULL || offset > device->config_size ||
        size > device->config_size - offset) {
        return false;
    }
    for (unsigned i = 0; i < CONFIG_READ_TRIES; i++) {
        uint8_t before = mmio_read8(device->common + COMMON_CONFIG_GENERATION);
        read_field(device->config + offset, field, size);
        uint8_t after = mmio_read8(device->common + COMMON_CONFIG_GENERATION);
        if (before == after) {
            return true;
        }
    }
    memset(field, 0, size);
    return false;
}

const char *virtio_error_text(enum virtio_error error)
{
    switch (error) {
    case VIRTIO_OK:
        return "ok";
    case VIRTIO_NOT_VIRTIO:
        return "it is no modern virtio device (QEMU: disable-legacy=on)";
    case VIRTIO_BAD_CAPABILITY:
        return "its capabilities name no usable registers";
    case VIRTIO_LEGACY:
        return "it does not offer VIRTIO_F_VERSION_1";
    case VIRTIO_NO_ACCESS_PLATFORM:
        return "it does not offer VIRTIO_F_ACCESS_PLATFORM (QEMU: iommu_platform=on)";
    case VIRTIO_REFUSED:
        return "it refuses the features it offered";
    case VIRTIO_NO_QUEUE:
        return "it lacks a queue, or the queue is too small";
    case VIRTIO_NO_VECTOR:
        return "it takes no vector for its messages";
    }
    return "unknown error";
}
