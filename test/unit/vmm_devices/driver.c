/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/vmm_devices/driver.h"

#include "domains/vmm/memory_map.h"
#include "test/unit/check.h"

static uint8_t find_capability(struct pci_driver *driver, uint8_t id)
{
    uint64_t at = machine_read(driver->vm, driver->config + 0x34, 1);
    for (unsigned steps = 0; at != 0 && steps < 48; steps++) {
        if (machine_read(driver->vm, driver->config + at, 1) == id) {
            return (uint8_t)at;
        }
        at = machine_read(driver->vm, driver->config + at + 1, 1);
    }
    CHECK(!"capability");
    return 0;
}

void pci_driver_find(struct pci_driver *driver, struct vm *vm, unsigned device, uint64_t bar,
                     uint32_t first_message)
{
    *driver = (struct pci_driver){.vm = vm,
                                  .config = GUEST_PCI_ECAM_BASE + ((uint64_t)device << 15),
                                  .bar = bar,
                                  .msix = bar + 0x4000,
                                  .first_message = first_message};
    CHECK_EQUAL(machine_read(vm, driver->config, 2), 0x1af4);
    machine_write(vm, driver->config + 0x10, 4, driver->bar);
    machine_write(vm, driver->config + 0x18, 4, driver->msix);
    machine_write(vm, driver->config + 4, 2, 6);
    uint8_t msix = find_capability(driver, 0x11);
    unsigned vectors = (machine_read(vm, driver->config + msix + 2, 2) & 0x7ff) + 1;
    for (unsigned i = 0; i < vectors; i++) {
        machine_write(vm, driver->msix + 16 * i, 8, GUEST_MSI_ADDRESS);
        machine_write(vm, driver->msix + 16 * i + 8, 4, first_message + i);
        machine_write(vm, driver->msix + 16 * i + 12, 4, 0);
    }
    machine_write(vm, driver->config + msix + 2, 2, 0x8000);
}

uint8_t pci_driver_status(struct pci_driver *driver)
{
    return (uint8_t)machine_read(driver->vm, driver->bar + 0x14, 1);
}

void pci_driver_reset(struct pci_driver *driver)
{
    machine_write(driver->vm, driver->bar + 0x14, 1, 0);
    CHECK_EQUAL(pci_driver_status(driver), 0);
}

uint64_t pci_driver_offered(struct pci_driver *driver)
{
    machine_write(driver->vm, driver->bar, 4, 1);
    uint64_t high = machine_read(driver->vm, driver->bar + 4, 4);
    machine_write(driver->vm, driver->bar, 4, 0);
    return high << 32 | machine_read(driver->vm, driver->bar + 4, 4);
}

uint64_t pci_driver_configuration(struct pci_driver *driver, uint32_t offset, unsigned bytes)
{
    return machine_read(driver->vm, driver->bar + 0x2000 + offset, bytes);
}

static void start_queue(struct pci_driver *driver, unsigned index, uint16_t size)
{
    struct driver_queue *queue = &driver->queue[index];
    uint64_t bar = driver->bar;
    struct vm *vm = driver->vm;
    driver_queue_create(queue, &vm->guest, size,
                        (driver->features & DRIVER_FEATURE_EVENT_IDX) != 0);
    machine_write(vm, bar + 0x16, 2, index);
    machine_write(vm, bar + 0x18, 2, size);
    machine_write(vm, bar + 0x1a, 2, index + 1);
    machine_write(vm, bar + 0x20, 4, (uint32_t)queue->descriptor_address);
    machine_write(vm, bar + 0x24, 4, queue->descriptor_address >> 32);
    machine_write(vm, bar + 0x28, 4, (uint32_t)queue->available_address);
    machine_write(vm, bar + 0x2c, 4, queue->available_address >> 32);
    machine_write(vm, bar + 0x30, 8, queue->used_address);
    machine_write(vm, bar + 0x1c, 2, 1);
    CHECK_EQUAL(machine_read(vm, bar + 0x1c, 2), 1);
}

void pci_driver_start(struct pci_driver *driver, uint64_t features, unsigned queue_count,
                      uint16_t queue_size)
{
    struct vm *vm = driver->vm;
    pci_driver_reset(driver);
    machine_write(vm, driver->bar + 0x14, 1, 3);
    driver->features = features | DRIVER_FEATURE_VERSION_1;
    machine_write(vm, driver->bar + 0x08, 4, 0);
    machine_write(vm, driver->bar + 0x0c, 4, (uint32_t)driver->features);
    machine_write(vm, driver->bar + 0x08, 4, 1);
    machine_write(vm, driver->bar + 0x0c, 4, driver->features >> 32);
    machine_write(vm, driver->bar + 0x14, 1, 11);
    CHECK_EQUAL(pci_driver_status(driver), 11);
    machine_write(vm, driver->bar + 0x10, 2, 0);
    for (unsigned i = 0; i < queue_count; i++) {
        start_queue(driver, i, queue_size);
    }
    machine_write(vm, driver->bar + 0x14, 1, 15);
    CHECK_EQUAL(pci_driver_status(driver), 15);
}

void pci_driver_kick(struct pci_driver *driver, unsigned queue)
{
    if (driver_wants_kick(&driver->queue[queue])) {
        machine_write(driver->vm, driver->bar + 0x3000 + 4 * queue, 2, queue);
    }
}

unsigned pci_driver_interrupts(struct pci_driver *driver, unsigned queue)
{
    return driver->vm->messages[driver->first_message + 1 + queue];
}
