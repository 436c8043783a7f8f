/* SPDX-License-Identifier: BSD-2-Clause */
/* The bus: which device sees which access, and guest memory's bounds. */
#include <string.h>

#include "test/unit/check.h"
#include "test/unit/vmm/machine.h"

struct probe {
    uint64_t base, size;
    unsigned reads, writes;
    uint64_t offset, value;
    unsigned bytes;
};

static uint64_t probe_read(void *device, uint64_t offset, unsigned bytes)
{
    struct probe *probe = device;
    CHECK(offset < probe->size && bytes <= probe->size - offset);
    CHECK_EQUAL((probe->base + offset) % bytes, 0);
    probe->reads++;
    probe->offset = offset;
    probe->bytes = bytes;
    return UINT64_C(0x8877665544332211);
}

static void probe_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct probe *probe = device;
    CHECK(offset < probe->size && bytes <= probe->size - offset);
    CHECK_EQUAL((probe->base + offset) % bytes, 0);
    CHECK_EQUAL(value, mmio_truncate(value, bytes));
    probe->writes++;
    probe->offset = offset;
    probe->bytes = bytes;
    probe->value = value;
}

static bool add(struct mmio_bus *bus, struct probe *probe, uint64_t base, uint64_t size)
{
    *probe = (struct probe){.base = base, .size = size};
    return mmio_add(bus, &(struct mmio_region){base, size, probe_read, probe_write, probe});
}

/* False: nothing is there. */
static bool bus_read(struct mmio_bus *bus, uint64_t address, unsigned bytes, uint64_t *value)
{
    const struct mmio_region *recent = mmio_find(bus, address);
    const struct mmio_region *region = mmio_search(bus, address);
    CHECK(recent == NULL || recent == region);
    CHECK(mmio_find(bus, address) == region);
    *value = region != NULL ? mmio_read(region, address, bytes) : 0;
    return region != NULL;
}

static bool bus_write(struct mmio_bus *bus, uint64_t address, unsigned bytes, uint64_t value)
{
    const struct mmio_region *region = mmio_search(bus, address);
    if (region != NULL) {
        mmio_write(region, address, bytes, value);
    }
    return region != NULL;
}

static void test_overlaps(void)
{
    static struct mmio_bus bus;
    static struct probe probe[VM_MMIO_REGIONS + 1];
    memset(&bus, 0, sizeof(bus));
    CHECK(!add(&bus, &probe[0], 0x1000, 0));
    CHECK(!add(&bus, &probe[0], UINT64_MAX - 0xff, 0x101));
    CHECK(add(&bus, &probe[0], UINT64_MAX - 0xff, 0x100));
    CHECK(add(&bus, &probe[1], 0x2000, 0x1000));
    CHECK(!add(&bus, &probe[2], 0x2000, 0x1000));
    CHECK(!add(&bus, &probe[2], 0x1fff, 2));
    CHECK(!add(&bus, &probe[2], 0x2fff, 1));
    CHECK(!add(&bus, &probe[2], 0, UINT64_MAX));
    CHECK(add(&bus, &probe[2], 0x1000, 0x1000));
    CHECK(add(&bus, &probe[3], 0x3000, 1));
    CHECK(!mmio_remove(&bus, 0x1800));
    CHECK(mmio_remove(&bus, 0x1000));
    CHECK(!mmio_remove(&bus, 0x1000));
    uint64_t value;
    CHECK(!bus_read(&bus, 0x1000, 4, &value));
    CHECK(bus_read(&bus, 0x2ffc, 4, &value));
    CHECK_EQUAL(value, 0x44332211);
    memset(&bus, 0, sizeof(bus));
    for (unsigned i = 0; i < VM_MMIO_REGIONS; i++) {
        CHECK(add(&bus, &probe[i], i * UINT64_C(0x1000), 0x1000));
    }
    CHECK(!add(&bus, &probe[VM_MMIO_REGIONS], UINT64_C(0x1000000), 1));
}

