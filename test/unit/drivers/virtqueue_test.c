/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtqueue against a device that is a few functions on the same memory. */
#include <string.h>

#include "drivers/virtio/virtqueue.h"
#include "test/unit/check.h"

#define SIZE 8u

static _Alignas(4096) uint8_t memory[4 * 4096];
static struct virtqueue queue;
static uint16_t device_seen;

static void open_queue(void)
{
    CHECK(virtqueue_bytes(SIZE) <= sizeof memory);
    memset(memory, 0xa5, sizeof memory);
    virtqueue_open(&queue, SIZE, memory);
    device_seen = 0;
}

/* The device takes the next chain: its head. */
static uint16_t device_next(void)
{
    CHECK(queue.available->index != device_seen);
    return queue.available->ring[device_seen++ % SIZE];
}

static void device_use(uint32_t id, uint32_t length)
{
    queue.used->ring[queue.used->index % SIZE] =
        (struct virtqueue_used_entry){.id = id, .length = length};
    queue.used->index++;
}

static bool add(uint16_t count, uint64_t token)
{
    struct virtqueue_buffer buffers[SIZE + 1] = {{0}};
    for (uint16_t i = 0; i < count; i++) {
        buffers[i] = (struct virtqueue_buffer){
            .address = 0x1000 * token + i, .length = 16, .device_writes = i + 1 == count};
    }
    return virtqueue_add(&queue, buffers, count, token);
}

static void test_chains_are_what_was_asked(void)
{
    open_queue();
    CHECK(add(3, 7));
    CHECK_EQUAL(queue.available->index, 0); /* not yet */
    CHECK(virtqueue_publish(&queue));
    CHECK(!virtqueue_publish(&queue)); /* nothing new */
    uint16_t head = device_next();
    struct virtqueue_descriptor *first = &queue.descriptors[head];
    struct virtqueue_descriptor *second = &queue.descriptors[first->next];
    struct virtqueue_descriptor *third = &queue.descriptors[second->next];
    CHECK_EQUAL(first->flags, 1);
    CHECK_EQUAL(second->flags, 1);
    CHECK_EQUAL(third->flags, 2);
    CHECK_EQUAL(first->address, 0x7000);
    CHECK_EQUAL(third->address, 0x7002);
    uint64_t token;
    uint32_t length;
    CHECK_EQUAL(virtqueue_take(&queue, &token, &length), VIRTQUEUE_EMPTY);
    device_use(head, 9999);
    CHECK_EQUAL(virtqueue_take(&queue, &token, &length), VIRTQUEUE_OK);
    CHECK_EQUAL(token, 7);
    CHECK_EQUAL(length, 16); /* no more than there was room for */
    CHECK_EQUAL(queue.free_count, SIZE);
}

static void test_full_and_out_of_order(void)
{
    open_queue();
    uint64_t next = 0;
    uint64_t seed = 1;
    for (int round = 0; round < 70000; round++) { /* the indices wrap */
        uint16_t heads[SIZE];
        uint16_t count = 0;
        uint64_t first = next;
        while (add((uint16_t)(1 + next % 3), next)) {
            next++;
        }
        CHECK(next > first);
        virtqueue_publish(&queue);
        while (queue.available->index != device_seen) {
            heads[count++] = device_next();
        }
        seed = seed * 6364136223846793005u + 1;
        for (uint16_t i = 0; i < count; i++) {
            device_use(heads[(i + seed % count) % count], 0);
        }
        bool seen[SIZE] = {false};
        uint64_t token;
        uint32_t length;
        while (virtqueue_take(&queue, &token, &length) == VIRTQUEUE_OK) {
            CHECK(token >= first && token < next && !seen[token - first]);
            seen[token - first] = true;
            count--;
        }
        CHECK_EQUAL(count, 0);
        CHECK_EQUAL(queue.free_count, SIZE);
        CHECK(!queue.broken);
    }
    CHECK(!add(SIZE + 1, 0));
    CHECK(!add(0, 0));
}

static void test_notification_and_interrupt_flags(void)
{
    open_queue();
    queue.used->flags = 1; /* no notifications, please */
    CHECK(add(1, 1));
    CHECK(!virtqueue_publish(&queue));
    virtqueue_interrupts(&queue, false);
    CHECK_EQUAL(queue.available->flags, 1);
    device_use(device_next(), 0);
    CHECK(virtqueue_interrupts(&queue, true)); /* there is something already */
    CHECK_EQUAL(queue.available->flags, 0);
}

static void expect_broken(void)
{
    uint64_t token;
    uint32_t length;
    CHECK_EQUAL(virtqueue_take(&queue, &token, &length), VIRTQUEUE_BROKEN);
    CHECK_EQUAL(virtqueue_take(&queue, &token, &length), VIRTQUEUE_BROKEN);
    CHECK(!add(1, 1));
    CHECK(!virtqueue_publish(&queue));
}

static void test_hostile_device(void)
{
    open_queue();
    CHECK(add(2, 1));
    virtqueue_publish(&queue);
    device_use(SIZE, 0); /* no such descriptor */
    expect_broken();

    open_queue();
    CHECK(add(2, 1));
    virtqueue_publish(&queue);
    device_use(queue.descriptors[device_next()].next, 0); /* inside a chain */
    expect_broken();

    open_queue();
    device_use(0, 0); /* nothing was asked */
    expect_broken();

    open_queue();
    CHECK(add(1, 1));
    device_use(0, 0); /* not published */
    expect_broken();

    open_queue();
    CHECK(add(1, 1) && add(1, 2));
    virtqueue_publish(&queue);
    uint16_t head = device_next();
    device_use(head, 0);
    device_use(head, 0); /* twice */
    uint64_t token;
    uint32_t length;
    CHECK_EQUAL(virtqueue_take(&queue, &token, &length), VIRTQUEUE_OK);
    expect_broken();

    open_queue();
    CHECK(add(1, 1));
    virtqueue_publish(&queue);
    queue.used->index = 5; /* more than are in flight */
    expect_broken();

    /* Spoiled descriptors change nothing for the driver. */
    open_queue();
    CHECK(add(3, 9));
    virtqueue_publish(&queue);
    memset(queue.descriptors, 0xff, SIZE * sizeof *queue.descriptors);
    device_use(device_next(), 0);
    CHECK_EQUAL(virtqueue_take(&queue, &token, &length), VIRTQUEUE_OK);
    CHECK_EQUAL(queue.free_count, SIZE);
    CHECK(add(SIZE, 1));
}

int main(void)
{
    test_chains_are_what_was_asked();
    test_full_and_out_of_order();
    test_notification_and_interrupt_flags();
    test_hostile_device();
    return 0;
}
