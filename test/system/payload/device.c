/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes the device pages of a guest at every offset in every width, aligned and not, and
 * what lies between and beyond them; then some instructions that no hypervisor can decode.
 */
#include "payload.h"

#include "virtio.h"

struct range {
    uint64_t base;
    uint64_t size;
};

static void probe(uint64_t address)
{
    for (unsigned size_bits = 0; size_bits < 4; size_bits++) {
        uint64_t value = read_any(address, size_bits, 0);
        write_any(address, size_bits, random_next());
        write_any(address, size_bits, value); /* it still wants to print */
    }
}

/* The interrupt controller has many registers and nothing that this program needs. */
static void probe_gic(const struct range *range)
{
    for (uint64_t offset = 0; offset < range->size; offset += 4) {
        for (unsigned size_bits = 0; size_bits < 4; size_bits++) {
            (void)read_any(range->base + offset, size_bits, 0);
            write_any(range->base + offset, size_bits, random_next());
        }
    }
}

static void probe_range(const struct range *range, uint64_t step)
{
    for (uint64_t offset = 0; offset < range->size; offset += step) {
        uint64_t address = range->base + offset;
        bool off = address >= PVPANIC_BASE && address < PVPANIC_BASE + 4;
        bool uart = address >= PL011_BASE && address < PL011_BASE + 4;
        if (!off && !uart) { /* its panic button, and what it prints */
            probe(address);
        }
    }
}

/* Loads and stores without a valid syndrome (ESR_EL2.ISV = 0), exclusives, and cache maintenance.
 */
static void probe_undecodable(uint64_t address)
{
    __asm__ volatile("ldp x4, x5, [%0]\n\tstp x4, x5, [%0]"
                     :
                     : "r"(address)
                     : "x4", "x5", "memory");
    __asm__ volatile("ldr x4, [%0], #8\n\tsub %0, %0, #8\n\tstr x4, [%0, #8]!"
                     : "+r"(address)
                     :
                     : "x4", "memory");
    __asm__ volatile("ldxr x4, [%0]\n\tstxr w5, x4, [%0]"
                     :
                     : "r"(address & ~UINT64_C(7))
                     : "x4", "x5", "memory");
    __asm__ volatile("ldadd x4, x5, [%0]\n\tcas x4, x5, [%0]"
                     :
                     : "r"(address & ~UINT64_C(7))
                     : "x4", "x5", "memory");
    __asm__ volatile("dc civac, %0\n\tdc cvac, %0\n\tic ivau, %0" : : "r"(address) : "memory");
    __asm__ volatile("prfm pldl1keep, [%0]" : : "r"(address));
}

int main(void)
{
    static const struct range pages[] = {
        {0x08000000, 0x10000}, /* GICD */
        {0x08020000, 0x1000},  /* GICv2m */
        {0x080a0000, 0x20000}, /* GICR */
        {0x09000000, 0x1000},  /* PL011 */
        {0x09010000, 0x1000},  /* PL031 */
        {0x09070000, 0x1000},  /* pvpanic */
        {0x0a000000, 0x400},   /* virtio-mmio */
        {ECAM_BASE, 0x1000},   /* the host bridge */
    };
    put("begin\n");
    for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (i < 3) {
            probe_gic(&pages[i]);
        } else {
            probe_range(&pages[i], 1);
        }
        put_line("page", i);
    }
    for (unsigned device = 1; device < 8; device++) {
        probe_range(&(struct range){ECAM_BASE + 0x8000 * device, 0x140}, 1);
    }
    put("configuration\n");
    struct virtio_device found;
    for (unsigned device = 1; device < 8; device++) {
        if (virtio_find(device, &found)) {
            probe_range(&(struct range){found.bar, found.bar_size}, 4);
            probe_range(&(struct range){found.bar, 0x80}, 1);
            put_line("device", device);
        }
    }
    for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        probe_undecodable(pages[i].base + 0x10);
        probe_undecodable(pages[i].base + 0x1001);
    }
    /* Between and beyond: nothing, other guests' worlds, the end of the address space. */
    for (unsigned bit = 12; bit < 52; bit++) {
        uint64_t address = UINT64_C(1) << bit;
        if (address != RAM_BASE) {
            probe(address);
        }
        probe(address - 1);
        if (bit >= 24) { /* behind its 16 MiB of RAM */
            probe(address + RAM_BASE + 4);
        }
        probe_undecodable(address + UINT64_C(0x80000000));
    }
    put_line("exceptions", exception_count.count);
    put("end\n");
    return 0;
}
