/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device model of the VMM is given: the bus it answers on, the guest's memory, interrupt
 * lines and MSIs, signals of the domain's notification, and deadlines. Everything is called from
 * the VMM's one thread; nothing here blocks.
 *
 * A device never fails because of what its guest does. The bus calls it with natural alignment and
 * wholly inside its region only (everything else reads as zero and ignores writes); of values and
 * offsets nothing more is promised.
 */
#ifndef DOMAINS_VMM_DEVICE_H
#define DOMAINS_VMM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct vm;
struct bh_vmm_statistics;

/* --- The bus --- */

/* `bytes` is 1, 2, 4 or 8; `offset` is from `base`. A read's unused high bits are cut off by the
 * bus. */
struct mmio_region {
    uint64_t base, size;
    uint64_t (*read)(void *device, uint64_t offset, unsigned bytes);
    void (*write)(void *device, uint64_t offset, unsigned bytes, uint64_t value);
    void *device;
};

/* Copies `region` onto the bus. False: it is empty, wraps, overlaps another one or guest memory, or
 * the bus is full (VM_MMIO_REGIONS). A device may call it, and vm_mmio_remove, from within its own
 * read and write. */
bool vm_mmio_add(struct vm *vm, const struct mmio_region *region);

/* Takes the region that starts at `base` off the bus; false if there is none. A BAR moves by remove
 * and add. */
bool vm_mmio_remove(struct vm *vm, uint64_t base);

#define VM_MMIO_REGIONS 128u

/* --- Memory --- */

/* A pointer to guest memory [ipa, ipa + length), or NULL when any of it lies outside, or length is
 * 0. The guest writes to it at the same time on no other core yet, but may on others later: copy
 * once, check, use the copy. */
void *guest_memory(struct vm *vm, uint64_t ipa, uint64_t length);

/* --- Interrupts --- */

/* A device's message: `data` written to `address`. One that is no SPI of the MSI frame is dropped.
 */
void vm_raise_msi(struct vm *vm, uint64_t address, uint32_t data);

/* Drives the input line of an SPI (INTIDs of memory_map.h); repeating the same level costs
 * nothing. */
void vm_set_irq_level(struct vm *vm, uint32_t intid, bool level);

/* One edge on the input line of an SPI. */
void vm_pulse_irq(struct vm *vm, uint32_t intid);

/* --- Signals and deadlines --- */

/*
 * `handler` is called with those of `bits` (wake bits of a resource, or BH_SIGNAL_CONTROL when the
 * domain page changed, or BH_SIGNAL_REFRESH) that have been signalled. Bits may be shared: look,
 * and take nothing to do for a normal case. False: VM_SIGNAL_HANDLERS are registered already.
 */
bool vm_on_signal(struct vm *vm, uint64_t bits, void (*handler)(void *device, uint64_t bits),
                  void *device);

#define VM_SIGNAL_HANDLERS 32u

/* Owned by the device, zeroed before its first use, with `expired` and `device` set. */
struct vm_timer {
    void (*expired)(void *device);
    void *device;
    uint64_t deadline; /* ticks of the system counter; set by vm_timer_arm */
    struct vm_timer *next;
    bool armed;
};

/* Calls timer->expired once, when the counter has reached `deadline`; arming again replaces the
 * deadline. */
void vm_timer_arm(struct vm *vm, struct vm_timer *timer, uint64_t deadline);
void vm_timer_disarm(struct vm *vm, struct vm_timer *timer);

/* The domain's counters; never NULL. */
struct bh_vmm_statistics *vm_statistics(struct vm *vm);

/* --- The PCI devices (devices.c) --- */

/*
 * Makes the PCI host (ECAM and windows of memory_map.h) and a function for each channel of the
 * domain page. Called once, before the guest's first instruction. False after a bh_log message: the
 * guest cannot be started.
 */
bool vm_pci_create(struct vm *vm);

#endif
