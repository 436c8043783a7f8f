/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the flattened device tree. Runs before the MMU is on, so everything is addressed relative to the program
 * counter and read byte by byte.
 */
#include "assert.h"
#include "console.h"
#include "machine.h"

#define FDT_MAGIC 0xd00dfeedu
#define FDT_BEGIN_NODE 1u
#define FDT_END_NODE 2u
#define FDT_PROP 3u
#define FDT_NOP 4u
#define FDT_END 9u
#define FDT_SIZE_MAX 0x200000u
#define DEPTH_MAX 16

struct blob {
    const uint8_t *data;
    uint32_t size;
};

/* The properties that matter here. (Not pointers to their names: the addresses in those are not in use yet.) */
enum property { COMPATIBLE, REG, INTERRUPTS, DEVICE_TYPE, METHOD, INITRD_START, INITRD_END, PROPERTY_COUNT };
static const char property_names[PROPERTY_COUNT][20] = {
    "compatible", "reg", "interrupts", "device_type", "method", "linux,initrd-start", "linux,initrd-end"};

/* The node being read. */
struct node {
    struct blob property[PROPERTY_COUNT];
};

struct cells {
    uint32_t address, size;
};

static uint32_t be32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static uint64_t read_cells(const uint8_t *p, uint32_t cells)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < cells; i++) {
        value = (value << 32) | be32(p + 4 * i);
    }
    return value;
}

/* Whether the string that begins at `offset` is `text`. */
static bool name_is(struct blob strings, uint32_t offset, const char *text)
{
    for (uint32_t i = offset; i < strings.size; i++, text++) {
        if (strings.data[i] != (uint8_t)*text) {
            return false;
        }
        if (*text == '\0') {
            return true;
        }
    }
    return false;
}

/* Whether a list of strings (or a single one) contains `text`. */
static bool list_has(struct blob list, const char *text)
{
    for (uint32_t i = 0; i < list.size; i++) {
        if ((i == 0 || list.data[i - 1] == 0) && name_is(list, i, text)) {
            return true;
        }
    }
    return false;
}

static bool reg_entry(const struct node *node, struct cells cells, uint32_t index, struct range *range)
{
    uint32_t size = 4 * (cells.address + cells.size);
    if (cells.address > 2 || cells.size > 2 || size == 0 || node->property[REG].size / size <= index) {
        return false;
    }
    const uint8_t *entry = node->property[REG].data + index * size;
    range->start = read_cells(entry, cells.address);
    range->size = read_cells(entry + 4 * cells.address, cells.size);
    return true;
}

/* The INTID of the `index`-th interrupt of a node below a GICv3 (three cells each). */
static uint32_t interrupt(const struct node *node, uint32_t index)
{
    if (node->property[INTERRUPTS].size / 12 <= index) {
        return IRQ_NONE;
    }
    const uint8_t *entry = node->property[INTERRUPTS].data + 12 * index;
    uint32_t number = be32(entry + 4) & 0x3ff;
    return be32(entry) == 1 ? 16 + (number & 15) : 32 + number;
}

static void take_node(const struct node *node, struct cells cells)
{
    struct blob compatible = node->property[COMPATIBLE];
    struct range range;

    if (list_has(node->property[DEVICE_TYPE], "memory")) {
        for (uint32_t i = 0; machine.ram_count < MACHINE_RAM_MAX && reg_entry(node, cells, i, &range); i++) {
            machine.ram[machine.ram_count++] = range;
        }
    } else if (list_has(node->property[DEVICE_TYPE], "cpu")) {
        if (machine.cpu_count < BH_CORES_MAX && node->property[REG].size / 4 == cells.address) {
            machine.cpu[machine.cpu_count] = read_cells(node->property[REG].data, cells.address);
        }
        machine.cpu_count++;
    } else if (list_has(compatible, "arm,gic-v3")) {
        reg_entry(node, cells, 0, &machine.gic_distributor);
        reg_entry(node, cells, 1, &machine.gic_redistributors);
        machine.maintenance_irq = interrupt(node, 0);
    } else if (list_has(compatible, "arm,cortex-a15-gic") || list_has(compatible, "arm,gic-400")) {
        machine.gic_too_old = true;
    } else if (list_has(compatible, "arm,gic-v3-its")) {
        reg_entry(node, cells, 0, &machine.its);
    } else if (list_has(compatible, "arm,smmu-v3")) {
        reg_entry(node, cells, 0, &machine.smmu);
        machine.smmu_event_irq = interrupt(node, 0);
    } else if (list_has(compatible, "arm,armv8-timer")) {
        machine.timer_irq = interrupt(node, 3); /* secure, non-secure, virtual, hypervisor */
    } else if (machine.uart.size == 0 && list_has(compatible, "arm,pl011")) {
        reg_entry(node, cells, 0, &machine.uart);
        console_use((void *)machine.uart.start); /* for what follows, at its physical address */
    } else if (list_has(compatible, "arm,psci-1.0") || list_has(compatible, "arm,psci-0.2")) {
        machine.psci_hvc = list_has(node->property[METHOD], "hvc");
    }
    struct blob initrd_start = node->property[INITRD_START], initrd_end = node->property[INITRD_END];
    if (initrd_start.size != 0 && initrd_end.size != 0) {
        uint64_t start = read_cells(initrd_start.data, initrd_start.size / 4);
        uint64_t end = read_cells(initrd_end.data, initrd_end.size / 4);
        machine.bundle = (struct range){start, end > start ? end - start : 0};
    }
}

