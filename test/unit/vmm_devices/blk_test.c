/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio block device, from a guest's driver through PCI, queue and channel to a volume in
 * memory and back. */
#include "domains/vmm/virtio_blk.h"

#include <string.h>

#include "domains/vmm/memory_map.h"
#include "domains/vmm/pci.h"
#include "libs/virtio/pci.h"
#include "test/unit/check.h"
#include "test/unit/vmm_devices/block_service.h"
#include "test/unit/vmm_devices/driver.h"

#define MESSAGE   200u
#define BAR       GUEST_PCI_WINDOW32_BASE
#define F_RO      (UINT64_C(1) << 5)
#define F_FLUSH   (UINT64_C(1) << 9)
#define ALL       (DRIVER_FEATURE_EVENT_IDX | F_FLUSH)
#define UNTOUCHED 0xa5

enum {
    IN = 0,
    OUT = 1,
    FLUSH = 4,
    GET_ID = 8
};
enum {
    OK = 0,
    IO_ERROR = 1,
    UNSUPPORTED = 2
};

struct fixture {
    struct vm *vm;
    struct pci_bus bus;
    struct virtio_pci pci;
    struct virtio_blk blk;
    struct block_service service;
    struct pci_driver driver;
};

struct options {
    uint32_t entries;
    uint64_t data_size;
    bool read_only;
    uint64_t features;
};

static const struct options usual = {.entries = 128, .data_size = 256 * 1024, .features = ALL};

static struct fixture *fixture_new(const struct options *options)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    CHECK(fixture != NULL);
    fixture->vm = machine_new();
    block_service_create(&fixture->service, fixture->vm, "disk0", options->entries,
                         options->data_size, options->read_only);
    CHECK(pci_bus_create(&fixture->bus, fixture->vm));
    CHECK(virtio_blk_create(&fixture->blk, fixture->vm, fixture->service.service.resource));
    struct pci_endpoint_host host;
    struct pci_slot *slot = pci_bus_next(&fixture->bus, &host);
    CHECK(virtio_pci_init(&fixture->pci, &fixture->blk.device, &host));
    pci_slot_fill(slot, &fixture->pci.endpoint);
    pci_driver_find(&fixture->driver, fixture->vm, 1, BAR, MESSAGE);
    pci_driver_start(&fixture->driver, options->features, 1, 256);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    CHECK_EQUAL(bh_block_client_in_flight(&fixture->blk.client), 0);
    CHECK_EQUAL(fixture->blk.pages.free_count, fixture->blk.pages.count);
    unsigned free_count = 0;
    for (struct virtio_blk_request *request = fixture->blk.free; request != NULL;
         request = request->next_free) {
        free_count++;
    }
    CHECK_EQUAL(free_count, VIRTIO_BLK_REQUESTS);
    block_service_destroy(&fixture->service);
    machine_free(fixture->vm);
    free(fixture);
}

struct request {
    uint64_t header, data, status;
    uint32_t length;
    uint16_t head;
};

/* Makes a request available in three parts, the data in pieces of at most `part` bytes. */
static struct request add(struct fixture *fixture, uint32_t type, uint64_t sector, uint32_t length,
                          uint32_t part)
{
    struct guest *guest = &fixture->vm->guest;
    struct request request = {.header = guest_allocate(guest, 16), .length = length};
    request.data = guest_allocate(guest, length + 1); /* and a byte that is to stay */
    request.status = guest_allocate(guest, 1);
    memcpy(guest_at(guest, request.header), &(uint32_t[]){type, 0}, 8);
    memcpy(guest_at(guest, request.header + 8), &sector, 8);
    *(uint8_t *)guest_at(guest, request.data + length) = UNTOUCHED;
    *(uint8_t *)guest_at(guest, request.status) = UNTOUCHED;
    struct driver_buffer buffers[256] = {{request.header, 16, false}};
    unsigned count = 1;
    for (uint32_t done = 0; done < length; done += part) {
        CHECK(count < 255);
        uint32_t size = length - done < part ? length - done : part;
        buffers[count++] = (struct driver_buffer){request.data + done, size, type != OUT};
    }
    buffers[count++] = (struct driver_buffer){request.status, 1, true};
    request.head = driver_add(&fixture->driver.queue[0], buffers, count);
    return request;
}

