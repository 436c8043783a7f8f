/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's side of a virtqueue against an honest driver and against hostile ones. */
#include "libs/virtio/queue.h"

#include <string.h>

#include "test/unit/check.h"
#include "test/unit/virtio/driver.h"

#define SIZE 8u

struct fixture {
    struct guest guest;
    struct virtio_memory memory;
    struct driver_queue driver;
    struct virtqueue queue;
};

static struct virtqueue_chain chain; /* too large for taste on a stack */

static void fixture_create(struct fixture *fixture, bool event_index, bool indirect)
{
    guest_create(&fixture->guest);
    fixture->memory = (struct virtio_memory){.pointer = guest_pointer, .context = &fixture->guest};
    driver_queue_create(&fixture->driver, &fixture->guest, SIZE, event_index);
    virtqueue_reset(&fixture->queue, &fixture->memory, 256);
    fixture->queue.size = SIZE;
    fixture->queue.descriptor_address = fixture->driver.descriptor_address;
    fixture->queue.available_address = fixture->driver.available_address;
    fixture->queue.used_address = fixture->driver.used_address;
    CHECK(virtqueue_enable(&fixture->queue, event_index, indirect));
}

static void fixture_destroy(struct fixture *fixture)
{
    guest_destroy(&fixture->guest);
}

static void chains_come_whole_and_in_order(bool indirect)
{
    struct fixture fixture;
    fixture_create(&fixture, true, true);
    uint64_t memory = guest_allocate(&fixture.guest, 4096);
    struct driver_buffer buffers[] = {
        {memory, 16, false}, {memory + 512, 100, true}, {memory + 1024, 1, true}};
    for (unsigned round = 0; round < 70000; round++) { /* past the wrap of the 16-bit indices */
        if (round % 4096 == 0) {
            fixture.guest.used = 8192; /* room for indirect tables again */
        }
        buffers[0].length = 16 + round % 5;
        uint16_t head = indirect ? driver_add_indirect(&fixture.driver, buffers, 3)
                                 : driver_add(&fixture.driver, buffers, 3);
        CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
        CHECK_EQUAL(chain.head, head);
        CHECK_EQUAL(chain.readable_count, 1);
        CHECK_EQUAL(chain.writable_count, 2);
        CHECK_EQUAL(chain.readable_bytes, 16 + round % 5);
        CHECK_EQUAL(chain.writable_bytes, 101);
        CHECK(chain.segment[1].data == guest_at(&fixture.guest, memory + 512));
        CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_EMPTY);
        virtqueue_push(&fixture.queue, head, round);
        (void)virtqueue_publish(&fixture.queue);
        uint32_t used_head, length;
        CHECK(driver_take(&fixture.driver, &used_head, &length));
        CHECK_EQUAL(used_head, head);
        CHECK_EQUAL(length, round);
        CHECK(!driver_take(&fixture.driver, &used_head, &length));
    }
    fixture_destroy(&fixture);
}

static void a_full_queue_is_taken_and_given_back_out_of_order(void)
{
    struct fixture fixture;
    fixture_create(&fixture, false, false);
    struct driver_buffer buffer = {guest_allocate(&fixture.guest, 64), 64, true};
    for (unsigned i = 0; i < SIZE; i++) {
        (void)driver_add(&fixture.driver, &buffer, 1);
    }
    for (unsigned i = 0; i < SIZE; i++) {
        CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
        CHECK_EQUAL(chain.head, i);
    }
    virtqueue_unpop(&fixture.queue);
    CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
    CHECK_EQUAL(chain.head, SIZE - 1);
    for (unsigned i = 0; i < SIZE; i++) {
        virtqueue_push(&fixture.queue, (uint16_t)(i * 3 % SIZE), i);
    }
    uint32_t head, length;
    CHECK(!driver_take(&fixture.driver, &head, &length)); /* not before it is published */
    CHECK(virtqueue_publish(&fixture.queue));
    CHECK(!virtqueue_publish(&fixture.queue)); /* nothing new */
    for (unsigned i = 0; i < SIZE; i++) {
        CHECK(driver_take(&fixture.driver, &head, &length));
        CHECK_EQUAL(head, i * 3 % SIZE);
        CHECK_EQUAL(length, i);
    }
    fixture_destroy(&fixture);
}

