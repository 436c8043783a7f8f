/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI devices of the guest: one for each disk and network channel of the domain page, a
 * console, random numbers. */
#include <stdlib.h>
#include <string.h>

#include "domains/vmm/pci.h"
#include "domains/vmm/virtio_blk.h"
#include "domains/vmm/virtio_console.h"
#include "domains/vmm/virtio_net.h"
#include "domains/vmm/virtio_rng.h"
#include "domains/vmm/vm.h"
#include "ipc/root.h"
#include "libs/runtime/runtime.h"
#include "libs/virtio/pci.h"

/* Puts a virtio device onto the bus. */
static bool plug(struct pci_bus *bus, struct virtio_device *device)
{
    struct pci_endpoint_host host;
    struct virtio_pci *pci = calloc(1, sizeof(*pci));
    struct pci_slot *slot = pci != NULL ? pci_bus_next(bus, &host) : NULL;
    if (slot == NULL || !virtio_pci_init(pci, device, &host)) {
        bh_log("no room on the PCI bus for a device of type %u", (unsigned)device->type);
        return false;
    }
    pci_slot_fill(slot, &pci->endpoint);
    return true;
}

/* A device's state, or NULL after a message. */
static void *allocate(size_t size, const char *name)
{
    void *state = calloc(1, size);
    if (state == NULL) {
        bh_log("%s: the heap is too small for it", name);
    }
    return state;
}

static bool plug_disk(struct pci_bus *bus, const struct bh_resource *resource)
{
    struct virtio_blk *blk = allocate(sizeof(*blk), resource->name);
    return blk != NULL && virtio_blk_create(blk, bus->vm, resource) && plug(bus, &blk->device);
}

static bool plug_net(struct pci_bus *bus, const struct bh_resource *resource)
{
    struct virtio_net *net = allocate(sizeof(*net), resource->name);
    return net != NULL && virtio_net_create(net, bus->vm, resource) && plug(bus, &net->device);
}

static bool plug_console(struct pci_bus *bus)
{
    struct virtio_console *port = allocate(sizeof(*port), "console");
    if (port == NULL) {
        return false;
    }
    virtio_console_create(port, bus->vm, &bus->vm->console);
    return plug(bus, &port->device);
}

/* Machines without a generator fit for keys have no such device. */
static bool plug_rng(struct pci_bus *bus)
{
    struct virtio_rng *rng = allocate(sizeof(*rng), "rng");
    if (rng == NULL) {
        return false;
    }
    if (!virtio_rng_create(rng, bus->vm)) {
        free(rng);
        return true;
    }
    return plug(bus, &rng->device);
}

/* `prefix`0, `prefix`1 and so on, in this order; "kernel" and "initrd" are block channels as well
 * but no disks. */
static bool plug_all(struct pci_bus *bus, const char *prefix, uint32_t protocol,
                     bool (*plug_one)(struct pci_bus *bus, const struct bh_resource *resource),
                     unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[BH_NAME_MAX];
        (void)bh_format(name, sizeof(name), "%s%u", prefix, i);
        const struct bh_resource *resource = bh_resource_find(BH_RESOURCE_CLIENT, name);
        if (resource != NULL && resource->protocol == protocol && !plug_one(bus, resource)) {
            return false;
        }
    }
    return true;
}

bool vm_pci_create(struct vm *vm)
{
    struct pci_bus *bus = allocate(sizeof(*bus), "PCI");
    if (bus == NULL) {
        return false;
    }
    if (!pci_bus_create(bus, vm)) {
        bh_log("no place for the PCI host");
        return false;
    }
    return plug_all(bus, "disk", BH_PROTOCOL_BLOCK, plug_disk, BH_GUEST_DISKS_MAX) &&
           plug_all(bus, "net", BH_PROTOCOL_NET, plug_net, BH_GUEST_NETS_MAX) &&
           plug_console(bus) && plug_rng(bus);
}
