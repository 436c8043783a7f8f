/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/device_give.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/root.h"

#define BAR_MAX (UINT64_C(16) << 20)
/* Where devices see the page that they write messages to: below all that they share with domains.
 */
#define DOORBELL       UINT64_C(0x8000000)
#define INTERRUPTS_MAX 32u

/* Interrupts given so far. Devices of one domain may share a line; domains may not. */
static struct {
    uint32_t intid;
    uint32_t domain;
    uint32_t slot; /* in the domain's CNode */
    uint64_t bits;
} interrupts[INTERRUPTS_MAX];
static uint32_t interrupt_count;

static const char *add(struct domain *domain, const struct device *device,
                       struct bh_resource *resource)
{
    memcpy(resource->name, device->description->name, BH_NAME_MAX);
    memcpy(resource->object, device->description->driver, BH_NAME_MAX);
    resource->argument[1] = device->number;
    return domain_resource_add(domain, resource) < BH_DOMAIN_RESOURCE_MAX
               ? NULL
               : "the domain has too many resources";
}

/* Binds a new handler to the domain's notification, with a bit of its own. */
static const char *grant_interrupt(struct domain *domain, uint32_t handler, uint32_t intid)
{
    if (interrupt_count == INTERRUPTS_MAX) {
        return "too many interrupts";
    }
    uint32_t signal = arena_slots(&domain->arena, 1);
    uint64_t bits = domain_next_bit(domain);
    if (signal == 0) {
        return "no slots for its interrupt";
    }
    if (bh_cnode_mint(BH_ROOT_SLOT_CNODE, signal, BH_ROOT_SLOT_CNODE, domain->notification,
                      BH_RIGHT_WRITE, bits)
                .error != BH_OK ||
        bh_irq_handler_bind(handler, signal).error != BH_OK) {
        return "its interrupt can't be bound";
    }
    uint32_t slot = domain_grant(domain, handler, BH_RIGHTS_ALL, 0);
    if (slot == 0) {
        return "the domain has too many capabilities";
    }
    interrupts[interrupt_count].intid = intid;
    interrupts[interrupt_count].domain = domain->number;
    interrupts[interrupt_count].slot = slot;
    interrupts[interrupt_count].bits = bits;
    interrupt_count++;
    return NULL;
}

static const char *make_interrupt(struct domain *domain, const struct machine_interrupt *interrupt)
{
    uint32_t handler = arena_slots_foreign(&domain->arena, 1);
    if (handler == 0) {
        return "no slots for its interrupt";
    }
    if (bh_irq_control_get(BH_ROOT_SLOT_IRQ_CONTROL, interrupt->intid, interrupt->edge ? 1 : 0,
                           BH_ROOT_SLOT_CNODE, handler)
            .error != BH_OK) {
        return "its interrupt is in use, or the machine does not have it";
    }
    return grant_interrupt(domain, handler, interrupt->intid);
}

static const char *add_interrupt(struct device *device, struct domain *domain, uint32_t number)
{
    struct bh_resource resource = {.kind = BH_RESOURCE_IRQ,
                                   .cap = interrupts[number].slot,
                                   .bits = interrupts[number].bits,
                                   .argument = {device->interrupt_count}};
    device->intid[device->interrupt_count++] = interrupts[number].intid;
    return add(domain, device, &resource);
}

static const char *give_interrupt(struct device *device, struct domain *domain,
                                  const struct machine_interrupt *interrupt)
{
    uint32_t i = 0;
    while (i < interrupt_count && interrupts[i].intid != interrupt->intid) {
        i++;
    }
    if (i == interrupt_count) {
        const char *reason = make_interrupt(domain, interrupt);
        if (reason != NULL) {
            return reason;
        }
    } else if (interrupts[i].domain != domain->number) {
        return "its interrupt line is shared with a device of another domain";
    }
    return add_interrupt(device, domain, i);
}

