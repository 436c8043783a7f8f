/* SPDX-License-Identifier: BSD-2-Clause */
/* device.h's access to guest memory and to the bus and the GIC of the virtual machine. */

#include "domains/vmm/vm.h"

void *guest_memory(struct vm *vm, uint64_t ipa, uint64_t length)
{
    if (length == 0) {
        return NULL;
    }
    for (unsigned i = 0; i < vm->ram_count; i++) {
        const struct vm_ram *ram = &vm->ram[i];
        uint64_t offset = ipa - ram->ipa;
        if (offset < ram->size && length <= ram->size - offset) {
            return ram->host + offset;
        }
    }
    return NULL;
}

bool vm_mmio_add(struct vm *vm, const struct mmio_region *region)
{
    for (unsigned i = 0; i < vm->ram_count; i++) {
        const struct vm_ram *ram = &vm->ram[i];
        if (region->base - ram->ipa < ram->size || ram->ipa - region->base < region->size) {
            return false;
        }
    }
    return mmio_add(&vm->bus, region);
}

bool vm_mmio_remove(struct vm *vm, uint64_t base)
{
    return mmio_remove(&vm->bus, base);
}

void vm_raise_msi(struct vm *vm, uint64_t address, uint32_t data)
{
    if (address == GUEST_MSI_ADDRESS) {
        gic_v2m_write(&vm->gic, GUEST_MSI_ADDRESS - GUEST_GICV2M_BASE, 4, data);
    }
}

void vm_set_irq_level(struct vm *vm, uint32_t intid, bool level)
{
    if (intid >= GIC_PRIVATE) {
        gic_set_level(&vm->gic, 0, intid, level);
    }
}

void vm_pulse_irq(struct vm *vm, uint32_t intid)
{
    if (intid >= GIC_PRIVATE) {
        gic_pulse(&vm->gic, 0, intid);
    }
}

struct bh_vmm_statistics *vm_statistics(struct vm *vm)
{
    return vm->statistics;
}
