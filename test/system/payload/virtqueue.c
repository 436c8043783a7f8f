/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drives each of its virtio devices with queues and descriptors that break every rule of virtio 1.2
 * chapter 2.7, resets it after each, and at the end, when a disk is among them, reads a sector as
 * it should be done.
 */
#include "virtio.h"

#define INDIRECT      (UINT64_C(1) << 28)
#define VERSION_1     (UINT64_C(1) << 32)
#define RAM_SIZE      UINT64_C(0x1000000)
#define RANDOM_ROUNDS 300u

static struct queue_memory memory[2] __attribute__((aligned(4096)));
static struct descriptor table[VIRTIO_QUEUE_SIZE] __attribute__((aligned(4096)));
static uint8_t buffer[8192] __attribute__((aligned(4096)));

static uint64_t buffer_address(void)
{
    return (uint64_t)buffer;
}

static void start(const struct virtio_device *device, uint64_t features)
{
    virtio_reset(device);
    virtio_negotiate(device, features);
    virtio_queue_memory(device, 0, &memory[0]);
    virtio_queue_memory(device, 1, &memory[1]);
    virtio_go(device);
}

/* One request of three parts, as a disk wants it; every case then damages something. */
static void good_chain(struct descriptor *chain)
{
    for (unsigned i = 0; i < 16; i++) {
        ((volatile uint8_t *)buffer)[i] = 0;
    }
    chain[0] = (struct descriptor){buffer_address(), 16, DESCRIPTOR_NEXT, 1};
    chain[1] =
        (struct descriptor){buffer_address() + 4096, 512, DESCRIPTOR_NEXT | DESCRIPTOR_WRITE, 2};
    chain[2] = (struct descriptor){buffer_address() + 2048, 1, DESCRIPTOR_WRITE, 0};
}

#define CASES 22u

static void damage(unsigned number, struct descriptor *chain)
{
    switch (number) {
    case 0:
        chain[0].address = 0;
        break;
    case 1:
        chain[1].address = UINT64_MAX - 100;
        break;
    case 2:
        chain[1].address = RAM_BASE + RAM_SIZE - 256;
        break;
    case 3:
        chain[1].length = UINT32_MAX;
        break;
    case 4:
        chain[1].length = 0;
        break;
    case 5:
        chain[0].length = 3;
        break;
    case 6:
        chain[2].length = 0;
        break;
    case 7:
        chain[0].next = 0;
        break;
    case 8:
        chain[2].flags |= DESCRIPTOR_NEXT;
        chain[2].next = 1;
        break;
    case 9:
        chain[1].next = VIRTIO_QUEUE_SIZE;
        break;
    case 10:
        chain[1].next = UINT16_MAX;
        break;
    case 11:
        chain[0].flags |= DESCRIPTOR_WRITE;
        chain[1].flags = DESCRIPTOR_NEXT;
        break;
    case 12:
        chain[0].flags = 0;
        break;
    case 13:
        chain[1].address = PL011_BASE;
        break;
    case 14:
        chain[1].address = (uint64_t)&memory[0]; /* the device's data over its own queue */
        chain[1].length = sizeof(memory[0]) & ~511u;
        break;
    case 15:
        chain[0] = (struct descriptor){(uint64_t)table, sizeof(table) - 1, DESCRIPTOR_INDIRECT, 0};
        break;
    case 16:
        chain[0] = (struct descriptor){(uint64_t)table, 0, DESCRIPTOR_INDIRECT, 0};
        break;
    case 17:
        chain[0] = (struct descriptor){(uint64_t)table, UINT32_MAX & ~15u, DESCRIPTOR_INDIRECT, 0};
        break;
    case 18:
        chain[0] =
            (struct descriptor){RAM_BASE + RAM_SIZE - 16, sizeof(table), DESCRIPTOR_INDIRECT, 0};
        break;
    case 19:
        table[0] = (struct descriptor){(uint64_t)table, sizeof(table), DESCRIPTOR_INDIRECT, 0};
        chain[0] = table[0];
        break;
    case 20:
        table[0] = (struct descriptor){buffer_address(), 16, DESCRIPTOR_NEXT, 0};
        chain[0] = (struct descriptor){(uint64_t)table, sizeof(table),
                                       DESCRIPTOR_INDIRECT | DESCRIPTOR_WRITE, 0};
        break;
    default:
        ((volatile uint32_t *)buffer)[2] = UINT32_MAX; /* the sector */
        ((volatile uint32_t *)buffer)[3] = UINT32_MAX;
        break;
    }
}

static void bad_descriptors(const struct virtio_device *device)
{
    for (unsigned number = 0; number < CASES; number++) {
        for (unsigned queue = 0; queue < 2; queue++) {
            start(device, VERSION_1 | INDIRECT);
            good_chain(memory[queue].descriptor);
            damage(number, memory[queue].descriptor);
            virtio_offer(device, queue, &memory[queue], 0);
            (void)virtio_status(device);
            virtio_offer(device, queue, &memory[queue], 0);
        }
    }
}

