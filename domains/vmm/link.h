/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's channel to its service, by its name in the domain page. It follows what root does: a
 * service that is restarted comes as a detachment and a new attachment. Between the two the device
 * goes on without the channel.
 */
#ifndef DOMAINS_VMM_LINK_H
#define DOMAINS_VMM_LINK_H

#include "domains/vmm/device.h"
#include "ipc/domain.h"

struct vm_link_ops {
    /* The rings are empty, `channel` is valid until detached. */
    void (*attached)(void *device, const struct bh_channel *channel);
    /* Nothing of the channel may be touched any more. */
    void (*detached)(void *device);
    /* The service may have signalled. Only while attached. */
    void (*signalled)(void *device);
};

struct vm_link {
    struct vm *vm;
    const struct vm_link_ops *ops;
    void *device;
    char name[BH_NAME_MAX];
    uint32_t protocol;
    const struct bh_resource *resource; /* valid while attached */
    uint32_t epoch;
    uint64_t bits; /* signals that reach the link */
    bool attached;
};

/* Attaches to `resource` at once and watches it from then on. False: no room for a signal handler.
 */
bool vm_link_start(struct vm_link *link, struct vm *vm, const struct bh_resource *resource,
                   const struct vm_link_ops *ops, void *device);

#endif
