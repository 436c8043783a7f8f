/* SPDX-License-Identifier: BSD-2-Clause */
/* What root reads from the machine's device tree (machine.dts), also when that is damaged. */
#include <string.h>

#include "domains/root/machine_tree.h"
#include "domains/root/tree.h"
#include "test/unit/check.h"

static char *tree;
static size_t tree_size;

static const char *platform(const char *compatible, uint32_t index, struct platform_device *device)
{
    int node = machine_tree_compatible(tree, compatible, index);
    CHECK(node > 0);
    return machine_tree_platform(tree, node, device);
}

static void finds_platform_devices(void)
{
    struct platform_device device;
    CHECK(platform("arm,pl011", 0, &device) == NULL);
    CHECK_EQUAL(device.reg_count, 1);
    CHECK_EQUAL(device.reg[0].address, 0x9000000);
    CHECK_EQUAL(device.reg[0].size, 0x1000);
    CHECK_EQUAL(device.interrupt_count, 1);
    CHECK_EQUAL(device.interrupt[0].intid, 33);
    CHECK(!device.interrupt[0].edge);
    CHECK_EQUAL(machine_tree_path(tree, "/pl011@9000000"),
                machine_tree_compatible(tree, "arm,primecell", 0));
    CHECK_EQUAL(machine_tree_path(tree, "/nothing"), -1);
    CHECK_EQUAL(machine_tree_path(tree, ""), -1);

    /* A disabled one does not count. */
    CHECK(platform("test,twice", 0, &device) == NULL);
    CHECK_EQUAL(device.reg_count, 2);
    CHECK_EQUAL(device.reg[1].address, 0x9030000);
    CHECK(device.interrupt[0].edge && !device.interrupt[1].edge);
    CHECK_EQUAL(machine_tree_compatible(tree, "test,twice", 1), -1);

    CHECK(platform("test,translated", 0, &device) == NULL);
    CHECK_EQUAL(device.reg[0].address, 0xc001000);
    CHECK(platform("test,ppi", 0, &device) != NULL);
    CHECK(platform("test,empty", 0, &device) != NULL);
    CHECK(platform("test,outside", 0, &device) != NULL);
    CHECK(platform("test,island", 0, &device) != NULL);
}

static bool interrupt(const struct pci_host *host, uint8_t device, uint8_t pin, uint32_t *intid)
{
    struct pci_function function = {.device = device, .interrupt_pin = pin};
    struct machine_interrupt found = {0};
    bool good = pci_host_interrupt(host, &function, &found);
    *intid = found.intid;
    return good;
}

static void finds_the_pci_host(void)
{
    struct pci_host host;
    uint32_t intid;
    uint32_t stream;
    CHECK(machine_tree_pci_host(tree, &host) == NULL);
    CHECK_EQUAL(host.ecam_address, 0x4010000000);
    CHECK_EQUAL(host.window_count, 2); /* without that for I/O ports */
    CHECK_EQUAL(host.window[0].cpu_address, 0x10000000);
    CHECK_EQUAL(host.window[1].size, 0x8000000000);

    CHECK(interrupt(&host, 0, 1, &intid) && intid == 35);
    CHECK(interrupt(&host, 4, 2, &intid) && intid == 36); /* by the mask the same as device 0 */
    CHECK(interrupt(&host, 1, 1, &intid) && intid == 36);
    CHECK(!interrupt(&host, 1, 2, &intid)); /* not an SPI */
    CHECK(!interrupt(&host, 2, 1, &intid)); /* not in the map */
    CHECK(!interrupt(&host, 0, 0, &intid)); /* no pin */

    CHECK(pci_host_stream(&host, 3, &stream) && stream == 3);
    CHECK(pci_host_stream(&host, 9, &stream) && stream == 0x101);
    CHECK(!pci_host_stream(&host, 0x10, &stream));

    CHECK(pci_host_message(&host, 3, &stream) && stream == 0x23);
    CHECK(pci_host_message(&host, 0x103, &stream) && stream == 0x23); /* by the mask */
    CHECK(!pci_host_message(&host, 0x10, &stream));
}

static void survives_damage(void)
{
    char *good = tree;
    uint32_t random = 99;
    tree = malloc(tree_size);
    CHECK(tree != NULL);
    for (unsigned round = 0; round < 20000; round++) {
        memcpy(tree, good, tree_size);
        for (unsigned i = 0; i <= round % 3; i++) {
            random = random * 1664525u + 1013904223u;
            tree[(random >> 8) % tree_size] = (char)(random >> 3);
        }
        if (!tree_valid(tree, tree_size)) {
            continue;
        }
        struct platform_device device;
        struct pci_host host;
        uint32_t value;
        for (uint32_t i = 0; i < 8; i++) {
            static const char *const names[] = {"arm,pl011", "test,translated", "test,twice"};
            int node = machine_tree_compatible(tree, names[i % 3], i / 3);
            if (node >= 0) {
                (void)machine_tree_platform(tree, node, &device);
            }
        }
        if (machine_tree_pci_host(tree, &host) == NULL) {
            for (uint8_t i = 0; i < 8; i++) {
                (void)interrupt(&host, i, (uint8_t)(1 + i % 4), &value);
                (void)pci_host_stream(&host, i, &value);
                (void)pci_host_message(&host, i, &value);
            }
        }
    }
    free(tree);
    tree = good;
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    FILE *file = fopen(argv[1], "rb");
    CHECK(file != NULL);
    tree = malloc(65536);
    CHECK(tree != NULL);
    tree_size = fread(tree, 1, 65536, file);
    fclose(file);
    CHECK(tree_valid(tree, tree_size));
    CHECK(!tree_valid(tree, tree_size - 1));
    finds_platform_devices();
    finds_the_pci_host();
    survives_damage();
    free(tree);
    return 0;
}
