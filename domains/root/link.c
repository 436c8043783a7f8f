/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/link.h"

#include "domains/root/log.h"

#define LINKS_MAX 1024u

enum link_state {
    LINK_FREE = 0,
    LINK_HELD,
    LINK_DETACHING,
    LINK_RELEASED,
};

static struct link {
    uint8_t state;
    uint8_t owner, holder; /* numbers of domains */
    uint16_t resource;
    uint32_t slot;
} links[LINKS_MAX];

_Static_assert(DOMAINS_MAX <= 256, "numbers fit");

bool link_add(const struct domain *owner, struct domain *holder, uint32_t resource, uint32_t slot)
{
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        if (links[i].state == LINK_FREE) {
            links[i] = (struct link){.state = LINK_HELD,
                                     .owner = (uint8_t)owner->number,
                                     .holder = (uint8_t)holder->number,
                                     .resource = (uint16_t)resource,
                                     .slot = slot};
            return true;
        }
    }
    return false;
}

static bool can_answer(const struct domain *holder)
{
    return holder != NULL && (holder->state == DOMAIN_STARTING || holder->state == DOMAIN_READY);
}

void links_detach(const struct domain *owner)
{
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &links[i];
        if (link->state == LINK_HELD && link->owner == owner->number) {
            link->state = LINK_DETACHING;
            domain_resource_set_state(domain_get(link->holder), link->resource,
                                      BH_RESOURCE_DETACHING);
        }
    }
}

bool link_released(struct domain *holder, uint64_t resource)
{
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &links[i];
        if (link->state == LINK_DETACHING && link->holder == holder->number &&
            link->resource == resource) {
            /* The entry keeps its addresses until the memory behind them is gone: links_remove. */
            link->state = LINK_RELEASED;
            return true;
        }
    }
    return false;
}

uint32_t links_outstanding(const struct domain *owner)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        const struct link *link = &links[i];
        if ((link->state == LINK_HELD || link->state == LINK_DETACHING) &&
            link->owner == owner->number && can_answer(domain_get(link->holder))) {
            count++;
        }
    }
    return count;
}

void links_remove(const struct domain *owner)
{
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &links[i];
        if (link->state == LINK_FREE || link->owner != owner->number) {
            continue;
        }
        struct domain *holder = domain_get(link->holder);
        if (link->state != LINK_RELEASED && can_answer(holder)) {
            log_line("%s did not let go of a resource of %s in time", holder->name, owner->name);
        }
        link->state = LINK_FREE;
        if (holder == NULL) {
            continue;
        }
        if (link->slot != 0) {
            domain_take_back(holder, link->slot);
        }
        domain_resource_set_state(holder, link->resource, BH_RESOURCE_UNUSED);
    }
}
