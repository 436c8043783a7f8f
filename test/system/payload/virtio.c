/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio.h"

#define VIRTIO_VENDOR 0x1af4u

static uint64_t configuration_address(unsigned number, unsigned offset)
{
    return ECAM_BASE + 0x8000u * number + offset;
}

/* Puts the BARs of the device into its own megabytes of the window. */
static void place_bars(unsigned number, uint64_t bar[6], uint64_t size[6])
{
    uint64_t place = PCI_WINDOW + 0x1000000u * number;
    for (unsigned i = 0; i < 6; i++) {
        uint64_t at = configuration_address(number, 0x10 + 4 * i);
        bar[i] = size[i] = 0;
        write32(at, UINT32_MAX);
        uint32_t mask = read32(at);
        if (mask == 0 || (mask & 1) != 0) {
            continue;
        }
        size[i] = (~(uint64_t)(mask & ~15u) + 1) & UINT32_MAX;
        bar[i] = (place + size[i] - 1) & ~(size[i] - 1);
        place = bar[i] + size[i];
        write32(at, (uint32_t)bar[i]);
        if ((mask & 6) == 4) {
            write32(at + 4, 0);
            i++;
            bar[i] = size[i] = 0;
        }
    }
    write32(configuration_address(number, 4), 6); /* memory, bus master */
}

bool virtio_find(unsigned number, struct virtio_device *device)
{
    uint32_t id = read32(configuration_address(number, 0));
    if ((id & 0xffff) != VIRTIO_VENDOR) {
        return false;
    }
    uint64_t bar[6];
    uint64_t size[6];
    place_bars(number, bar, size);
    *device = (struct virtio_device){.type = (id >> 16) - 0x1040u};
    for (unsigned i = 0; i < 6; i++) {
        if (size[i] > device->bar_size) {
            device->bar = bar[i];
            device->bar_size = size[i];
        }
    }
    unsigned at = read32(configuration_address(number, 0x34)) & 0xfc;
    for (unsigned count = 0; at != 0 && count < 32; count++) {
        uint32_t head = read32(configuration_address(number, at));
        uint32_t place = read32(configuration_address(number, at + 4));
        uint64_t address = read32(configuration_address(number, at + 8));
        if ((head & 0xff) == 9 && (place & 7) < 6) {
            address += bar[place & 7];
            switch (head >> 24) {
            case 1:
                device->common = address;
                break;
            case 2:
                device->notify = address;
                device->notify_multiplier = read32(configuration_address(number, at + 16));
                break;
            case 3:
                device->isr = address;
                break;
            case 4:
                device->configuration = address;
                break;
            default:
                break;
            }
        }
        at = head >> 8 & 0xfc;
    }
    return device->common != 0 && device->notify != 0;
}

void virtio_reset(const struct virtio_device *device)
{
    write_any(device->common + 20, 0, 0);
    for (unsigned tries = 0; virtio_status(device) != 0 && tries < 1000; tries++) {
    }
}

void virtio_negotiate(const struct virtio_device *device, uint64_t wanted)
{
    write_any(device->common + 20, 0, 1);
    write_any(device->common + 20, 0, 3);
    for (uint32_t word = 0; word < 2; word++) {
        write32(device->common + 0, word);
        uint32_t offered = read32(device->common + 4);
        write32(device->common + 8, word);
        write32(device->common + 12, offered & (uint32_t)(wanted >> 32 * word));
    }
    write_any(device->common + 20, 0, 11);
}

void virtio_queue(const struct virtio_device *device, unsigned index, unsigned size,
                  uint64_t descriptors, uint64_t available, uint64_t used)
{
    write_any(device->common + 22, 1, index);
    write_any(device->common + 24, 1, size);
    uint64_t address[3] = {descriptors, available, used};
    for (unsigned i = 0; i < 3; i++) {
        write32(device->common + 32 + 8 * i, (uint32_t)address[i]);
        write32(device->common + 36 + 8 * i, (uint32_t)(address[i] >> 32));
    }
    write_any(device->common + 28, 1, 1);
}

void virtio_queue_memory(const struct virtio_device *device, unsigned index,
                         struct queue_memory *memory)
{
    volatile uint64_t *word = (volatile uint64_t *)memory;
    for (size_t i = 0; i < sizeof(*memory) / sizeof(*word); i++) {
        word[i] = 0;
    }
    virtio_queue(device, index, VIRTIO_QUEUE_SIZE, (uint64_t)memory->descriptor,
                 (uint64_t)memory->available, (uint64_t)memory->used);
}

void virtio_go(const struct virtio_device *device)
{
    write_any(device->common + 20, 0, 15);
}

uint8_t virtio_status(const struct virtio_device *device)
{
    return (uint8_t)read_any(device->common + 20, 0, 0);
}

void virtio_notify(const struct virtio_device *device, unsigned index)
{
    write_any(device->common + 22, 1, index);
    uint64_t offset = read_any(device->common + 30, 1, 0);
    write_any(device->notify + offset * device->notify_multiplier, 1, index);
}

void virtio_offer(const struct virtio_device *device, unsigned index, struct queue_memory *memory,
                  uint16_t head)
{
    uint16_t at = memory->available[1];
    memory->available[2 + at % VIRTIO_QUEUE_SIZE] = head;
    __asm__ volatile("dmb ish" : : : "memory");
    memory->available[1] = (uint16_t)(at + 1);
    __asm__ volatile("dmb ish" : : : "memory");
    virtio_notify(device, index);
}
