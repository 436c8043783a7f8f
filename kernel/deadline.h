/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a core shall do at a point in time: signal a notification, replenish a scheduling context, wake a guest whose
 * virtual timer is not in the hardware. Kept in order of time.
 */
#ifndef KERNEL_DEADLINE_H
#define KERNEL_DEADLINE_H

#include <bh/types.h>

struct core;

enum deadline_kind {
    DEADLINE_NONE = 0, /* not queued */
    DEADLINE_NOTIFICATION,
    DEADLINE_REPLENISH,
    DEADLINE_VCPU,
    DEADLINE_WINDOW,
};

struct deadline {
    uint64_t when; /* ticks */
    struct deadline *next, **link; /* what points to this one */
    enum deadline_kind kind;
};

struct deadline_queue {
    struct deadline *head;
};

void deadline_set(struct core *core, struct deadline *deadline, enum deadline_kind kind, uint64_t when);
void deadline_clear(struct core *core, struct deadline *deadline);

/* From one core to another, if it is set. */
void deadline_move(struct core *from, struct core *to, struct deadline *deadline);

/* Handles all that are due. */
void deadlines_run(struct core *core, uint64_t now);

#endif
