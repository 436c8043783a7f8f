/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's UART, an Arm PrimeCell PL011 (DDI 0183): 16 bytes of receive FIFO; what is
 * transmitted goes to the console at once, or waits in the UART while the console has no room. Baud
 * rate and modem lines mean nothing here.
 */
#ifndef DOMAINS_VMM_PL011_H
#define DOMAINS_VMM_PL011_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PL011_FIFO 16u

struct vm;

struct pl011 {
    struct vm *vm;
    uint8_t fifo[PL011_FIFO];
    unsigned first, count; /* received bytes */
    uint32_t control, line_control, fifo_levels, mask, raw;
    uint32_t integer_baud, fraction_baud, dma_control, low_power;
    bool overrun;
};

void pl011_reset(struct pl011 *uart, struct vm *vm);

uint64_t pl011_read(void *device, uint64_t offset, unsigned bytes);
void pl011_write(void *device, uint64_t offset, unsigned bytes, uint64_t value);

/* Puts received bytes into the FIFO; returns how many it had room for. */
size_t pl011_receive(struct pl011 *uart, const uint8_t *data, size_t length);

/* The console, which had no room, has some. */
void pl011_transmit_ready(struct pl011 *uart);

#endif
