/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/vmm/pci.h"

#include "domains/vmm/memory_map.h"

#define ABSENT UINT32_MAX

static bool inside(uint64_t address, uint64_t size, uint64_t base, uint64_t window)
{
    return address >= base && size <= window && address - base <= window - size;
}

static bool in_windows(uint64_t address, uint64_t size)
{
    return inside(address, size, GUEST_PCI_WINDOW32_BASE, GUEST_PCI_WINDOW32_SIZE) ||
           inside(address, size, GUEST_PCI_WINDOW64_BASE, GUEST_PCI_WINDOW64_SIZE);
}

/* Whether a BAR shall be on the bus, and where. */
static bool wanted(const struct pci_slot *slot, unsigned bar, uint64_t *address)
{
    return pci_endpoint_bar_address(slot->endpoint, bar, address) &&
           in_windows(*address, slot->endpoint->bar[bar].size);
}

static void unmap_stale(struct pci_slot *slot)
{
    for (unsigned i = 0; i < PCI_ENDPOINT_BARS; i++) {
        uint64_t address;
        if (slot->mapped[i] && (!wanted(slot, i, &address) || address != slot->address[i])) {
            (void)vm_mmio_remove(slot->bus->vm, slot->address[i]);
            slot->mapped[i] = false;
        }
    }
}

static void map_missing(struct pci_slot *slot)
{
    for (unsigned i = 0; i < PCI_ENDPOINT_BARS; i++) {
        const struct pci_endpoint_bar *bar = &slot->endpoint->bar[i];
        struct mmio_region region = {
            .size = bar->size, .read = bar->read, .write = bar->write, .device = bar->device};
        if (!slot->mapped[i] && wanted(slot, i, &region.base)) {
            slot->mapped[i] = vm_mmio_add(slot->bus->vm, &region);
            slot->address[i] = region.base;
        }
    }
}

/* One that found its place taken before may find it free now: all slots are looked at. */
static void bars_moved(void *context)
{
    struct pci_slot *moved = context;
    struct pci_bus *bus = moved->bus;
    unmap_stale(moved);
    for (unsigned i = 0; i < bus->used; i++) {
        if (bus->slot[i].endpoint != NULL) {
            map_missing(&bus->slot[i]);
        }
    }
}

static void send_message(void *context, uint64_t address, uint32_t data)
{
    const struct pci_slot *slot = context;
    vm_raise_msi(slot->bus->vm, address, data);
}

/* INTA of device d is line d % 4 (memory_map.h); devices share lines. */
static void drive_line(void *context, bool level)
{
    const struct pci_slot *slot = context;
    struct pci_bus *bus = slot->bus;
    unsigned line = slot->number % 4;
    if (level) {
        bus->asserting[line] |= 1u << slot->number;
    } else {
        bus->asserting[line] &= ~(1u << slot->number);
    }
    vm_set_irq_level(bus->vm, GUEST_INTID_PCI_INTX + line, bus->asserting[line] != 0);
}

struct ecam_target {
    struct pci_endpoint *endpoint; /* NULL: none there */
    uint32_t offset;
};

/* PCI Express 4.0 7.2.2: bits 15-19 the device, 12-14 the function, 0-11 the register. */
static struct ecam_target ecam_decode(const struct pci_bus *bus, uint64_t offset)
{
    unsigned device = offset >> 15 & (PCI_BUS_DEVICES - 1);
    unsigned function = offset >> 12 & 7;
    return (struct ecam_target){.endpoint = function == 0 ? bus->slot[device].endpoint : NULL,
                                .offset = (uint32_t)offset & 0xfff};
}

static uint32_t ecam_read_part(const struct pci_bus *bus, uint64_t offset, unsigned bytes)
{
    struct ecam_target target = ecam_decode(bus, offset);
    if (target.endpoint == NULL) {
        return ABSENT;
    }
    return target.offset < PCI_ENDPOINT_CONFIG_SIZE
               ? pci_endpoint_config_read(target.endpoint, target.offset, bytes)
               : 0;
}

static uint64_t ecam_read(void *device, uint64_t offset, unsigned bytes)
{
    const struct pci_bus *bus = device;
    if (bytes == 8) {
        return ecam_read_part(bus, offset, 4) | (uint64_t)ecam_read_part(bus, offset + 4, 4) << 32;
    }
    return ecam_read_part(bus, offset, bytes);
}

static void ecam_write_part(const struct pci_bus *bus, uint64_t offset, unsigned bytes,
                            uint32_t value)
{
    struct ecam_target target = ecam_decode(bus, offset);
    if (target.endpoint != NULL && target.offset < PCI_ENDPOINT_CONFIG_SIZE) {
        pci_endpoint_config_write(target.endpoint, target.offset, bytes, value);
    }
}

static void ecam_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    const struct pci_bus *bus = device;
    if (bytes == 8) {
        ecam_write_part(bus, offset, 4, (uint32_t)value);
        ecam_write_part(bus, offset + 4, 4, (uint32_t)(value >> 32));
    } else {
        ecam_write_part(bus, offset, bytes, (uint32_t)value);
    }
}

struct pci_slot *pci_bus_next(struct pci_bus *bus, struct pci_endpoint_host *host)
{
    if (bus->used == PCI_BUS_DEVICES) {
        return NULL;
    }
    struct pci_slot *slot = &bus->slot[bus->used];
    slot->bus = bus;
    slot->number = bus->used++;
    *host = (struct pci_endpoint_host){
        .message = send_message, .line = drive_line, .moved = bars_moved, .context = slot};
    return slot;
}

void pci_slot_fill(struct pci_slot *slot, struct pci_endpoint *endpoint)
{
    slot->endpoint = endpoint;
}

bool pci_bus_create(struct pci_bus *bus, struct vm *vm)
{
    *bus = (struct pci_bus){.vm = vm};
    /* The IDs of QEMU's generic host bridge, which stands at this place of its `virt` machine. */
    struct pci_endpoint_identity identity = {.vendor = 0x1b36,
                                             .device = 0x0008,
                                             .subsystem_vendor = 0x1af4,
                                             .subsystem = 0x1100,
                                             .class_code = 0x060000};
    struct pci_endpoint_host host;
    struct pci_slot *slot = pci_bus_next(bus, &host);
    pci_endpoint_init(&bus->bridge, &identity, &host, NULL);
    pci_slot_fill(slot, &bus->bridge);

    struct mmio_region ecam = {.base = GUEST_PCI_ECAM_BASE,
                               .size = GUEST_PCI_ECAM_SIZE,
                               .read = ecam_read,
                               .write = ecam_write,
                               .device = bus};
    return vm_mmio_add(vm, &ecam);
}
