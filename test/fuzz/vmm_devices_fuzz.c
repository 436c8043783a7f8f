/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's disk, network and entropy devices between a hostile guest, who writes registers and
 * memory, and hostile services, who write rings. A prelude brings the devices up, so that inputs
 * need not find that by themselves.
 */
#include "domains/vmm/memory_map.h"
#include "domains/vmm/pci.h"
#include "domains/vmm/virtio_blk.h"
#include "domains/vmm/virtio_net.h"
#include "domains/vmm/virtio_rng.h"
#include "libs/virtio/pci.h"
#include "test/fuzz/input.h"
#include "test/unit/vmm_devices/machine.h"

#define F_FLUSH    (UINT64_C(1) << 9)
#define F_INDIRECT (UINT64_C(1) << 28)
#define DEVICES    3u
#define BAR(n)     (GUEST_PCI_WINDOW32_BASE + 0x10000u * (n))
#define CONFIG(n)  (GUEST_PCI_ECAM_BASE + 0x8000u * ((n) + 1))
#define QUEUE      8u

/* Each queue has a page of guest memory: descriptors, available ring, used ring, then data. */
#define QUEUE_PAGE(device, queue) (GUEST_BASE + 0x1000u * (2 * (device) + (queue)))
#define AVAILABLE                 0x100u
#define USED                      0x200u
#define DATA                      0x400u
#define FUZZED                    (0x1000u * 2 * DEVICES) /* bytes of guest memory that inputs write */

struct world {
    struct vm *vm;
    struct pci_bus bus;
    struct virtio_pci pci[DEVICES];
    struct virtio_blk blk;
    struct virtio_net net;
    struct virtio_rng rng;
    struct service service[2];
};

static void do_nothing(struct service *service)
{
    (void)service;
}

static void plug(struct world *world, unsigned number, struct virtio_device *device)
{
    struct pci_endpoint_host host;
    struct pci_slot *slot = pci_bus_next(&world->bus, &host);
    HOLDS(virtio_pci_init(&world->pci[number], device, &host));
    pci_slot_fill(slot, &world->pci[number].endpoint);
}

static void bring_up(struct world *world, unsigned number, unsigned queues, uint64_t features)
{
    struct vm *vm = world->vm;
    uint64_t bar = BAR(number);
    machine_write(vm, CONFIG(number) + 0x10, 4, bar);
    machine_write(vm, CONFIG(number) + 0x18, 4, bar + 0x8000);
    machine_write(vm, CONFIG(number) + 4, 2, 6);
    machine_write(vm, bar + 0x14, 1, 0);
    machine_write(vm, bar + 0x08, 4, 0);
    machine_write(vm, bar + 0x0c, 4, features);
    machine_write(vm, bar + 0x08, 4, 1);
    machine_write(vm, bar + 0x0c, 4, 1);
    machine_write(vm, bar + 0x14, 1, 11);
    for (unsigned i = 0; i < queues; i++) {
        machine_write(vm, bar + 0x16, 2, i);
        machine_write(vm, bar + 0x18, 2, QUEUE);
        machine_write(vm, bar + 0x20, 8, QUEUE_PAGE(number, i));
        machine_write(vm, bar + 0x28, 8, QUEUE_PAGE(number, i) + AVAILABLE);
        machine_write(vm, bar + 0x30, 8, QUEUE_PAGE(number, i) + USED);
        machine_write(vm, bar + 0x1c, 2, 1);
    }
    machine_write(vm, bar + 0x14, 1, 15);
}

/* Everything by vector 0. */
static void enable_messages(struct world *world, unsigned number)
{
    machine_write(world->vm, BAR(number) + 0x8000, 8, GUEST_MSI_ADDRESS);
    machine_write(world->vm, BAR(number) + 0x800c, 4, 0);
    uint64_t capability = machine_read(world->vm, CONFIG(number) + 0x34, 1);
    machine_write(world->vm, CONFIG(number) + capability + 2, 2, 0x8000);
    machine_write(world->vm, BAR(number) + 0x10, 2, 0);
    for (unsigned i = 0; i < 2; i++) {
        machine_write(world->vm, BAR(number) + 0x16, 2, i);
        machine_write(world->vm, BAR(number) + 0x1a, 2, 0);
    }
}

