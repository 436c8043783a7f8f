/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI function and the virtio transport on it, as a driver sees them: sizing, capabilities,
 * registers, MSI-X, INTx. */
#include "libs/virtio/pci.h"

#include <string.h>

#include "test/unit/check.h"
#include "test/unit/virtio/driver.h"

struct fixture {
    struct guest guest;
    struct virtio_device device;
    struct virtio_pci pci;
    struct driver_queue driver;
    unsigned kicks, messages, moves;
    uint64_t message_address;
    uint32_t message_data;
    bool line;
};

static void on_start(struct virtio_device *device)
{
    (void)device;
}

static void on_kick(struct virtio_device *device, unsigned index)
{
    (void)index;
    ((struct fixture *)device->context)->kicks++;
}

static const struct virtio_device_ops ops = {.start = on_start, .reset = on_start, .kick = on_kick};

static void on_message(void *context, uint64_t address, uint32_t data)
{
    struct fixture *fixture = context;
    fixture->messages++;
    fixture->message_address = address;
    fixture->message_data = data;
}

static void on_line(void *context, bool level)
{
    struct fixture *fixture = context;
    CHECK(fixture->line != level); /* only changes are told */
    fixture->line = level;
}

static void on_moved(void *context)
{
    ((struct fixture *)context)->moves++;
}

