/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's PCI bus: the configuration window in all widths, and BARs that the guest moves about.
 */
#include "domains/vmm/pci.h"

#include "domains/vmm/memory_map.h"
#include "test/unit/check.h"
#include "test/unit/vmm_devices/machine.h"

#define ECAM(device, offset) (GUEST_PCI_ECAM_BASE + ((device) << 15) + (offset))
#define WINDOW               GUEST_PCI_WINDOW32_BASE
#define WINDOW_END           (GUEST_PCI_WINDOW32_BASE + GUEST_PCI_WINDOW32_SIZE)

struct function {
    struct pci_endpoint endpoint;
    uint64_t mark;
    uint64_t last;
};

static uint64_t memory_read(void *device, uint64_t offset, unsigned bytes)
{
    (void)bytes;
    return ((struct function *)device)->mark + offset;
}

static void memory_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    (void)offset;
    (void)bytes;
    ((struct function *)device)->last = value;
}

static struct pci_slot *add(struct pci_bus *bus, struct function *function, uint64_t mark)
{
    struct pci_endpoint_identity identity = {
        .vendor = 0x1234, .device = 0x5678, .interrupt_pin = 1};
    struct pci_endpoint_bar small = {
        .size = 4096, .read = memory_read, .write = memory_write, .device = function};
    struct pci_endpoint_bar wide = {.size = 65536,
                                    .wide = true,
                                    .read = memory_read,
                                    .write = memory_write,
                                    .device = function};
    struct pci_endpoint_host host;
    struct pci_slot *slot = pci_bus_next(bus, &host);
    CHECK(slot != NULL);
    pci_endpoint_init(&function->endpoint, &identity, &host, NULL);
    CHECK(pci_endpoint_add_bar(&function->endpoint, 0, &small));
    CHECK(pci_endpoint_add_bar(&function->endpoint, 2, &wide));
    function->mark = mark;
    pci_slot_fill(slot, &function->endpoint);
    return slot;
}

static struct pci_bus bus;
static struct function first, second;
static struct vm *vm;

static void start(void)
{
    vm = machine_new();
    CHECK(pci_bus_create(&bus, vm));
    first = second = (struct function){0};
    (void)add(&bus, &first, 0x1000000);
    (void)add(&bus, &second, 0x2000000);
}

static void configuration_accesses_have_any_width(void)
{
    start();
    CHECK_EQUAL(machine_read(vm, ECAM(0, 0), 4), 0x00081b36);
    CHECK_EQUAL(machine_read(vm, ECAM(0, 8), 4), 0x06000000);
    CHECK_EQUAL(machine_read(vm, ECAM(1, 0), 8), UINT64_C(0x56781234));
    CHECK_EQUAL(machine_read(vm, ECAM(1, 0), 1), 0x34);
    CHECK_EQUAL(machine_read(vm, ECAM(1, 1), 1), 0x12);
    CHECK_EQUAL(machine_read(vm, ECAM(1, 2), 2), 0x5678);

    /* Nobody there: all ones; the extended space of somebody: zero. */
    CHECK_EQUAL(machine_read(vm, ECAM(3, 0), 4), UINT32_MAX);
    CHECK_EQUAL(machine_read(vm, ECAM(3, 0), 2), 0xffff);
    CHECK_EQUAL(machine_read(vm, ECAM(31, 0xff8), 8), UINT64_MAX);
    CHECK_EQUAL(machine_read(vm, ECAM(1, 0x1000), 4), UINT32_MAX); /* function 1 */
    CHECK_EQUAL(machine_read(vm, ECAM(1, 0x100), 4), 0);
    CHECK_EQUAL(machine_read(vm, ECAM(1, 0xff8), 8), 0);
    machine_write(vm, ECAM(1, 0x100), 8, UINT64_MAX);
    machine_write(vm, ECAM(3, 0x10), 4, UINT64_MAX);
    machine_write(vm, ECAM(1, 0x10), 8, UINT64_MAX);
    CHECK_EQUAL(machine_read(vm, ECAM(1, 0x10), 8), 0xfffff000);
    machine_write(vm, ECAM(1, 0x18), 8, UINT64_MAX);
    CHECK_EQUAL(machine_read(vm, ECAM(1, 0x18), 8), UINT64_C(0xffffffffffff0004));
    machine_free(vm);
}

