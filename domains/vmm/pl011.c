/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/pl011.h"

#include "domains/vmm/memory_map.h"
#include "domains/vmm/vm.h"

/* Registers (DDI 0183 3.2). */
#define UARTDR              0x000u
#define UARTRSR             0x004u
#define UARTFR              0x018u
#define UARTILPR            0x020u
#define UARTIBRD            0x024u
#define UARTFBRD            0x028u
#define UARTLCR_H           0x02cu
#define UARTCR              0x030u
#define UARTIFLS            0x034u
#define UARTIMSC            0x038u
#define UARTRIS             0x03cu
#define UARTMIS             0x040u
#define UARTICR             0x044u
#define UARTDMACR           0x048u
#define UART_IDENTIFICATION 0xfe0u

#define FLAG_CTS   (1u << 0)
#define FLAG_DSR   (1u << 1)
#define FLAG_DCD   (1u << 2)
#define FLAG_BUSY  (1u << 3)
#define FLAG_RXFE  (1u << 4)
#define FLAG_TXFF  (1u << 5)
#define FLAG_RXFF  (1u << 6)
#define FLAG_TXFE  (1u << 7)
#define FLAG_MODEM (FLAG_CTS | FLAG_DSR | FLAG_DCD) /* connected, as far as the guest can tell */

#define LINE_FIFO_ENABLE (1u << 4)

#define CONTROL_ENABLE   (1u << 0)
#define CONTROL_LOOPBACK (1u << 7)
#define CONTROL_TRANSMIT (1u << 8)
#define CONTROL_RECEIVE  (1u << 9)

#define INTERRUPT_RECEIVE  (1u << 4)
#define INTERRUPT_TRANSMIT (1u << 5)
#define INTERRUPT_TIMEOUT  (1u << 6) /* received bytes wait, but fewer than the trigger level */
#define INTERRUPT_OVERRUN  (1u << 10)
#define INTERRUPT_ALL      0x7ffu

#define ERROR_OVERRUN (1u << 3) /* UARTRSR; in UARTDR bit 11 */

static void update_line(struct pl011 *uart)
{
    vm_set_irq_level(uart->vm, GUEST_INTID_PL011, (uart->raw & uart->mask) != 0);
}

static unsigned fifo_depth(const struct pl011 *uart)
{
    return (uart->line_control & LINE_FIFO_ENABLE) != 0 ? PL011_FIFO : 1;
}

/* Bytes at which the receive interrupt comes (UARTIFLS: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO). */
static unsigned receive_trigger(const struct pl011 *uart)
{
    static const uint8_t level[8] = {2, 4, 8, 12, 14, 14, 14, 14};
    return (uart->line_control & LINE_FIFO_ENABLE) != 0 ? level[uart->fifo_levels >> 3 & 7] : 1;
}

/* The receive interrupts after bytes came (`arrived`) or went. A pause after the last byte is taken
 * to be over. */
static void update_receive(struct pl011 *uart, bool arrived)
{
    if (uart->count < receive_trigger(uart)) {
        uart->raw &= ~INTERRUPT_RECEIVE;
    } else if (arrived) {
        uart->raw |= INTERRUPT_RECEIVE;
    }
    if (uart->count == 0) {
        uart->raw &= ~INTERRUPT_TIMEOUT;
    } else if (arrived) {
        uart->raw |= INTERRUPT_TIMEOUT;
    }
    update_line(uart);
}

void pl011_reset(struct pl011 *uart, struct vm *vm)
{
    *uart = (struct pl011){
        .vm = vm, .control = CONTROL_TRANSMIT | CONTROL_RECEIVE, .fifo_levels = 0x12};
}

static bool receiving(const struct pl011 *uart)
{
    const uint32_t wanted = CONTROL_ENABLE | CONTROL_RECEIVE;
    return (uart->control & wanted) == wanted;
}

size_t pl011_receive(struct pl011 *uart, const uint8_t *data, size_t length)
{
    if (!receiving(uart) || (uart->control & CONTROL_LOOPBACK) != 0) {
        return length; /* nobody listens: lost, as on a wire */
    }
    size_t taken = 0;
    while (taken < length && uart->count < fifo_depth(uart)) {
        uart->fifo[(uart->first + uart->count) % PL011_FIFO] = data[taken];
        uart->count++;
        taken++;
    }
    if (taken > 0) {
        update_receive(uart, true);
    }
    return taken;
}

void pl011_transmit_ready(struct pl011 *uart)
{
    uart->raw |= INTERRUPT_TRANSMIT;
    update_line(uart);
}

static __attribute__((noinline)) uint64_t data_read(struct pl011 *uart)
{
    if (uart->count == 0) {
        return 0;
    }
    uint32_t value = uart->fifo[uart->first];
    uart->first = (uart->first + 1) % PL011_FIFO;
    uart->count--;
    update_receive(uart, false);
    if (uart->count == 0) {
        console_pull(&uart->vm->console);
    }
    return value;
}

