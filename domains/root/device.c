/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/device.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/device_give.h"
#include "domains/root/log.h"
#include "domains/root/root.h"
#include "domains/root/tree.h"

#define FUNCTIONS_MAX 32u
#define ECAM_PAGES    (PCI_ECAM_BUS_SIZE >> BH_PAGE_BITS)

struct device devices[DESCRIPTION_DEVICES];
struct pci_bus pci_bus;

static struct pci_function functions[FUNCTIONS_MAX];
static uint32_t function_count;
static bool function_taken[FUNCTIONS_MAX];

/* Maps the configuration window of bus 0 and lists what is there. */
static const char *open_bus(const void *tree)
{
    const char *reason = machine_tree_pci_host(tree, &pci_bus.host);
    if (reason != NULL) {
        return reason;
    }
    pci_bus.ecam_slot = device_frames(pci_bus.host.ecam_address, PCI_ECAM_BUS_SIZE);
    if (pci_bus.ecam_slot == 0) {
        return "its configuration window is no device memory";
    }
    for (uint32_t i = 0; i < ECAM_PAGES; i++) {
        if (!space_map(&root.space, pci_bus.ecam_slot + i,
                       ROOT_ECAM + ((uint64_t)i << BH_PAGE_BITS), BH_RIGHT_READ | BH_RIGHT_WRITE,
                       BH_MAP_DEVICE)) {
            return "no memory to map its configuration window";
        }
    }
    pci_bus.access = pci_ecam_access((volatile void *)ROOT_ECAM);
    size_t found = pci_enumerate(&pci_bus.access, functions, FUNCTIONS_MAX);
    function_count = found < FUNCTIONS_MAX ? (uint32_t)found : FUNCTIONS_MAX;
    if (found > FUNCTIONS_MAX) {
        log_line("pci: only the first %u of %zu functions are used", FUNCTIONS_MAX, found);
    }
    for (uint32_t i = 0; i < function_count; i++) {
        const struct pci_function *function = &functions[i];
        log_line("pci: 00:%02x.%u %04x:%04x class %06x", function->device, function->function,
                 function->vendor_id, function->device_id, function->class_code);
    }
    pci_bus.open = true;
    return NULL;
}

static bool is_pci(const struct device_description *description)
{
    return description->by_class || description->by_id || description->by_slot;
}

static bool function_matches(const struct device_description *description,
                             const struct pci_function *function)
{
    return !function->bridge &&
           (!description->by_class || description->pci_class == function->class_code) &&
           (!description->by_id || (description->pci_id[0] == function->vendor_id &&
                                    description->pci_id[1] == function->device_id)) &&
           (!description->by_slot || (description->pci_slot[0] == function->device &&
                                      description->pci_slot[1] == function->function));
}

static const char *find_pci(struct device *device)
{
    const struct device_description *description = device->description;
    if (!pci_bus.open) {
        return "there is no PCI bus";
    }
    uint32_t index = description->index;
    for (uint32_t i = 0; i < function_count; i++) {
        if (!function_matches(description, &functions[i])) {
            continue;
        }
        if (index-- == 0) {
            if (function_taken[i]) {
                return "another device of the description is the same one";
            }
            function_taken[i] = true;
            device->function = &functions[i];
            return NULL;
        }
    }
    return "the machine does not have it";
}

static const char *find_platform(struct device *device, const void *tree)
{
    const struct device_description *description = device->description;
    int node =
        description->path[0] != 0
            ? machine_tree_path(tree, description->path)
            : machine_tree_compatible(tree, description->node_compatible, description->index);
    return node < 0 ? "the machine does not have it"
                    : machine_tree_platform(tree, node, &device->platform);
}

void devices_init(void)
{
    const void *tree = (const void *)root.boot->device_tree_address;
    if (!tree_valid(tree, root.boot->device_tree_size)) {
        log_line("the machine's device tree is damaged: there are no devices");
        return;
    }
    const struct description *description = &root.description;
    const char *bus_reason = open_bus(tree);
    if (bus_reason != NULL) {
        log_line("pci: %s", bus_reason);
    }
    for (uint32_t i = 0; i < description->device_count; i++) {
        struct device *device = &devices[i];
        device->description = &description->device[i];
        if (!device->description->present) {
            continue;
        }
        const char *reason =
            is_pci(device->description) ? find_pci(device) : find_platform(device, tree);
        device->found = reason == NULL;
        if (reason != NULL) {
            log_line("device %s: %s%s", device->description->name, reason,
                     device->description->optional ? " (it is optional)" : "");
        }
    }
}

static struct device *find_device(const char *name)
{
    for (uint32_t i = 0; i < root.description.device_count; i++) {
        const struct device_description *description = devices[i].description;
        if (description != NULL && description->present && strcmp(description->name, name) == 0) {
            return &devices[i];
        }
    }
    return NULL;
}

const char *devices_give(struct domain *domain)
{
    const struct name_list *names = &domain->description->devices;
    for (uint32_t i = 0; i < names->count; i++) {
        struct device *device = find_device(names->name[i]);
        if (device == NULL || !device->found) {
            if (device != NULL && device->description->optional) {
                continue;
            }
            return "one of its devices is missing";
        }
        device->number = i;
        const char *reason = device->function != NULL ? device_give_pci(device, domain)
                                                      : device_give_platform(device, domain);
        if (reason != NULL) {
            log_line("device %s: %s", names->name[i], reason);
            if (!device->description->optional) {
                return "one of its devices can't be used";
            }
            continue;
        }
        device->given = true;
        log_line("device %s: %s for %s%s", names->name[i], device->description->driver,
                 domain->name, device->messages ? ", interrupts by messages" : "");
    }
    return NULL;
}

bool device_given(const char *name)
{
    const struct device *device = find_device(name);
    return device != NULL && device->given;
}

uint32_t device_interrupts(const char *name, uint32_t intid[4])
{
    const struct device *device = find_device(name);
    if (device == NULL || !device->given) {
        return 0;
    }
    memcpy(intid, device->intid, sizeof(device->intid));
    return device->interrupt_count;
}
