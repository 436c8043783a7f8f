/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio console and the entropy device. */
#include <string.h>

#include "domains/vmm/memory_map.h"
#include "domains/vmm/pci.h"
#include "domains/vmm/virtio_console.h"
#include "domains/vmm/virtio_rng.h"
#include "libs/virtio/pci.h"
#include "test/unit/check.h"
#include "test/unit/vmm_devices/driver.h"

#define MESSAGE 400u

/* The guest's console (console.h), as far as the device uses it. */
static struct {
    char output[256];
    size_t count;
    size_t room;
    unsigned pulls;
    struct console_other other;
} terminal;

void console_join(struct console *console, const struct console_other *other)
{
    (void)console;
    terminal.other = *other;
}

bool console_given_up(struct console *console)
{
    (void)console;
    return terminal.room != 0;
}

void console_put_other(struct console *console, uint8_t byte)
{
    (void)console;
    CHECK(terminal.count < sizeof(terminal.output) - 1);
    terminal.output[terminal.count++] = (char)byte;
    terminal.room -= terminal.room != 0 ? 1 : 0;
}

void console_other_gone(struct console *console)
{
    (void)console;
}

void console_pull(struct console *console)
{
    (void)console;
    terminal.pulls++;
}

struct fixture {
    struct vm *vm;
    struct pci_bus bus;
    struct virtio_pci pci;
    struct pci_driver driver;
    struct virtio_console port;
    struct console console; /* whose ring is always full: console_given_up is asked */
    struct virtio_rng rng;
};

static void plug(struct fixture *fixture, struct virtio_device *device, unsigned queues)
{
    struct pci_endpoint_host host;
    CHECK(pci_bus_create(&fixture->bus, fixture->vm));
    struct pci_slot *slot = pci_bus_next(&fixture->bus, &host);
    CHECK(virtio_pci_init(&fixture->pci, device, &host));
    pci_slot_fill(slot, &fixture->pci.endpoint);
    pci_driver_find(&fixture->driver, fixture->vm, 1, GUEST_PCI_WINDOW32_BASE, MESSAGE);
    pci_driver_start(&fixture->driver, DRIVER_FEATURE_EVENT_IDX, queues, 8);
}

static struct fixture *console_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    CHECK(fixture != NULL);
    fixture->vm = machine_new();
    memset(&terminal, 0, sizeof(terminal));
    terminal.room = sizeof(terminal.output);
    fixture->console.stalled = true;
    virtio_console_create(&fixture->port, fixture->vm, &fixture->console);
    plug(fixture, &fixture->port.device, 2);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    machine_free(fixture->vm);
    free(fixture);
}

static void write_text(struct fixture *fixture, const char *text)
{
    struct driver_buffer buffer = {guest_allocate(&fixture->vm->guest, strlen(text)),
                                   (uint32_t)strlen(text), false};
    memcpy(guest_at(&fixture->vm->guest, buffer.address), text, strlen(text));
    (void)driver_add(&fixture->driver.queue[1], &buffer, 1);
    pci_driver_kick(&fixture->driver, 1);
}

static void output_comes_out_once_though_the_console_stalls(void)
{
    struct fixture *fixture = console_new();
    uint32_t head, length;
    CHECK_EQUAL(machine_read(fixture->vm, GUEST_PCI_ECAM_BASE + 0x8000, 4), 0x10431af4);
    write_text(fixture, "hello ");
    CHECK(driver_take(&fixture->driver.queue[1], &head, &length));
    CHECK_EQUAL(pci_driver_interrupts(&fixture->driver, 1), 1);
    terminal.room = 3;
    write_text(fixture, "world");
    write_text(fixture, "!");
    CHECK(!driver_take(&fixture->driver.queue[1], &head, &length));
    CHECK(fixture->vm->timer != NULL);
    machine_expire(fixture->vm); /* still no room: it asks again later */
    CHECK(fixture->vm->timer != NULL);
    terminal.room = 100;
    terminal.other.ready(terminal.other.device);
    CHECK(driver_take(&fixture->driver.queue[1], &head, &length));
    CHECK(driver_take(&fixture->driver.queue[1], &head, &length));
    CHECK(strcmp(terminal.output, "hello world!") == 0);
    machine_write(fixture->vm, GUEST_PCI_WINDOW32_BASE + 0x2008, 4, '?'); /* emerg_wr */
    CHECK(strcmp(terminal.output, "hello world!?") == 0);
    fixture_free(fixture);
}

static void input_fills_the_buffers_there_are(void)
{
    struct fixture *fixture = console_new();
    struct driver_queue *queue = &fixture->driver.queue[0];
    CHECK_EQUAL(terminal.other.receive(terminal.other.device, (const uint8_t *)"x", 1), 0);
    uint64_t memory = guest_allocate(&fixture->vm->guest, 16);
    struct driver_buffer buffers[] = {{memory, 3, true}, {memory + 8, 3, true}};
    (void)driver_add(queue, &buffers[0], 1);
    (void)driver_add(queue, &buffers[1], 1);
    pci_driver_kick(&fixture->driver, 0);
    CHECK_EQUAL(terminal.pulls, 1); /* it wanted buffers, and asks for what waits */
    CHECK_EQUAL(terminal.other.receive(terminal.other.device, (const uint8_t *)"abcdefgh", 8), 6);
    uint32_t head, length;
    CHECK(driver_take(queue, &head, &length) && length == 3);
    CHECK(driver_take(queue, &head, &length) && length == 3);
    CHECK(memcmp(guest_at(&fixture->vm->guest, memory + 8), "def", 3) == 0);
    (void)driver_add(queue, &buffers[0], 1);
    pci_driver_kick(&fixture->driver, 0);
    CHECK_EQUAL(terminal.pulls, 2);
    pci_driver_reset(&fixture->driver);
    CHECK_EQUAL(terminal.other.receive(terminal.other.device, (const uint8_t *)"x", 1), 0);
    fixture_free(fixture);
}

static void random_bytes_fill_what_they_may(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    CHECK(fixture != NULL);
    fixture->vm = machine_new();
    CHECK(virtio_rng_create(&fixture->rng, fixture->vm));
    plug(fixture, &fixture->rng.device, 1);
    CHECK_EQUAL(machine_read(fixture->vm, GUEST_PCI_ECAM_BASE + 0x8000, 4), 0x10441af4);
    uint64_t memory = guest_allocate(&fixture->vm->guest, 65536);
    struct driver_buffer buffers[] = {{memory, 64, true}, {memory + 4096, 32768, true}};
    (void)driver_add(&fixture->driver.queue[0], &buffers[0], 1);
    (void)driver_add(&fixture->driver.queue[0], &buffers[1], 1);
    pci_driver_kick(&fixture->driver, 0);
    uint32_t head, length;
    CHECK(driver_take(&fixture->driver.queue[0], &head, &length) && length == 64);
    CHECK(driver_take(&fixture->driver.queue[0], &head, &length) && length == VIRTIO_RNG_BYTES_MAX);
    const uint8_t *bytes = guest_at(&fixture->vm->guest, memory);
    CHECK(bytes[63] == 0x5a && bytes[64] == 0);

    struct driver_buffer readable = {memory, 64, false};
    (void)driver_add(&fixture->driver.queue[0], &readable, 1);
    pci_driver_kick(&fixture->driver, 0);
    CHECK_EQUAL(pci_driver_status(&fixture->driver), 15 | 64);
    fixture_free(fixture);
}

int main(void)
{
    output_comes_out_once_though_the_console_stalls();
    input_fills_the_buffers_there_are();
    random_bytes_fill_what_they_may();
    return 0;
}