static uint8_t status_of(struct fixture *fixture, const struct request *request)
{
    CHECK_EQUAL(*(uint8_t *)guest_at(&fixture->vm->guest, request->data + request->length),
                UNTOUCHED);
    return *(uint8_t *)guest_at(&fixture->vm->guest, request->status);
}

static void expect(struct fixture *fixture, const struct request *request, uint8_t status,
                   uint32_t written)
{
    uint32_t head, length;
    CHECK(driver_take(&fixture->driver.queue[0], &head, &length));
    CHECK_EQUAL(head, request->head);
    CHECK_EQUAL(length, written);
    CHECK_EQUAL(status_of(fixture, request), status);
}

static void nothing_used(struct fixture *fixture)
{
    uint32_t head, length;
    CHECK(!driver_take(&fixture->driver.queue[0], &head, &length));
}

static void kick(struct fixture *fixture)
{
    pci_driver_kick(&fixture->driver, 0);
}

static uint8_t *disk(struct fixture *fixture, uint64_t sector)
{
    return fixture->service.volume + sector * 512;
}

static void the_configuration_tells_of_the_volume(void)
{
    struct fixture *fixture = fixture_new(&usual);
    CHECK_EQUAL(machine_read(fixture->vm, GUEST_PCI_ECAM_BASE + 0x8000, 4), 0x10421af4);
    CHECK_EQUAL(pci_driver_configuration(&fixture->driver, 0, 8), VOLUME_SECTORS);
    CHECK_EQUAL(pci_driver_configuration(&fixture->driver, 12, 4), 254);
    CHECK_EQUAL(pci_driver_configuration(&fixture->driver, 20, 4), 512);
    CHECK_EQUAL(pci_driver_offered(&fixture->driver) & F_RO, 0);
    fixture_free(fixture);

    struct options options = usual;
    options.read_only = true;
    fixture = fixture_new(&options);
    CHECK_EQUAL(pci_driver_offered(&fixture->driver) & F_RO, F_RO);
    struct request write = add(fixture, OUT, 0, 512, 512);
    kick(fixture);
    expect(fixture, &write, IO_ERROR, 1);
    fixture_free(fixture);
}

static void data_goes_there_and_back(const struct options *options, uint32_t length, uint32_t part)
{
    struct fixture *fixture = fixture_new(options);
    struct guest *guest = &fixture->vm->guest;
    driver_interrupt_after(&fixture->driver.queue[0], 0);
    struct request read = add(fixture, IN, 3, length, part);
    kick(fixture);
    expect(fixture, &read, OK, length + 1);
    CHECK(memcmp(guest_at(guest, read.data), disk(fixture, 3), length) == 0);
    CHECK_EQUAL(pci_driver_interrupts(&fixture->driver, 0), 1);

    struct request write = add(fixture, OUT, 100, length, part);
    for (uint32_t i = 0; i < length; i++) {
        ((uint8_t *)guest_at(guest, write.data))[i] = (uint8_t)(i * 31 >> 3);
    }
    kick(fixture);
    expect(fixture, &write, OK, 1);
    CHECK(memcmp(guest_at(guest, write.data), disk(fixture, 100), length) == 0);
    nothing_used(fixture);
    CHECK_EQUAL(fixture->vm->statistics.block.read_bytes, length);
    CHECK_EQUAL(fixture->vm->statistics.block.write_operations, 1);
    fixture_free(fixture);
}

static void a_small_read_costs_one_signal_and_one_interrupt(void)
{
    struct fixture *fixture = fixture_new(&usual);
    struct request request = add(fixture, IN, 0, 4096, 4096);
    unsigned signals = fixture->service.service.signals;
    kick(fixture);
    expect(fixture, &request, OK, 4097);
    CHECK_EQUAL(fixture->service.service.signals, signals + 1);
    CHECK_EQUAL(fixture->service.service.wakes,
                0); /* the answer was there when the signal returned */
    CHECK_EQUAL(pci_driver_interrupts(&fixture->driver, 0), 1);

    /* A batch costs the same. */
    driver_interrupt_after(&fixture->driver.queue[0], 0);
    for (unsigned i = 0; i < 16; i++) {
        (void)add(fixture, IN, i, 4096, 4096);
    }
    kick(fixture);
    CHECK_EQUAL(fixture->service.service.signals, signals + 2);
    CHECK_EQUAL(pci_driver_interrupts(&fixture->driver, 0), 2);

    /* A driver that polls is not interrupted. */
    uint32_t head, length;
    while (driver_take(&fixture->driver.queue[0], &head, &length)) {
    }
    (void)add(fixture, IN, 0, 512, 512);
    driver_interrupt_after(&fixture->driver.queue[0], 10);
    kick(fixture);
    CHECK(driver_take(&fixture->driver.queue[0], &head, &length));
    CHECK_EQUAL(pci_driver_interrupts(&fixture->driver, 0), 2);
    fixture_free(fixture);
}