static void take_property(struct node *node, struct cells *children, struct blob strings, uint32_t name,
                          struct blob value)
{
    for (unsigned i = 0; i < PROPERTY_COUNT; i++) {
        if (name_is(strings, name, property_names[i]) && (i < INITRD_START || value.size <= 8)) {
            node->property[i] = value;
        }
    }
    if (name_is(strings, name, "#address-cells") && value.size == 4) {
        children->address = be32(value.data);
    } else if (name_is(strings, name, "#size-cells") && value.size == 4) {
        children->size = be32(value.data);
    }
}

/* The value of the property at *at, which moves behind it; *name is an offset into the strings. */
static struct blob read_property(struct blob structure, uint32_t *at, uint32_t *name)
{
    start_requires(structure.size - *at >= 8, "the device tree is truncated");
    struct blob value = {structure.data + *at + 8, be32(structure.data + *at)};
    *name = be32(structure.data + *at + 4);
    *at += 8;
    start_requires(value.size <= structure.size - *at, "the device tree is truncated");
    *at += (value.size + 3) & ~3u;
    return value;
}

static void read_structure(struct blob structure, struct blob strings)
{
    struct cells cells[DEPTH_MAX + 1] = {{2, 1}}; /* of the children of the node at each depth; the root's is 1 */
    struct node node = {0};
    bool open = false; /* `node` is the node at the current depth, and not taken yet */
    uint32_t depth = 0, at = 0, token = FDT_NOP, name;

    while (token != FDT_END) {
        start_requires(at <= structure.size && structure.size - at >= 4, "the device tree is truncated");
        token = be32(structure.data + at);
        at += 4;
        if (open && (token == FDT_BEGIN_NODE || token == FDT_END_NODE)) {
            take_node(&node, cells[depth - 1]);
            open = false;
        }
        switch (token) {
        case FDT_BEGIN_NODE:
            start_requires(depth < DEPTH_MAX, "the device tree is nested too deeply");
            while (at < structure.size && structure.data[at] != 0) {
                at++;
            }
            at = (at + 4) & ~3u;
            cells[++depth] = (struct cells){2, 1};
            node = (struct node){0};
            open = true;
            break;
        case FDT_END_NODE:
            start_requires(depth > 0, "the device tree is malformed");
            depth--;
            break;
        case FDT_PROP: {
            struct blob value = read_property(structure, &at, &name);
            if (open) {
                take_property(&node, &cells[depth], strings, name, value);
            }
            break;
        }
        default:
            start_requires(token == FDT_NOP || token == FDT_END, "the device tree is malformed");
        }
    }
}

void machine_read(const void *device_tree)
{
    const uint8_t *fdt = device_tree;

    machine = (struct machine){.smmu_event_irq = IRQ_NONE, .timer_irq = IRQ_NONE, .maintenance_irq = IRQ_NONE};
    start_requires(fdt != NULL && ((uint64_t)fdt & 7) == 0 && be32(fdt) == FDT_MAGIC,
                   "the loader has passed no device tree");
    uint32_t total = be32(fdt + 4);
    uint32_t structure_offset = be32(fdt + 8);
    uint32_t strings_offset = be32(fdt + 12);
    uint32_t strings_size = be32(fdt + 32);
    uint32_t structure_size = be32(fdt + 36);
    start_requires(total <= FDT_SIZE_MAX && structure_offset <= total && structure_size <= total - structure_offset &&
                       strings_offset <= total && strings_size <= total - strings_offset &&
                       (structure_offset & 3) == 0,
                   "the device tree's header is wrong");
    machine.device_tree = (struct range){(uint64_t)fdt, total};
    read_structure((struct blob){fdt + structure_offset, structure_size},
                   (struct blob){fdt + strings_offset, strings_size});
}
