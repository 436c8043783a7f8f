/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/device_tree.h"

#include <libfdt.h>
#include <string.h>

#include "domains/vmm/memory_map.h"

#define PHANDLE_GIC   1u
#define PHANDLE_MSI   2u
#define PHANDLE_CLOCK 3u

#define ROOM 4096u /* left in the tree */

#define CLOCK_HZ          24000000u
#define LEVEL_HIGH        4u
#define SPI               0u
#define PPI               1u
#define SPI_NUMBER(intid) ((intid)-32u)
#define PPI_NUMBER(intid) ((intid)-16u)

/* PCI address space codes (IEEE 1275 PCI binding 2.2.1.1). */
#define PCI_IO           0x01000000u
#define PCI_MEMORY32     0x02000000u
#define PCI_MEMORY64     0x03000000u
#define PCI_DEVICE_SHIFT 11
#define PCI_PINS         4u

#define CELLS_MAX 192u

/* A tree being written; libfdt's first error stays. */
struct writer {
    void *fdt;
    int error;
};

static void note(struct writer *writer, int error)
{
    if (writer->error == 0) {
        writer->error = error;
    }
}

static void begin(struct writer *writer, const char *name)
{
    note(writer, fdt_begin_node(writer->fdt, name));
}

static void end(struct writer *writer)
{
    note(writer, fdt_end_node(writer->fdt));
}

static void bytes(struct writer *writer, const char *name, const void *value, size_t length)
{
    note(writer, fdt_property(writer->fdt, name, value, (int)length));
}

static void flag(struct writer *writer, const char *name)
{
    bytes(writer, name, "", 0);
}

static void string(struct writer *writer, const char *name, const char *value)
{
    bytes(writer, name, value, strlen(value) + 1);
}

static void cell(struct writer *writer, const char *name, uint32_t value)
{
    note(writer, fdt_property_u32(writer->fdt, name, value));
}

static void cells(struct writer *writer, const char *name, const uint32_t *value, size_t count)
{
    fdt32_t copy[CELLS_MAX];
    if (count > CELLS_MAX) {
        note(writer, -FDT_ERR_NOSPACE);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = cpu_to_fdt32(value[i]);
    }
    bytes(writer, name, copy, count * sizeof(copy[0]));
}

#define CELLS(writer, name, ...)                         \
    cells(writer, name, (const uint32_t[]){__VA_ARGS__}, \
          sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

#define HIGH(value) (uint32_t)((uint64_t)(value) >> 32)
#define LOW(value)  (uint32_t)(value)
#define PAIR(value) HIGH(value), LOW(value)

static void node_name(char *name, const char *kind, uint64_t address)
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    while (kind[at] != '\0') {
        name[at] = kind[at];
        at++;
    }
    name[at++] = '@';
    unsigned shift = 60;
    while (shift > 0 && (address >> shift & 0xf) == 0) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        name[at++] = digits[address >> shift & 0xf];
        if (shift == 0) {
            break;
        }
    }
    name[at] = '\0';
}

static void begin_at(struct writer *writer, const char *kind, uint64_t address)
{
    char name[48];
    node_name(name, kind, address);
    begin(writer, name);
}

static void write_chosen(struct writer *writer, const struct device_tree *tree)
{
    begin(writer, "chosen");
    string(writer, "bootargs", tree->command_line);
    string(writer, "stdout-path", "/pl011@9000000");
    if (tree->initrd_end > tree->initrd_start) {
        CELLS(writer, "linux,initrd-start", PAIR(tree->initrd_start));
        CELLS(writer, "linux,initrd-end", PAIR(tree->initrd_end));
    }
    bytes(writer, "rng-seed", tree->random, sizeof(tree->random));
    CELLS(writer, "kaslr-seed", PAIR(tree->kaslr_seed));
    end(writer);
}