static void test_alignment(void)
{
    static struct mmio_bus bus;
    struct probe probe;
    uint64_t value = 1;
    memset(&bus, 0, sizeof(bus));
    CHECK(!bus_read(&bus, 0, 4, &value));
    CHECK(add(&bus, &probe, 0x1000, 6));
    CHECK(bus_read(&bus, 0x1001, 2, &value));
    CHECK_EQUAL(value, 0);
    CHECK(bus_read(&bus, 0x1004, 4, &value)); /* over the end */
    CHECK(bus_write(&bus, 0x1000, 8, 1));
    CHECK_EQUAL(probe.reads + probe.writes, 0);
    CHECK(bus_read(&bus, 0x1004, 2, &value));
    CHECK_EQUAL(value, 0x2211);
    CHECK_EQUAL(probe.offset, 4);
    CHECK(bus_write(&bus, 0x1005, 1, UINT64_MAX));
    CHECK_EQUAL(probe.value, 0xff);
    CHECK(!bus_write(&bus, 0x1006, 1, 0));
}

/* Against a search from front to back. */
static void test_random(void)
{
    static struct mmio_bus bus;
    static struct probe probe[200];
    memset(&bus, 0, sizeof(bus));
    memset(probe, 0, sizeof(probe));
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t random = machine_random();
        unsigned which = (unsigned)(random % 200);
        uint64_t address = random >> 16 & 0xfff;
        if ((random >> 40 & 15) == 0) {
            if (probe[which].size != 0) {
                CHECK(mmio_remove(&bus, probe[which].base));
                probe[which].size = 0;
            } else if (bus.count < VM_MMIO_REGIONS) {
                uint64_t size = 1 + (random >> 44 & 0x3f);
                bool free = true;
                for (unsigned j = 0; j < 200; j++) {
                    free = free && (probe[j].size == 0 || address + size <= probe[j].base ||
                                    probe[j].base + probe[j].size <= address);
                }
                struct probe before = probe[which];
                CHECK_EQUAL(add(&bus, &probe[which], address, size), free);
                if (!free) {
                    probe[which] = before;
                }
            }
            continue;
        }
        struct probe *expected = NULL;
        for (unsigned j = 0; j < 200; j++) {
            if (probe[j].size != 0 && address - probe[j].base < probe[j].size) {
                expected = &probe[j];
            }
        }
        unsigned before = expected != NULL ? expected->reads : 0;
        uint64_t value;
        CHECK_EQUAL(bus_read(&bus, address, 1, &value), expected != NULL);
        CHECK(expected == NULL || expected->reads == before + 1);
    }
}

static void test_memory(void)
{
    machine_reset();
    CHECK(guest_memory(&vm, GUEST_RAM_BASE, 1) == vm.ram[0].host);
    CHECK(guest_memory(&vm, GUEST_RAM_BASE, MACHINE_RAM) == vm.ram[0].host);
    CHECK(guest_memory(&vm, GUEST_RAM_BASE + MACHINE_RAM - 1, 1) ==
          vm.ram[0].host + MACHINE_RAM - 1);
    CHECK(guest_memory(&vm, GUEST_RAM_BASE, MACHINE_RAM + 1) == NULL);
    CHECK(guest_memory(&vm, GUEST_RAM_BASE + MACHINE_RAM, 1) == NULL);
    CHECK(guest_memory(&vm, GUEST_RAM_BASE + 1, UINT64_MAX) == NULL);
    CHECK(guest_memory(&vm, GUEST_RAM_BASE - 1, 2) == NULL);
    CHECK(guest_memory(&vm, GUEST_RAM_BASE, 0) == NULL);
    CHECK(guest_memory(&vm, UINT64_MAX, 1) == NULL);
    struct mmio_region region = {.base = GUEST_RAM_BASE - 1, .size = 2};
    CHECK(!vm_mmio_add(&vm, &region));
    region = (struct mmio_region){.base = GUEST_RAM_BASE + MACHINE_RAM - 1, .size = 1};
    CHECK(!vm_mmio_add(&vm, &region));
    region.base++;
    CHECK(vm_mmio_add(&vm, &region));
}

int main(void)
{
    test_overlaps();
    test_alignment();
    test_random();
    test_memory();
    return 0;
}
