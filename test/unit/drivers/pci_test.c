/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI library against a bus in an array, whose BARs keep only the bits that they decode. */
#include <string.h>

#include "drivers/pci/pci.h"
#include "test/unit/check.h"

struct bus {
    uint32_t word[PCI_ECAM_BUS_SIZE / 4];
    uint32_t bar_mask[PCI_FUNCTIONS_MAX][PCI_BARS]; /* bits that take */
    uint32_t bar_flags[PCI_FUNCTIONS_MAX][PCI_BARS];
    bool probed_while_decoding;
};

#define MSIX 0x70u /* where the tests have the capability */

static struct bus bus;

static uint32_t *word_of(uint32_t offset)
{
    CHECK(offset % 4 == 0 && offset < PCI_ECAM_BUS_SIZE);
    return &bus.word[offset / 4];
}

static uint32_t read_word(void *context, uint32_t offset)
{
    (void)context;
    return *word_of(offset);
}

static void write_word(void *context, uint32_t offset, uint32_t value)
{
    (void)context;
    uint32_t function = offset >> 12;
    uint32_t reg = offset & 0xfff;
    if (reg == PCI_COMMAND) {
        CHECK_EQUAL(value >> 16, 0); /* the status bits are cleared by ones */
        *word_of(offset) = (*word_of(offset) & 0xffff0000) | value;
    } else if (reg >= PCI_BAR_0 && reg < PCI_BAR_0 + 4 * PCI_BARS) {
        uint32_t bar = (reg - PCI_BAR_0) / 4;
        bus.probed_while_decoding |= (*word_of((function << 12) + PCI_COMMAND) & 3) != 0;
        *word_of(offset) = (value & bus.bar_mask[function][bar]) | bus.bar_flags[function][bar];
    } else if (reg == MSIX) {
        *word_of(offset) = (value & 0xc0000000) | (*word_of(offset) & 0x3fffffff);
    } else {
        CHECK(false); /* the library writes nothing else */
    }
}

static const struct pci_access access = {.read = read_word, .write = write_word};

static void reset(void)
{
    memset(&bus, 0, sizeof bus);
    memset(bus.word, 0xff, sizeof bus.word);
}

static uint32_t add(unsigned device, unsigned function, uint16_t vendor, uint16_t id,
                    uint32_t header)
{
    uint32_t at = device << 15 | function << 12;
    memset(word_of(at), 0, PCI_CONFIG_SIZE);
    *word_of(at) = (uint32_t)id << 16 | vendor;
    *word_of(at + PCI_COMMAND) = UINT32_C(0x00100007);
    *word_of(at + PCI_CLASS) = 0x01080202;
    *word_of(at + PCI_HEADER) = header << 16;
    *word_of(at + PCI_SUBSYSTEM) = 0x11001af4;
    *word_of(at + PCI_INTERRUPT) = 0x0100;
    return at;
}

static void set_bar(uint32_t at, unsigned bar, uint32_t mask, uint32_t flags)
{
    bus.bar_mask[at >> 12][bar] = mask;
    bus.bar_flags[at >> 12][bar] = flags;
    *word_of(at + PCI_BAR_0 + 4 * bar) = flags;
}

