/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's device tree, read back with libfdt, and with dtc where it is installed: no warnings.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domains/vmm/device_tree.h"
#include "domains/vmm/memory_map.h"
#include "test/unit/check.h"

static _Alignas(8) uint8_t blob[65536];

static uint32_t cell(const char *path, const char *name, unsigned index)
{
    int length;
    const fdt32_t *value = fdt_getprop(blob, fdt_path_offset(blob, path), name, &length);
    CHECK(value != NULL);
    CHECK((int)(4 * (index + 1)) <= length);
    return fdt32_to_cpu(value[index]);
}

static uint64_t pair(const char *path, const char *name, unsigned index)
{
    return (uint64_t)cell(path, name, index) << 32 | cell(path, name, index + 1);
}

static const char *text(const char *path, const char *name)
{
    int length;
    const char *value = fdt_getprop(blob, fdt_path_offset(blob, path), name, &length);
    CHECK(value != NULL);
    return value;
}

static void check_contents(void)
{
    CHECK_EQUAL(fdt_check_full(blob, sizeof(blob)), 0);
    CHECK(fdt_totalsize(blob) >
          fdt_off_dt_strings(blob) + fdt_size_dt_strings(blob) + 2000); /* room to edit */
    CHECK_EQUAL(pair("/memory@40000000", "reg", 0), GUEST_RAM_BASE);
    CHECK_EQUAL(pair("/memory@40000000", "reg", 2), UINT64_C(0x10000000));
    CHECK(strcmp(text("/cpus/cpu@0", "enable-method"), "psci") == 0);
    CHECK(strcmp(text("/psci", "method"), "hvc") == 0);
    CHECK(fdt_path_offset(blob, "/cpus/cpu@1") < 0);
    CHECK_EQUAL(pair("/interrupt-controller@8000000", "reg", 0), GUEST_GICD_BASE);
    CHECK_EQUAL(pair("/interrupt-controller@8000000", "reg", 4), GUEST_GICR_BASE);
    CHECK_EQUAL(pair("/interrupt-controller@8000000/v2m@8020000", "reg", 0), GUEST_GICV2M_BASE);
    CHECK_EQUAL(cell("/pl011@9000000", "interrupts", 1), 1);
    CHECK_EQUAL(cell("/pl031@9010000", "interrupts", 1), 2);
    CHECK(fdt_path_offset(blob, text("/chosen", "stdout-path")) > 0);
    CHECK_EQUAL(pair("/pcie@10000000", "reg", 0), GUEST_PCI_ECAM_BASE);
    CHECK_EQUAL(cell("/pcie@10000000", "ranges", 0), 0x01000000);
    CHECK_EQUAL(pair("/pcie@10000000", "ranges", 3), GUEST_PCI_IO_BASE);
    CHECK_EQUAL(cell("/pcie@10000000", "ranges", 7), 0x02000000);
    CHECK_EQUAL(pair("/pcie@10000000", "ranges", 10), GUEST_PCI_WINDOW32_BASE);
    CHECK_EQUAL(cell("/pcie@10000000", "ranges", 14), 0x03000000);
    CHECK_EQUAL(pair("/pcie@10000000", "ranges", 19), GUEST_PCI_WINDOW64_SIZE);
    /* Device 1, pin A is line 1. */
    CHECK_EQUAL(cell("/pcie@10000000", "interrupt-map", 40), 1 << 11);
    CHECK_EQUAL(cell("/pcie@10000000", "interrupt-map", 43), 1);
    CHECK_EQUAL(cell("/pcie@10000000", "interrupt-map", 48), GUEST_INTID_PCI_INTX + 1 - 32);
}

int main(void)
{
    const struct device_tree_range memory[] = {{GUEST_RAM_BASE, 0x10000000}};
    struct device_tree tree = {.memory = memory,
                               .memory_count = 1,
                               .vcpu_count = 1,
                               .command_line = "console=ttyAMA0 quiet",
                               .initrd_start = 0x44000000,
                               .initrd_end = 0x44123456,
                               .kaslr_seed = UINT64_C(0x123456789abcdef0)};
    memset(tree.random, 0x5a, sizeof(tree.random));
    CHECK(device_tree_write(&tree, blob, sizeof(blob)));
    check_contents();
    CHECK(strcmp(text("/chosen", "bootargs"), tree.command_line) == 0);
    CHECK_EQUAL(pair("/chosen", "linux,initrd-start", 0), tree.initrd_start);
    CHECK_EQUAL(pair("/chosen", "linux,initrd-end", 0), tree.initrd_end);
    CHECK_EQUAL(pair("/chosen", "kaslr-seed", 0), tree.kaslr_seed);
    CHECK_EQUAL(cell("/chosen", "rng-seed", 15), 0x5a5a5a5a);

    tree.vcpu_count = 8;
    CHECK(device_tree_write(&tree, blob, sizeof(blob)));
    for (uint32_t i = 0; i < 8; i++) {
        char path[] = "/cpus/cpu@0";
        path[sizeof(path) - 2] = (char)('0' + i);
        CHECK_EQUAL(cell(path, "reg", 0), i);
        CHECK(strcmp(text(path, "enable-method"), "psci") == 0);
    }
    CHECK(fdt_path_offset(blob, "/cpus/cpu@8") < 0);
    tree.vcpu_count = 1;
    CHECK(device_tree_write(&tree, blob, sizeof(blob)));

    if (system("dtc --version >/dev/null 2>&1") == 0) {
        FILE *dtc =
            popen("test -z \"$(dtc -I dtb -O dts -o /dev/null - 2>&1 | tee /dev/stderr)\"", "w");
        CHECK(dtc != NULL);
        CHECK_EQUAL(fwrite(blob, fdt_totalsize(blob), 1, dtc), 1);
        CHECK_EQUAL(pclose(dtc), 0);
    }

    tree.initrd_end = tree.initrd_start;
    CHECK(device_tree_write(&tree, blob, sizeof(blob)));
    CHECK(fdt_getprop(blob, fdt_path_offset(blob, "/chosen"), "linux,initrd-start", NULL) == NULL);
    static char line[1024];
    memset(line, 'x', sizeof(line) - 1);
    tree.command_line = line;
    bool fitted = false;
    for (size_t size = 0; size < 12000; size += 8) { /* too small: refused, not overrun */
        uint8_t *small = malloc(size + 1);
        CHECK(small != NULL);
        bool fits = device_tree_write(&tree, small, size);
        CHECK(fits || !fitted);
        CHECK(!fits || fdt_check_full(small, size) == 0);
        fitted = fits;
        free(small);
    }
    CHECK(fitted);
    return 0;
}
