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

/* Finds and maps the first, and the one behind another, fresh for each case and with messages off; fails the case when
 * it is not there. */
struct edu edu_open(void);
struct edu edu_open_behind(const struct edu *other);

/* Copies `size` bytes (at most 2048: QEMU ends at the last byte of the buffer) from the device address to its buffer, or back, and waits for the end. */
void edu_read(const struct edu *edu, uint64_t address, uint64_t size);
void edu_write(const struct edu *edu, uint64_t address, uint64_t size);

/* An IOSpace that it is bound to, with page tables from EDU_PLACE on. */
#define EDU_PLACE UINT64_C(0x100000)
bh_cptr edu_new_space(const struct edu *edu);

/* Lets it send messages with that EventID: the doorbell is at EDU_PLACE of its space then. The handler. */
bh_cptr edu_new_message(const struct edu *edu, bh_cptr space, uint32_t event);

/* What the device writes as its interrupt (MSI, PCI 3.0 6.8), and an interrupt. */
void edu_set_message(const struct edu *edu, uint64_t address, uint32_t data);
void edu_interrupt(const struct edu *edu);

#endif
