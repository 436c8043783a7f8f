/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start-up on the host: what boot_root.c does on a machine. Some threads, each with a CNode and an IPC buffer, a hidden
 * CNode that keeps their objects alive, and memory.
 *
 * All that knows how the kernel's functions are called is in world.c.
 */
#ifndef TEST_HOST_KERNEL_WORLD_H
#define TEST_HOST_KERNEL_WORLD_H

#include "core.h"

#define WORLD_THREADS 4u
#define WORLD_PRIORITY 200u
#define WORLD_LIMIT 199u /* what the threads may give to others: those never run before them */

/* Where things are, physically. */
#define WORLD_BOOT UINT64_C(0x10000000)
#define WORLD_MADE UINT64_C(0x40000000) /* from here on: what is made of Untypeds */
#define WORLD_HIDDEN (WORLD_BOOT + 0x1000) /* CNode */
#define WORLD_HIDDEN_RADIX 5u
#define WORLD_CNODES 2u
#define WORLD_CNODE(n) (WORLD_BOOT + 0x2000 + 0x1000 * (uint64_t)(n))
#define WORLD_CNODE_RADIX(n) ((n) == 0 ? 7u : 6u)
#define WORLD_TCB(n) (WORLD_BOOT + 0x8000 + ((uint64_t)(n) << BH_TCB_BITS))
#define WORLD_SCHED_CONTEXT(n) (WORLD_BOOT + 0x10000 + ((uint64_t)(n) << BH_SCHED_CONTEXT_BITS))
#define WORLD_VSPACE (WORLD_BOOT + 0x18000)
#define WORLD_ENDPOINT (WORLD_BOOT + 0x19000)
#define WORLD_NOTIFICATION (WORLD_BOOT + 0x19080)
#define WORLD_REPLY(n) (WORLD_BOOT + 0x19100 + ((uint64_t)(n) << BH_REPLY_BITS))
#define WORLD_BUFFER(n) (WORLD_BOOT + 0x20000 + ((uint64_t)(n) << BH_PAGE_BITS))

/* Slots of the hidden CNode. */
#define WORLD_HIDDEN_CNODE(n) (0 + (n))
#define WORLD_HIDDEN_TCB(n) (4 + (n))
#define WORLD_HIDDEN_SCHED_CONTEXT(n) (8 + (n))
#define WORLD_HIDDEN_BUFFER(n) (12 + (n))
#define WORLD_HIDDEN_VSPACE 16
#define WORLD_HIDDEN_ENDPOINT 17
#define WORLD_HIDDEN_NOTIFICATION 18

/* Memory and control capabilities, in the last slots of the CNodes. */
struct world_root {
    enum bh_type type;
    unsigned size_bits;
    uint64_t address;
    unsigned cnode, slot;
};

#define WORLD_ROOTS 8u
extern const struct world_root world_roots[WORLD_ROOTS];

/* Copies in the first CNode: slot 1 and 2 the CNodes, then of threads but the first, scheduling contexts, buffers. */
#define WORLD_COPY_CNODE(n) (1 + (n))
#define WORLD_COPY_TCB(n) (4 + (n))
#define WORLD_COPY_SCHED_CONTEXT(n) (8 + (n))
#define WORLD_COPY_BUFFER(n) (12 + (n))

/* In every CNode: the threads can talk from the start. The reply objects are one for each CNode. */
#define WORLD_COPY_ENDPOINT 16
#define WORLD_COPY_NOTIFICATION 17
#define WORLD_OWN_REPLY 18

static inline unsigned world_cnode_of(unsigned thread)
{
    return thread % WORLD_CNODES;
}

/* A machine that has just started, with the first thread current. */
void world_reset(void);

/* Objects of every kind for the first CNode, from slot WORLD_FURNITURE on, connected with each other; made by system calls
 * of the first thread. */
void world_furnish(void);
#define WORLD_FURNITURE 20u

/* Deletes one capability; false when preempted. */
bool world_delete(struct slot *slot);

/* Lets the core serve partition 0 alone, and forgets what was being set for the next schedule. */
void world_stop_schedule(void);

struct tcb *world_tcb(unsigned thread);
struct slot *world_slot(uint64_t cnode, uint64_t index);

/* Lets all threads run again, with what they had at the start, as somebody with the hidden CNode could. */
void world_revive(void);

/* The current thread makes a system call, and the kernel leaves. False: it was preempted, and is to be issued again. */
bool world_call(const uint64_t x[13]);

/* The current thread, or its guest, has an exception; or an interrupt comes. */
void world_exception(uint64_t esr, uint64_t address);
void world_interrupt(uint32_t intid);

#endif
