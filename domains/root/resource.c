/* SPDX-License-Identifier: BSD-2-Clause */
/* What a domain holds, as its domain page and its CNode say. */
#include <bh/syscall.h>
#include <string.h>

#include "domains/root/domain.h"
#include "domains/root/root.h"

/* The end of the resource that covers part of [address, address + size); 0: none does. */
static uint64_t obstacle(const struct domain *domain, uint64_t address, uint64_t size)
{
    for (uint32_t i = 0; i < domain->page->resource_count; i++) {
        const struct bh_resource *resource = &domain->page->resource[i];
        if (resource->state != BH_RESOURCE_UNUSED && resource->address != 0 &&
            resource->address < address + size && address < resource->address + resource->size) {
            return resource->address + resource->size;
        }
    }
    return 0;
}

uint64_t domain_address(const struct domain *domain, uint64_t size, uint64_t alignment)
{
    uint64_t address = BH_DOMAIN_RESOURCES;
    for (uint32_t i = 0; i <= domain->page->resource_count; i++) {
        address = (address + alignment - 1) & ~(alignment - 1);
        if (size > BH_SPACE_SIZE - address) {
            return 0;
        }
        uint64_t end = obstacle(domain, address, size);
        if (end == 0) {
            return address;
        }
        address = end;
    }
    return 0;
}

static void tell(struct domain *domain)
{
    struct bh_domain_page *page = domain->page;
    __atomic_store_n(&page->generation, page->generation + 1, __ATOMIC_RELEASE);
    if (domain->control != 0 &&
        (domain->state == DOMAIN_STARTING || domain->state == DOMAIN_READY)) {
        (void)bh_signal(domain->control);
    }
}

uint32_t domain_resource_add(struct domain *domain, const struct bh_resource *resource)
{
    struct bh_domain_page *page = domain->page;
    uint32_t index = 0;
    while (index < page->resource_count && page->resource[index].state != BH_RESOURCE_UNUSED) {
        index++;
    }
    if (index == domain->page_capacity) {
        return BH_DOMAIN_RESOURCE_MAX;
    }
    struct bh_resource *entry = &page->resource[index];
    uint32_t epoch = entry->epoch;
    *entry = *resource;
    entry->epoch = epoch + 1; /* a domain that missed the change sees that it is another one */
    __atomic_store_n(&entry->state, BH_RESOURCE_ATTACHED, __ATOMIC_RELEASE);
    if (index == page->resource_count) {
        __atomic_store_n(&page->resource_count, index + 1, __ATOMIC_RELEASE);
    }
    tell(domain);
    return index;
}

void domain_resource_set_state(struct domain *domain, uint32_t index, enum bh_resource_state state)
{
    __atomic_store_n(&domain->page->resource[index].state, state, __ATOMIC_RELEASE);
    tell(domain);
}

uint64_t domain_next_bit(struct domain *domain)
{
    uint32_t count = 64 - BH_SIGNAL_RESOURCE_SHIFT;
    return UINT64_C(1) << (BH_SIGNAL_RESOURCE_SHIFT + domain->next_bit++ % count);
}

static uint32_t own_slot(struct domain *domain)
{
    return domain->number == 0 ? slot_allocate() : slots_allocate(&domain->slots, 1);
}

static void forget_slot(struct domain *domain, uint32_t slot)
{
    if (domain->number == 0) {
        slot_delete(slot);
    } else {
        slots_free(&domain->slots, slot, 1);
    }
}

uint32_t domain_grant_notification(struct domain *domain, const struct domain *owner,
                                   uint64_t badge)
{
    return domain_grant(domain, owner->notification, BH_RIGHT_WRITE, badge);
}

uint32_t domain_grant(struct domain *domain, bh_cptr source, uint64_t rights, uint64_t badge)
{
    uint32_t slot = own_slot(domain);
    if (slot == 0) {
        return 0;
    }
    struct bh_result result =
        badge != 0
            ? bh_cnode_mint(domain->cnode, slot, BH_ROOT_SLOT_CNODE, source, rights, badge)
            : bh_cnode_copy(domain->cnode, slot, BH_ROOT_SLOT_CNODE, source, rights);
    if (result.error != BH_OK) {
        forget_slot(domain, slot);
        return 0;
    }
    return slot;
}

void domain_take_back(struct domain *domain, uint32_t slot)
{
    (void)bh_cnode_delete(domain->cnode, slot);
    forget_slot(domain, slot);
}

uint64_t domain_region_add(struct domain *domain, struct region *region, const char *name,
                           const char *object, uint64_t size, uint64_t argument)
{
    size = (size + BH_PAGE_SIZE - 1) & ~(BH_PAGE_SIZE - 1);
    uint64_t address = domain_address(domain, size, BH_PAGE_SIZE);
    if (address == 0 || !region_make(region, &domain->arena, size, BH_PAGE_BITS) ||
        !region_map(region, &domain->space, address, BH_RIGHT_READ | BH_RIGHT_WRITE)) {
        return 0;
    }
    struct bh_resource resource = {
        .kind = BH_RESOURCE_REGION, .address = address, .size = size, .argument = {argument}};
    memcpy(resource.name, name, strnlen(name, BH_NAME_MAX - 1));
    memcpy(resource.object, object, strnlen(object, BH_NAME_MAX - 1));
    return domain_resource_add(domain, &resource) < BH_DOMAIN_RESOURCE_MAX ? address : 0;
}