static void test_finds_functions(void)
{
    struct pci_function found[8];
    reset();
    CHECK_EQUAL(pci_enumerate(&access, found, 8), 0);
    add(0, 0, 0x1b36, 0x0008, 0);
    add(3, 0, 0x1b36, 0x0010, 0x80);
    add(3, 5, 0x1af4, 0x1042, 0);
    add(4, 1, 0x1af4, 0x1041, 0); /* no function 0: does not exist */
    add(5, 0, 0x1af4, 0x1041, 0); /* not multi-function: */
    add(5, 1, 0x1af4, 0x1041, 0); /* does not exist */
    add(31, 0, 0x1b36, 0x000c, 1);
    CHECK_EQUAL(pci_enumerate(&access, found, 8), 5);
    CHECK_EQUAL(found[1].device, 3);
    CHECK_EQUAL(found[1].vendor_id, 0x1b36);
    CHECK_EQUAL(found[1].device_id, 0x0010);
    CHECK_EQUAL(found[1].class_code, 0x010802);
    CHECK_EQUAL(found[1].revision, 2);
    CHECK_EQUAL(found[1].subsystem_vendor_id, 0x1af4);
    CHECK_EQUAL(found[1].subsystem_id, 0x1100);
    CHECK_EQUAL(found[1].interrupt_pin, 1);
    CHECK_EQUAL(found[2].function, 5);
    CHECK_EQUAL(found[2].requester_id, 3 << 3 | 5);
    CHECK_EQUAL(found[2].config_offset, 3 << 15 | 5 << 12);
    CHECK_EQUAL(found[3].device, 5);
    CHECK(found[4].bridge);
    CHECK_EQUAL(pci_enumerate(&access, found, 2), 5); /* more than there is room for */
}

static void test_sizes_bars(void)
{
    struct pci_function found;
    reset();
    uint32_t at = add(1, 0, 0x1b36, 0x0010, 0);
    set_bar(at, 0, 0xffffc000, 4); /* 64 bits, 16 KiB */
    set_bar(at, 1, 0xffffffff, 0);
    set_bar(at, 2, 0xfffff000, 8); /* 32 bits, 4 KiB, prefetchable */
    set_bar(at, 3, 0xffffff80, 1); /* I/O */
    set_bar(at, 4, 0, 4);          /* 64 bits, 8 GiB */
    set_bar(at, 5, 0xfffffffe, 0);
    CHECK_EQUAL(pci_enumerate(&access, &found, 1), 1);
    CHECK_EQUAL(found.bar[0].kind, PCI_BAR_MEMORY_64);
    CHECK_EQUAL(found.bar[0].size, 0x4000);
    CHECK(!found.bar[0].prefetchable);
    CHECK_EQUAL(found.bar[1].kind, PCI_BAR_NONE);
    CHECK_EQUAL(found.bar[2].kind, PCI_BAR_MEMORY_32);
    CHECK_EQUAL(found.bar[2].size, 0x1000);
    CHECK(found.bar[2].prefetchable);
    CHECK_EQUAL(found.bar[3].kind, PCI_BAR_IO);
    CHECK_EQUAL(found.bar[3].size, 0x80);
    CHECK_EQUAL(found.bar[4].kind, PCI_BAR_MEMORY_64);
    CHECK_EQUAL(found.bar[4].size, UINT64_C(0x200000000));
    CHECK(!bus.probed_while_decoding);
    CHECK_EQUAL(*word_of(at + PCI_COMMAND) & 7, 0);
    /* A 64-bit BAR has no upper half behind the last register. */
    set_bar(at, 5, 0xfffff000, 4);
    set_bar(at, 4, 0, 0);
    CHECK_EQUAL(pci_enumerate(&access, &found, 1), 1);
    CHECK_EQUAL(found.bar[5].kind, PCI_BAR_MEMORY_32);
}