static void notifications_follow_the_event_indices(void)
{
    struct fixture fixture;
    fixture_create(&fixture, true, false);
    struct driver_buffer buffer = {guest_allocate(&fixture.guest, 64), 64, true};

    /* The driver kicks once after the device has waited, and not for more of the same. */
    CHECK(virtqueue_wait(&fixture.queue));
    (void)driver_add(&fixture.driver, &buffer, 1);
    CHECK(driver_wants_kick(&fixture.driver));
    (void)driver_add(&fixture.driver, &buffer, 1);
    CHECK(!driver_wants_kick(&fixture.driver));
    CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
    CHECK(!virtqueue_wait(&fixture.queue)); /* one is left */
    CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
    CHECK(virtqueue_wait(&fixture.queue));
    (void)driver_add(&fixture.driver, &buffer, 1);
    CHECK(driver_wants_kick(&fixture.driver));
    CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);

    /* It is interrupted at the used buffer that it asked for, not before and not again. */
    driver_interrupt_after(&fixture.driver, 1);
    virtqueue_push(&fixture.queue, 0, 0);
    CHECK(!virtqueue_publish(&fixture.queue));
    virtqueue_push(&fixture.queue, 1, 0);
    CHECK(virtqueue_publish(&fixture.queue));
    virtqueue_push(&fixture.queue, 2, 0);
    CHECK(!virtqueue_publish(&fixture.queue));
    fixture_destroy(&fixture);
}

static void the_no_interrupt_flag_is_heeded(void)
{
    struct fixture fixture;
    fixture_create(&fixture, false, false);
    struct driver_buffer buffer = {guest_allocate(&fixture.guest, 64), 64, true};
    for (unsigned round = 0; round < 2; round++) {
        fixture.driver.available[0] = (uint16_t)round;
        (void)driver_add(&fixture.driver, &buffer, 1);
        CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
        virtqueue_push(&fixture.queue, chain.head, 0);
        CHECK_EQUAL(virtqueue_publish(&fixture.queue), round == 0);
    }
    fixture_destroy(&fixture);
}

static void copies_follow_the_segments(void)
{
    uint8_t memory[3][8] = {"abcdefg", "hijklmn", "opqrstu"};
    struct virtqueue_segment segments[] = {{memory[0], 3}, {memory[1], 1}, {memory[2], 7}};
    char out[16] = "";
    CHECK_EQUAL(virtqueue_copy_out(segments, 3, 0, out, 11), 11);
    CHECK(strcmp(out, "abchopqrstu") == 0);
    CHECK_EQUAL(virtqueue_copy_out(segments, 3, 3, out, 2), 2);
    CHECK(memcmp(out, "ho", 2) == 0);
    CHECK_EQUAL(virtqueue_copy_out(segments, 3, 10, out, 16), 1);
    CHECK_EQUAL(virtqueue_copy_out(segments, 3, 11, out, 16), 0);
    CHECK_EQUAL(virtqueue_copy_out(segments, 0, 0, out, 16), 0);
    CHECK_EQUAL(virtqueue_copy_in(segments, 3, 2, "XYZ", 3), 3);
    CHECK(memcmp(memory[0], "abXdefg", 7) == 0 && memory[1][0] == 'Y' && memory[2][0] == 'Z');
    CHECK_EQUAL(virtqueue_copy_in(segments, 3, 10, "12", 2), 1);
    CHECK(memory[2][6] == '1' && memory[2][7] == '\0');
}

/* --- Hostile drivers --- */

static void the_queue_is_broken(struct fixture *fixture)
{
    CHECK_EQUAL(virtqueue_pop(&fixture->queue, &chain), VIRTQUEUE_BROKEN);
    CHECK_EQUAL(virtqueue_pop(&fixture->queue, &chain), VIRTQUEUE_BROKEN);
    virtqueue_push(&fixture->queue, 0, 1);
    CHECK(!virtqueue_publish(&fixture->queue));
    CHECK(virtqueue_wait(&fixture->queue));
    CHECK_EQUAL(fixture->driver.used[1], 0);
    fixture_destroy(fixture);
}

static void a_bad_chain_breaks_the_queue(const struct ring_descriptor *descriptors, unsigned count,
                                         bool indirect)
{
    struct fixture fixture;
    fixture_create(&fixture, true, indirect);
    memcpy(fixture.driver.descriptors, descriptors, count * sizeof(*descriptors));
    driver_offer(&fixture.driver, 0);
    the_queue_is_broken(&fixture);
}

#define OK_ADDRESS (GUEST_BASE + 0x1000)

