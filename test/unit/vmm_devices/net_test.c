/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio network device, from a guest's driver to a port of a pretended switch and back. */
#include "domains/vmm/virtio_net.h"

#include <string.h>

#include "domains/vmm/memory_map.h"
#include "domains/vmm/pci.h"
#include "libs/virtio/pci.h"
#include "test/unit/check.h"
#include "test/unit/vmm_devices/driver.h"

#define MESSAGE 300u
#define HEADER  12u
#define ENTRIES 64u
#define DATA    (64u * 1024u) /* 32 buffers: 16 each way */

enum {
    RX = 0,
    TX = 1
};

/* The switch: keeps what it is sent, and sends what the test wants. */
struct port {
    struct service service; /* first */
    struct bh_net_request empty[ENTRIES];
    unsigned empty_count;
    struct bh_net_request sent[ENTRIES]; /* not yet answered */
    unsigned sent_count;
    unsigned frames;
    uint8_t last[BH_NET_FRAME_MAX];
    uint32_t last_length;
    bool hold; /* answer nothing that is sent */
};

struct fixture {
    struct vm *vm;
    struct pci_bus bus;
    struct virtio_pci pci;
    struct virtio_net net;
    struct port port;
    struct pci_driver driver;
};

static void answer(struct port *port, const struct bh_net_request *request, uint32_t status,
                   uint32_t length)
{
    struct bh_net_response response = {
        .id = request->id, .operation = request->operation, .status = status, .length = length};
    CHECK_EQUAL(bh_ring_produce(&port->service.channel.complete, &response), BH_RING_OK);
}

static void port_run(struct service *service)
{
    struct port *port = (struct port *)service;
    struct bh_net_request request;
    do {
        while (bh_ring_consume(&service->channel.submit, &request) == BH_RING_OK) {
            CHECK(bh_channel_range_ok(&service->channel, request.offset, request.length));
            if (request.operation == BH_NET_RECEIVE) {
                CHECK(request.length >= BH_NET_FRAME_MAX && port->empty_count < ENTRIES);
                port->empty[port->empty_count++] = request;
                continue;
            }
            CHECK_EQUAL(request.operation, BH_NET_TRANSMIT);
            CHECK(request.length >= BH_NET_FRAME_MIN && request.length <= BH_NET_FRAME_MAX);
            port->frames++;
            port->last_length = request.length;
            memcpy(port->last, service->channel.data + request.offset, request.length);
            if (port->hold) {
                port->sent[port->sent_count++] = request;
            } else {
                answer(port, &request, BH_NET_OK, 0);
            }
        }
        (void)bh_ring_release(&service->channel.submit);
    } while (!bh_ring_consumer_sleep(&service->channel.submit));
    service_publish(service);
}

static void port_answer_sent(struct port *port)
{
    while (port->sent_count != 0) {
        answer(port, &port->sent[--port->sent_count], BH_NET_OK, 0);
    }
    service_publish(&port->service);
}

/* A frame of `length` bytes that begin with `mark`. False: no buffer, the frame is dropped. */
static bool port_send(struct port *port, uint8_t mark, uint32_t length)
{
    if (port->empty_count == 0) {
        port_run(&port->service); /* a switch looks at the ring before it drops */
    }
    if (port->empty_count == 0) {
        return false;
    }
    struct bh_net_request request = port->empty[--port->empty_count];
    memset(port->service.channel.data + request.offset, mark, length);
    answer(port, &request, BH_NET_OK, length);
    service_publish(&port->service);
    return true;
}

static struct fixture *fixture_new(uint64_t features)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    CHECK(fixture != NULL);
    fixture->vm = machine_new();
    struct bh_channel_geometry geometry = {.entries = ENTRIES,
                                           .submit_size = sizeof(struct bh_net_request),
                                           .complete_size = sizeof(struct bh_net_response),
                                           .data_size = DATA};
    service_create(&fixture->port.service, fixture->vm, "net0", BH_PROTOCOL_NET, &geometry,
                   port_run);
    fixture->port.service.resource->argument[0] = UINT64_C(0x525400123456);
    CHECK(pci_bus_create(&fixture->bus, fixture->vm));
    CHECK(virtio_net_create(&fixture->net, fixture->vm, fixture->port.service.resource));
    struct pci_endpoint_host host;
    struct pci_slot *slot = pci_bus_next(&fixture->bus, &host);
    CHECK(virtio_pci_init(&fixture->pci, &fixture->net.device, &host));
    pci_slot_fill(slot, &fixture->pci.endpoint);
    pci_driver_find(&fixture->driver, fixture->vm, 1, GUEST_PCI_WINDOW32_BASE, MESSAGE);
    pci_driver_start(&fixture->driver, features, 2, 64);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    service_destroy(&fixture->port.service);
    machine_free(fixture->vm);
    free(fixture);
}

