/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART and its console channel, with the test as console domain: bytes both ways, interrupts,
 * and a console domain that stalls, lies, goes away and comes back. */
#include <string.h>

#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

#define UART(offset) (GUEST_PL011_BASE + (offset))
#define DR           UART(0x00)
#define FR           UART(0x18)
#define LCR_H        UART(0x2c)
#define CR           UART(0x30)
#define IFLS         UART(0x34)
#define IMSC         UART(0x38)
#define RIS          UART(0x3c)
#define MIS          UART(0x40)
#define ICR          UART(0x44)

#define RXFE              0x10u
#define TXFF              0x20u
#define RX_INTERRUPT      0x10u
#define TX_INTERRUPT      0x20u
#define TIMEOUT_INTERRUPT 0x40u

#define RING 8u

static struct bh_resource *resource;
static struct bh_ring output, input; /* the console domain's ends */

static void open_peer(void)
{
    bh_ring_open(&output, (void *)(uintptr_t)resource->address, RING,
                 sizeof(struct bh_console_chunk));
    bh_ring_open(&input,
                 (uint8_t *)(uintptr_t)resource->address +
                     bh_channel_complete_offset(&resource->geometry),
                 RING, sizeof(struct bh_console_chunk));
}

static void start(void)
{
    const struct bh_channel_geometry geometry = {.entries = RING,
                                                 .submit_size = sizeof(struct bh_console_chunk),
                                                 .complete_size = sizeof(struct bh_console_chunk)};
    machine_reset();
    resource = machine_channel("console", BH_PROTOCOL_CONSOLE, &geometry);
    open_peer();
    CHECK(console_start(&vm.console, &vm, &vm.pl011));
    guest_write(CR, 4, 0x301);
    guest_write(LCR_H, 4, 0x70);
}

static void signal_console(void)
{
    vm_signalled(&vm, resource->bits);
}

/* What the guest has put out so far and the console domain has taken. */
static const char *received(void)
{
    static char text[4096];
    size_t length = 0;
    struct bh_console_chunk chunk;
    while (bh_ring_consume(&output, &chunk) == BH_RING_OK) {
        CHECK(chunk.length <= BH_CONSOLE_CHUNK_MAX);
        memcpy(text + length, chunk.data, chunk.length);
        length += chunk.length;
    }
    if (bh_ring_release(&output)) {
        signal_console();
    }
    text[length] = '\0';
    return text;
}

static void print(const char *text)
{
    for (; *text != '\0'; text++) {
        guest_write(DR, 1, (uint8_t)*text);
    }
}

static void type(const char *text)
{
    struct bh_console_chunk chunk = {.length = (uint32_t)strlen(text)};
    memcpy(chunk.data, text, chunk.length);
    CHECK_EQUAL(bh_ring_produce(&input, &chunk), BH_RING_OK);
    if (bh_ring_publish(&input)) {
        signal_console();
    }
}

static void test_output(void)
{
    start();
    CHECK_EQUAL(guest_read(FR, 4) & (RXFE | TXFF | 0x80), RXFE | 0x80);
    print("hello\nworld");
    CHECK(strcmp(received(), "hello\n") == 0); /* a line goes at once */
    machine_time(bh_test_ticks + 999);
    CHECK(strcmp(received(), "") == 0);
    machine_time(bh_test_ticks + 1);
    CHECK(strcmp(received(), "world") == 0); /* the rest after a millisecond */
    char line[100];
    memset(line, 'x', sizeof(line));
    line[99] = '\0';
    print(line);
    CHECK_EQUAL(strlen(received()), BH_CONSOLE_CHUNK_MAX);
    CHECK_EQUAL(vm.statistics->console_bytes_out, 11 + 99);
}

static void test_transmit_interrupt(void)
{
    start();
    CHECK_EQUAL(guest_read(RIS, 4), 0);
    guest_write(IMSC, 4, TX_INTERRUPT);
    CHECK_EQUAL(vm.gic.word[1].line & 2, 0);
    print("x");
    CHECK_EQUAL(guest_read(MIS, 4), TX_INTERRUPT);
    CHECK_EQUAL(vm.gic.word[1].line & 2, 2);
    guest_write(ICR, 4, TX_INTERRUPT);
    CHECK_EQUAL(guest_read(MIS, 4), 0);
    CHECK_EQUAL(vm.gic.word[1].line & 2, 0);
}