static void bad_chains(void)
{
    struct ring_descriptor loop[] = {{OK_ADDRESS, 16, RING_NEXT, 1},
                                     {OK_ADDRESS, 16, RING_NEXT, 0}};
    a_bad_chain_breaks_the_queue(loop, 2, false);
    struct ring_descriptor self[] = {{OK_ADDRESS, 16, RING_NEXT, 0}};
    a_bad_chain_breaks_the_queue(self, 1, false);
    struct ring_descriptor next[] = {{OK_ADDRESS, 16, RING_NEXT, SIZE}};
    a_bad_chain_breaks_the_queue(next, 1, false);
    struct ring_descriptor far[] = {{OK_ADDRESS, 16, RING_NEXT, 0xffff}};
    a_bad_chain_breaks_the_queue(far, 1, false);
    struct ring_descriptor zero[] = {{OK_ADDRESS, 0, 0, 0}};
    a_bad_chain_breaks_the_queue(zero, 1, false);
    struct ring_descriptor below[] = {{GUEST_BASE - 1, 16, 0, 0}};
    a_bad_chain_breaks_the_queue(below, 1, false);
    struct ring_descriptor above[] = {{GUEST_BASE + GUEST_SIZE - 15, 16, 0, 0}};
    a_bad_chain_breaks_the_queue(above, 1, false);
    struct ring_descriptor wrap[] = {{UINT64_MAX - 7, 16, 0, 0}};
    a_bad_chain_breaks_the_queue(wrap, 1, false);
    struct ring_descriptor huge[] = {{GUEST_BASE, UINT32_MAX, RING_WRITE, 0}};
    a_bad_chain_breaks_the_queue(huge, 1, false);
    struct ring_descriptor mixed[] = {{OK_ADDRESS, 16, RING_NEXT | RING_WRITE, 1},
                                      {OK_ADDRESS, 16, 0, 0}};
    a_bad_chain_breaks_the_queue(mixed, 2, false);
    struct ring_descriptor unasked[] = {{OK_ADDRESS, 16, RING_INDIRECT, 0}};
    a_bad_chain_breaks_the_queue(unasked, 1, false);

    struct ring_descriptor odd[] = {{OK_ADDRESS, 24, RING_INDIRECT, 0}};
    a_bad_chain_breaks_the_queue(odd, 1, true);
    struct ring_descriptor empty[] = {{OK_ADDRESS, 0, RING_INDIRECT, 0}};
    a_bad_chain_breaks_the_queue(empty, 1, true);
    struct ring_descriptor both[] = {{OK_ADDRESS, 16, RING_INDIRECT | RING_NEXT, 1},
                                     {OK_ADDRESS, 16, 0, 0}};
    a_bad_chain_breaks_the_queue(both, 2, true);
    struct ring_descriptor outside[] = {{GUEST_BASE + GUEST_SIZE - 16, 32, RING_INDIRECT, 0}};
    a_bad_chain_breaks_the_queue(outside, 1, true);
    struct ring_descriptor nothing[] = {
        {OK_ADDRESS, 16, RING_INDIRECT, 0}}; /* a zero descriptor: length 0 */
    a_bad_chain_breaks_the_queue(nothing, 1, true);
}

static void a_bad_indirect_table_breaks_the_queue(const struct ring_descriptor *table,
                                                  unsigned count)
{
    struct fixture fixture;
    fixture_create(&fixture, true, true);
    uint64_t address = guest_allocate(&fixture.guest, count * sizeof(*table));
    memcpy(guest_at(&fixture.guest, address), table, count * sizeof(*table));
    fixture.driver.descriptors[0] =
        (struct ring_descriptor){.address = address, .length = count * 16, .flags = RING_INDIRECT};
    driver_offer(&fixture.driver, 0);
    the_queue_is_broken(&fixture);
}

static void bad_indirect_tables(void)
{
    struct ring_descriptor loop[] = {{OK_ADDRESS, 16, RING_NEXT, 1},
                                     {OK_ADDRESS, 16, RING_NEXT, 0}};
    a_bad_indirect_table_breaks_the_queue(loop, 2);
    struct ring_descriptor beyond[] = {{OK_ADDRESS, 16, RING_NEXT, 2}, {OK_ADDRESS, 16, 0, 0}};
    a_bad_indirect_table_breaks_the_queue(beyond, 2);
    struct ring_descriptor nested[] = {{OK_ADDRESS, 16, RING_INDIRECT, 0}};
    a_bad_indirect_table_breaks_the_queue(nested, 1);
    struct ring_descriptor longer[SIZE + 1];
    for (unsigned i = 0; i <= SIZE; i++) {
        longer[i] =
            (struct ring_descriptor){OK_ADDRESS, 16, i < SIZE ? RING_NEXT : 0, (uint16_t)(i + 1)};
    }
    a_bad_indirect_table_breaks_the_queue(longer, SIZE + 1);
}

