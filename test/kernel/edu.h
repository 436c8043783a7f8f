/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's `edu` device on PCI bus 0: a DMA master that does what it is told. The test finds it in the configuration
 * space, gives it a place in the memory window of the virt machine and lets it read and write.
 */
#ifndef TEST_KERNEL_EDU_H
#define TEST_KERNEL_EDU_H

#include "harness.h"

struct edu {
    uint64_t config;    /* mapped */
    uint64_t registers; /* mapped */
    uint64_t stream;    /* requester ID */
};

/* Finds and maps it, fresh for each case; fails the case when it is not there. */
struct edu edu_open(void);

/* Copies `size` bytes (at most 2048: QEMU ends at the last byte of the buffer) from the device address to its buffer, or back, and waits for the end. */
void edu_read(const struct edu *edu, uint64_t address, uint64_t size);
void edu_write(const struct edu *edu, uint64_t address, uint64_t size);

#endif
