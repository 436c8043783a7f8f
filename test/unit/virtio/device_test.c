/* SPDX-License-Identifier: BSD-2-Clause */
/* The state machine of a virtio device: what a driver may do when, and what becomes of one that
 * does otherwise. */
#include "libs/virtio/device.h"

#include <string.h>

#include "test/unit/check.h"
#include "test/unit/virtio/driver.h"

#define F_OWN (UINT64_C(1) << 3)

struct fixture {
    struct guest guest;
    struct virtio_device device;
    struct driver_queue driver;
    uint8_t configuration[6];
    unsigned starts, resets, kicks, writes, used, changes;
};

static void on_start(struct virtio_device *device)
{
    ((struct fixture *)device->context)->starts++;
}

static void on_reset(struct virtio_device *device)
{
    ((struct fixture *)device->context)->resets++;
}

static void on_kick(struct virtio_device *device, unsigned index)
{
    struct fixture *fixture = device->context;
    struct virtqueue_chain chain;
    fixture->kicks++;
    while (virtio_device_pop(device, index, &chain)) {
        virtqueue_push(&device->queue[index], chain.head, 1);
    }
    (void)virtqueue_wait(&device->queue[index]);
    virtio_device_publish(device, index);
}

static void on_configure(struct virtio_device *device, uint32_t offset, unsigned bytes,
                         uint64_t value)
{
    struct fixture *fixture = device->context;
    CHECK(offset < sizeof(fixture->configuration));
    fixture->configuration[offset] = (uint8_t)value;
    fixture->writes += bytes;
}

static void on_used(struct virtio_device *device, unsigned index)
{
    CHECK_EQUAL(index, 0);
    ((struct fixture *)device->context)->used++;
}

static void on_change(struct virtio_device *device)
{
    ((struct fixture *)device->context)->changes++;
}

static const struct virtio_device_ops ops = {
    .start = on_start, .reset = on_reset, .kick = on_kick, .configure = on_configure};
static const struct virtio_transport_ops transport = {.used = on_used,
                                                      .configuration_changed = on_change};

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    CHECK(fixture != NULL);
    guest_create(&fixture->guest);
    memcpy(fixture->configuration, "\1\2\3\4\5\6", 6);
    fixture->device = (struct virtio_device){.ops = &ops,
                                             .context = fixture,
                                             .transport = &transport,
                                             .type = VIRTIO_TYPE_BLOCK,
                                             .offered = F_OWN,
                                             .configuration = fixture->configuration,
                                             .configuration_size = sizeof(fixture->configuration),
                                             .memory = {guest_pointer, &fixture->guest},
                                             .queue_sizes = {64, 64}};
    virtio_device_init(&fixture->device);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    guest_destroy(&fixture->guest);
    free(fixture);
}

static void status(struct fixture *fixture, uint8_t add, uint8_t expected)
{
    virtio_device_set_status(&fixture->device, (uint8_t)(fixture->device.status | add));
    CHECK_EQUAL(fixture->device.status, expected);
}

static void set_queue(struct fixture *fixture)
{
    struct virtqueue *queue = &fixture->device.queue[0];
    driver_queue_create(&fixture->driver, &fixture->guest, 16,
                        virtio_device_has(&fixture->device, VIRTIO_F_EVENT_IDX));
    queue->size = 16;
    queue->descriptor_address = fixture->driver.descriptor_address;
    queue->available_address = fixture->driver.available_address;
    queue->used_address = fixture->driver.used_address;
    virtio_device_enable_queue(&fixture->device, 0);
}

static void start(struct fixture *fixture, uint64_t features)
{
    status(fixture, VIRTIO_STATUS_ACKNOWLEDGE, 1);
    status(fixture, VIRTIO_STATUS_DRIVER, 3);
    virtio_device_set_features(&fixture->device, features);
    status(fixture, VIRTIO_STATUS_FEATURES_OK, 11);
    set_queue(fixture);
    status(fixture, VIRTIO_STATUS_DRIVER_OK, 15);
}

static void an_honest_driver_is_served(void)
{
    struct fixture *fixture = fixture_new();
    CHECK_EQUAL(fixture->device.queue_count, 2);
    CHECK((fixture->device.offered & VIRTIO_F_VERSION_1) != 0);
    start(fixture, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | F_OWN);
    CHECK_EQUAL(fixture->starts, 1);
    CHECK(virtio_device_running(&fixture->device));

    struct driver_buffer buffer = {guest_allocate(&fixture->guest, 16), 16, true};
    (void)driver_add(&fixture->driver, &buffer, 1);
    virtio_device_notified(&fixture->device, 0);
    uint32_t head, length;
    CHECK(driver_take(&fixture->driver, &head, &length));
    CHECK_EQUAL(fixture->used, 1);

    virtio_device_notified(&fixture->device, 1); /* not enabled */
    virtio_device_notified(&fixture->device, 2);
    virtio_device_notified(&fixture->device, 4711);
    CHECK_EQUAL(fixture->kicks, 1);

    virtio_device_set_status(&fixture->device, 0);
    CHECK_EQUAL(fixture->resets, 1);
    CHECK(!fixture->device.queue[0].ready);
    CHECK_EQUAL(fixture->device.accepted, 0);
    virtio_device_notified(&fixture->device, 0);
    CHECK_EQUAL(fixture->kicks, 1);
    start(fixture, VIRTIO_F_VERSION_1);
    CHECK_EQUAL(fixture->starts, 2);
    fixture_free(fixture);
}

