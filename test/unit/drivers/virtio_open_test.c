/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the registers of a virtio device in a configuration page that may say anything. */
#include <string.h>

#include "drivers/virtio/virtio.h"
#include "test/unit/check.h"

static uint32_t page[PCI_CONFIG_SIZE / 4];
static uint8_t bar4[0x4000];
static struct virtio_bar bars[PCI_BARS];

static void put8(uint32_t at, uint8_t value)
{
    ((uint8_t *)page)[at] = value;
}

static void capability(uint32_t at, uint8_t next, uint8_t type, uint8_t bar, uint32_t offset,
                       uint32_t size)
{
    put8(at, PCI_CAPABILITY_VENDOR);
    put8(at + 1, next);
    put8(at + 2, type == 2 ? 20 : 16);
    put8(at + 3, type);
    put8(at + 4, bar);
    page[at / 4 + 2] = offset;
    page[at / 4 + 3] = size;
}

static void make_device(void)
{
    memset(page, 0, sizeof page);
    memset(bars, 0, sizeof bars);
    page[0] = 0x10421af4;
    put8(6, 0x10);
    put8(PCI_CAPABILITIES, 0x40);
    capability(0x40, 0x54, 1, 4, 0, 0x1000);
    capability(0x54, 0x64, 3, 4, 0x1000, 0x1000);
    capability(0x64, 0x74, 4, 4, 0x2000, 0x40);
    capability(0x74, 0, 2, 4, 0x3000, 0x1000);
    page[0x84 / 4] = 4; /* the multiplier */
    bars[4] = (struct virtio_bar){.address = bar4, .size = sizeof bar4};
}

static enum virtio_error open_it(void)
{
    struct virtio_device device;
    return virtio_open(&device, page, bars);
}

static void test_good_device(void)
{
    struct virtio_device device;
    make_device();
    CHECK_EQUAL(virtio_open(&device, page, bars), VIRTIO_OK);
    CHECK_EQUAL(device.type, VIRTIO_TYPE_BLOCK);
    CHECK(device.common == bar4);
    CHECK(device.isr == bar4 + 0x1000);
    CHECK(device.notify == bar4 + 0x3000);
    CHECK_EQUAL(device.notify_multiplier, 4);
    CHECK_EQUAL(device.config_size, 0x40);
    uint64_t capacity = 0x1122334455667788;
    uint64_t read;
    memcpy(bar4 + 0x2000, &capacity, sizeof capacity);
    CHECK(virtio_config_read(&device, 0, &read, 8));
    CHECK_EQUAL(read, capacity);
    CHECK(!virtio_config_read(&device, 0x40, &read, 8));
    CHECK(!virtio_config_read(&device, UINT32_MAX - 7, &read, 8));
    CHECK(!virtio_config_read(&device, 4, &read, 8));
    CHECK(!virtio_config_read(&device, 0, &read, 3));
}

static void test_bad_devices(void)
{
    make_device();
    page[0] = 0x10011af4; /* transitional */
    CHECK_EQUAL(open_it(), VIRTIO_NOT_VIRTIO);
    page[0] = 0x10428086;
    CHECK_EQUAL(open_it(), VIRTIO_NOT_VIRTIO);

    make_device();
    page[0x40 / 4 + 2] = 0x3fff; /* beyond the BAR */
    CHECK_EQUAL(open_it(), VIRTIO_BAD_CAPABILITY);
    page[0x40 / 4 + 2] = 0xfffff000;
    CHECK_EQUAL(open_it(), VIRTIO_BAD_CAPABILITY);

    make_device();
    page[0x40 / 4 + 3] = 8; /* too small */
    CHECK_EQUAL(open_it(), VIRTIO_BAD_CAPABILITY);

    make_device();
    put8(0x54 + 4, 3); /* a BAR that is not there */
    CHECK_EQUAL(open_it(), VIRTIO_BAD_CAPABILITY);
    put8(0x54 + 4, 200);
    CHECK_EQUAL(open_it(), VIRTIO_BAD_CAPABILITY);

    make_device();
    put8(0x76, 16); /* no multiplier */
    CHECK_EQUAL(open_it(), VIRTIO_BAD_CAPABILITY);

    make_device();
    put8(0x65, 0x40); /* the list goes in a circle before the last */
    CHECK_EQUAL(open_it(), VIRTIO_BAD_CAPABILITY);

    make_device();
    capability(0x64, 0x74, 9, 4, 0, 0); /* no configuration of its own: allowed */
    CHECK_EQUAL(open_it(), VIRTIO_OK);
}

#define NO_VECTOR UINT16_MAX

static uint16_t field(uint32_t at)
{
    uint16_t value;
    memcpy(&value, bar4 + at, sizeof value);
    return value;
}

/* Brings a device with one queue up to there; the vectors that it has then. */
static void start(struct virtio_device *device, uint16_t *config_vector, uint16_t *queue_vector)
{
    static _Alignas(VIRTQUEUE_ALIGN) uint8_t memory[4 * 4096];
    struct virtqueue queue;
    memset(bar4, 0, sizeof bar4);
    bar4[4] = 3; /* VIRTIO_F_VERSION_1 and ACCESS_PLATFORM, and bits 0 and 1 */
    bar4[24] = 16;
    memset(bar4 + 16, 0xff, 2);
    memset(bar4 + 26, 0xff, 2);
    CHECK_EQUAL(virtio_open(device, page, bars), VIRTIO_OK);
    CHECK_EQUAL(virtio_negotiate(device, 0), VIRTIO_OK);
    virtqueue_open(&queue, 16, memory);
    CHECK_EQUAL(virtio_queue_start(device, 0, &queue), VIRTIO_OK);
    *config_vector = field(16);
    *queue_vector = field(26);
}

static void test_interrupts_by_line_have_causes(void)
{
    struct virtio_device device;
    uint16_t config_vector;
    uint16_t queue_vector;
    make_device();
    start(&device, &config_vector, &queue_vector);
    CHECK(!device.messages);
    CHECK_EQUAL(config_vector, NO_VECTOR);
    CHECK_EQUAL(queue_vector, NO_VECTOR);
    CHECK_EQUAL(virtio_interrupt_causes(&device), 0);
    bar4[0x1000] = 1;
    CHECK_EQUAL(virtio_interrupt_causes(&device), VIRTIO_CAUSE_QUEUE);
}

static void test_interrupts_by_message_use_vector_0(void)
{
    struct virtio_device device;
    uint16_t config_vector;
    uint16_t queue_vector;
    make_device();
    put8(0x75, 0x90); /* behind the last */
    page[0x90 / 4] = UINT32_C(0x80000000) | PCI_CAPABILITY_MSIX;
    start(&device, &config_vector, &queue_vector);
    CHECK(device.messages);
    CHECK_EQUAL(config_vector, 0);
    CHECK_EQUAL(queue_vector, 0);
    CHECK_EQUAL(virtio_interrupt_causes(&device), VIRTIO_CAUSE_QUEUE | VIRTIO_CAUSE_CONFIG);
}

int main(void)
{
    test_interrupts_by_line_have_causes();
    test_interrupts_by_message_use_vector_0();
    test_good_device();
    test_bad_devices();
    return 0;
}