static void add_receive(struct fixture *fixture, uint32_t length)
{
    struct driver_buffer buffer = {guest_allocate(&fixture->vm->guest, length), length, true};
    (void)driver_add(&fixture->driver.queue[RX], &buffer, 1);
}

/* What the driver received next begins with `mark`. */
static void expect_received(struct fixture *fixture, uint8_t mark, uint32_t length)
{
    struct driver_queue *queue = &fixture->driver.queue[RX];
    uint32_t head, written;
    CHECK(driver_take(queue, &head, &written));
    CHECK_EQUAL(written, length + HEADER);
    const uint8_t *frame = guest_at(&fixture->vm->guest, queue->descriptors[head].address);
    for (unsigned i = 0; i < HEADER; i++) {
        CHECK_EQUAL(frame[i], i == 10 ? 1 : 0); /* num_buffers */
    }
    CHECK(frame[HEADER] == mark && frame[HEADER + length - 1] == mark);
}

static void nothing_received(struct fixture *fixture)
{
    uint32_t head, written;
    CHECK(!driver_take(&fixture->driver.queue[RX], &head, &written));
}

static void transmit(struct fixture *fixture, uint8_t mark, uint32_t length)
{
    struct guest *guest = &fixture->vm->guest;
    uint64_t frame = guest_allocate(guest, HEADER + length + 1);
    memset(guest_at(guest, frame), 0, HEADER);
    memset(guest_at(guest, frame + HEADER), mark, length);
    struct driver_buffer buffers[] = {{frame, HEADER, false}, {frame + HEADER, length, false}};
    unsigned count = length != 0 ? 2 : 1;
    if ((fixture->driver.features & DRIVER_FEATURE_INDIRECT) != 0) {
        (void)driver_add_indirect(&fixture->driver.queue[TX], buffers, count);
    } else {
        (void)driver_add(&fixture->driver.queue[TX], buffers, count);
    }
}

static unsigned transmitted(struct fixture *fixture)
{
    uint32_t head, written;
    unsigned count = 0;
    while (driver_take(&fixture->driver.queue[TX], &head, &written)) {
        count++;
    }
    return count;
}

static void the_configuration_has_the_address(void)
{
    struct fixture *fixture = fixture_new(DRIVER_FEATURE_EVENT_IDX);
    CHECK_EQUAL(machine_read(fixture->vm, GUEST_PCI_ECAM_BASE + 0x8000, 4), 0x10411af4);
    static const uint8_t mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQUAL(pci_driver_configuration(&fixture->driver, i, 1), mac[i]);
    }
    fixture_free(fixture);
}

static void frames_go_out_whole(uint64_t features)
{
    struct fixture *fixture = fixture_new(features);
    static const uint32_t lengths[] = {14, 60, 1514, 1518};
    for (unsigned i = 0; i < 4; i++) {
        transmit(fixture, (uint8_t)(i + 1), lengths[i]);
        pci_driver_kick(&fixture->driver, TX);
        CHECK_EQUAL(fixture->port.frames, i + 1);
        CHECK_EQUAL(fixture->port.last_length, lengths[i]);
        CHECK(fixture->port.last[0] == i + 1 && fixture->port.last[lengths[i] - 1] == i + 1);
        CHECK_EQUAL(transmitted(fixture), 1);
    }
    CHECK_EQUAL(fixture->vm->statistics.net.write_operations, 4);

    /* The guest loses frames of impossible lengths, nobody else. */
    static const uint32_t bad[] = {0, 1, 13, 1519, 20000};
    for (unsigned i = 0; i < 5; i++) {
        transmit(fixture, 9, bad[i]);
    }
    pci_driver_kick(&fixture->driver, TX);
    CHECK_EQUAL(fixture->port.frames, 4);
    CHECK_EQUAL(transmitted(fixture), 5);
    CHECK_EQUAL(fixture->vm->statistics.net.errors, 5);
    fixture_free(fixture);
}