static void framing_does_not_matter(void)
{
    struct fixture *fixture = fixture_new(&usual);
    struct guest *guest = &fixture->vm->guest;
    struct driver_queue *queue = &fixture->driver.queue[0];
    uint64_t memory = guest_allocate(guest, 4096);
    uint64_t sector = 9;
    uint32_t head, length;

    /* Read: the header in three parts, data and status in one. */
    memset(guest_at(guest, memory), 0, 16);
    memcpy(guest_at(guest, memory + 8), &sector, 8);
    struct driver_buffer read[] = {{memory, 1, false},
                                   {memory + 1, 8, false},
                                   {memory + 9, 7, false},
                                   {memory + 64, 513, true}};
    (void)driver_add(queue, read, 4);
    kick(fixture);
    CHECK(driver_take(queue, &head, &length));
    CHECK_EQUAL(length, 513);
    CHECK(memcmp(guest_at(guest, memory + 64), disk(fixture, 9), 512) == 0);
    CHECK_EQUAL(*(uint8_t *)guest_at(guest, memory + 64 + 512), OK);

    /* Write: header and data in one, and more writable room than the status needs: the last byte is
     * it. */
    *(uint32_t *)guest_at(guest, memory) = OUT;
    memset(guest_at(guest, memory + 16), 0x77, 512);
    memset(guest_at(guest, memory + 1024), UNTOUCHED, 4);
    struct driver_buffer write[] = {
        {memory, 528, false}, {memory + 1024, 1, true}, {memory + 1025, 2, true}};
    (void)driver_add(queue, write, 3);
    kick(fixture);
    CHECK(driver_take(queue, &head, &length));
    CHECK_EQUAL(*disk(fixture, 9), 0x77);
    CHECK_EQUAL(*(uint8_t *)guest_at(guest, memory + 1025), UNTOUCHED);
    CHECK_EQUAL(*(uint8_t *)guest_at(guest, memory + 1026), OK);
    fixture_free(fixture);
}

static void other_requests_are_answered(void)
{
    struct fixture *fixture = fixture_new(&usual);
    struct request id = add(fixture, GET_ID, 0, 20, 20);
    struct request flush = add(fixture, FLUSH, 0, 0, 1);
    struct request unknown = add(fixture, 77, 0, 512, 512);
    struct request short_id = add(fixture, GET_ID, 0, 5, 5);
    kick(fixture);
    expect(fixture, &id, OK, 21);
    CHECK(memcmp(guest_at(&fixture->vm->guest, id.data), "a-volume\0\0", 10) == 0);
    expect(fixture, &unknown, UNSUPPORTED, 1);
    expect(fixture, &short_id, OK, 6);
    expect(fixture, &flush, OK, 1);
    CHECK_EQUAL(fixture->service.flushes, 1);
    fixture_free(fixture);
}

static void a_bad_request_is_answered_with_an_error(uint32_t type, uint64_t sector, uint32_t length)
{
    struct fixture *fixture = fixture_new(&usual);
    struct request request = add(fixture, type, sector, length, 65536);
    unsigned requests = fixture->service.requests;
    kick(fixture);
    expect(fixture, &request, IO_ERROR, type == IN ? 0 : 1);
    CHECK_EQUAL(fixture->service.requests, requests);
    CHECK_EQUAL(fixture->vm->statistics.block.errors, 1);
    fixture_free(fixture);
}

