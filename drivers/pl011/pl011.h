/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of the PrimeCell UART (PL011) for a domain that holds its registers and its interrupt.
 * Nothing waits: reading and writing do as much as the FIFOs allow. Not thread-safe.
 *
 * The transmit interrupt comes when the FIFO drains past its level, not because it is empty (DDI
 * 0183 2.8.2). So: write until pl011_write takes less than it was given, then enable the transmit
 * interrupt; on it, write on; disable it when there is nothing more to write.
 */
#ifndef DRIVERS_PL011_PL011_H
#define DRIVERS_PL011_PL011_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pl011_registers;

struct pl011 {
    volatile struct pl011_registers *registers;
    uint32_t mask; /* what UARTIMSC holds */
};

/* Takes the device over: eight bits, no parity, FIFOs on, receive interrupts enabled, no hardware
 * flow control. The baud rate stays what the firmware set. */
void pl011_init(struct pl011 *uart, volatile void *registers);

/* The next received byte. False: there is none. Characters with errors and breaks are skipped. */
bool pl011_read(struct pl011 *uart, uint8_t *byte);

/* Writes from the front of `data` as much as the FIFO takes, and returns how much that was. */
size_t pl011_write(struct pl011 *uart, const uint8_t *data, size_t length);

/* Whether to interrupt when the transmit FIFO has drained. */
void pl011_enable_transmit_interrupt(struct pl011 *uart, bool enable);

/* Clears all interrupt causes. After it read until pl011_read says no, and write what waits; only
 * then acknowledge the interrupt: none is lost. */
void pl011_clear_interrupts(struct pl011 *uart);

#endif
