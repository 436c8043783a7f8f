/* SPDX-License-Identifier: BSD-2-Clause */
#include "deadline.h"

#include "core.h"
#include "notification.h"
#include "sched_context.h"
#include "scheduler.h"
#include "vcpu.h"

void deadline_clear(struct core *core, struct deadline *deadline)
{
    if (deadline->kind == DEADLINE_NONE) {
        return;
    }
    *deadline->link = deadline->next;
    if (deadline->next != NULL) {
        deadline->next->link = deadline->link;
    }
    *deadline = (struct deadline){0};
}

void deadline_set(struct core *core, struct deadline *deadline, enum deadline_kind kind, uint64_t when)
{
    deadline_clear(core, deadline);

    struct deadline **link = &core->deadlines.head;
    while (*link != NULL && (*link)->when <= when) {
        link = &(*link)->next;
    }
    *deadline = (struct deadline){.when = when, .next = *link, .link = link, .kind = kind};
    if (*link != NULL) {
        (*link)->link = &deadline->next;
    }
    *link = deadline;
    if (core->deadlines.head == deadline) {
        scheduler_set_timer(core);
    }
}

void deadline_move(struct core *from, struct core *to, struct deadline *deadline)
{
    enum deadline_kind kind = deadline->kind;
    uint64_t when = deadline->when;
    if (kind != DEADLINE_NONE) {
        deadline_clear(from, deadline);
        deadline_set(to, deadline, kind, when);
    }
}

static void (*const handlers[])(struct core *, struct deadline *) = {
    [DEADLINE_NOTIFICATION] = notification_deadline,
    [DEADLINE_REPLENISH] = sched_context_replenish,
    [DEADLINE_VCPU] = vcpu_timer_due,
    [DEADLINE_WINDOW] = partition_window_due,
};

void deadlines_run(struct core *core, uint64_t now)
{
    while (core->deadlines.head != NULL && core->deadlines.head->when <= now) {
        struct deadline *due = core->deadlines.head;
        enum deadline_kind kind = due->kind;
        deadline_clear(core, due);
        handlers[kind](core, due);
    }
}
