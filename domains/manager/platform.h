/* SPDX-License-Identifier: BSD-2-Clause */
/* The manager's resources in its domain page: what the API and the network interface work on. */
#ifndef MANAGER_PLATFORM_H
#define MANAGER_PLATFORM_H

#include "domains/manager/manager.h"
#include "ipc/domain.h"

/* What has become of a channel since the last look. */
enum platform_change {
    PLATFORM_SAME = 0,
    PLATFORM_ATTACHED, /* anew: `channel` is open and its rings are empty */
    PLATFORM_DETACHED, /* its memory must not be touched any more */
};

struct platform_channel {
    enum bh_protocol protocol;
    bool attached;
    uint32_t epoch;
    struct bh_channel channel;
    enum platform_change change;
};

struct platform {
    struct platform_channel net;
    struct platform_channel console_input;
    bool released[BH_DOMAIN_RESOURCE_MAX]; /* root has been told that we let go of it */
};

/* Fills in the operations. */
void platform_init(struct manager *manager);

/*
 * Looks at the domain page after BH_SIGNAL_CONTROL: updates the regions of `manager` and the
 * channels. The caller acts on platform.net.change, then calls platform_release.
 */
void platform_scan(struct platform *platform, struct manager *manager);

/* Tells root that what is detaching is not used any more. */
void platform_release(struct platform *platform);

#endif