/* Writes vector 0 into the function's table, by way of root's scratch addresses. */
static bool write_vector(const struct device *device, const struct pci_msix *msix, uint32_t page,
                         const struct bh_result *message)
{
    if (bh_cnode_copy(BH_ROOT_SLOT_CNODE, page, BH_ROOT_SLOT_CNODE,
                      device->bar_frame[msix->bar] + (msix->offset >> BH_PAGE_BITS), BH_RIGHTS_ALL)
                .error != BH_OK ||
        !space_map(&root.space, page, ROOT_SCRATCH, BH_RIGHT_READ | BH_RIGHT_WRITE,
                   BH_MAP_DEVICE)) {
        return false;
    }
    pci_msix_write((volatile void *)(ROOT_SCRATCH + msix->offset % BH_PAGE_SIZE), 0,
                   DOORBELL + message->value[0] % BH_PAGE_SIZE, (uint32_t)message->value[1]);
    pci_msix_enable(&pci_bus.access, device->function, msix);
    (void)bh_cnode_delete(BH_ROOT_SLOT_CNODE, page);
    return true;
}

/*
 * Lets the function interrupt by messages, all by vector 0, where it and the machine can. Its
 * driver may change the table: another address aborts in the SMMU, and another number is an event
 * of this function that has no handler.
 */
static const char *give_message(struct device *device, struct domain *domain)
{
    const struct pci_function *function = device->function;
    struct pci_msix msix;
    uint32_t device_id;
    if (!pci_host_message(&pci_bus.host, function->requester_id, &device_id) ||
        !pci_msix_find((const volatile void *)(ROOT_ECAM + function->config_offset), function,
                       &msix)) {
        return NULL;
    }
    uint32_t handler = arena_slots_foreign(&domain->arena, 1);
    uint32_t doorbell = arena_slots_foreign(&domain->arena, 1);
    uint32_t page = arena_slots_foreign(&domain->arena, 1);
    if (handler == 0 || doorbell == 0 || page == 0) {
        return "no slots for its interrupt";
    }
    struct bh_result message =
        bh_irq_control_get_msi(BH_ROOT_SLOT_IRQ_CONTROL, device_id, 0, BH_ROOT_SLOT_CNODE, handler);
    if (message.error != BH_OK) {
        return NULL;
    }
    device->messages = true;
    if (bh_cnode_copy(BH_ROOT_SLOT_CNODE, doorbell, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_MSI_DOORBELL,
                      BH_RIGHTS_ALL)
                .error != BH_OK ||
        !space_map(&domain->io[domain->io_count - 1], doorbell, DOORBELL,
                   BH_RIGHT_READ | BH_RIGHT_WRITE, BH_MAP_DEVICE)) {
        return "no memory to map what it writes messages to";
    }
    const char *reason = grant_interrupt(domain, handler, (uint32_t)message.value[2]);
    if (reason != NULL) {
        return reason;
    }
    return write_vector(device, &msix, page, &message)
               ? add_interrupt(device, domain, interrupt_count - 1)
               : "no memory to map its table of messages";
}

/* Maps a row of device frames into the domain and lists them. */
static const char *give_registers(const struct device *device, struct domain *domain,
                                  uint32_t frame, uint64_t size, uint64_t rights, uint64_t number)
{
    uint64_t address = domain_address(domain, size, BH_PAGE_SIZE);
    for (uint64_t offset = 0; address != 0 && offset < size; offset += BH_PAGE_SIZE) {
        if (!space_map(&domain->space, frame + (offset >> BH_PAGE_BITS), address + offset, rights,
                       BH_MAP_DEVICE)) {
            address = 0;
        }
    }
    if (address == 0) {
        return "no memory to map its registers";
    }
    struct bh_resource resource = {
        .kind = BH_RESOURCE_MMIO, .address = address, .size = size, .argument = {number}};
    return add(domain, device, &resource);
}

static const char *give_bars(struct device *device, struct domain *domain)
{
    struct pci_function *function = device->function;
    unsigned failed;
    enum pci_status status = pci_assign(&pci_bus.access, function, pci_bus.host.window,
                                        pci_bus.host.window_count, &failed);
    if (status != PCI_OK) {
        return pci_status_name(status);
    }
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &function->bar[i];
        if (!bar->assigned) {
            continue;
        }
        if (bar->mapped_size > BAR_MAX) {
            return "one of its BARs is too large";
        }
        uint32_t frame = device_frames(bar->address, bar->mapped_size);
        if (frame == 0) {
            return "one of its BARs is no device memory";
        }
        device->bar_frame[i] = frame;
        const char *reason = give_registers(device, domain, frame, bar->mapped_size,
                                            BH_RIGHT_READ | BH_RIGHT_WRITE, i);
        if (reason != NULL) {
            return reason;
        }
    }
    return NULL;
}