static void data_write(struct pl011 *uart, uint8_t byte)
{
    if ((uart->control & CONTROL_LOOPBACK) != 0) {
        if (uart->count < fifo_depth(uart)) {
            uart->fifo[(uart->first + uart->count) % PL011_FIFO] = byte;
            uart->count++;
        } else {
            uart->overrun = true;
            uart->raw |= INTERRUPT_OVERRUN;
        }
        uart->raw |= INTERRUPT_TRANSMIT;
        update_receive(uart, true);
        return;
    }
    /* Early consoles write before anybody has set CONTROL_ENABLE: taken all the same. */
    console_put(&uart->vm->console, byte);
    if (console_ready(&uart->vm->console)) {
        uart->raw |= INTERRUPT_TRANSMIT;
    } else {
        uart->raw &= ~INTERRUPT_TRANSMIT;
    }
    update_line(uart);
}

static uint32_t receive_flags(const struct pl011 *uart)
{
    if (uart->count == 0) {
        return FLAG_RXFE;
    }
    return uart->count >= fifo_depth(uart) ? FLAG_RXFF : 0;
}

/* Apart, like others that call something, so that reading a register needs no stack. */
static __attribute__((noinline)) uint64_t flags_while_stalled(struct pl011 *uart)
{
    bool ready = console_ready(&uart->vm->console);
    return FLAG_MODEM | receive_flags(uart) | (ready ? FLAG_TXFE : FLAG_TXFF | FLAG_BUSY);
}

static uint64_t flags(struct pl011 *uart)
{
    return uart->vm->console.stalled ? flags_while_stalled(uart)
                                     : FLAG_MODEM | receive_flags(uart) | FLAG_TXFE;
}

static uint64_t register_read(struct pl011 *uart, uint64_t offset)
{
    static const uint8_t identification[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    switch (offset) {
    case UARTDR:
        return data_read(uart);
    case UARTRSR:
        return uart->overrun ? ERROR_OVERRUN : 0;
    case UARTFR:
        return flags(uart);
    case UARTILPR:
        return uart->low_power;
    case UARTIBRD:
        return uart->integer_baud;
    case UARTFBRD:
        return uart->fraction_baud;
    case UARTLCR_H:
        return uart->line_control;
    case UARTCR:
        return uart->control;
    case UARTIFLS:
        return uart->fifo_levels;
    case UARTIMSC:
        return uart->mask;
    case UARTRIS:
        return uart->raw;
    case UARTMIS:
        return uart->raw & uart->mask;
    case UARTDMACR:
        return uart->dma_control;
    default:
        return offset >= UART_IDENTIFICATION ? identification[(offset - UART_IDENTIFICATION) / 4]
                                             : 0;
    }
}

static void register_write(struct pl011 *uart, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case UARTDR:
        data_write(uart, (uint8_t)value);
        break;
    case UARTRSR:
        uart->overrun = false;
        break;
    case UARTILPR:
        uart->low_power = value & 0xff;
        break;
    case UARTIBRD:
        uart->integer_baud = value & 0xffff;
        break;
    case UARTFBRD:
        uart->fraction_baud = value & 0x3f;
        break;
    case UARTLCR_H:
        if (((uart->line_control ^ value) & LINE_FIFO_ENABLE) != 0) {
            uart->count = 0; /* switching the FIFOs empties them */
            update_receive(uart, false);
        }
        uart->line_control = value & 0xff;
        break;
    case UARTCR:
        uart->control = value & 0xffff;
        break;
    case UARTIFLS:
        uart->fifo_levels = value & 0x3f;
        update_receive(uart, uart->count != 0);
        break;
    case UARTIMSC:
        uart->mask = value & INTERRUPT_ALL;
        update_line(uart);
        break;
    case UARTICR:
        uart->raw &= ~value;
        update_line(uart);
        break;
    case UARTDMACR:
        uart->dma_control = value & 7;
        break;
    default:
        return;
    }
    if (offset == UARTCR || offset == UARTLCR_H) {
        console_pull(&uart->vm->console);
    }
}

/* Only an access to the first byte of UARTDR takes a byte out. */
static __attribute__((noinline)) uint64_t part_read(struct pl011 *uart, uint64_t offset)
{
    uint64_t word = offset & ~UINT64_C(3);
    return word == UARTDR ? 0 : mmio_part((uint32_t)register_read(uart, word), offset);
}

uint64_t pl011_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)bytes;
    if (offset == UARTFR) {
        return flags(device); /* what drivers read before each character */
    }
    return offset % 4 == 0 ? register_read(device, offset) : part_read(device, offset);
}

void pl011_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)bytes;
    if ((offset & 3) == 0) {
        register_write(device, offset, (uint32_t)value);
    }
}