static void bad_requests_are_answered_with_errors(void)
{
    a_bad_request_is_answered_with_an_error(IN, 0, 0);
    a_bad_request_is_answered_with_an_error(OUT, 0, 0);
    a_bad_request_is_answered_with_an_error(IN, 0, 511);
    a_bad_request_is_answered_with_an_error(OUT, 0, 513);
    a_bad_request_is_answered_with_an_error(IN, VOLUME_SECTORS, 512);
    a_bad_request_is_answered_with_an_error(OUT, VOLUME_SECTORS - 1, 1024);
    a_bad_request_is_answered_with_an_error(IN, UINT64_MAX, 512);
    a_bad_request_is_answered_with_an_error(OUT, UINT64_MAX - 1, 1024);
}

static void errors_of_the_service_reach_the_guest(void)
{
    struct fixture *fixture = fixture_new(&usual);
    fixture->service.fail = 1;
    struct request read = add(fixture, IN, 0, 512, 512);
    kick(fixture);
    expect(fixture, &read, IO_ERROR, 0);

    /* One piece of many. */
    fixture->service.fail = 1;
    struct request write = add(fixture, OUT, 0, 1 << 20, 65536);
    kick(fixture);
    expect(fixture, &write, IO_ERROR, 1);
    fixture_free(fixture);
}

static void a_chain_that_is_no_request_needs_a_reset(uint32_t readable, uint32_t writable)
{
    struct fixture *fixture = fixture_new(&usual);
    uint64_t memory = guest_allocate(&fixture->vm->guest, 64);
    struct driver_buffer buffers[2];
    unsigned count = 0;
    if (readable != 0) {
        buffers[count++] = (struct driver_buffer){memory, readable, false};
    }
    if (writable != 0) {
        buffers[count++] = (struct driver_buffer){memory, writable, true};
    }
    (void)driver_add(&fixture->driver.queue[0], buffers, count);
    kick(fixture);
    CHECK_EQUAL(pci_driver_status(&fixture->driver), 15 | 64);
    CHECK_EQUAL(fixture->vm->messages[MESSAGE], 1); /* the change of configuration */
    nothing_used(fixture);

    pci_driver_start(&fixture->driver, ALL, 1, 128);
    struct request request = add(fixture, IN, 0, 512, 512);
    kick(fixture);
    expect(fixture, &request, OK, 513);
    fixture_free(fixture);
}

/* A model of the disk beside the device, requests at random, more than fit anywhere. */
static void many_requests_keep_their_data(const struct options *options, unsigned rounds)
{
    enum {
        BATCH = 12,
        AREA = 128
    };
    struct fixture *fixture = fixture_new(options);
    struct guest *guest = &fixture->vm->guest;
    uint8_t *model = malloc(VOLUME_SECTORS * 512);
    CHECK(model != NULL);
    memcpy(model, fixture->service.volume, VOLUME_SECTORS * 512);
    fixture->service.service.deferred = true;
    uint64_t mark = guest->used;
    uint32_t random = 11;
    for (unsigned round = 0; round < rounds; round++) {
        struct request requests[BATCH];
        uint32_t types[BATCH];
        bool done[BATCH] = {0};
        guest->used = mark;
        for (unsigned i = 0; i < BATCH; i++) {
            random = random * 1664525u + 1013904223u;
            types[i] = (random >> 9) % 2;
            uint32_t length = ((random >> 12) % AREA + 1) * 512;
            uint64_t sector = i * AREA; /* no two of a batch meet */
            requests[i] = add(fixture, types[i], sector, length, 4096 + (random >> 20) % 2 * 60000);
            if (types[i] == OUT) {
                memset(guest_at(guest, requests[i].data), (int)(random >> 24), length);
                memset(model + sector * 512, (int)(random >> 24), length);
            }
            if (i % 5 == 0) {
                kick(fixture);
            }
        }
        kick(fixture);
        unsigned done_count = 0;
        for (unsigned turn = 0; done_count < BATCH; turn++) {
            CHECK(turn < 10000); /* else a request is lost */
            block_service_run(&fixture->service.service);
            uint32_t head, length;
            while (driver_take(&fixture->driver.queue[0], &head, &length)) {
                unsigned i = 0;
                while (i < BATCH && (requests[i].head != head || done[i])) {
                    i++;
                }
                CHECK(i < BATCH);
                done[i] = true;
                done_count++;
                CHECK_EQUAL(status_of(fixture, &requests[i]), OK);
                CHECK_EQUAL(length, types[i] == IN ? requests[i].length + 1 : 1);
                if (types[i] == IN) {
                    CHECK(memcmp(guest_at(guest, requests[i].data), model + i * AREA * 512,
                                 requests[i].length) == 0);
                }
            }
        }
    }
    CHECK(memcmp(model, fixture->service.volume, VOLUME_SECTORS * 512) == 0);
    free(model);
    fixture_free(fixture);
}