static void test_input(void)
{
    start();
    guest_write(IMSC, 4, RX_INTERRUPT | TIMEOUT_INTERRUPT);
    type("ab");
    CHECK_EQUAL(guest_read(MIS, 4), TIMEOUT_INTERRUPT); /* below the trigger level */
    CHECK_EQUAL(guest_read(FR, 4) & RXFE, 0);
    CHECK_EQUAL(guest_read(DR, 1), 'a');
    CHECK_EQUAL(guest_read(DR + 1, 1), 0); /* takes nothing out */
    CHECK_EQUAL(guest_read(DR, 4), 'b');
    CHECK_EQUAL(guest_read(MIS, 4), 0);
    CHECK_EQUAL(guest_read(FR, 4) & RXFE, RXFE);
    CHECK_EQUAL(guest_read(DR, 4), 0);
    /* More than the FIFO and the ring hold together, in order. */
    char expected[200] = "";
    for (unsigned i = 0; i < RING; i++) {
        char text[26];
        memset(text, (char)('a' + i), sizeof(text));
        text[20] = '\0';
        strcat(expected, text);
        type(text);
    }
    CHECK_EQUAL(guest_read(MIS, 4) & RX_INTERRUPT, RX_INTERRUPT);
    for (unsigned i = 0; i < strlen(expected); i++) {
        CHECK_EQUAL(guest_read(FR, 4) & RXFE, 0);
        CHECK_EQUAL(guest_read(DR, 4), (uint8_t)expected[i]);
    }
    CHECK_EQUAL(guest_read(FR, 4) & RXFE, RXFE);
    CHECK_EQUAL(vm.statistics->console_bytes_in, 2 + strlen(expected));
    type("z");
    CHECK_EQUAL(guest_read(DR, 4), 'z');
    guest_write(CR, 4, 0); /* off: what comes is lost */
    type("lost");
    guest_write(CR, 4, 0x301);
    CHECK_EQUAL(guest_read(FR, 4) & RXFE, RXFE);
}

static void test_without_fifo(void)
{
    start();
    guest_write(LCR_H, 4, 0x60);
    guest_write(IMSC, 4, RX_INTERRUPT);
    type("xyz");
    for (const char *c = "xyz"; *c != '\0'; c++) {
        CHECK_EQUAL(guest_read(MIS, 4), RX_INTERRUPT);
        CHECK_EQUAL(guest_read(DR, 4), (uint8_t)*c);
    }
    CHECK_EQUAL(guest_read(MIS, 4), 0);
}

static void test_loopback(void)
{
    start();
    guest_write(CR, 4, 0x381);
    print("loop");
    CHECK(strcmp(received(), "") == 0);
    for (const char *c = "loop"; *c != '\0'; c++) {
        CHECK_EQUAL(guest_read(DR, 4), (uint8_t)*c);
    }
    for (unsigned i = 0; i < 17; i++) {
        print("x");
    }
    CHECK_EQUAL(guest_read(UART(4), 4), 8); /* overrun */
    guest_write(UART(4), 4, 0);
    CHECK_EQUAL(guest_read(UART(4), 4), 0);
}

static void test_stall(void)
{
    start();
    for (unsigned i = 0; i < RING; i++) {
        print("line\n");
    }
    CHECK_EQUAL(guest_read(FR, 4) & TXFF, 0);
    print("more\n"); /* no room for it */
    CHECK_EQUAL(guest_read(FR, 4) & TXFF, TXFF);
    guest_write(IMSC, 4, TX_INTERRUPT);
    CHECK_EQUAL(guest_read(MIS, 4), 0);
    received();
    CHECK_EQUAL(guest_read(FR, 4) & TXFF, 0);
    CHECK_EQUAL(guest_read(MIS, 4), TX_INTERRUPT);
    CHECK(strcmp(received(), "more\n") == 0);
    /* A console domain that never takes anything costs output, not the guest. */
    for (unsigned i = 0; i < RING + 1; i++) {
        print("line\n");
    }
    CHECK_EQUAL(guest_read(FR, 4) & TXFF, TXFF);
    machine_time(bh_test_ticks + 1000000);
    CHECK_EQUAL(guest_read(FR, 4) & TXFF, 0);
    for (unsigned i = 0; i < 1000; i++) {
        print("dropped\n");
    }
    received();
    received();
    print("again\n");
    CHECK(strcmp(received(), "again\n") == 0);
}