static struct fixture *fixture_new(void)
{
    static const uint8_t configuration[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    CHECK(fixture != NULL);
    guest_create(&fixture->guest);
    fixture->device = (struct virtio_device){.ops = &ops,
                                             .context = fixture,
                                             .type = VIRTIO_TYPE_NET,
                                             .configuration = configuration,
                                             .configuration_size = sizeof(configuration),
                                             .memory = {guest_pointer, &fixture->guest},
                                             .queue_sizes = {64, 32}};
    virtio_device_init(&fixture->device);
    struct pci_endpoint_host host = {
        .message = on_message, .line = on_line, .moved = on_moved, .context = fixture};
    CHECK(virtio_pci_init(&fixture->pci, &fixture->device, &host));
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    guest_destroy(&fixture->guest);
    free(fixture);
}

static uint32_t config_read(struct fixture *fixture, uint32_t offset, unsigned bytes)
{
    return pci_endpoint_config_read(&fixture->pci.endpoint, offset, bytes);
}

static void config_write(struct fixture *fixture, uint32_t offset, unsigned bytes, uint32_t value)
{
    pci_endpoint_config_write(&fixture->pci.endpoint, offset, bytes, value);
}

static uint64_t bar_read(struct fixture *fixture, unsigned bar, uint64_t offset, unsigned bytes)
{
    const struct pci_endpoint_bar *memory = &fixture->pci.endpoint.bar[bar];
    CHECK(offset + bytes <= memory->size);
    return memory->read(memory->device, offset, bytes);
}

static void bar_write(struct fixture *fixture, unsigned bar, uint64_t offset, unsigned bytes,
                      uint64_t value)
{
    const struct pci_endpoint_bar *memory = &fixture->pci.endpoint.bar[bar];
    CHECK(offset + bytes <= memory->size);
    memory->write(memory->device, offset, bytes, value);
}

static uint8_t find_capability(struct fixture *fixture, uint8_t id, uint8_t type)
{
    uint32_t at = config_read(fixture, 0x34, 1);
    for (unsigned steps = 0; at != 0; steps++) {
        CHECK(steps < 48 && at >= 0x40 && at % 4 == 0);
        if (config_read(fixture, at, 1) == id &&
            (id != 9 || config_read(fixture, at + 3, 1) == type)) {
            return (uint8_t)at;
        }
        at = config_read(fixture, at + 1, 1);
    }
    return 0;
}

static void the_header_is_that_of_a_modern_device(void)
{
    struct fixture *fixture = fixture_new();
    CHECK_EQUAL(config_read(fixture, 0, 4), 0x10411af4);
    CHECK_EQUAL(config_read(fixture, 8, 4), 0x02000001);
    CHECK(config_read(fixture, 0x2e, 2) >= 0x40);
    CHECK_EQUAL(config_read(fixture, 6, 2) & 0x10, 0x10);
    CHECK_EQUAL(config_read(fixture, 0x0e, 1), 0);
    CHECK_EQUAL(config_read(fixture, 0x3d, 1), 1);

    /* What is read-only stays. */
    for (uint32_t offset = 0; offset < 256; offset += 4) {
        uint32_t before = config_read(fixture, offset, 4);
        if ((offset >= 0x10 && offset < 0x28) || offset == 4 || offset == 0x0c || offset == 0x3c) {
            continue;
        }
        if (offset >= 0x40) {
            break;
        }
        config_write(fixture, offset, 4, ~before);
        CHECK_EQUAL(config_read(fixture, offset, 4), before);
    }
    config_write(fixture, 4, 4, 0xffffffff);
    CHECK_EQUAL(config_read(fixture, 4, 2), 0x0406);
    CHECK_EQUAL(config_read(fixture, 6, 2), 0x0010);
    config_write(fixture, 0x3c, 4, 0xffffffff);
    CHECK_EQUAL(config_read(fixture, 0x3c, 4), 0x000001ff);
    fixture_free(fixture);
}

static void bars_are_sized_and_moved(void)
{
    struct fixture *fixture = fixture_new();
    uint64_t address;
    config_write(fixture, 0x10, 4, 0xffffffff);
    CHECK_EQUAL(config_read(fixture, 0x10, 4), ~(VIRTIO_PCI_BAR_SIZE - 1));
    config_write(fixture, 0x14, 4, 0xffffffff);
    CHECK_EQUAL(config_read(fixture, 0x14, 4), 0);
    config_write(fixture, 0x18, 4, 0xffffffff);
    CHECK_EQUAL(config_read(fixture, 0x18, 4), ~(PCI_MSIX_BAR_SIZE - 1));
    config_write(fixture, 0x10, 4, 0x12345678);
    CHECK_EQUAL(config_read(fixture, 0x10, 4), 0x12344000);
    config_write(fixture, 0x13, 1, 0x20);
    CHECK_EQUAL(config_read(fixture, 0x10, 4), 0x20344000);
    CHECK(!pci_endpoint_bar_address(&fixture->pci.endpoint, 0, &address));
    CHECK(fixture->moves != 0);
    config_write(fixture, 4, 2, 2);
    CHECK(pci_endpoint_bar_address(&fixture->pci.endpoint, 0, &address));
    CHECK_EQUAL(address, 0x20344000);
    CHECK(!pci_endpoint_bar_address(&fixture->pci.endpoint, 1, &address));
    fixture_free(fixture);
}

static void wide_bars_take_two_places(void)
{
    struct pci_endpoint endpoint;
    struct pci_endpoint_identity identity = {.vendor = 1, .device = 2};
    struct fixture fixture = {0};
    struct pci_endpoint_host host = {.message = on_message, .moved = on_moved, .context = &fixture};
    pci_endpoint_init(&endpoint, &identity, &host, NULL);
    struct pci_endpoint_bar bar = {.size = UINT64_C(1) << 33, .wide = true, .prefetchable = true};
    CHECK(!pci_endpoint_add_bar(&endpoint, 5, &bar));
    CHECK(pci_endpoint_add_bar(&endpoint, 4, &bar));
    pci_endpoint_config_write(&endpoint, 0x20, 4, 0xffffffff);
    pci_endpoint_config_write(&endpoint, 0x24, 4, 0xffffffff);
    CHECK_EQUAL(pci_endpoint_config_read(&endpoint, 0x20, 4), 0xc);
    CHECK_EQUAL(pci_endpoint_config_read(&endpoint, 0x24, 4), 0xfffffffe);
    pci_endpoint_config_write(&endpoint, 0x24, 4, 0x20);
    pci_endpoint_config_write(&endpoint, 4, 2, 2);
    uint64_t address;
    CHECK(pci_endpoint_bar_address(&endpoint, 4, &address));
    CHECK_EQUAL(address, UINT64_C(0x2000000000));
    bar = (struct pci_endpoint_bar){.size = 24};
    CHECK(!pci_endpoint_add_bar(&endpoint, 0, &bar));
    bar.size = 8;
    CHECK(!pci_endpoint_add_bar(&endpoint, 0, &bar));
    bar.size = UINT64_C(1) << 32;
    CHECK(!pci_endpoint_add_bar(&endpoint, 0, &bar));
    CHECK_EQUAL(pci_endpoint_config_read(&endpoint, 0x3d, 1), 0); /* no line: no pin */
    pci_endpoint_set_line(&endpoint, true);

    /* Capabilities fill the space up to its last byte and not beyond. */
    unsigned count = 0;
    while (pci_endpoint_add_capability(&endpoint, 9, 16) != 0) {
        count++;
    }
    CHECK_EQUAL(count, 12);
    CHECK_EQUAL(pci_endpoint_add_capability(&endpoint, 9, 2), 0);
}

static uint32_t structure(struct fixture *fixture, uint8_t type)
{
    uint8_t at = find_capability(fixture, 9, type);
    CHECK(at != 0);
    CHECK_EQUAL(config_read(fixture, at + 4u, 1), VIRTIO_PCI_BAR);
    uint32_t offset = config_read(fixture, at + 8u, 4);
    CHECK(offset + config_read(fixture, at + 12u, 4) <= VIRTIO_PCI_BAR_SIZE);
    return offset;
}

static void set64(struct fixture *fixture, uint32_t offset, uint64_t value)
{
    bar_write(fixture, 0, offset, 4, (uint32_t)value);
    bar_write(fixture, 0, offset + 4, 4, value >> 32);
}

static void set_queue(struct fixture *fixture, uint16_t index, uint16_t size, uint16_t vector)
{
    driver_queue_create(&fixture->driver, &fixture->guest, size, false);
    bar_write(fixture, 0, 0x16, 2, index);
    bar_write(fixture, 0, 0x18, 2, size);
    bar_write(fixture, 0, 0x1a, 2, vector);
    set64(fixture, 0x20, fixture->driver.descriptor_address);
    set64(fixture, 0x28, fixture->driver.available_address);
    bar_write(fixture, 0, 0x30, 8, fixture->driver.used_address);
    bar_write(fixture, 0, 0x1c, 2, 1);
}

static void negotiate(struct fixture *fixture)
{
    bar_write(fixture, 0, 0x14, 1, 0);
    bar_write(fixture, 0, 0x14, 1, 3);
    bar_write(fixture, 0, 0x00, 4, 1);
    CHECK_EQUAL(bar_read(fixture, 0, 0x04, 4), 1); /* VERSION_1 */
    bar_write(fixture, 0, 0x00, 4, 0);
    CHECK_EQUAL(bar_read(fixture, 0, 0x04, 4), VIRTIO_F_EVENT_IDX);
    bar_write(fixture, 0, 0x00, 4, 2);
    CHECK_EQUAL(bar_read(fixture, 0, 0x04, 4), 0);
    bar_write(fixture, 0, 0x08, 4, 1);
    bar_write(fixture, 0, 0x0c, 4, 1);
    CHECK_EQUAL(bar_read(fixture, 0, 0x0c, 4), 1);
    bar_write(fixture, 0, 0x14, 1, 11);
    CHECK_EQUAL(bar_read(fixture, 0, 0x14, 1), 11);
}

static void the_registers_start_a_device(void)
{
    struct fixture *fixture = fixture_new();
    CHECK_EQUAL(structure(fixture, 1), VIRTIO_PCI_COMMON);
    CHECK_EQUAL(structure(fixture, 2), VIRTIO_PCI_NOTIFY);
    CHECK_EQUAL(structure(fixture, 3), VIRTIO_PCI_ISR);
    CHECK_EQUAL(structure(fixture, 4), VIRTIO_PCI_DEVICE);
    CHECK_EQUAL(config_read(fixture, find_capability(fixture, 9, 2) + 16u, 4), 4);
    CHECK_EQUAL(bar_read(fixture, 0, 0x12, 2), 2); /* num_queues */
    negotiate(fixture);
    set_queue(fixture, 0, 16, 0);
    CHECK_EQUAL(bar_read(fixture, 0, 0x1c, 2), 1);
    CHECK_EQUAL(bar_read(fixture, 0, 0x20, 8), fixture->driver.descriptor_address);
    CHECK_EQUAL(bar_read(fixture, 0, 0x30, 4), (uint32_t)fixture->driver.used_address);

    /* Enabled, it takes no new addresses. */
    set64(fixture, 0x20, 16);
    bar_write(fixture, 0, 0x18, 2, 8);
    CHECK_EQUAL(bar_read(fixture, 0, 0x20, 8), fixture->driver.descriptor_address);
    CHECK_EQUAL(bar_read(fixture, 0, 0x18, 2), 16);

    /* Queues that do not exist read as absent and take nothing. */
    bar_write(fixture, 0, 0x16, 2, 2);
    CHECK_EQUAL(bar_read(fixture, 0, 0x18, 2), 0);
    CHECK_EQUAL(bar_read(fixture, 0, 0x1a, 2), VIRTIO_PCI_NO_VECTOR);
    bar_write(fixture, 0, 0x18, 2, 8);
    bar_write(fixture, 0, 0x1a, 2, 0);
    bar_write(fixture, 0, 0x1c, 2, 1);
    CHECK_EQUAL(bar_read(fixture, 0, 0x1c, 2), 0);
    bar_write(fixture, 0, 0x16, 2, 0xffff);
    CHECK_EQUAL(bar_read(fixture, 0, 0x18, 2), 0);
    bar_write(fixture, 0, 0x16, 2, 1);
    CHECK_EQUAL(bar_read(fixture, 0, 0x1e, 2), 1); /* queue_notify_off */
    CHECK_EQUAL(bar_read(fixture, 0, 0x18, 2), 32);

    /* A notification before DRIVER_OK is nothing, after it a kick; the value does not matter. */
    bar_write(fixture, 0, VIRTIO_PCI_NOTIFY, 2, 0);
    CHECK_EQUAL(fixture->kicks, 0);
    bar_write(fixture, 0, 0x14, 1, 15);
    bar_write(fixture, 0, VIRTIO_PCI_NOTIFY, 2, 77);
    CHECK_EQUAL(fixture->kicks, 1);
    bar_write(fixture, 0, VIRTIO_PCI_NOTIFY + 4, 2, 1); /* not enabled */
    bar_write(fixture, 0, VIRTIO_PCI_NOTIFY + 0xffc, 4, 0);
    CHECK_EQUAL(fixture->kicks, 1);

    /* The device's configuration, in every width. */
    CHECK_EQUAL(bar_read(fixture, 0, VIRTIO_PCI_DEVICE, 8), UINT64_C(0x0807060504030201));
    CHECK_EQUAL(bar_read(fixture, 0, VIRTIO_PCI_DEVICE + 3, 1), 4);
    CHECK_EQUAL(bar_read(fixture, 0, VIRTIO_PCI_DEVICE + 8, 4), 0);

    /* Writes in a wrong width change nothing. */
    bar_write(fixture, 0, 0x14, 4, 0);
    CHECK_EQUAL(bar_read(fixture, 0, 0x14, 1), 15);
    bar_write(fixture, 0, 0x14, 1, 0);
    CHECK_EQUAL(bar_read(fixture, 0, 0x14, 1), 0);
    fixture_free(fixture);
}

static void interrupt_queue(struct fixture *fixture)
{
    struct driver_buffer buffer = {guest_allocate(&fixture->guest, 16), 16, true};
    struct virtqueue_chain chain;
    (void)driver_add(&fixture->driver, &buffer, 1);
    CHECK(virtio_device_pop(&fixture->device, 0, &chain));
    virtqueue_push(&fixture->device.queue[0], chain.head, 0);
    virtio_device_publish(&fixture->device, 0);
}

static void msix_sends_masks_and_keeps_pending(void)
{
    struct fixture *fixture = fixture_new();
    uint8_t msix = find_capability(fixture, 0x11, 0);
    CHECK(msix != 0);
    CHECK_EQUAL(config_read(fixture, msix + 2u, 2), 2); /* three vectors */
    CHECK_EQUAL(config_read(fixture, msix + 4u, 4), VIRTIO_PCI_BAR_MSIX);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQUAL(bar_read(fixture, 2, 16 * i + 12, 4), 1); /* masked after reset */
        bar_write(fixture, 2, 16 * i, 8, 0x8020040);
        bar_write(fixture, 2, 16 * i + 8, 4, 100 + i);
    }
    bar_write(fixture, 2, 48, 8, UINT64_MAX); /* beyond the table */
    CHECK_EQUAL(bar_read(fixture, 2, 48, 8), 0);
    config_write(fixture, 4, 2, 6);
    config_write(fixture, msix + 2u, 2, 0x8000);
    negotiate(fixture);
    set_queue(fixture, 0, 16, 1);
    CHECK_EQUAL(bar_read(fixture, 0, 0x1a, 2), 1);
    bar_write(fixture, 0, 0x1a, 2, 3);
    CHECK_EQUAL(bar_read(fixture, 0, 0x1a, 2), VIRTIO_PCI_NO_VECTOR); /* there is no vector 3 */
    bar_write(fixture, 0, 0x1a, 2, 1);
    bar_write(fixture, 0, 0x10, 2, 0);
    CHECK_EQUAL(bar_read(fixture, 0, 0x10, 2), 0);
    bar_write(fixture, 0, 0x14, 1, 15);