static void a_reset_leaves_guest_memory_alone(void)
{
    struct fixture *fixture = fixture_new(&usual);
    struct guest *guest = &fixture->vm->guest;
    fixture->service.service.deferred = true;
    struct request small = add(fixture, IN, 0, 4096, 4096);
    struct request large = add(fixture, IN, 0, 1 << 20, 65536); /* waits for room */
    struct request write = add(fixture, OUT, 50, 512, 512);
    memset(guest_at(guest, small.data), UNTOUCHED, 4096);
    memset(guest_at(guest, large.data), UNTOUCHED, 1 << 20);
    kick(fixture);
    CHECK(fixture->blk.waiting != NULL);
    pci_driver_reset(&fixture->driver);
    block_service_run(&fixture->service.service);
    CHECK_EQUAL(status_of(fixture, &small), UNTOUCHED);
    CHECK_EQUAL(status_of(fixture, &large), UNTOUCHED);
    CHECK_EQUAL(status_of(fixture, &write), UNTOUCHED);
    for (unsigned i = 0; i < 1 << 20; i++) {
        CHECK_EQUAL(((uint8_t *)guest_at(guest, large.data))[i], UNTOUCHED);
    }
    nothing_used(fixture);
    CHECK_EQUAL(fixture->vm->messages[MESSAGE + 1], 0);

    /* Answers to the old driver's requests that come late do not confuse the new one. */
    pci_driver_start(&fixture->driver, ALL, 1, 256);
    struct request before = add(fixture, IN, 7, 512, 512);
    kick(fixture);
    pci_driver_start(&fixture->driver, ALL, 1, 256);
    struct request after = add(fixture, IN, 8, 512, 512);
    kick(fixture);
    block_service_run(&fixture->service.service);
    CHECK_EQUAL(status_of(fixture, &before), UNTOUCHED);
    expect(fixture, &after, OK, 513);
    nothing_used(fixture);
    fixture_free(fixture);
}

static void a_restarted_service_is_not_noticed(void)
{
    struct fixture *fixture = fixture_new(&usual);
    struct guest *guest = &fixture->vm->guest;
    fixture->service.hold = true;
    struct request read = add(fixture, IN, 20, 4096, 4096);
    struct request write = add(fixture, OUT, 60, 8192, 4096);
    memset(guest_at(guest, write.data), 0x33, 8192);
    struct request flush = add(fixture, FLUSH, 0, 0, 1);
    struct request large = add(fixture, IN, 0, 1 << 20, 65536);
    kick(fixture);
    nothing_used(fixture);

    /* It dies with them, and the region's contents are lost. */
    CHECK(service_detach(&fixture->service.service));
    fixture->service.held_count = 0;
    memset(fixture->service.service.memory, 0xcc, fixture->service.service.resource->size);
    struct request later = add(fixture, IN, 1, 512, 512);
    kick(fixture);
    nothing_used(fixture);

    fixture->service.hold = false;
    service_attach(&fixture->service.service);
    uint32_t head, length;
    for (unsigned i = 0; i < 5; i++) {
        CHECK(driver_take(&fixture->driver.queue[0], &head, &length));
    }
    nothing_used(fixture);
    CHECK_EQUAL(status_of(fixture, &read), OK);
    CHECK_EQUAL(status_of(fixture, &write), OK);
    CHECK_EQUAL(status_of(fixture, &flush), OK);
    CHECK_EQUAL(status_of(fixture, &large), OK);
    CHECK_EQUAL(status_of(fixture, &later), OK);
    CHECK(memcmp(guest_at(guest, read.data), disk(fixture, 20), 4096) == 0);
    CHECK(memcmp(guest_at(guest, write.data), disk(fixture, 60), 8192) == 0);
    CHECK(memcmp(guest_at(guest, later.data), disk(fixture, 1), 512) == 0);

    /* An epoch that changes without a detachment that was seen. */
    fixture->service.hold = true;
    read = add(fixture, IN, 20, 4096, 4096);
    kick(fixture);
    fixture->service.held_count = 0;
    fixture->service.hold = false;
    service_attach(&fixture->service.service);
    expect(fixture, &read, OK, 4097);
    fixture_free(fixture);
}