static void frames_wait_for_buffers(void)
{
    struct fixture *fixture = fixture_new(DRIVER_FEATURE_EVENT_IDX);
    fixture->port.hold = true;
    for (unsigned i = 0; i < 20; i++) {
        transmit(fixture, (uint8_t)i, 100);
        pci_driver_kick(&fixture->driver, TX);
    }
    CHECK_EQUAL(fixture->port.frames, 16); /* all buffers */
    CHECK_EQUAL(transmitted(fixture), 16);
    fixture->port.hold = false;
    port_answer_sent(&fixture->port);
    CHECK_EQUAL(fixture->port.frames, 20);
    CHECK_EQUAL(fixture->port.last[0], 19);
    CHECK_EQUAL(transmitted(fixture), 4);
    transmit(fixture, 50, 100);
    pci_driver_kick(&fixture->driver, TX); /* kicks are wanted again */
    CHECK_EQUAL(fixture->port.last[0], 50);
    fixture_free(fixture);
}

static void a_frame_that_is_none_needs_a_reset(uint32_t readable, uint32_t writable)
{
    struct fixture *fixture = fixture_new(0);
    uint64_t memory = guest_allocate(&fixture->vm->guest, 64);
    struct driver_buffer buffers[] = {{memory, readable, false}, {memory, writable, true}};
    (void)driver_add(&fixture->driver.queue[TX], buffers, writable != 0 ? 2 : 1);
    pci_driver_kick(&fixture->driver, TX);
    CHECK_EQUAL(pci_driver_status(&fixture->driver), 15 | 64);
    CHECK_EQUAL(fixture->port.frames, 0);
    fixture_free(fixture);
}

static void frames_come_in_in_order(uint64_t features)
{
    struct fixture *fixture = fixture_new(features);
    for (unsigned i = 0; i < 4; i++) {
        add_receive(fixture, 1530);
    }
    pci_driver_kick(&fixture->driver, RX);
    CHECK(port_send(&fixture->port, 1, 60));
    CHECK(port_send(&fixture->port, 2, 1518));
    CHECK_EQUAL(pci_driver_interrupts(&fixture->driver, RX),
                (features & DRIVER_FEATURE_EVENT_IDX) != 0 ? 1 : 2);
    expect_received(fixture, 1, 60);
    expect_received(fixture, 2, 1518);
    nothing_received(fixture);

    /* More than the guest has buffers for waits for it; more than the port has is dropped by the
     * switch. */
    unsigned sent = 0;
    while (sent < 100 && port_send(&fixture->port, (uint8_t)(10 + sent), 64)) {
        sent++;
    }
    CHECK_EQUAL(sent, 2 + 16);
    expect_received(fixture, 10, 64);
    expect_received(fixture, 11, 64);
    nothing_received(fixture);
    for (unsigned i = 0; i < 16; i++) {
        add_receive(fixture, 1530);
    }
    pci_driver_kick(&fixture->driver, RX); /* wanted, as frames wait */
    for (unsigned i = 2; i < sent; i++) {
        expect_received(fixture, (uint8_t)(10 + i), 64);
    }
    CHECK(port_send(&fixture->port, 99, 64)); /* buffers have come back */
    fixture_free(fixture);
}

static void empty_buffers_alone_wake_nobody(void)
{
    struct fixture *fixture = fixture_new(DRIVER_FEATURE_EVENT_IDX);
    for (unsigned i = 0; i < 32; i++) {
        add_receive(fixture, 1530);
    }
    pci_driver_kick(&fixture->driver, RX);
    unsigned signals = fixture->port.service.signals;
    for (unsigned i = 0; i < 4; i++) {
        CHECK(port_send(&fixture->port, 1, 64));
    }
    CHECK_EQUAL(fixture->port.service.signals, signals);
    CHECK(port_send(&fixture->port, 1, 64));
    CHECK_EQUAL(fixture->port.service.signals, signals + 1);
    fixture_free(fixture);
}

static void buffers_that_do_not_fit_harm_the_guest_alone(void)
{
    struct fixture *fixture = fixture_new(0);
    add_receive(fixture, 100);
    pci_driver_kick(&fixture->driver, RX);
    CHECK(port_send(&fixture->port, 1, 89));
    nothing_received(fixture);
    CHECK_EQUAL(fixture->vm->statistics.net.dropped, 1);
    CHECK(port_send(&fixture->port, 2, 88));
    expect_received(fixture, 2, 88);

    uint64_t memory = guest_allocate(&fixture->vm->guest, 64);
    struct driver_buffer readable = {memory, 64, false};
    (void)driver_add(&fixture->driver.queue[RX], &readable, 1);
    CHECK(port_send(&fixture->port, 3, 60));
    CHECK_EQUAL(pci_driver_status(&fixture->driver), 15 | 64);
    CHECK(port_send(&fixture->port, 4, 60)); /* held, for nobody */

    pci_driver_start(&fixture->driver, 0, 2, 64);
    add_receive(fixture, 1530);
    pci_driver_kick(&fixture->driver, RX);
    nothing_received(fixture); /* old frames are gone */
    CHECK(port_send(&fixture->port, 5, 60));
    expect_received(fixture, 5, 60);
    fixture_free(fixture);
}