static struct world *world_new(uint64_t features)
{
    struct world *world = calloc(1, sizeof(*world));
    HOLDS(world != NULL);
    world->vm = machine_new();
    struct bh_channel_geometry block = {16, sizeof(struct bh_block_request),
                                        sizeof(struct bh_block_response), 0, 16384};
    struct bh_channel_geometry net = {8, sizeof(struct bh_net_request),
                                      sizeof(struct bh_net_response), 0, 16384};
    service_create(&world->service[0], world->vm, "disk0", BH_PROTOCOL_BLOCK, &block, do_nothing);
    service_create(&world->service[1], world->vm, "net0", BH_PROTOCOL_NET, &net, do_nothing);
    world->service[0].resource->argument[0] = 1000;
    HOLDS(pci_bus_create(&world->bus, world->vm));
    HOLDS(virtio_blk_create(&world->blk, world->vm, world->service[0].resource));
    HOLDS(virtio_net_create(&world->net, world->vm, world->service[1].resource));
    HOLDS(virtio_rng_create(&world->rng, world->vm));
    plug(world, 0, &world->blk.device);
    plug(world, 1, &world->net.device);
    plug(world, 2, &world->rng.device);
    bring_up(world, 0, 1, features & ~F_INDIRECT);
    bring_up(world, 1, 2, features & ~F_FLUSH);
    bring_up(world, 2, 1, features & ~(F_FLUSH | F_INDIRECT));
    return world;
}

static void world_free(struct world *world)
{
    for (uint32_t i = 0; i < VIRTIO_BLK_REQUESTS; i++) {
        struct virtio_blk_request *request = &world->blk.request[i];
        if (request->segments != request->inline_segments) {
            free(request->segments);
        }
    }
    service_destroy(&world->service[0]);
    service_destroy(&world->service[1]);
    machine_free(world->vm);
    free(world);
}

static void write_memory(struct world *world, struct input *input)
{
    uint64_t place = input_take(input, 2) % FUZZED;
    size_t length = input_byte(input) % 32 + 1u;
    for (size_t i = 0; i < length && place + i < FUZZED && input->size != 0; i++) {
        world->vm->guest.memory[place + i] = input_byte(input);
    }
}

static void make_available(uint8_t *page, uint16_t head)
{
    uint16_t index;
    memcpy(&index, page + AVAILABLE + 2, 2);
    memcpy(page + AVAILABLE + 4 + 2 * (index % QUEUE), &head, 2);
    index++;
    memcpy(page + AVAILABLE + 2, &index, 2);
}

static uint8_t *queue_page(struct world *world, unsigned device, unsigned queue)
{
    return world->vm->guest.memory + (QUEUE_PAGE(device, queue) - GUEST_BASE);
}

/* Makes a chain of plausible descriptors available. */
static void offer(struct world *world, unsigned device, unsigned queue, struct input *input)
{
    uint8_t *page = queue_page(world, device, queue);
    unsigned head = input_byte(input) % QUEUE;
    unsigned count = input_byte(input) % 4 + 1;
    for (unsigned i = 0; i < count; i++) {
        struct ring_descriptor descriptor = {
            .address = QUEUE_PAGE(device, queue) + DATA + input_byte(input) * 4u,
            .length = (uint32_t)input_byte(input) * (input_byte(input) % 5),
            .flags = (uint16_t)((input_byte(input) & RING_WRITE) | (i + 1 < count ? RING_NEXT : 0)),
            .next = (uint16_t)((head + i + 1) % QUEUE)};
        memcpy(page + 16 * ((head + i) % QUEUE), &descriptor, sizeof(descriptor));
    }
    make_available(page, (uint16_t)head);
}