static const char *give_configuration(struct device *device, struct domain *domain)
{
    uint32_t copy = arena_slots_foreign(&domain->arena, 1);
    uint32_t frame = pci_bus.ecam_slot + (device->function->config_offset >> BH_PAGE_BITS);
    if (copy == 0 ||
        bh_cnode_copy(BH_ROOT_SLOT_CNODE, copy, BH_ROOT_SLOT_CNODE, frame, BH_RIGHT_READ).error !=
            BH_OK) {
        return "no slots for its configuration space";
    }
    return give_registers(device, domain, copy, PCI_CONFIG_SIZE, BH_RIGHT_READ, BH_MMIO_PCI_CONFIG);
}

/* The I/O space, and memory for queues that the device sees where the domain sees it. */
static const char *give_memory(struct device *device, struct domain *domain)
{
    uint32_t stream;
    if (root.boot->has_smmu == 0 ||
        !pci_host_stream(&pci_bus.host, device->function->requester_id, &stream)) {
        return "no SMMU is in front of it";
    }
    if (domain->io_count == DOMAIN_IO_SPACES) {
        return "the domain has too many devices that do DMA";
    }
    struct space *io = &domain->io[domain->io_count];
    *io = (struct space){.cap = arena_make(&domain->arena, BH_TYPE_IO_SPACE, 0, 1),
                         .tables = &domain->tables};
    if (io->cap == 0 ||
        bh_io_control_bind(BH_ROOT_SLOT_IO_CONTROL, io->cap, stream).error != BH_OK) {
        return "its I/O space can't be made";
    }
    domain->io_count++;

    uint64_t size = device->description->dma_size;
    uint64_t address = domain_address(domain, size, BH_PAGE_SIZE);
    const uint64_t rights = BH_RIGHT_READ | BH_RIGHT_WRITE;
    struct region region;
    if (address == 0 || !region_make(&region, &domain->arena, size, BH_PAGE_BITS) ||
        !region_map(&region, &domain->space, address, rights) ||
        !region_map(&region, io, address, rights)) {
        return "no memory for its queues";
    }
    struct bh_resource resource = {.kind = BH_RESOURCE_DMA, .address = address, .size = size};
    return add(domain, device, &resource);
}

static const char *give_interrupts(struct device *device, struct domain *domain)
{
    const char *reason = give_message(device, domain);
    struct machine_interrupt interrupt;
    if (reason == NULL && !device->messages &&
        pci_host_interrupt(&pci_bus.host, device->function, &interrupt)) {
        reason = give_interrupt(device, domain, &interrupt);
    }
    return reason;
}

const char *device_give_pci(struct device *device, struct domain *domain)
{
    const char *reason = give_memory(device, domain);
    if (reason == NULL) {
        reason = give_bars(device, domain);
    }
    if (reason == NULL) {
        reason = give_configuration(device, domain);
    }
    if (reason == NULL) {
        pci_enable(&pci_bus.access, device->function); /* the table of messages is in a BAR */
        reason = give_interrupts(device, domain);
        if (reason != NULL) {
            pci_disable(&pci_bus.access, device->function);
        }
    }
    return reason;
}

const char *device_give_platform(struct device *device, struct domain *domain)
{
    const struct platform_device *platform = &device->platform;
    for (uint32_t i = 0; i < platform->reg_count; i++) {
        uint64_t address = platform->reg[i].address;
        uint64_t size = (platform->reg[i].size + BH_PAGE_SIZE - 1) & ~(BH_PAGE_SIZE - 1);
        if (address % BH_PAGE_SIZE != 0 || size > BAR_MAX) {
            return "its registers are no whole pages";
        }
        uint32_t frame = device_frames(address, size);
        if (frame == 0) {
            return "its registers are no device memory, or in use";
        }
        const char *reason =
            give_registers(device, domain, frame, size, BH_RIGHT_READ | BH_RIGHT_WRITE, i);
        if (reason != NULL) {
            return reason;
        }
    }
    for (uint32_t i = 0; i < platform->interrupt_count; i++) {
        const char *reason = give_interrupt(device, domain, &platform->interrupt[i]);
        if (reason != NULL) {
            return reason;
        }
    }
    return NULL;
}
