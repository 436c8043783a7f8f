/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cores, and who may change what.
 *
 * Each core has a lock, and holds its own from the first to the last instruction of a kernel entry
 * that touches anything shared. Possession is passed as a pointer.
 *
 * A `struct core *` says that that core's lock is held. Its run queue, deadlines and current thread
 * may be changed, and so may the threads, endpoints, notifications, reply objects and scheduling
 * contexts that belong to it. What is global (capabilities, spaces, the interrupt table) may be read.
 *
 * A `struct all_cores *` says that all locks are held: everything may be changed, but for what is in
 * another core's hardware (core_stop).
 *
 * Lock order: by core number. all_cores_lock lets go of the own lock first, so the current thread
 * may be gone afterwards.
 */
#ifndef KERNEL_CORE_H
#define KERNEL_CORE_H

#include "aarch64/cpu.h"
#include "context.h"
#include "deadline.h"
#include "lock.h"
#include "partition.h"
#include "tcb.h"

/* Bits on their way to an object of another core, in that core's mailbox as long as they are not 0. */
struct mail {
    struct mail *next;
    uint64_t bits;
};

struct core {
    struct tcb *current;             /* NULL only while idle */
    uint64_t reschedule;             /* schedule() has something to decide */
    struct vcpu *vcpu;               /* whose EL1 state, timer and list registers are in the hardware */
    struct tcb *candidate;           /* runnable and in no queue: the thread that was woken last */
    uint64_t now;                    /* when the running scheduling context was last charged */
    struct sched_context *charged;   /* whose time runs */
    const struct space *space;       /* the VSpace in TTBR0_EL2; NULL: the empty one */
    const struct space *guest_space; /* the GuestSpace in VTTBR_EL2, or NULL */

    /* What other cores touch as well. */
    _Alignas(64) union lock lock;
    bool started;
    bool stop; /* who holds all locks waits for this core to give up what it has in its hardware */
    _Alignas(64) struct deadline_queue deadlines;
    uint64_t guest_entered;    /* when the running guest was entered */
    uint64_t timer_programmed; /* what the timer's comparator holds */

    struct vcpu *whole_vcpu; /* core->vcpu while all of it is in the hardware: nothing hidden, FP too */
    struct bh_fp_state *fp;  /* whose FP/SIMD registers are in the hardware */
    bool fp_open;            /* native code may use them now */
    bool vcpu_hidden;        /* what vcpu_registers_hide takes is in vcpu->state, not in the hardware */
    bool preempted;          /* the invocation stopped at a preemption point and is to be issued again */

    uint32_t number;
    uint64_t affinity;      /* MPIDR_EL1's affinity fields */
    uint8_t *redistributor; /* of the GIC */

    int highest;       /* the highest priority with a thread in the run queues of `partition`, or -1 */
    uint8_t partition; /* whose window it is */
    struct partition_schedule schedule;
    struct ready_bits ready[BH_PARTITIONS];
    struct thread_queue queue[BH_PARTITIONS][BH_PRIORITY_MAX + 1];

    _Alignas(64) struct mail *notification_mail, *vcpu_mail;
};

_Static_assert(offsetof(struct core, current) == CORE_CURRENT, "vectors.S");
_Static_assert(offsetof(struct core, vcpu) == CORE_VCPU, "vectors.S");
_Static_assert(offsetof(struct core, lock) == CORE_LOCK, "vectors.S");

/* A core's stack ends at its struct core; the page below it is not mapped. */
struct core_area {
    _Alignas(4096) uint8_t guard[4096];
    uint8_t stack[CORE_STACK_SIZE];
    struct core core;
};

_Static_assert(sizeof(struct core_area) == CORE_AREA_SIZE, "start.S");
_Static_assert(offsetof(struct core_area, core) == CORE_OFFSET, "start.S");

extern struct core_area core_areas[BH_CORES_MAX];
extern uint32_t core_count; /* those that run */

struct all_cores {
    struct core *core; /* the one that this runs on */
};

static inline struct core *this_core(void)
{
    return core_register();
}

static inline struct core *core_by_number(uint64_t number)
{
    return &core_areas[number].core;
}

/* By what the kernel was entered. */
enum entry { ENTRY_SYSTEM_CALL, ENTRY_VM_ENTER, ENTRY_GUEST_EXCEPTION, ENTRY_OTHER };

/* Waits for a lock while serving core_stop. Whether the current thread is still there. */
bool core_wait(struct core *core, const union lock *lock, union lock ticket, enum entry entry);

/*
 * Takes the own lock at a kernel entry. False: who had it has taken the current thread away
 * (core_stop). Then the entry is void: what the thread, or its guest, has begun it does again when
 * it goes on.
 */
static inline bool core_lock(struct core *core, enum entry entry)
{
    union lock ticket = lock_ticket(&core->lock);
    return __builtin_expect(lock_was_free(ticket), 1) || core_wait(core, &core->lock, ticket, entry);
}

/* The same where the thread's registers are not saved yet: does not wait. */
static inline bool core_try_lock(struct core *core)
{
    return lock_try(&core->lock);
}

static inline void core_unlock(struct core *core)
{
    lock_release(&core->lock);
}

/*
 * Takes all locks, in the system call of the current thread. False: the thread was taken away
 * meanwhile, its call will be issued again, and only the own lock is held.
 */
bool all_cores_lock(struct core *core, struct all_cores *all);

/* Lets go of all but the own. */
void all_cores_unlock(struct all_cores *all);

/* Makes another core leave its current thread (which stays runnable) and put all that it holds in
 * its hardware into memory: registers, VCPU, FP, translation base. It waits for its lock then. */
void core_stop(struct all_cores *all, struct core *other);

/* Takes these FP/SIMD registers out of the hardware of whatever core it is. */
void core_evict_fp(struct all_cores *all, struct core *core, const struct bh_fp_state *state);

/* Lets another core look at its mailbox, its run queue and its timer. */
void core_kick(struct core *core);

/* Sends `bits`, which are not 0; the core takes them in its own time (core_take_mail). */
void core_send(struct core *core, struct mail **mailbox, struct mail *mail, uint64_t bits);
void core_take_mail(struct core *core);

/* Whether some core waits for a lock. */
bool all_cores_wanted(void);

#endif
