/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel reads from the machine's device tree, good or damaged. */
#include <stdint.h>
#include <string.h>

#include "../check.h"
#include "console.h"
#include "machine.h"
#include "start.h"

struct machine machine;

void console_use(void *registers)
{
    (void)registers;
}

/* A device tree under construction (Devicetree Specification 0.4, 5). */
struct tree {
    uint8_t structure[4096];
    uint32_t structure_size;
    char strings[512];
    uint32_t strings_size;
};

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9, HEADER = 40 };

static void put32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static void token(struct tree *tree, uint32_t value)
{
    put32(tree->structure + tree->structure_size, value);
    tree->structure_size += 4;
}

static void bytes(struct tree *tree, const void *data, size_t size)
{
    memcpy(tree->structure + tree->structure_size, data, size);
    tree->structure_size += (uint32_t)((size + 3) & ~(size_t)3);
}

static void begin(struct tree *tree, const char *name)
{
    token(tree, BEGIN_NODE);
    bytes(tree, name, strlen(name) + 1);
}

static uint32_t string(struct tree *tree, const char *name)
{
    uint32_t at = tree->strings_size;
    memcpy(tree->strings + at, name, strlen(name) + 1);
    tree->strings_size += (uint32_t)strlen(name) + 1;
    return at;
}

static void property(struct tree *tree, const char *name, const void *data, size_t size)
{
    token(tree, PROPERTY);
    token(tree, (uint32_t)size);
    token(tree, string(tree, name));
    bytes(tree, data, size);
}

static void text(struct tree *tree, const char *name, const char *value)
{
    property(tree, name, value, strlen(value) + 1);
}

static void words(struct tree *tree, const char *name, const uint32_t *values, size_t count)
{
    uint8_t data[64];
    for (size_t i = 0; i < count; i++) {
        put32(data + 4 * i, values[i]);
    }
    property(tree, name, data, 4 * count);
}