static void a_lying_service_harms_nobody(void)
{
    struct fixture *fixture = fixture_new(&usual);
    fixture->service.hold = true;
    struct request read = add(fixture, IN, 20, 4096, 4096);
    kick(fixture);
    uint64_t id = fixture->service.held[0].id;
    block_service_answer(&fixture->service, id + 1, BH_BLOCK_OK);
    service_publish(&fixture->service.service);
    block_service_answer(&fixture->service, id, BH_BLOCK_OK);
    service_publish(&fixture->service.service);
    nothing_used(fixture);
    (void)add(fixture, IN, 20, 4096, 4096); /* takes its place, waits */
    kick(fixture);

    CHECK(service_detach(&fixture->service.service));
    fixture->service.held_count = 0;
    service_attach(&fixture->service.service);
    CHECK_EQUAL(fixture->service.held_count, 2);

    /* Impossible ring indices. */
    fixture->service.service.channel.complete.shared->produced = 1000000;
    machine_signal(fixture->vm, fixture->service.service.resource->bits);
    fixture->service.service.channel.submit.shared->consumed = 1000000;
    struct request more = add(fixture, IN, 0, 512, 512);
    kick(fixture);
    nothing_used(fixture);

    fixture->service.hold = false;
    fixture->service.held_count = 0;
    CHECK(service_detach(&fixture->service.service));
    service_attach(&fixture->service.service);
    uint32_t head, length;
    for (unsigned i = 0; i < 3; i++) {
        CHECK(driver_take(&fixture->driver.queue[0], &head, &length));
    }
    CHECK_EQUAL(status_of(fixture, &read), OK);
    CHECK_EQUAL(status_of(fixture, &more), OK);
    fixture_free(fixture);
}

static void without_flush_each_write_is_durable(void)
{
    struct options options = usual;
    options.features = DRIVER_FEATURE_EVENT_IDX;
    struct fixture *fixture = fixture_new(&options);
    struct request write = add(fixture, OUT, 5, 8192, 4096);
    kick(fixture);
    expect(fixture, &write, OK, 1);
    CHECK_EQUAL(fixture->service.flushes, 1);
    CHECK_EQUAL(fixture->service.unflushed, 0);
    struct request read = add(fixture, IN, 5, 512, 512);
    kick(fixture);
    expect(fixture, &read, OK, 513);
    CHECK_EQUAL(fixture->service.flushes, 1);
    fixture_free(fixture);
}

int main(void)
{
    the_configuration_tells_of_the_volume();
    struct options tiny = usual, plain = usual;
    plain.features = F_FLUSH;
    tiny.entries = 2;
    tiny.data_size = 4096;
    data_goes_there_and_back(&usual, 4096, 4096);
    data_goes_there_and_back(&usual, 131072, 4096);
    data_goes_there_and_back(&usual, 1 << 20, 8192);
    data_goes_there_and_back(&usual, 1 << 20, 1 << 20);
    data_goes_there_and_back(&usual, 3 << 19, 1 << 19);
    data_goes_there_and_back(&usual, 65536, 1000);
    data_goes_there_and_back(&usual, 131072, 4096);
    data_goes_there_and_back(&plain, 4096, 512);
    data_goes_there_and_back(&tiny, 65536, 4096);
    a_small_read_costs_one_signal_and_one_interrupt();
    framing_does_not_matter();
    other_requests_are_answered();
    bad_requests_are_answered_with_errors();
    errors_of_the_service_reach_the_guest();
    a_chain_that_is_no_request_needs_a_reset(15, 1);
    a_chain_that_is_no_request_needs_a_reset(16, 0);
    a_chain_that_is_no_request_needs_a_reset(0, 17);
    many_requests_keep_their_data(&usual, 100);
    many_requests_keep_their_data(&tiny, 4);
    struct options few = usual;
    few.entries = 8;
    many_requests_keep_their_data(&few, 10);
    a_reset_leaves_guest_memory_alone();
    a_restarted_service_is_not_noticed();
    a_lying_service_harms_nobody();
    without_flush_each_write_is_durable();
    return 0;
}