static void test_assigns_bars(void)
{
    struct pci_function found;
    unsigned bar;
    reset();
    uint32_t at = add(1, 0, 0x1b36, 0x0010, 0);
    set_bar(at, 0, 0xffffff00, 0); /* 256 bytes */
    set_bar(at, 1, 0xfffff000, 0);
    set_bar(at, 2, 0xffff0000, 12); /* 64 bits, prefetchable, 64 KiB */
    set_bar(at, 3, 0xffffffff, 0);
    CHECK_EQUAL(pci_enumerate(&access, &found, 1), 1);
    struct pci_window windows[] = {
        {.cpu_address = 0x8000000000,
         .pci_address = 0x8000000000,
         .size = 1 << 20,
         .prefetchable = true},
        {.cpu_address = 0x10001000, .pci_address = 0x50001000, .size = 1 << 20},
    };
    CHECK_EQUAL(pci_assign(&access, &found, windows, 2, &bar), PCI_OK);
    CHECK_EQUAL(found.bar[2].address, 0x8000000000);
    CHECK_EQUAL(found.bar[0].address % 4096, 0);
    CHECK_EQUAL(found.bar[0].mapped_size, 4096);
    CHECK(found.bar[0].address != found.bar[1].address);
    CHECK_EQUAL(found.bar[1].address, 0x10001000);
    CHECK_EQUAL(*word_of(at + PCI_BAR_0 + 4), 0x50001000);
    CHECK_EQUAL(found.bar[0].address, 0x10002000);
    CHECK_EQUAL(*word_of(at + PCI_BAR_0 + 12), 0x80);
    CHECK_EQUAL(*word_of(at + PCI_COMMAND) & 7, 0);
    pci_enable(&access, &found);
    CHECK_EQUAL(*word_of(at + PCI_COMMAND) & 0x407, 6);
    pci_disable(&access, &found);
    CHECK_EQUAL(*word_of(at + PCI_COMMAND) & 0x407, 0x400);
}

static void test_refuses_what_does_not_fit(void)
{
    struct pci_function found;
    unsigned bar;
    reset();
    uint32_t at = add(1, 0, 0x1b36, 0x0010, 0);
    set_bar(at, 1, 0xfff00000, 0); /* 1 MiB, 32 bits */
    CHECK_EQUAL(pci_enumerate(&access, &found, 1), 1);
    struct pci_window small = {
        .cpu_address = 0x10010000, .pci_address = 0x10010000, .size = 0x100000};
    CHECK_EQUAL(pci_assign(&access, &found, &small, 1, &bar), PCI_NO_SPACE); /* not when aligned */
    CHECK_EQUAL(bar, 1);
    struct pci_window high = {
        .cpu_address = 0xfff80000, .pci_address = 0xfff80000, .size = 1u << 30};
    CHECK_EQUAL(pci_assign(&access, &found, &high, 1, &bar), PCI_NO_SPACE); /* not below 4 GiB */
    struct pci_window wraps = {
        .cpu_address = 0, .pci_address = UINT64_MAX - 0xfff, .size = UINT64_MAX};
    CHECK_EQUAL(pci_assign(&access, &found, &wraps, 1, &bar), PCI_NO_SPACE);
    CHECK(!found.bar[1].assigned);
    bus.bar_mask[at >> 12][1] = 0x0ff00000; /* a device that drops address bits */
    struct pci_window good = {
        .cpu_address = 0x10000000, .pci_address = 0x10000000, .size = 1 << 24};
    CHECK_EQUAL(pci_assign(&access, &found, &good, 1, &bar), PCI_NOT_WRITTEN);
    found.bridge = true;
    CHECK_EQUAL(pci_assign(&access, &found, &good, 1, &bar), PCI_BRIDGE);
}

static void test_capability_walk_ends(void)
{
    static uint32_t page[PCI_CONFIG_SIZE / 4];
    uint8_t *config = (uint8_t *)page;
    CHECK_EQUAL(pci_capability_find(page, PCI_CAPABILITY_VENDOR), 0); /* no list */
    config[6] = 0x10;
    config[PCI_CAPABILITIES] = 0x43; /* the low bits are not part of it */
    config[0x40] = PCI_CAPABILITY_MSIX;
    config[0x41] = 0x50;
    config[0x50] = PCI_CAPABILITY_VENDOR;
    config[0x51] = 0x40; /* in a circle */
    CHECK_EQUAL(pci_capability_find(page, PCI_CAPABILITY_VENDOR), 0x50);
    CHECK_EQUAL(pci_capability_find(page, PCI_CAPABILITY_EXPRESS), 0);
    config[0x51] = 0x3c; /* into the header */
    CHECK_EQUAL(pci_capability_find(page, PCI_CAPABILITY_EXPRESS), 0);
    CHECK_EQUAL(pci_config_read32(page, 0x1000), UINT32_MAX);
    CHECK_EQUAL(pci_config_read32(page, 2), UINT32_MAX);
    CHECK_EQUAL(pci_config_read16(page, 0xffe), 0);
    CHECK_EQUAL(pci_config_read8(page, UINT32_MAX), 0xff);
}