#define WORDS(tree, name, ...)                                                                     \
    words(tree, name, (const uint32_t[]){__VA_ARGS__},                                             \
          sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void put_nodes(struct tree *tree)
{
    begin(tree, "memory@40000000");
    text(tree, "device_type", "memory");
    WORDS(tree, "reg", 0, 0x40000000, 0, 0x20000000, 1, 0, 0, 0x80000000);
    token(tree, END_NODE);
    begin(tree, "cpus");
    WORDS(tree, "#address-cells", 1);
    WORDS(tree, "#size-cells", 0);
    begin(tree, "cpu@0");
    text(tree, "device_type", "cpu");
    WORDS(tree, "reg", 0);
    token(tree, END_NODE);
    token(tree, END_NODE);
    begin(tree, "intc@8000000");
    property(tree, "compatible", "arm,gic-v3", 11);
    WORDS(tree, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
    WORDS(tree, "interrupts", 1, 9, 4);
    WORDS(tree, "#address-cells", 2);
    WORDS(tree, "#size-cells", 2);
    begin(tree, "its@8080000");
    text(tree, "compatible", "arm,gic-v3-its");
    WORDS(tree, "reg", 0, 0x8080000, 0, 0x20000);
    token(tree, END_NODE);
    token(tree, END_NODE);
    begin(tree, "timer");
    property(tree, "compatible", "arm,armv8-timer\0arm,armv7-timer", 32);
    WORDS(tree, "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
    token(tree, END_NODE);
    begin(tree, "smmuv3@9050000");
    text(tree, "compatible", "arm,smmu-v3");
    WORDS(tree, "reg", 0, 0x9050000, 0, 0x20000);
    WORDS(tree, "interrupts", 0, 74, 1, 0, 75, 1);
    token(tree, END_NODE);
    begin(tree, "pl011@9000000");
    property(tree, "compatible", "arm,pl011\0arm,primecell", 24);
    WORDS(tree, "reg", 0, 0x9000000, 0, 0x1000);
    token(tree, END_NODE);
    begin(tree, "psci");
    property(tree, "compatible", "arm,psci-1.0\0arm,psci-0.2", 26);
    text(tree, "method", "smc");
    token(tree, END_NODE);
    begin(tree, "chosen");
    WORDS(tree, "linux,initrd-start", 0x48000000);
    WORDS(tree, "linux,initrd-end", 0, 0x48345678);
    token(tree, END_NODE);
}

static void put_good(struct tree *tree)
{
    memset(tree, 0, sizeof(*tree));
    begin(tree, "");
    WORDS(tree, "#address-cells", 2);
    WORDS(tree, "#size-cells", 2);
    token(tree, NOP);
    put_nodes(tree);
    token(tree, END_NODE);
    token(tree, END);
}

/* The flattened tree in memory of exactly its size; to be freed. */
static uint8_t *flatten(const struct tree *tree, uint32_t *size)
{
    *size = HEADER + tree->structure_size + tree->strings_size;
    uint8_t *blob = aligned_alloc(8, (*size + 7) & ~7u);
    CHECK(blob != NULL);
    memset(blob, 0, *size);
    put32(blob, 0xd00dfeed);
    put32(blob + 4, *size);
    put32(blob + 8, HEADER);
    put32(blob + 12, HEADER + tree->structure_size);
    put32(blob + 32, tree->strings_size);
    put32(blob + 36, tree->structure_size);
    memcpy(blob + HEADER, tree->structure, tree->structure_size);
    memcpy(blob + HEADER + tree->structure_size, tree->strings, tree->strings_size);
    return blob;
}

static const char *why_not(const void *blob)
{
    return WHY_NOT(machine_read(blob));
}

static const char *read(const struct tree *tree)
{
    uint32_t size;
    uint8_t *blob = flatten(tree, &size);
    const char *error = why_not(blob);
    free(blob);
    return error;
}

static void reads_the_machine(void)
{
    struct tree tree;
    put_good(&tree);
    CHECK(read(&tree) == NULL);
    CHECK_EQUAL(machine.ram_count, 2);
    CHECK_EQUAL(machine.ram[0].start, 0x40000000);
    CHECK_EQUAL(machine.ram[0].size, 0x20000000);
    CHECK_EQUAL(machine.ram[1].start, UINT64_C(0x100000000));
    CHECK_EQUAL(machine.ram[1].size, 0x80000000);
    CHECK_EQUAL(machine.cpu_count, 1);
    CHECK_EQUAL(machine.gic_distributor.start, 0x8000000);
    CHECK_EQUAL(machine.gic_redistributors.start, 0x80a0000);
    CHECK_EQUAL(machine.gic_redistributors.size, 0xf60000);
    CHECK_EQUAL(machine.its.start, 0x8080000);
    CHECK_EQUAL(machine.its.size, 0x20000);
    CHECK_EQUAL(machine.maintenance_irq, 25);
    CHECK_EQUAL(machine.timer_irq, 26);
    CHECK_EQUAL(machine.smmu.start, 0x9050000);
    CHECK_EQUAL(machine.smmu_event_irq, 106);
    CHECK_EQUAL(machine.uart.start, 0x9000000);
    CHECK(!machine.psci_hvc);
    CHECK(!machine.gic_too_old);
    CHECK_EQUAL(machine.bundle.start, 0x48000000);
    CHECK_EQUAL(machine.bundle.size, 0x345678);
}

static void knows_an_old_interrupt_controller(void)
{
    struct tree tree = {0};
    begin(&tree, "");
    begin(&tree, "intc");
    text(&tree, "compatible", "arm,cortex-a15-gic");
    token(&tree, END_NODE);
    token(&tree, END_NODE);
    token(&tree, END);
    CHECK(read(&tree) == NULL);
    CHECK(machine.gic_too_old);
    CHECK_EQUAL(machine.timer_irq, IRQ_NONE);
    CHECK_EQUAL(machine.bundle.size, 0);
}

static void a_name_must_match_whole(void)
{
    struct tree tree = {0};
    begin(&tree, "");
    begin(&tree, "a");
    text(&tree, "compatible", "arm,smmu-v3x");
    WORDS(&tree, "reg", 1, 2, 3, 4);
    token(&tree, END_NODE);
    begin(&tree, "b");
    property(&tree, "compatible", "arm,smmu-v3", 11); /* without its terminator */
    token(&tree, END_NODE);
    begin(&tree, "c");
    property(&tree, "compatible", "xarm,smmu-v3", 13);
    token(&tree, END_NODE);
    token(&tree, END_NODE);
    token(&tree, END);
    CHECK(read(&tree) == NULL);
    CHECK_EQUAL(machine.smmu.size, 0);
}

static void keeps_to_its_limits(void)
{
    struct tree tree = {0};
    begin(&tree, "");
    WORDS(&tree, "#address-cells", 1);
    WORDS(&tree, "#size-cells", 1);
    begin(&tree, "memory");
    text(&tree, "device_type", "memory");
    WORDS(&tree, "reg", 0, 1, 2, 1, 4, 1, 6, 1, 8, 1, 10, 1);
    token(&tree, END_NODE);
    begin(&tree, "memory2");
    text(&tree, "device_type", "memory");
    WORDS(&tree, "reg", 12, 1, 14, 1, 16, 1, 18, 1, 20, 1, 22, 1);
    token(&tree, END_NODE);
    token(&tree, END_NODE);
    token(&tree, END);
    CHECK(read(&tree) == NULL);
    CHECK_EQUAL(machine.ram_count, MACHINE_RAM_MAX);
    CHECK_EQUAL(machine.ram[7].start, 14);
}

static void refuses_wild_cells(void)
{
    static const uint32_t wild[] = {0, 3, 0x40000000, 0xffffffff};
    for (size_t i = 0; i < 4; i++) {
        struct tree tree = {0};
        begin(&tree, "");
        WORDS(&tree, "#address-cells", wild[i]);
        WORDS(&tree, "#size-cells", wild[i]);
        begin(&tree, "memory");
        text(&tree, "device_type", "memory");
        WORDS(&tree, "reg", 0, 1, 2, 3);
        token(&tree, END_NODE);
        token(&tree, END_NODE);
        token(&tree, END);
        CHECK(read(&tree) == NULL);
        CHECK_EQUAL(machine.ram_count, 0);
    }
}

static void refuses_what_is_no_tree(void)
{
    struct tree tree;
    uint32_t size;
    put_good(&tree);
    uint8_t *blob = flatten(&tree, &size);
    CHECK(why_not(NULL) != NULL);
    CHECK(why_not(blob + 4) != NULL);
    static const struct {
        uint32_t offset, value;
    } damage[] = {
        {0, 0xd00dfeee},    {4, 0x200001}, {4, 0xffffffff},  {8, 0xffffffff}, {8, 42},
        {8, 0xfffffffc},    {12, 0xfffffff0}, {32, 0xffffffff}, {36, 0xffffffff},
    };
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        uint8_t before[4];
        memcpy(before, blob + damage[i].offset, 4);
        put32(blob + damage[i].offset, damage[i].value);
        CHECK(why_not(blob) != NULL);
        memcpy(blob + damage[i].offset, before, 4);
    }
    CHECK(why_not(blob) == NULL);
    free(blob);
}

/* So long that the position behind it wraps around to where it began. */
static void refuses_a_property_without_end(void)
{
    struct tree tree = {0};
    begin(&tree, "");
    token(&tree, PROPERTY);
    token(&tree, 0xfffffffd);
    token(&tree, string(&tree, "compatible"));
    token(&tree, END_NODE);
    token(&tree, END);
    CHECK(read(&tree) != NULL);
}

static void refuses_endless_nesting(void)
{
    struct tree tree = {0};
    for (int i = 0; i < 40; i++) {
        begin(&tree, "n");
    }
    token(&tree, END);
    CHECK(read(&tree) != NULL);
    tree = (struct tree){0};
    token(&tree, END_NODE);
    token(&tree, END);
    CHECK(read(&tree) != NULL);
    tree = (struct tree){0};
    CHECK(read(&tree) != NULL);
}

static uint32_t next(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

/* Any damage: an answer, and (by the sanitizers) no byte read beyond the tree. */
static void survives_any_damage(void)
{
    struct tree tree;
    uint32_t size, random = 2463534242u;
    put_good(&tree);
    for (int round = 0; round < 30000; round++) {
        uint8_t *blob = flatten(&tree, &size);
        for (uint32_t changes = next(&random) % 4 + 1; changes > 0; changes--) {
            uint32_t at = 4 + next(&random) % (size - 4);
            static const uint8_t values[] = {0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff};
            blob[at] = next(&random) % 2 == 0 ? values[next(&random) % 9] : (uint8_t)next(&random);
        }
        if ((uint32_t)((uint32_t)blob[4] << 24 | (uint32_t)blob[5] << 16 | (uint32_t)blob[6] << 8 | blob[7]) <= size) {
            (void)why_not(blob); /* a tree that claims more than there is cannot be told from a good one */
            CHECK(machine.ram_count <= MACHINE_RAM_MAX);
        }
        free(blob);
    }
}

int main(void)
{
    reads_the_machine();
    knows_an_old_interrupt_controller();
    a_name_must_match_whole();
    keeps_to_its_limits();
    refuses_wild_cells();
    refuses_what_is_no_tree();
    refuses_a_property_without_end();
    refuses_endless_nesting();
    survives_any_damage();
    return 0;
}
