/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the PrimeCell UART (Arm DDI 0183, issue G; section numbers are of that manual). */
#ifndef DRIVERS_PL011_REGISTERS_H
#define DRIVERS_PL011_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

struct pl011_registers {
    uint32_t dr;      /* 3.3.1 UARTDR: data, and on reading the errors of the character */
    uint32_t rsr_ecr; /* 3.3.2 UARTRSR/UARTECR */
    uint32_t reserved0[4];
    uint32_t fr; /* 3.3.3 UARTFR: flags */
    uint32_t reserved1;
    uint32_t ilpr;  /* 3.3.4 UARTILPR */
    uint32_t ibrd;  /* 3.3.5 UARTIBRD: integer baud rate divisor */
    uint32_t fbrd;  /* 3.3.6 UARTFBRD: fractional part */
    uint32_t lcr_h; /* 3.3.7 UARTLCR_H: line control */
    uint32_t cr;    /* 3.3.8 UARTCR: control */
    uint32_t ifls;  /* 3.3.9 UARTIFLS: interrupt FIFO level select */
    uint32_t imsc;  /* 3.3.10 UARTIMSC: interrupt mask, 1 enables */
    uint32_t ris;   /* 3.3.11 UARTRIS: raw interrupt status */
    uint32_t mis;   /* 3.3.12 UARTMIS: masked interrupt status */
    uint32_t icr;   /* 3.3.13 UARTICR: interrupt clear */
    uint32_t dmacr; /* 3.3.14 UARTDMACR */
};

_Static_assert(offsetof(struct pl011_registers, fr) == 0x18, "DDI 0183, table 3-1");
_Static_assert(offsetof(struct pl011_registers, ilpr) == 0x20, "DDI 0183, table 3-1");
_Static_assert(offsetof(struct pl011_registers, dmacr) == 0x48, "DDI 0183, table 3-1");

/* 3.3.1 UARTDR */
#define PL011_DR_DATA 0xffu
/* framing, parity, break: not a character (an overrun, bit 11, spoils none) */
#define PL011_DR_ERRORS 0x700u

/* 3.3.3 UARTFR */
#define PL011_FR_BUSY (1u << 3)
#define PL011_FR_RXFE (1u << 4) /* receive FIFO empty */
#define PL011_FR_TXFF (1u << 5) /* transmit FIFO full */

/* 3.3.7 UARTLCR_H */
#define PL011_LCR_H_FEN    (1u << 4) /* FIFOs on */
#define PL011_LCR_H_WLEN_8 (3u << 5)

/* 3.3.8 UARTCR */
#define PL011_CR_UARTEN (1u << 0)
#define PL011_CR_TXE    (1u << 8)
#define PL011_CR_RXE    (1u << 9)
#define PL011_CR_DTR    (1u << 10)
#define PL011_CR_RTS    (1u << 11)

/* 3.3.9 UARTIFLS: the transmit interrupt when the FIFO falls to 1/8, the receive interrupt when it
 * rises to 1/8 */
#define PL011_IFLS_TX_1_8 (0u << 0)
#define PL011_IFLS_RX_1_8 (0u << 3)

/* 3.3.10 to 3.3.13 */
#define PL011_INT_RX  (1u << 4)
#define PL011_INT_TX  (1u << 5)
#define PL011_INT_RT  (1u << 6) /* receive timeout: characters wait below the level */
#define PL011_INT_ALL 0x7ffu

#endif