static void a_chain_as_long_as_the_queue_is_allowed(void)
{
    struct fixture fixture;
    fixture_create(&fixture, true, true);
    struct driver_buffer buffers[SIZE];
    for (unsigned i = 0; i < SIZE; i++) {
        buffers[i] = (struct driver_buffer){OK_ADDRESS, 16, false};
    }
    (void)driver_add_indirect(&fixture.driver, buffers, SIZE);
    CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
    CHECK_EQUAL(chain.readable_count, SIZE);

    /* A table that is not even aligned, behind a direct descriptor (2.7.5.3.2). */
    uint64_t table = guest_allocate(&fixture.guest, 64) + 3;
    struct ring_descriptor entry = {OK_ADDRESS + 7, 9, RING_WRITE, 0};
    memcpy(guest_at(&fixture.guest, table), &entry, sizeof(entry));
    fixture.driver.descriptors[1] = (struct ring_descriptor){OK_ADDRESS, 1, RING_NEXT, 2};
    fixture.driver.descriptors[2] =
        (struct ring_descriptor){table, 16, RING_INDIRECT | RING_WRITE, 0};
    driver_offer(&fixture.driver, 1);
    CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
    CHECK_EQUAL(chain.readable_bytes, 1);
    CHECK_EQUAL(chain.writable_bytes, 9);
    fixture_destroy(&fixture);
}

static void impossible_available_indices_break_the_queue(void)
{
    struct fixture fixture;
    fixture_create(&fixture, true, false);
    fixture.driver.available[1] = SIZE + 1;
    the_queue_is_broken(&fixture);

    fixture_create(&fixture, true, false);
    fixture.driver.available[1] = 0xffff;
    the_queue_is_broken(&fixture);

    /* A head beyond the table. */
    fixture_create(&fixture, true, false);
    driver_offer(&fixture.driver, SIZE);
    the_queue_is_broken(&fixture);

    /* The same buffers again before they were given back. */
    fixture_create(&fixture, true, false);
    struct driver_buffer buffer = {OK_ADDRESS, 64, true};
    for (unsigned i = 0; i < SIZE; i++) {
        (void)driver_add(&fixture.driver, &buffer, 1);
        CHECK_EQUAL(virtqueue_pop(&fixture.queue, &chain), VIRTQUEUE_OK);
    }
    (void)driver_add(&fixture.driver, &buffer, 1);
    the_queue_is_broken(&fixture);
}

static void an_impossible_queue_is_not_enabled(uint16_t size, uint64_t descriptors,
                                               uint64_t available, uint64_t used)
{
    struct fixture fixture;
    fixture_create(&fixture, true, false);
    struct virtqueue *queue = &fixture.queue;
    virtqueue_reset(queue, &fixture.memory, 256);
    queue->size = size;
    queue->descriptor_address = descriptors;
    queue->available_address = available;
    queue->used_address = used;
    CHECK(!virtqueue_enable(queue, true, true));
    CHECK_EQUAL(virtqueue_pop(queue, &chain), VIRTQUEUE_BROKEN);
    CHECK(virtqueue_wait(queue));
    fixture_destroy(&fixture);
}

static void impossible_queues_are_not_enabled(void)
{
    uint64_t ok = GUEST_BASE + 0x2000, end = GUEST_BASE + GUEST_SIZE;
    an_impossible_queue_is_not_enabled(0, ok, ok, ok);
    an_impossible_queue_is_not_enabled(3, ok, ok, ok);
    an_impossible_queue_is_not_enabled(512, ok, ok, ok);
    an_impossible_queue_is_not_enabled(0x8000, ok, ok, ok);
    an_impossible_queue_is_not_enabled(8, ok + 8, ok, ok);
    an_impossible_queue_is_not_enabled(8, ok, ok + 1, ok);
    an_impossible_queue_is_not_enabled(8, ok, ok, ok + 2);
    an_impossible_queue_is_not_enabled(8, end - 112, ok, ok);
    an_impossible_queue_is_not_enabled(8, ok, end - 20, ok);
    an_impossible_queue_is_not_enabled(8, ok, ok, end - 68);
    an_impossible_queue_is_not_enabled(8, 0, 0, 0);
}

int main(void)
{
    chains_come_whole_and_in_order(false);
    chains_come_whole_and_in_order(true);
    a_full_queue_is_taken_and_given_back_out_of_order();
    notifications_follow_the_event_indices();
    the_no_interrupt_flag_is_heeded();
    copies_follow_the_segments();
    bad_chains();
    bad_indirect_tables();
    a_chain_as_long_as_the_queue_is_allowed();
    impossible_available_indices_break_the_queue();
    impossible_queues_are_not_enabled();
    return 0;
}
