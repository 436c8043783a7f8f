/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a guest may be what somebody wants it to be: the checks on a configuration, whoever made
 * it, and the quota for those that the manager makes. Pure: the caller passes its own copy.
 */
#ifndef ROOT_GUEST_CONFIG_H
#define ROOT_GUEST_CONFIG_H

#include "domains/root/description.h"

#define GUEST_MEMORY_UNIT (UINT64_C(2) << 20)
#define GUEST_MEMORY_MIN  (UINT64_C(16) << 20)
#define GUEST_MEMORY_MAX  (UINT64_C(128) << 30)

/* The reason why the configuration can't be, or NULL. Names are not looked up. */
const char *guest_config_check(const struct bh_guest_config *config);

/* What the guests that the manager made use up. */
struct quota_use {
    uint32_t guests;
    uint64_t memory;
};

/* The reason why the quota forbids the guest, or NULL. `volume_name` gives the partition for a
 * volume or alias. */
const char *guest_quota_check(const struct description *description, const struct quota_use *use,
                              const struct bh_guest_config *config);

/* A volume as root opens it for somebody. */
struct volume_use {
    const char *name; /* of the partition */
    bool read_only;
};

/* The partition behind a volume's name or alias; *read_only is set when nobody may write it, else
 * left alone. */
const char *volume_resolve(const struct description *description, const char *name,
                           bool *read_only);

/* Lists the volumes of a guest: kernel, initrd, disks; returns how many. */
uint32_t guest_volumes(const struct description *description, const struct bh_guest_config *config,
                       struct volume_use use[BH_GUEST_DISKS_MAX + 2]);

/* Whether the two can't be open at the same time. */
bool volume_uses_conflict(const struct volume_use *one, const struct volume_use *other);

/* Whether two of a guest's own volumes conflict. */
bool guest_volumes_conflict(const struct volume_use *use, uint32_t count);

#endif