static void features_are_refused(uint64_t features)
{
    struct fixture *fixture = fixture_new();
    virtio_device_set_features(&fixture->device, features);
    status(fixture, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK,
           3);
    status(fixture, VIRTIO_STATUS_DRIVER_OK, 3); /* and no way on */
    CHECK_EQUAL(fixture->starts, 0);

    /* It may try again with better ones. */
    virtio_device_set_features(&fixture->device, VIRTIO_F_VERSION_1);
    status(fixture, VIRTIO_STATUS_FEATURES_OK, 11);
    fixture_free(fixture);
}

static void features_are_final(void)
{
    struct fixture *fixture = fixture_new();
    virtio_device_set_features(&fixture->device, VIRTIO_F_VERSION_1);
    status(fixture, 11, 11);
    virtio_device_set_features(&fixture->device, VIRTIO_F_VERSION_1 | F_OWN);
    CHECK(!virtio_device_has(&fixture->device, F_OWN));

    /* Bits are cleared by a reset only. */
    virtio_device_set_status(&fixture->device, 1);
    CHECK_EQUAL(fixture->device.status, 11);
    fixture_free(fixture);
}

static void a_hostile_chain_needs_a_reset(void)
{
    struct fixture *fixture = fixture_new();
    start(fixture, VIRTIO_F_VERSION_1);
    driver_offer(&fixture->driver, 99);
    virtio_device_notified(&fixture->device, 0);
    CHECK_EQUAL(fixture->device.status, 15 | VIRTIO_STATUS_NEEDS_RESET);
    CHECK_EQUAL(fixture->changes, 1);
    unsigned kicks = fixture->kicks;
    virtio_device_notified(&fixture->device, 0);
    CHECK_EQUAL(fixture->kicks, kicks);
    CHECK_EQUAL(fixture->changes, 1);
    status(fixture, VIRTIO_STATUS_FAILED, 15 | 64 | 128);

    virtio_device_set_status(&fixture->device, 0);
    CHECK_EQUAL(fixture->device.status, 0);
    start(fixture, VIRTIO_F_VERSION_1);
    CHECK(virtio_device_running(&fixture->device));
    fixture_free(fixture);
}

static void bad_queues_need_a_reset(void)
{
    struct fixture *fixture = fixture_new();
    virtio_device_enable_queue(&fixture->device, 0); /* before the features are settled */
    CHECK_EQUAL(fixture->device.status, VIRTIO_STATUS_NEEDS_RESET);
    CHECK_EQUAL(fixture->changes, 0); /* not before DRIVER_OK */

    virtio_device_set_status(&fixture->device, 0);
    virtio_device_set_features(&fixture->device, VIRTIO_F_VERSION_1);
    status(fixture, 11, 11);
    fixture->device.queue[0].descriptor_address = 8;
    virtio_device_enable_queue(&fixture->device, 0);
    CHECK_EQUAL(fixture->device.status, 11 | VIRTIO_STATUS_NEEDS_RESET);
    status(fixture, VIRTIO_STATUS_DRIVER_OK, 15 | VIRTIO_STATUS_NEEDS_RESET);
    CHECK_EQUAL(fixture->starts, 0);
    virtio_device_enable_queue(&fixture->device, 2);
    virtio_device_enable_queue(&fixture->device, UINT32_MAX);
    fixture_free(fixture);
}

static void the_configuration_ends_where_it_ends(void)
{
    struct fixture *fixture = fixture_new();
    CHECK_EQUAL(virtio_device_read_configuration(&fixture->device, 0, 4), 0x04030201);
    CHECK_EQUAL(virtio_device_read_configuration(&fixture->device, 4, 4), 0x0605);
    CHECK_EQUAL(virtio_device_read_configuration(&fixture->device, 0, 8), 0x060504030201);
    CHECK_EQUAL(virtio_device_read_configuration(&fixture->device, 6, 1), 0);
    CHECK_EQUAL(virtio_device_read_configuration(&fixture->device, UINT32_MAX, 8), 0);
    virtio_device_write_configuration(&fixture->device, 5, 1, 9);
    virtio_device_write_configuration(&fixture->device, 6, 1, 9);
    virtio_device_write_configuration(&fixture->device, UINT32_MAX, 1, 9);
    CHECK_EQUAL(fixture->writes, 1);
    uint8_t before = fixture->device.generation;
    virtio_device_configuration_changed(&fixture->device);
    CHECK(fixture->device.generation != before);
    CHECK_EQUAL(fixture->changes, 0);
    start(fixture, VIRTIO_F_VERSION_1);
    virtio_device_configuration_changed(&fixture->device);
    CHECK_EQUAL(fixture->changes, 1);
    fixture_free(fixture);
}

int main(void)
{
    an_honest_driver_is_served();
    features_are_refused(0);
    features_are_refused(F_OWN);
    features_are_refused(VIRTIO_F_VERSION_1 | UINT64_C(1) << 4);
    features_are_refused(VIRTIO_F_VERSION_1 | UINT64_C(1) << 63);
    features_are_final();
    a_hostile_chain_needs_a_reset();
    bad_queues_need_a_reset();
    the_configuration_ends_where_it_ends();
    return 0;
}