/* A disk request in order: header, data, status. */
static void offer_request(struct world *world, struct input *input)
{
    static const uint32_t types[] = {0, 1, 0, 1, 4, 8};
    uint8_t *page = queue_page(world, 0, 0);
    unsigned head = input_byte(input) % QUEUE;
    uint32_t type = types[input_byte(input) % 6];
    uint64_t sector = input_byte(input) * 4u;
    uint64_t memory = QUEUE_PAGE(0, 0) + DATA;
    uint16_t data_flags = type == 1 ? RING_NEXT : RING_NEXT | RING_WRITE;
    uint32_t length = (input_byte(input) % 48 + 1) * 512u; /* into the pages behind */
    struct ring_descriptor descriptors[3] = {
        {memory, 16, RING_NEXT, (uint16_t)((head + 1) % QUEUE)},
        {memory + 64, length < 0x7000 ? length : 512, data_flags, (uint16_t)((head + 2) % QUEUE)},
        {memory + 32, 1, RING_WRITE, 0}};
    memcpy(page + DATA, &type, 4);
    memcpy(page + DATA + 8, &sector, 8);
    for (unsigned i = 0; i < 3; i++) {
        memcpy(page + 16 * ((head + i) % QUEUE), &descriptors[i], sizeof(descriptors[i]));
    }
    make_available(page, (uint16_t)head);
}

/* Answers what is in the ring rightly, or as the input has it. */
static void serve(struct service *service, struct input *input, bool honest)
{
    uint64_t request[4] = {0}, response[2] = {0};
    if (bh_ring_consume(&service->channel.submit, request) != BH_RING_OK && honest) {
        return;
    }
    (void)bh_ring_release(&service->channel.submit);
    response[0] = honest ? request[0] : request[0] ^ input_take(input, 8);
    response[1] =
        honest && service->resource->protocol == BH_PROTOCOL_BLOCK ? 0 : input_take(input, 8);
    if (honest && service->resource->protocol == BH_PROTOCOL_NET) {
        response[1] = (uint64_t)(14 + response[1] % 1505) << 32;
    }
    (void)bh_ring_produce(&service->channel.complete, response);
    service_publish(service);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t kind = input_byte(&input);
    uint64_t features = ((kind & 1) != 0 ? UINT64_C(1) << 29 : 0) |
                        ((kind & 2) != 0 ? F_INDIRECT : 0) | ((kind & 4) != 0 ? F_FLUSH : 0);
    struct world *world = world_new(features);
    for (unsigned i = 0; (kind & 8) != 0 && i < DEVICES; i++) {
        enable_messages(world, i);
    }
    while (input.size != 0) {
        uint8_t what = input_byte(&input);
        unsigned device = what >> 4 & 3;
        unsigned bytes = 1u << (what >> 6);
        struct service *service = &world->service[what >> 4 & 1];
        device = device < DEVICES ? device : 0;
        switch (what & 15) {
        case 0:
            write_memory(world, &input);
            break;
        case 1:
            offer_request(world, &input);
            break;
        case 2:
            offer(world, device, what >> 7 & 1, &input);
            break;
        case 3:
        case 4:
            machine_write(world->vm, BAR(device) + 0x3000 + 4 * (what >> 7 & 1), 2, 0);
            break;
        case 5:
            machine_write(world->vm, BAR(device) + input_take(&input, 2) % 0xa000 / bytes * bytes,
                          bytes, input_take(&input, 2));
            break;
        case 6:
            (void)machine_read(world->vm,
                               BAR(device) + input_take(&input, 2) % 0xa000 / bytes * bytes, bytes);
            break;
        case 7:
            machine_write(world->vm, CONFIG(device) + input_byte(&input) / bytes * bytes, bytes,
                          input_take(&input, 4));
            break;
        case 8:
        case 9:
        case 10:
            serve(service, &input, true);
            break;
        case 11:
            serve(service, &input, false);
            break;
        case 12:
            ((uint8_t *)service->memory)[input_take(&input, 2) % service->resource->size] =
                input_byte(&input);
            break;
        case 13:
            machine_signal(world->vm, service->resource->bits);
            break;
        case 14:
            if (service->resource->state == BH_RESOURCE_ATTACHED) {
                HOLDS(service_detach(service));
            }
            break;
        default:
            service_attach(service);
            break;
        }
        HOLDS(world->blk.pages.free_count <= world->blk.pages.count);
        HOLDS(world->net.free_count + world->net.receive_count <= world->net.buffer_count);
        HOLDS(world->net.held_count <= world->net.receive_count);
    }
    world_free(world);
    return 0;
}
