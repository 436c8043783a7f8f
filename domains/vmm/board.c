/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices that every guest has, at the places of memory_map.h. */

#include "domains/vmm/vm.h"

#include "libs/runtime/runtime.h"

/* pvpanic (QEMU's docs/specs/pvpanic): one byte, the events that can be reported, and that are. */
#define PVPANIC_PANICKED     1u
#define PVPANIC_CRASH_LOADED 2u /* a crash kernel runs instead: the guest goes on */

static uint64_t pvpanic_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)device;
    (void)bytes;
    return offset == 0 ? PVPANIC_PANICKED | PVPANIC_CRASH_LOADED : 0;
}

static void pvpanic_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)bytes;
    if (offset == 0 && (value & PVPANIC_PANICKED) != 0) {
        bh_log("the guest panicked");
        vm_stop(device, BH_GUEST_EVENT_CRASHED, 0);
    }
}

/* virtio-mmio transports without a device (virtio 1.2 4.2.2): the magic value, version 2, device 0.
 */
static uint64_t virtio_mmio_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)device;
    if (bytes != 4) {
        return 0;
    }
    switch (offset % GUEST_VIRTIO_MMIO_STRIDE) {
    case 0:
        return 0x74726976; /* "virt" */
    case 4:
        return 2;
    default:
        return 0;
    }
}

bool board_create(struct vm *vm, uint64_t unix_time)
{
    id_registers_set(&vm->id, &vm->vcpu[0].frame->host);
    gic_reset(&vm->gic, vm->vcpu, vm->vcpu_count);
    pl011_reset(&vm->pl011, vm);
    pl031_reset(&vm->pl031, vm, unix_time);
    const struct mmio_region region[] = {
        {GUEST_GICD_BASE, GUEST_GICD_SIZE, gic_distributor_read, gic_distributor_write, &vm->gic},
        {GUEST_GICR_BASE, GUEST_GICR_STRIDE * vm->vcpu_count, gic_redistributor_read,
         gic_redistributor_write, &vm->gic},
        {GUEST_GICV2M_BASE, GUEST_GICV2M_SIZE, gic_v2m_read, gic_v2m_write, &vm->gic},
        {GUEST_PL011_BASE, GUEST_PL011_SIZE, pl011_read, pl011_write, &vm->pl011},
        {GUEST_PL031_BASE, GUEST_PL031_SIZE, pl031_read, pl031_write, &vm->pl031},
        {GUEST_PVPANIC_BASE, GUEST_PVPANIC_SIZE, pvpanic_read, pvpanic_write, vm},
        {GUEST_VIRTIO_MMIO_BASE, GUEST_VIRTIO_MMIO_STRIDE * GUEST_VIRTIO_MMIO_COUNT,
         virtio_mmio_read, NULL, NULL},
    };
    for (unsigned i = 0; i < sizeof(region) / sizeof(region[0]); i++) {
        if (!vm_mmio_add(vm, &region[i])) {
            bh_log("no place for a device at %lx", (unsigned long)region[i].base);
            return false;
        }
    }
    return true;
}