    interrupt_queue(fixture);
    CHECK_EQUAL(fixture->messages, 0);
    CHECK_EQUAL(bar_read(fixture, 2, 2048, 4), 2); /* pending */
    bar_write(fixture, 2, 16 + 12, 4, 0xfffffffe);
    CHECK_EQUAL(fixture->messages, 1);
    CHECK_EQUAL(fixture->message_address, 0x8020040);
    CHECK_EQUAL(fixture->message_data, 101);
    CHECK_EQUAL(bar_read(fixture, 2, 2048, 8), 0);
    CHECK_EQUAL(bar_read(fixture, 2, 16 + 12, 4), 0);
    interrupt_queue(fixture);
    CHECK_EQUAL(fixture->messages, 2);
    CHECK(!fixture->line);
    CHECK_EQUAL(bar_read(fixture, 0, VIRTIO_PCI_ISR, 1), 0); /* 4.1.4.5.1: not with MSI-X */

    config_write(fixture, msix + 2u, 2, 0xc000); /* the whole function masked */
    interrupt_queue(fixture);
    interrupt_queue(fixture);
    CHECK_EQUAL(fixture->messages, 2);
    config_write(fixture, msix + 2u, 2, 0x8000);
    CHECK_EQUAL(fixture->messages, 3);
    config_write(fixture, 4, 2, 2); /* no bus mastering */
    interrupt_queue(fixture);
    CHECK_EQUAL(fixture->messages, 3);
    config_write(fixture, 4, 2, 6);
    CHECK_EQUAL(fixture->messages, 4);