static void write_processors(struct writer *writer, const struct device_tree *tree)
{
    begin(writer, "cpus");
    cell(writer, "#address-cells", 1);
    cell(writer, "#size-cells", 0);
    for (unsigned i = 0; i < tree->vcpu_count; i++) {
        begin_at(writer, "cpu", i);
        string(writer, "device_type", "cpu");
        string(writer, "compatible", "arm,armv8");
        cell(writer, "reg", i);
        string(writer, "enable-method", "psci");
        end(writer);
    }
    end(writer);

    begin(writer, "psci");
    static const char psci[] = "arm,psci-1.0\0arm,psci-0.2";
    bytes(writer, "compatible", psci, sizeof(psci));
    string(writer, "method", "hvc");
    end(writer);

    /* Secure, physical, virtual and hypervisor timer, in this order. */
    begin(writer, "timer");
    string(writer, "compatible", "arm,armv8-timer");
    CELLS(writer, "interrupts", PPI, PPI_NUMBER(29u), LEVEL_HIGH, PPI,
          PPI_NUMBER(GUEST_INTID_PHYSICAL_TIMER), LEVEL_HIGH, PPI,
          PPI_NUMBER(GUEST_INTID_VIRTUAL_TIMER), LEVEL_HIGH, PPI, PPI_NUMBER(26u), LEVEL_HIGH);
    flag(writer, "always-on");
    end(writer);
}

static void write_memory(struct writer *writer, const struct device_tree *tree)
{
    for (unsigned i = 0; i < tree->memory_count; i++) {
        begin_at(writer, "memory", tree->memory[i].base);
        string(writer, "device_type", "memory");
        CELLS(writer, "reg", PAIR(tree->memory[i].base), PAIR(tree->memory[i].size));
        end(writer);
    }
}

static void write_interrupt_controller(struct writer *writer)
{
    begin_at(writer, "interrupt-controller", GUEST_GICD_BASE);
    string(writer, "compatible", "arm,gic-v3");
    flag(writer, "interrupt-controller");
    cell(writer, "#interrupt-cells", 3);
    cell(writer, "#address-cells", 2);
    cell(writer, "#size-cells", 2);
    flag(writer, "ranges");
    cell(writer, "#redistributor-regions", 1);
    CELLS(writer, "reg", PAIR(GUEST_GICD_BASE), PAIR(GUEST_GICD_SIZE), PAIR(GUEST_GICR_BASE),
          PAIR(GUEST_GICR_REGION_SIZE));
    cell(writer, "phandle", PHANDLE_GIC);

    begin_at(writer, "v2m", GUEST_GICV2M_BASE);
    string(writer, "compatible", "arm,gic-v2m-frame");
    flag(writer, "msi-controller");
    CELLS(writer, "reg", PAIR(GUEST_GICV2M_BASE), PAIR(GUEST_GICV2M_SIZE));
    cell(writer, "phandle", PHANDLE_MSI);
    end(writer);
    end(writer);
}

