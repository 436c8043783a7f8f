/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers, and the order between them and memory that a device reads or writes by DMA.
 *
 * Registers are little-endian, as the processor is. Accesses to device memory keep their order
 * among themselves; towards normal memory they need a barrier of the outer shareable domain, in
 * which the DMA masters are (Arm ARM B2.3.12):
 *
 *     write descriptors, dma_write_barrier(), write the doorbell or the index the device reads
 *     read the index the device wrote, dma_read_barrier(), read what it announces
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <stdint.h>

static inline uint8_t mmio_read8(const volatile void *address)
{
    return *(const volatile uint8_t *)address;
}

static inline uint16_t mmio_read16(const volatile void *address)
{
    return *(const volatile uint16_t *)address;
}

static inline uint32_t mmio_read32(const volatile void *address)
{
    return *(const volatile uint32_t *)address;
}

static inline uint64_t mmio_read64(const volatile void *address)
{
    return *(const volatile uint64_t *)address;
}

static inline void mmio_write8(volatile void *address, uint8_t value)
{
    *(volatile uint8_t *)address = value;
}

static inline void mmio_write16(volatile void *address, uint16_t value)
{
    *(volatile uint16_t *)address = value;
}

static inline void mmio_write32(volatile void *address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static inline void mmio_write64(volatile void *address, uint64_t value)
{
    *(volatile uint64_t *)address = value;
}

#ifdef __aarch64__

/* Stores before it are seen by devices before stores after it. */
static inline void dma_write_barrier(void)
{
    __asm__ volatile("dmb oshst" : : : "memory");
}

/* Loads before it are done before loads and stores after it. */
static inline void dma_read_barrier(void)
{
    __asm__ volatile("dmb oshld" : : : "memory");
}

/* Both, stores before loads included. */
static inline void dma_barrier(void)
{
    __asm__ volatile("dmb osh" : : : "memory");
}

#else /* unit tests, whose devices are models in memory */

static inline void dma_write_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void dma_read_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void dma_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif

#endif