static void bad_indices(const struct virtio_device *device)
{
    static const uint16_t ahead[] = {VIRTIO_QUEUE_SIZE + 1, 1000, 0x7fff, 0xffff};
    for (unsigned i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        start(device, VERSION_1 | INDIRECT);
        good_chain(memory[0].descriptor);
        memory[0].available[1] = ahead[i];
        virtio_notify(device, 0);
        start(device, VERSION_1 | INDIRECT);
        good_chain(memory[0].descriptor);
        virtio_offer(device, 0, &memory[0], (uint16_t)(VIRTIO_QUEUE_SIZE * (i + 1)));
    }
    for (unsigned i = 0; i < 70000; i += 257) {
        write_any(device->notify, 1, i);
        write_any(device->notify + device->notify_multiplier * (i % 16), 1, i);
    }
}

static void bad_queues(const struct virtio_device *device)
{
    static const unsigned size[] = {0, 3, 1, 0x8000, 0xffff, VIRTIO_QUEUE_SIZE};
    static const uint64_t place[] = {
        0,          1,         RAM_BASE + 1,    RAM_BASE + RAM_SIZE - 16,
        PL011_BASE, ECAM_BASE, UINT64_MAX - 15, UINT64_C(1) << 63};
    for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
        for (unsigned j = 0; j < sizeof(place) / sizeof(place[0]); j++) {
            for (unsigned part = 0; part < 3; part++) {
                virtio_reset(device);
                virtio_negotiate(device, VERSION_1);
                virtio_queue(device, 0, size[i],
                             part == 0 ? place[j] : (uint64_t)memory[0].descriptor,
                             part == 1 ? place[j] : (uint64_t)memory[0].available,
                             part == 2 ? place[j] : (uint64_t)memory[0].used);
                virtio_go(device);
                virtio_notify(device, 0);
            }
        }
    }
    virtio_reset(device);
    virtio_notify(device, 0); /* without anything */
    virtio_go(device);        /* without features */
    virtio_notify(device, 1);
    virtio_queue(device, 0xffff, 8, 0, 0, 0);
}

static void random_descriptors(const struct virtio_device *device)
{
    for (unsigned round = 0; round < RANDOM_ROUNDS; round++) {
        if (round % 16 == 0) {
            start(device, VERSION_1 | (random_next() & INDIRECT));
        }
        unsigned queue = random_next() % 2;
        for (unsigned i = 0; i < VIRTIO_QUEUE_SIZE; i++) {
            uint64_t random = random_next();
            memory[queue].descriptor[i] = (struct descriptor){
                .address = (random & 7) == 0 ? random_next()
                                             : buffer_address() + (random >> 8) % sizeof(buffer),
                .length = (random & 0x30) == 0 ? (uint32_t)random_next()
                                               : (uint32_t)(random >> 20) % 1024,
                .flags = (uint16_t)(random >> 32 & 7),
                .next = (uint16_t)((random >> 36) % (VIRTIO_QUEUE_SIZE + 1))};
        }
        virtio_offer(device, queue, &memory[queue], (uint16_t)(random_next() % VIRTIO_QUEUE_SIZE));
    }
}

/* True: a request as it should be is served. */
static bool works(const struct virtio_device *device)
{
    start(device, VERSION_1);
    if (device->type == VIRTIO_BLOCK) {
        good_chain(memory[0].descriptor);
        ((volatile uint8_t *)buffer)[2048] = 0xff;
    } else {
        memory[0].descriptor[0] = (struct descriptor){buffer_address(), 64, DESCRIPTOR_WRITE, 0};
    }
    virtio_offer(device, 0, &memory[0], 0);
    uint64_t end = milliseconds() + 10000;
    while (memory[0].used[1] == 0) {
        if (milliseconds() > end) {
            return false;
        }
    }
    return device->type != VIRTIO_BLOCK || ((volatile uint8_t *)buffer)[2048] == 0;
}

int main(void)
{
    put("begin\n");
    for (unsigned number = 1; number < 8; number++) {
        struct virtio_device device;
        if (!virtio_find(number, &device)) {
            continue;
        }
        put_line("type", device.type);
        bad_queues(&device);
        bad_indices(&device);
        bad_descriptors(&device);
        random_descriptors(&device);
        if (device.type == VIRTIO_BLOCK || device.type == VIRTIO_ENTROPY) {
            put(works(&device) ? "works again\n" : "does not work any more\n");
        }
        virtio_reset(&device);
    }
    put_line("exceptions", exception_count.count);
    put("end\n");
    return 0;
}
