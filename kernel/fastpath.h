/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual cases of the frequent system calls, of faults and of interrupts, done in one go. Each looks at everything
 * first and changes nothing if the case is another one; what it does is then exactly what the general path (endpoint.c,
 * notification.c, scheduler.c) would do. The system calls' are called by vectors.S without any lock held, the others
 * with the own one.
 */
#ifndef KERNEL_FASTPATH_H
#define KERNEL_FASTPATH_H

#include "aarch64/cpu.h"
#include "space.h"
#include "syscall.h"
#include "trace.h"
#include "vcpu.h"

/* --- What the cases have in common --- */

/* Finds the capability that `cptr` names. Whether it is of this type and has these rights. (A missing CNode has radix
 * 0; slot 0, which nobody should use, is left to the general path.) */
static inline bool fastpath_lookup(const struct tcb *tcb, bh_cptr cptr, enum bh_type type, uint64_t rights,
                                   struct cap *cap)
{
    struct cap cnode = tcb->slots[TCB_SLOT_CNODE].cap;
    if (cptr == 0 || cptr >> cnode.size_bits != 0) {
        return false;
    }
    *cap = ((const struct slot *)cap_object(cnode))[cptr].cap;
    return cap_is(*cap, type, rights);
}

/* The capability of a thread's space, or an empty one. */
static inline struct cap fastpath_vspace(const struct tcb *tcb)
{
    return tcb->slots[TCB_SLOT_VSPACE].cap;
}

/* Whether `next`, whose space is `vspace`, may be switched to without asking the scheduler once the current thread
 * blocks. */
static inline bool fastpath_runs_next(const struct core *core, const struct tcb *next, struct cap vspace)
{
    return vspace.head != 0 && !core->fp_open && (next->flags & BH_TCB_FP) == 0 && (int)next->priority >= core->highest;
}

/* Keeps the registers of the current thread that no entry stores. */
static inline void fastpath_leave(struct tcb *tcb)
{
    uint64_t sp = read_sysreg(sp_el0), tpidr = read_sysreg(tpidr_el0);
    tcb->context.sp = sp;
    tcb->context.tpidr = tpidr;
}

static inline void fastpath_switch(struct core *core, struct tcb *to, struct cap vspace)
{
    write_sysreg(sp_el0, to->context.sp);
    write_sysreg(tpidr_el0, to->context.tpidr);
    vcpu_conceal(core, to);
    space_switch(core, cap_object(vspace));
    core->current = to;
    trace(BH_TRACE_SWITCH, to, to->priority, 0);
}

/* --- Entries --- */

/* The thread to go on with at the end of its system call, and no lock is held; or NULL: kernel_leave is next, with the
 * own lock held. */
struct tcb *syscall_call(struct core *core);
struct tcb *syscall_reply_recv(struct core *core);

/* Hands the current thread's fault, which its struct tcb describes, to the passive thread that waits at `handler`, an
 * endpoint, and makes that the current one. False, and nothing is changed: not the usual case. */
bool fastpath_fault(struct core *core, struct cap handler);

/* The guest to enter, or nothing: kernel_leave is next. */
struct leave syscall_vm_enter(struct core *core);

/*
 * Signal and Poll while the caller's registers are still where they were. `status` is an error code, and `value` the
 * bits that Poll has taken; or SHORT_MORE and the caller, to be saved and to go on by syscall_entry; or SHORT_SWITCHED
 * and the caller, to be saved before the own lock is let go and the current thread is entered; or SHORT_SCHEDULE and
 * the caller, whose call is done: to be saved, and kernel_leave is next.
 */
struct short_result {
    uint64_t status, value;
};

#define SHORT_MORE     (UINT64_C(1) << SHORT_MORE_BIT)
#define SHORT_SWITCHED (SHORT_MORE | UINT64_C(1) << SHORT_SWITCHED_BIT)
#define SHORT_SCHEDULE (SHORT_MORE | UINT64_C(1) << SHORT_SCHEDULE_BIT)

struct short_result short_signal(struct core *core, bh_cptr cptr);
struct short_result short_poll(struct core *core, bh_cptr cptr);

/* The rest of Signal, with the own lock held. */
struct short_result signal_waiter(struct core *core, struct notification *notification, uint64_t bits);

/* Hands `bits` to the first that waits for the notification, which is this core's, and makes it the current thread
 * instead of another, or none (idle). False, and nothing is changed: not the scheduler's usual case. The current
 * thread's registers need not be saved yet. */
bool fastpath_wake(struct core *core, struct notification *notification, uint64_t bits);

#endif
