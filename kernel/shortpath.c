/* SPDX-License-Identifier: BSD-2-Clause */
/* Signal and Poll without saving the caller's registers. Compiled not to touch x11 to x17 (CMakeLists.txt). */
#include <bh/syscall.h>

#include "fastpath.h"
#include "notification.h"

static inline struct short_result more(struct tcb *tcb, enum bh_syscall number)
{
    tcb->context.x[12] = number;
    return (struct short_result){SHORT_MORE, (uint64_t)tcb};
}

struct short_result short_signal(struct core *core, bh_cptr cptr)
{
    struct tcb *tcb = core->current;
    struct cap cap;
    if (!core_try_lock(core)) {
        return more(tcb, BH_SYS_SIGNAL);
    }
    if (!fastpath_lookup(tcb, cptr, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &cap)) {
        goto slow;
    }
    struct notification *notification = cap_object(cap);
    if (notification->core == core && (notification->bound == NULL || notification->bound->state == TCB_RUNNABLE)) {
        uint64_t bits = notification_badge(cap);
        if (notification->head == NULL) {
            notification->bits |= bits;
            core_unlock(core);
            return (struct short_result){BH_OK, 0};
        }
        return signal_waiter(core, notification, bits);
    }
slow:
    core_unlock(core);
    return more(tcb, BH_SYS_SIGNAL);
}

struct short_result short_poll(struct core *core, bh_cptr cptr)
{
    struct tcb *tcb = core->current;
    struct cap cap;
    if (!core_try_lock(core)) {
        return more(tcb, BH_SYS_POLL);
    }
    struct notification *notification =
        fastpath_lookup(tcb, cptr, BH_TYPE_NOTIFICATION, BH_RIGHT_READ, &cap) ? cap_object(cap) : NULL;
    if (notification == NULL || notification->core != core) {
        core_unlock(core);
        return more(tcb, BH_SYS_POLL);
    }
    uint64_t bits = notification->bits;
    notification->bits = 0;
    core_unlock(core);
    return (struct short_result){bits != 0 ? BH_OK : BH_ERROR_WOULD_BLOCK, bits};
}