/* A function with a table of three vectors in its BAR 2. */
static const volatile void *add_msix(struct pci_function *found, uint32_t table)
{
    reset();
    uint32_t at = add(1, 0, 0x1af4, 0x1041, 0);
    *word_of(at + PCI_CAPABILITIES) = MSIX;
    *word_of(at + MSIX) = 2u << 16 | PCI_CAPABILITY_MSIX;
    *word_of(at + MSIX + 4) = table;
    CHECK_EQUAL(pci_enumerate(&access, found, 1), 1);
    found->bar[2] = (struct pci_bar){.kind = PCI_BAR_MEMORY_32, .assigned = true, .size = 0x1000};
    return word_of(at);
}

static void test_finds_tables_of_messages(void)
{
    struct pci_function found;
    struct pci_msix msix;
    CHECK(pci_msix_find(add_msix(&found, 0x800 | 2), &found, &msix));
    CHECK_EQUAL(msix.capability, MSIX);
    CHECK_EQUAL(msix.vectors, 3);
    CHECK_EQUAL(msix.bar, 2);
    CHECK_EQUAL(msix.offset, 0x800);
    CHECK(pci_msix_find(add_msix(&found, 0xfd0 | 2), &found, &msix));
    CHECK(!pci_msix_find(add_msix(&found, 0xfe0 | 2), &found, &msix)); /* beyond the BAR's end */
    CHECK(!pci_msix_find(add_msix(&found, 0xfffff000 | 2), &found, &msix));
    CHECK(!pci_msix_find(add_msix(&found, 0x808 | 2), &found, &msix)); /* in two pages, some time */
    CHECK(!pci_msix_find(add_msix(&found, 0x800 | 3), &found, &msix)); /* no such BAR */
    CHECK(!pci_msix_find(add_msix(&found, 0x800 | 7), &found, &msix));
    const volatile void *config = add_msix(&found, 0x800 | 2);
    *word_of(found.config_offset + MSIX) = PCI_CAPABILITY_EXPRESS;
    CHECK(!pci_msix_find(config, &found, &msix));
    CHECK(!pci_msix_enabled(config));
}

static void test_messages_are_written_and_enabled(void)
{
    struct pci_function found;
    struct pci_msix msix;
    const volatile void *config = add_msix(&found, 2);
    CHECK(pci_msix_find(config, &found, &msix));
    CHECK(!pci_msix_enabled(config));
    uint32_t table[12];
    memset(table, 0xff, sizeof table);
    pci_msix_write(table, 1, 0x123456780040, 7);
    CHECK_EQUAL(table[3], UINT32_MAX);
    CHECK_EQUAL(table[4], 0x56780040);
    CHECK_EQUAL(table[5], 0x1234);
    CHECK_EQUAL(table[6], 7);
    CHECK_EQUAL(table[7], 0);
    CHECK_EQUAL(table[8], UINT32_MAX);
    *word_of(found.config_offset + MSIX) |= UINT32_C(1) << 30; /* all masked */
    pci_msix_enable(&access, &found, &msix);
    CHECK_EQUAL(*word_of(found.config_offset + MSIX), UINT32_C(0x80020011));
    CHECK(pci_msix_enabled(config));
}

int main(void)
{
    test_finds_tables_of_messages();
    test_messages_are_written_and_enabled();
    test_finds_functions();
    test_sizes_bars();
    test_assigns_bars();
    test_refuses_what_does_not_fit();
    test_capability_walk_ends();
    return 0;
}