static void test_broken_peer(void)
{
    start();
    struct bh_console_chunk chunk = {.length = 61};
    bh_ring_produce(&input, &chunk);
    bh_ring_publish(&input);
    signal_console();
    CHECK_EQUAL(guest_read(FR, 4) & RXFE, RXFE);
    output.shared->consumed = 77; /* more than was ever produced */
    print("nobody reads this\n");
    CHECK_EQUAL(guest_read(FR, 4) & TXFF, 0);
    /* The restarted console domain: the same memory, cleared, and the next epoch. */
    resource->state = BH_RESOURCE_DETACHING;
    vm_signalled(&vm, BH_SIGNAL_CONTROL);
    CHECK_EQUAL(machine_detached, 1);
    memset((void *)(uintptr_t)resource->address, 0xff, 128);
    print("while away\n");
    resource->state = BH_RESOURCE_UNUSED;
    memset((void *)(uintptr_t)resource->address, 0, bh_channel_bytes(&resource->geometry));
    resource->epoch++;
    resource->state = BH_RESOURCE_ATTACHED;
    open_peer();
    vm_signalled(&vm, BH_SIGNAL_CONTROL);
    print("back\n");
    CHECK(strcmp(received(), "back\n") == 0);
    type("q");
    CHECK_EQUAL(guest_read(DR, 4), 'q');
}

static void test_registers(void)
{
    static const uint8_t identification[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    start();
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQUAL(guest_read(UART(0xfe0 + 4 * i), 4), identification[i]);
    }
    guest_write(UART(0x24), 4, 0x1234);
    CHECK_EQUAL(guest_read(UART(0x24), 2), 0x1234);
    CHECK_EQUAL(guest_read(UART(0x25), 1), 0x12);
    guest_write(UART(0x28), 4, UINT32_MAX);
    CHECK_EQUAL(guest_read(UART(0x28), 4), 0x3f);
    CHECK_EQUAL(guest_read(UART(0x100), 4), 0);
    CHECK_EQUAL(guest_read(UART(0), 8), 0);
}

static void test_random(void)
{
    start();
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t random = machine_random();
        unsigned bytes = 1u << (random & 3);
        uint64_t offset = (random >> 4 & 0xfff) & ~(uint64_t)(bytes - 1);
        offset = (random >> 3 & 1) != 0 ? offset & 0x4f : offset;
        if ((random >> 32 & 1) != 0) {
            guest_write(UART(offset), bytes, random >> 20);
        } else {
            guest_read(UART(offset), bytes);
        }
        if ((random >> 33 & 31) == 0) {
            received();
        }
        if ((random >> 38 & 31) == 0 && !input.broken) {
            struct bh_console_chunk chunk = {.length = (uint32_t)(random >> 44) %
                                                       (BH_CONSOLE_CHUNK_MAX + 1)};
            bh_ring_produce(&input, &chunk);
            bh_ring_publish(&input);
            signal_console();
        }
        machine_time(bh_test_ticks + (random >> 60));
        CHECK(vm.pl011.count <= PL011_FIFO && vm.console.output.length <= BH_CONSOLE_CHUNK_MAX);
        CHECK_EQUAL((vm.gic.word[1].line & 2) != 0, (vm.pl011.raw & vm.pl011.mask) != 0);
    }
}

int main(void)
{
    test_output();
    test_transmit_interrupt();
    test_input();
    test_without_fifo();
    test_loopback();
    test_stall();
    test_broken_peer();
    test_registers();
    test_random();
    return 0;
}
