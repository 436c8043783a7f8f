/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/pl011/pl011.h"

#include "drivers/pl011/registers.h"

/* Reads of the flag register while the last character leaves the shifter; some milliseconds at any
 * usual rate. */
#define DRAIN_ATTEMPTS 100000

#define MASK_ALWAYS (PL011_INT_RX | PL011_INT_RT)

void pl011_init(struct pl011 *uart, volatile void *registers)
{
    *uart = (struct pl011){.registers = registers, .mask = MASK_ALWAYS};
    volatile struct pl011_registers *r = uart->registers;

    /* 3.3.8: disable, wait for the end of transmission, flush the FIFO (by FEN = 0), then program
     * and enable. */
    r->imsc = 0;
    for (int i = 0; i < DRAIN_ATTEMPTS && (r->fr & PL011_FR_BUSY) != 0; i++) {
    }
    r->cr = 0;
    r->lcr_h = 0;
    r->dmacr = 0;
    r->rsr_ecr = 0;
    r->icr = PL011_INT_ALL;
    r->ifls = PL011_IFLS_TX_1_8 | PL011_IFLS_RX_1_8;
    /* 3.3.7: divisors take effect on a write of UARTLCR_H, so this keeps them. */
    r->lcr_h = PL011_LCR_H_WLEN_8 | PL011_LCR_H_FEN;
    r->cr = PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE | PL011_CR_DTR | PL011_CR_RTS;
    r->imsc = uart->mask;
}

/* At most this many bad characters are skipped in one read: a device that reports errors without
 * end holds nobody up. */
#define SKIP_MAX 64

bool pl011_read(struct pl011 *uart, uint8_t *byte)
{
    volatile struct pl011_registers *r = uart->registers;
    for (int i = 0; i < SKIP_MAX && (r->fr & PL011_FR_RXFE) == 0; i++) {
        uint32_t data = r->dr;
        if ((data & PL011_DR_ERRORS) == 0) {
            *byte = (uint8_t)(data & PL011_DR_DATA);
            return true;
        }
    }
    return false;
}

size_t pl011_write(struct pl011 *uart, const uint8_t *data, size_t length)
{
    volatile struct pl011_registers *r = uart->registers;
    size_t written = 0;
    while (written < length && (r->fr & PL011_FR_TXFF) == 0) {
        r->dr = data[written++];
    }
    return written;
}

void pl011_enable_transmit_interrupt(struct pl011 *uart, bool enable)
{
    uint32_t mask = MASK_ALWAYS | (enable ? PL011_INT_TX : 0);
    if (mask != uart->mask) {
        uart->mask = mask;
        uart->registers->imsc = mask;
    }
}

void pl011_clear_interrupts(struct pl011 *uart)
{
    uart->registers->icr = PL011_INT_ALL;
}
