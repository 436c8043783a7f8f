/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads. A thread runs when it is RUNNABLE, has a scheduling context with budget left, and is chosen
 * (scheduler.h). Blocked threads hang in the queue of what they wait for.
 */
#ifndef KERNEL_TCB_H
#define KERNEL_TCB_H

#include <bh/message.h>
#include <bh/vcpu.h>

#include "cap.h"
#include "context.h"

struct all_cores;
struct core;
struct invocation;
struct notification;
struct reply;
struct sched_context;
struct vcpu;

struct context {
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate;
    uint64_t sp;    /* this and the next are in the registers while the thread is the core's current one */
    uint64_t tpidr;
};

enum tcb_slot {
    TCB_SLOT_CNODE,
    TCB_SLOT_VSPACE,
    TCB_SLOT_FAULT_ENDPOINT,
    TCB_SLOT_IPC_BUFFER,
    TCB_SLOT_TIMEOUT_ENDPOINT,
    TCB_SLOT_COUNT
};

#define INSTRUCTION_SIZE 4 /* what an SVC, or a guest's HVC, is issued again by */

enum tcb_state {
    TCB_INACTIVE = 0,  /* new, or suspended with nothing to restart */
    TCB_RUNNABLE,
    TCB_SUSPENDED,     /* was runnable or blocked: resume makes it runnable (an IPC is issued again) */
    TCB_BLOCKED_SEND,  /* in the queue of an endpoint */
    TCB_BLOCKED_RECV,  /* in the queue of an endpoint */
    TCB_BLOCKED_REPLY, /* waits for the answer to a Call or fault */
    TCB_BLOCKED_WAIT,  /* in the queue of a notification */
    TCB_BLOCKED_WFI,   /* its guest waits for an interrupt */
    TCB_FAULTED,       /* nobody handled its fault */
};

struct tcb {
    struct context context;
    struct core *core; /* where it runs; all locks are needed to change it */

    enum tcb_state state;
    uint8_t priority;
    uint8_t max_controlled_priority;
    uint8_t flags; /* enum bh_tcb_flags */
    bool in_guest; /* goes on in its guest, not after the system call */
    bool queued;   /* in a run queue */
    bool sending_call;
    bool sending_grant;
    bool sending_fault; /* the message is `fault`, not the registers */
    uint64_t sending_badge;
    struct {
        uint32_t label;
        uint64_t word[3];
    } fault;

    struct tcb *next, *previous; /* run queue, or the queue of `blocked_on` */
    void *blocked_on;            /* struct endpoint or struct notification */
    struct reply *reply;         /* BLOCKED_RECV: to be filled; BLOCKED_REPLY: the one it is in */
    struct sched_context *sched_context;
    struct notification *bound_notification;
    struct vcpu *vcpu;

    struct slot slots[TCB_SLOT_COUNT];
    struct bh_fp_state fp;
};

_Static_assert(offsetof(struct context, pc) == CONTEXT_PC, "vectors.S");
_Static_assert(offsetof(struct context, pstate) == CONTEXT_PSTATE, "vectors.S");
_Static_assert(offsetof(struct context, sp) == CONTEXT_SP, "vectors.S");
_Static_assert(offsetof(struct context, tpidr) == CONTEXT_TPIDR, "vectors.S");

struct thread_queue {
    struct tcb *head, *tail;
};

/* Puts a thread that is in no queue behind `before`, which is in this one, or to its head (NULL). */
static inline void thread_queue_insert(struct thread_queue *queue, struct tcb *tcb, struct tcb *before)
{
    tcb->previous = before;
    tcb->next = before != NULL ? before->next : queue->head;
    *(before != NULL ? &before->next : &queue->head) = tcb;
    *(tcb->next != NULL ? &tcb->next->previous : &queue->tail) = tcb;
}

static inline void thread_queue_remove(struct thread_queue *queue, struct tcb *tcb)
{
    *(tcb->previous != NULL ? &tcb->previous->next : &queue->head) = tcb->next;
    *(tcb->next != NULL ? &tcb->next->previous : &queue->tail) = tcb->previous;
    tcb->next = tcb->previous = NULL;
}

void tcb_init(struct tcb *tcb, struct core *core);

/* Takes the thread out of everything it is part of. The slots stay. */
void tcb_destroy(struct all_cores *all, struct tcb *tcb);

/* Ends what the thread waits for: it becomes SUSPENDED, with its system call to be issued again. */
void tcb_cancel_wait(struct all_cores *all, struct tcb *tcb);

/* Ends a blocking call with an error, and the thread becomes runnable; a fault that nobody can answer any more leaves
 * it FAULTED. It must not be in a queue. */
void tcb_fail(struct core *core, struct tcb *tcb, enum bh_error error);

/* What a system call returns besides the words. */
static inline void tcb_return(struct tcb *tcb, uint64_t status, uint64_t info, uint64_t badge)
{
    tcb->context.x[0] = status;
    tcb->context.x[1] = info;
    tcb->context.x[10] = badge;
}

/* The slot that `cptr` names in the thread's CNode, or NULL. */
static inline struct slot *tcb_lookup(const struct tcb *tcb, bh_cptr cptr)
{
    struct cap cnode = tcb->slots[TCB_SLOT_CNODE].cap;
    if (cnode.type != BH_TYPE_CNODE || cptr >> cnode.size_bits != 0) {
        return NULL;
    }
    return (struct slot *)cap_object(cnode) + cptr;
}

/* The capability that `cptr` names; of type NULL if there is none. */
static inline struct cap tcb_lookup_cap(const struct tcb *tcb, bh_cptr cptr)
{
    const struct slot *slot = tcb_lookup(tcb, cptr);
    return slot != NULL ? slot->cap : (struct cap){0};
}

/* The thread's IPC buffer, or NULL. */
struct bh_ipc_buffer *tcb_ipc_buffer(const struct tcb *tcb);

/* Reports a fault to the thread's fault endpoint, or stops it. */
void tcb_fault(struct core *core, struct tcb *tcb, enum bh_fault label, uint64_t word1, uint64_t word2);

/* The budget of the thread's scheduling context is spent: reports it to the thread's timeout endpoint, if there is one.
 * Else the thread waits for the next refill. */
void tcb_timeout(struct core *core, struct tcb *tcb);

enum bh_error tcb_invoke(struct all_cores *all, struct invocation *invocation);

#endif