    /* A change of configuration has its own vector. */
    bar_write(fixture, 2, 12, 4, 0);
    virtio_device_fail(&fixture->device);
    CHECK_EQUAL(fixture->messages, 5);
    CHECK_EQUAL(fixture->message_data, 100);
    CHECK_EQUAL(bar_read(fixture, 0, 0x14, 1), 15 | 64);
    fixture_free(fixture);
}

static void intx_follows_the_isr(void)
{
    struct fixture *fixture = fixture_new();
    negotiate(fixture);
    set_queue(fixture, 0, 16, 0);
    bar_write(fixture, 0, 0x14, 1, 15);
    interrupt_queue(fixture);
    CHECK(fixture->line);
    CHECK_EQUAL(config_read(fixture, 6, 2) & 8, 8);
    config_write(fixture, 4, 2, 0x0400); /* INTx disabled */
    CHECK(!fixture->line);
    config_write(fixture, 4, 2, 0);
    CHECK(fixture->line);
    CHECK_EQUAL(bar_read(fixture, 0, VIRTIO_PCI_ISR, 1), 1);
    CHECK(!fixture->line);
    CHECK_EQUAL(bar_read(fixture, 0, VIRTIO_PCI_ISR, 1), 0);
    virtio_device_configuration_changed(&fixture->device);
    interrupt_queue(fixture);
    CHECK_EQUAL(bar_read(fixture, 0, VIRTIO_PCI_ISR, 4), 3);
    virtio_device_configuration_changed(&fixture->device);
    CHECK(fixture->line);
    bar_write(fixture, 0, 0x14, 1, 0);
    CHECK(!fixture->line);
    CHECK_EQUAL(fixture->messages, 0);
    fixture_free(fixture);
}