static void write_platform_devices(struct writer *writer)
{
    static const char clock_names[] = "uartclk\0apb_pclk";
    static const char pl011[] = "arm,pl011\0arm,primecell";
    static const char pl031[] = "arm,pl031\0arm,primecell";

    begin(writer, "apb-pclk");
    string(writer, "compatible", "fixed-clock");
    cell(writer, "#clock-cells", 0);
    cell(writer, "clock-frequency", CLOCK_HZ);
    string(writer, "clock-output-names", "clk24mhz");
    cell(writer, "phandle", PHANDLE_CLOCK);
    end(writer);

    begin_at(writer, "pl011", GUEST_PL011_BASE);
    bytes(writer, "compatible", pl011, sizeof(pl011));
    CELLS(writer, "reg", PAIR(GUEST_PL011_BASE), PAIR(GUEST_PL011_SIZE));
    CELLS(writer, "interrupts", SPI, SPI_NUMBER(GUEST_INTID_PL011), LEVEL_HIGH);
    bytes(writer, "clock-names", clock_names, sizeof(clock_names));
    CELLS(writer, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    end(writer);

    begin_at(writer, "pl031", GUEST_PL031_BASE);
    bytes(writer, "compatible", pl031, sizeof(pl031));
    CELLS(writer, "reg", PAIR(GUEST_PL031_BASE), PAIR(GUEST_PL031_SIZE));
    CELLS(writer, "interrupts", SPI, SPI_NUMBER(GUEST_INTID_PL031), LEVEL_HIGH);
    string(writer, "clock-names", "apb_pclk");
    cell(writer, "clocks", PHANDLE_CLOCK);
    end(writer);

    begin_at(writer, "pvpanic", GUEST_PVPANIC_BASE);
    string(writer, "compatible", "qemu,pvpanic-mmio");
    CELLS(writer, "reg", PAIR(GUEST_PVPANIC_BASE), PAIR(UINT64_C(2)));
    end(writer);
}

/* The four interrupt lines, swizzled by device number: a map for the low two bits of it (PCI
 * binding 3). */
static void write_pci_interrupt_map(struct writer *writer)
{
    uint32_t map[PCI_PINS * PCI_PINS * 10];
    size_t at = 0;
    for (uint32_t device = 0; device < PCI_PINS; device++) {
        for (uint32_t pin = 1; pin <= PCI_PINS; pin++) {
            uint32_t intid = GUEST_INTID_PCI_INTX + (device + pin - 1) % PCI_PINS;
            const uint32_t entry[10] = {
                device << PCI_DEVICE_SHIFT, 0,         0, pin, PHANDLE_GIC, 0, 0, SPI,
                SPI_NUMBER(intid),          LEVEL_HIGH};
            for (unsigned i = 0; i < 10; i++) {
                map[at++] = entry[i];
            }
        }
    }
    cells(writer, "interrupt-map", map, at);
    CELLS(writer, "interrupt-map-mask", (PCI_PINS - 1) << PCI_DEVICE_SHIFT, 0, 0, 7);
}

static void write_pci(struct writer *writer)
{
    begin_at(writer, "pcie", GUEST_PCI_WINDOW32_BASE);
    string(writer, "compatible", "pci-host-ecam-generic");
    string(writer, "device_type", "pci");
    cell(writer, "#address-cells", 3);
    cell(writer, "#size-cells", 2);
    cell(writer, "#interrupt-cells", 1);
    cell(writer, "linux,pci-domain", 0);
    CELLS(writer, "bus-range", 0, 0);
    CELLS(writer, "reg", PAIR(GUEST_PCI_ECAM_BASE), PAIR(GUEST_PCI_ECAM_SIZE));
    CELLS(writer, "ranges", PCI_IO, PAIR(UINT64_C(0)), PAIR(GUEST_PCI_IO_BASE),
          PAIR(GUEST_PCI_IO_SIZE), PCI_MEMORY32, PAIR(GUEST_PCI_WINDOW32_BASE),
          PAIR(GUEST_PCI_WINDOW32_BASE), PAIR(GUEST_PCI_WINDOW32_SIZE), PCI_MEMORY64,
          PAIR(GUEST_PCI_WINDOW64_BASE), PAIR(GUEST_PCI_WINDOW64_BASE),
          PAIR(GUEST_PCI_WINDOW64_SIZE));
    write_pci_interrupt_map(writer);
    cell(writer, "msi-parent", PHANDLE_MSI);
    flag(writer, "dma-coherent");
    end(writer);
}

bool device_tree_write(const struct device_tree *tree, void *buffer, size_t size)
{
    if (size < 2 * ROOM || size > INT32_MAX) {
        return false;
    }
    struct writer writer = {.fdt = buffer};
    note(&writer, fdt_create(buffer, (int)(size - ROOM)));
    note(&writer, fdt_finish_reservemap(buffer));
    begin(&writer, "");
    string(&writer, "compatible", "linux,dummy-virt");
    string(&writer, "model", "bulkhead,guest");
    cell(&writer, "#address-cells", 2);
    cell(&writer, "#size-cells", 2);
    cell(&writer, "interrupt-parent", PHANDLE_GIC);
    flag(&writer, "dma-coherent");
    write_chosen(&writer, tree);
    begin(&writer, "aliases");
    string(&writer, "serial0", "/pl011@9000000");
    end(&writer);
    write_memory(&writer, tree);
    write_processors(&writer, tree);
    write_interrupt_controller(&writer);
    write_platform_devices(&writer);
    write_pci(&writer);
    end(&writer);
    note(&writer, fdt_finish(buffer));
    if (writer.error == 0) {
        note(&writer, fdt_open_into(buffer, buffer, (int)fdt_totalsize(buffer) + (int)ROOM));
    }
    return writer.error == 0;
}
