/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of modern virtio over PCI: transport. Queues are in virtqueue.h.
 *
 * The order of things (virtio 1.2 3.1.1), all by the driver of one device, which is
 * single-threaded:
 *
 *     virtio_open          finds the registers, by the capabilities of the configuration page
 *     virtio_reset         starts a reset; virtio_reset_done says when it is over: the caller keeps
 *                          the time and gives up when it takes too long
 *     virtio_negotiate     agrees on features
 *     virtio_queue_start   for each queue
 *     virtio_driver_ok     now the device works
 *
 * Nothing here waits. The device is not trusted: capabilities are checked against the BARs, and
 * what it writes into queues against what was asked of it.
 *
 * Only devices with VIRTIO_F_VERSION_1 and VIRTIO_F_ACCESS_PLATFORM are accepted: without the
 * latter a device bypasses the SMMU and would need physical addresses, which no domain knows.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_H
#define DRIVERS_VIRTIO_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/pci/pci.h"
#include "drivers/virtio/virtqueue.h"

enum virtio_device_type { /* virtio 1.2 chapter 5 */
    VIRTIO_TYPE_NET = 1,
    VIRTIO_TYPE_BLOCK = 2,
    VIRTIO_TYPE_CONSOLE = 3,
};

/* Features of every device, virtio 1.2 chapter 6; bits 0-23 are the device type's. */
#define VIRTIO_F_VERSION_1       (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)

/* Causes of an interrupt, as virtio_interrupt_causes returns them. */
#define VIRTIO_CAUSE_QUEUE  1u
#define VIRTIO_CAUSE_CONFIG 2u

enum virtio_error {
    VIRTIO_OK = 0,
    VIRTIO_NOT_VIRTIO,         /* no modern virtio device has this configuration page */
    VIRTIO_BAD_CAPABILITY,     /* a register block is missing, too small or outside its BAR */
    VIRTIO_LEGACY,             /* no VIRTIO_F_VERSION_1 */
    VIRTIO_NO_ACCESS_PLATFORM, /* QEMU: the device needs iommu_platform=on */
    VIRTIO_REFUSED,            /* the device did not accept the features */
    VIRTIO_NO_QUEUE,           /* the device has no such queue, or a smaller one */
    VIRTIO_NO_VECTOR,          /* it interrupts by messages, and takes no vector for them */
};

/* A BAR as the driver has it mapped; address NULL: it does not have it. */
struct virtio_bar {
    volatile void *address;
    uint64_t size;
};

struct virtio_device {
    enum virtio_device_type type;
    volatile uint8_t *common; /* virtio 1.2 4.1.4.3 */
    volatile uint8_t *isr;
    volatile uint8_t *notify;
    uint64_t notify_size;
    uint32_t notify_multiplier;
    volatile uint8_t *config; /* NULL if the device has none */
    uint32_t config_size;
    uint64_t features; /* agreed on */
    bool messages;     /* it interrupts by MSI-X, vector 0 for everything */
};

/* `config_page` is the function's PCI configuration page; `bars` are by BAR number. */
enum virtio_error virtio_open(struct virtio_device *device, const volatile void *config_page,
                              const struct virtio_bar bars[PCI_BARS]);

void virtio_reset(struct virtio_device *device);
bool virtio_reset_done(const struct virtio_device *device);

/* Takes of `wanted` what the device offers, VERSION_1 and ACCESS_PLATFORM always. On success
 * device->features says what both sides will use. */
enum virtio_error virtio_negotiate(struct virtio_device *device, uint64_t wanted);

/* Entries that the device's queue can have at most; 0: there is no such queue. */
uint16_t virtio_queue_max(struct virtio_device *device, uint16_t index);

/* Gives the device an opened queue and enables it. `queue->notify_address` is set for
 * virtio_notify. */
enum virtio_error virtio_queue_start(struct virtio_device *device, uint16_t index,
                                     struct virtqueue *queue);

void virtio_driver_ok(struct virtio_device *device);

/* Tells the device that the driver gives up. */
void virtio_fail(struct virtio_device *device);

/* Whether the device has failed (DEVICE_NEEDS_RESET) or is gone (reads as all ones). */
bool virtio_failed(const struct virtio_device *device);

/* Tells the device of new entries: to be called when virtqueue_publish says so. */
void virtio_notify(const struct virtqueue *queue);

/* The causes of the interrupt since the last call. With INTx, reading takes them away and lowers
 * the line; 0: it was not this device. A message does not tell: any cause is possible. */
uint32_t virtio_interrupt_causes(const struct virtio_device *device);

/*
 * Reads fields of the device's own configuration into `field`, `size` bytes (1, 2, 4 or 8, at a
 * multiple of it), consistently with respect to changes by the device. False, and *field zeroed:
 * it has no such field, or does not settle.
 */
bool virtio_config_read(const struct virtio_device *device, uint32_t offset, void *field,
                        uint32_t size);

/* A sentence for messages. */
const char *virtio_error_text(enum virtio_error error);

#endif
