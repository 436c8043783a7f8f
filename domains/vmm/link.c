/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/vmm/link.h"

#include <string.h>

#include "ipc/root.h"
#include "libs/runtime/runtime.h"

static void link_signalled(void *context, uint64_t bits);

static bool link_attach(struct vm_link *link, const struct bh_resource *resource)
{
    struct bh_channel channel;
    link->resource = resource;
    link->epoch = resource->epoch;
    link->attached = true;
    bh_channel_attach(&channel, resource);
    link->ops->attached(link->device, &channel);

    uint64_t wanted = resource->bits | BH_SIGNAL_CONTROL;
    if ((wanted & ~link->bits) == 0) {
        return true;
    }
    uint64_t more = wanted & ~link->bits;
    link->bits |= wanted;
    return vm_on_signal(link->vm, more, link_signalled, link);
}

static void link_detach(struct vm_link *link)
{
    link->attached = false;
    link->ops->detached(link->device);
}

/* The domain page has changed. */
static void link_follow(struct vm_link *link)
{
    if (link->attached) {
        uint32_t state = bh_resource_state(link->resource);
        if (state == BH_RESOURCE_ATTACHED && link->resource->epoch == link->epoch) {
            return;
        }
        link_detach(link);
        if (state == BH_RESOURCE_DETACHING) {
            uint64_t index = (uint64_t)(link->resource - bh_domain()->resource);
            (void)bh_root_call(BH_ROOT_DETACHED, index, 0, 0);
        }
    }
    const struct bh_resource *resource = bh_resource_find(BH_RESOURCE_CLIENT, link->name);
    if (resource != NULL && resource->protocol == link->protocol && !link_attach(link, resource)) {
        bh_log("%s: no room for the signals of its service", link->name);
    }
}

static void link_signalled(void *context, uint64_t bits)
{
    struct vm_link *link = context;
    if ((bits & BH_SIGNAL_CONTROL) != 0) {
        link_follow(link);
    }
    if (link->attached && (bits & ~BH_SIGNAL_CONTROL) != 0) {
        link->ops->signalled(link->device);
    }
}

bool vm_link_start(struct vm_link *link, struct vm *vm, const struct bh_resource *resource,
                   const struct vm_link_ops *ops, void *device)
{
    *link =
        (struct vm_link){.vm = vm, .ops = ops, .device = device, .protocol = resource->protocol};
    memcpy(link->name, resource->name, sizeof(link->name));
    link->name[sizeof(link->name) - 1] = '\0';
    return link_attach(link, resource);
}