static void firmware_reaches_the_bar_through_the_window(void)
{
    struct fixture *fixture = fixture_new();
    uint8_t window = find_capability(fixture, 9, 5);
    CHECK(window != 0);
    config_write(fixture, window + 4u, 1, 0);
    config_write(fixture, window + 8u, 4, VIRTIO_PCI_DEVICE);
    config_write(fixture, window + 12u, 4, 4);
    CHECK_EQUAL(config_read(fixture, window + 16u, 4), 0x04030201);
    config_write(fixture, window + 12u, 4, 2);
    CHECK_EQUAL(config_read(fixture, window + 16u, 2), 0x0201);
    config_write(fixture, window + 8u, 4, 0x14);
    config_write(fixture, window + 12u, 4, 1);
    config_write(fixture, window + 16u, 1, 3);
    CHECK_EQUAL(fixture->device.status, 3);

    /* Lengths and places that do not exist do nothing. */
    static const uint32_t offsets[] = {0x15, VIRTIO_PCI_BAR_SIZE, VIRTIO_PCI_BAR_SIZE - 2,
                                       UINT32_MAX, 0x80000000};
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        config_write(fixture, window + 8u, 4, offsets[i]);
        static const uint32_t lengths[] = {0, 3, 4, 8, UINT32_MAX};
        for (unsigned j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
            config_write(fixture, window + 12u, 4, lengths[j]);
            config_write(fixture, window + 16u, 4, 0);
            (void)config_read(fixture, window + 16u, 4);
        }
    }
    config_write(fixture, window + 4u, 1, 2);
    config_write(fixture, window + 8u, 4, 0x14);
    config_write(fixture, window + 12u, 4, 1);
    config_write(fixture, window + 16u, 1, 0);
    CHECK_EQUAL(fixture->device.status, 3);
    fixture_free(fixture);
}