static void a_restarted_switch_is_not_noticed(void)
{
    struct fixture *fixture = fixture_new(DRIVER_FEATURE_EVENT_IDX);
    fixture->port.hold = true;
    for (unsigned i = 0; i < 8; i++) {
        add_receive(fixture, 1530);
    }
    pci_driver_kick(&fixture->driver, RX);
    transmit(fixture, 1, 60);
    pci_driver_kick(&fixture->driver, TX);
    CHECK_EQUAL(fixture->port.frames, 1);
    CHECK(service_detach(&fixture->port.service));
    transmit(fixture, 2, 60);
    pci_driver_kick(&fixture->driver, TX);
    CHECK_EQUAL(transmitted(fixture), 1);

    fixture->port.empty_count = fixture->port.sent_count = fixture->port.frames = 0;
    service_attach(&fixture->port.service);
    CHECK_EQUAL(fixture->port.frames, 2); /* the unanswered one again, and the new one */
    CHECK_EQUAL(fixture->port.last[0], 2);
    CHECK_EQUAL(transmitted(fixture), 1);
    CHECK_EQUAL(fixture->port.empty_count, 16);
    CHECK(port_send(&fixture->port, 7, 60));
    expect_received(fixture, 7, 60);
    port_answer_sent(&fixture->port);
    CHECK_EQUAL(fixture->net.free_count, 16);
    fixture_free(fixture);
}

enum lie {
    LIE_REPEATED,
    LIE_UNKNOWN,
    LIE_TOO_LONG,
    LIE_TOO_SHORT,
    LIE_STATUS,
    LIE_INDEX,
    LIE_COUNT
};

static void a_lying_switch_harms_nobody(enum lie lie)
{
    struct fixture *fixture = fixture_new(0);
    struct port *port = &fixture->port;
    for (unsigned i = 0; i < 8; i++) {
        add_receive(fixture, 1530);
    }
    pci_driver_kick(&fixture->driver, RX);
    CHECK(port_send(port, 1, 60));
    expect_received(fixture, 1, 60);
    struct bh_net_request request = port->empty[port->empty_count - 1];
    switch (lie) {
    case LIE_REPEATED:
        answer(port, &request, BH_NET_OK, 60);
        answer(port, &request, BH_NET_OK, 60);
        break;
    case LIE_UNKNOWN:
        request.id = 0xffffffff;
        answer(port, &request, BH_NET_OK, 60);
        break;
    case LIE_TOO_LONG:
        answer(port, &request, BH_NET_OK, 4096);
        break;
    case LIE_TOO_SHORT:
        answer(port, &request, BH_NET_OK, 0);
        break;
    case LIE_STATUS:
        answer(port, &request, 77, 60);
        break;
    default:
        port->service.channel.complete.index += 1000;
        break;
    }
    service_publish(&port->service);
    CHECK(bh_channel_broken(&fixture->net.channel));
    transmit(fixture, 3, 60);
    pci_driver_kick(&fixture->driver, TX);
    CHECK_EQUAL(port->frames, 0);

    CHECK(service_detach(&port->service));
    port->empty_count = 0;
    service_attach(&port->service);
    CHECK_EQUAL(port->frames, 1);
    uint32_t head, written;
    while (driver_take(&fixture->driver.queue[RX], &head, &written)) {
    }
    CHECK(port_send(port, 9, 60));
    expect_received(fixture, 9, 60);
    fixture_free(fixture);
}

int main(void)
{
    the_configuration_has_the_address();
    frames_go_out_whole(DRIVER_FEATURE_EVENT_IDX);
    frames_go_out_whole(DRIVER_FEATURE_INDIRECT);
    frames_go_out_whole(0);
    frames_wait_for_buffers();
    a_frame_that_is_none_needs_a_reset(11, 0);
    a_frame_that_is_none_needs_a_reset(60, 12);
    frames_come_in_in_order(DRIVER_FEATURE_EVENT_IDX);
    frames_come_in_in_order(0);
    empty_buffers_alone_wake_nobody();
    buffers_that_do_not_fit_harm_the_guest_alone();
    a_restarted_switch_is_not_noticed();
    for (enum lie lie = 0; lie < LIE_COUNT; lie++) {
        a_lying_switch_harms_nobody(lie);
    }
    return 0;
}