static void a_bar_answers_where_the_guest_puts_it(void)
{
    start();
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x5008, 4), 0);
    machine_write(vm, ECAM(1, 0x10), 4, WINDOW + 0x5000);
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x5008, 4), 0); /* decoding is off */
    machine_write(vm, ECAM(1, 4), 2, 2);
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x5008, 4), 0x1000008);
    machine_write(vm, WINDOW + 0x5ffc, 4, 77);
    CHECK_EQUAL(first.last, 77);

    machine_write(vm, ECAM(1, 0x10), 4, WINDOW_END - 0x1000);
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x5008, 4), 0);
    CHECK_EQUAL(machine_read(vm, WINDOW_END - 8, 8), 0x1000ff8);

    /* A 64-bit BAR below and above 4 GiB, moved by halves. */
    machine_write(vm, ECAM(1, 0x18), 4, WINDOW + 0x10000);
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x1fff8, 8), 0x100fff8);
    machine_write(vm, ECAM(1, 0x1c), 4, GUEST_PCI_WINDOW64_BASE >> 32);
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x1fff8, 8), 0);
    machine_write(vm, ECAM(1, 0x18), 4, 0xffff0000);
    CHECK_EQUAL(machine_read(vm, GUEST_PCI_WINDOW64_BASE + 0xffff0010, 2), 0x0010);

    machine_write(vm, ECAM(1, 4), 2, 0);
    CHECK_EQUAL(machine_read(vm, WINDOW_END - 8, 8), 0);
    CHECK_EQUAL(machine_read(vm, GUEST_PCI_WINDOW64_BASE + 0xffff0010, 2), 0);
    machine_free(vm);
}

static void a_bar_outside_the_windows_answers_nowhere(void)
{
    static const uint64_t places[] = {
        0,          GUEST_GICD_BASE, GUEST_PCI_ECAM_BASE, GUEST_RAM_BASE, WINDOW - 0x1000,
        WINDOW_END, 0xfffff000};
    start();
    machine_write(vm, ECAM(1, 4), 2, 2);
    unsigned before = vm->bus.count;
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        machine_write(vm, ECAM(1, 0x10), 4, places[i]);
        CHECK_EQUAL(vm->bus.count, before);
    }
    machine_write(vm, ECAM(1, 0x18), 4, 0xffff0000);
    machine_write(vm, ECAM(1, 0x1c), 4, 0xffffffff);
    CHECK_EQUAL(vm->bus.count, before);
    machine_free(vm);
}

static void bars_in_each_others_way_answer_in_turn(void)
{
    start();
    machine_write(vm, ECAM(1, 4), 2, 2);
    machine_write(vm, ECAM(2, 4), 2, 2);
    machine_write(vm, ECAM(1, 0x10), 4, WINDOW);
    machine_write(vm, ECAM(2, 0x10), 4, WINDOW);
    CHECK_EQUAL(machine_read(vm, WINDOW, 4), 0x1000000);
    machine_write(vm, ECAM(1, 0x10), 4, WINDOW + 0x1000);
    CHECK_EQUAL(machine_read(vm, WINDOW, 4), 0x2000000);
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x1000, 4), 0x1000000);
    machine_write(vm, ECAM(2, 0x18), 4, WINDOW); /* overlaps both */
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x2000, 4), 0);
    machine_write(vm, ECAM(1, 4), 2, 0);
    machine_write(vm, ECAM(2, 0x10), 4, 0);
    CHECK_EQUAL(machine_read(vm, WINDOW + 0x2000, 4), 0x2002000);
    machine_free(vm);
}

static void devices_share_interrupt_lines(void)
{
    start();
    struct function more[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        (void)add(&bus, &more[i], 0);
    }
    pci_endpoint_set_line(&first.endpoint, true);   /* device 1: line 1 */
    pci_endpoint_set_line(&more[2].endpoint, true); /* device 5: line 1 */
    CHECK_EQUAL(vm->lines, 2);
    pci_endpoint_set_line(&first.endpoint, false);
    CHECK_EQUAL(vm->lines, 2);
    pci_endpoint_set_line(&more[2].endpoint, false);
    CHECK_EQUAL(vm->lines, 0);
    pci_endpoint_set_line(&second.endpoint, true);
    CHECK_EQUAL(vm->lines, 4);
    machine_free(vm);
}

static void the_bus_has_an_end(void)
{
    vm = machine_new();
    CHECK(pci_bus_create(&bus, vm));
    struct pci_endpoint_host host;
    for (unsigned i = 1; i < PCI_BUS_DEVICES; i++) {
        CHECK(pci_bus_next(&bus, &host) != NULL);
    }
    CHECK(pci_bus_next(&bus, &host) == NULL);
    CHECK(!pci_bus_create(&bus, vm)); /* the window is taken */
    machine_free(vm);
}

int main(void)
{
    configuration_accesses_have_any_width();
    a_bar_answers_where_the_guest_puts_it();
    a_bar_outside_the_windows_answers_nowhere();
    bars_in_each_others_way_answer_in_turn();
    devices_share_interrupt_lines();
    the_bus_has_an_end();
    return 0;
}
