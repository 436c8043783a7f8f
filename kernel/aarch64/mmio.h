/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of devices, in the direct map. */
#ifndef KERNEL_MMIO_H
#define KERNEL_MMIO_H

#include <bh/types.h>

static inline uint32_t read32(const uint8_t *base, uint64_t offset)
{
    return *(const volatile uint32_t *)(base + offset);
}

static inline void write32(uint8_t *base, uint64_t offset, uint32_t value)
{
    *(volatile uint32_t *)(base + offset) = value;
}

static inline uint64_t read64(const uint8_t *base, uint64_t offset)
{
    return *(const volatile uint64_t *)(base + offset);
}

static inline void write64(uint8_t *base, uint64_t offset, uint64_t value)
{
    *(volatile uint64_t *)(base + offset) = value;
}

/* Waits until the bits of `mask` have `value`. False: the device does not do it. */
static inline bool poll32(const uint8_t *base, uint64_t offset, uint32_t mask, uint32_t value)
{
    for (uint32_t i = 0; i < 10000000; i++) {
        if ((read32(base, offset) & mask) == value) {
            return true;
        }
    }
    return false;
}

/* What was written to memory is there for devices before what follows. */
static inline void publish(void)
{
    __asm__ volatile("dsb st" ::: "memory");
}

#endif