static void any_access_is_survived(void)
{
    struct fixture *fixture = fixture_new();
    uint32_t random = 7;
    for (unsigned i = 0; i < 2000000; i++) {
        random = random * 1664525u + 1013904223u;
        unsigned bytes = 1u << (random >> 30);
        uint32_t value = random ^ random << 13;
        uint32_t offset = (random >> 8) % VIRTIO_PCI_BAR_SIZE & ~(bytes - 1);
        switch (random >> 24 & 3) {
        case 0:
            if (bytes <= 4) {
                config_write(fixture, offset % 256, bytes, value);
                (void)config_read(fixture, offset % 256, bytes);
            }
            break;
        case 1:
            bar_write(fixture, 2, offset % PCI_MSIX_BAR_SIZE, bytes, value);
            (void)bar_read(fixture, 2, offset % PCI_MSIX_BAR_SIZE, bytes);
            break;
        default:
            offset = (random & 1) != 0 ? offset % 0x40 : offset;
            bar_write(fixture, 0, offset, bytes, value % 32);
            (void)bar_read(fixture, 0, offset, bytes);
            break;
        }
    }
    fixture_free(fixture);
}

int main(void)
{
    the_header_is_that_of_a_modern_device();
    bars_are_sized_and_moved();
    wide_bars_take_two_places();
    the_registers_start_a_device();
    msix_sends_masks_and_keeps_pending();
    intx_follows_the_isr();
    firmware_reaches_the_bar_through_the_window();
    any_access_is_survived();
    return 0;
}
