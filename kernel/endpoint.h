/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoints: a sender and a receiver meet, and the message goes straight from one to the other. Those who wait stand in
 * one queue, of senders or of receivers, by priority and then by arrival.
 */
#ifndef KERNEL_ENDPOINT_H
#define KERNEL_ENDPOINT_H

#include "tcb.h"

struct endpoint {
    struct core *core; /* of those who wait */
    union {
        struct thread_queue queue;
        struct {
            struct tcb *head, *tail;
        };
    };
    bool receivers; /* what the queue, if not empty, consists of */
};

/* Whether the next message to be received takes a capability along. Without a reply object Calls are passed over. */
static inline bool endpoint_offers_cap(const struct endpoint *endpoint, bool with_reply)
{
    const struct tcb *sender = endpoint->receivers ? NULL : endpoint->head;
    while (sender != NULL && sender->sending_call && !with_reply) {
        sender = sender->next;
    }
    return sender != NULL && !sender->sending_fault && (sender->context.x[1] & BH_INFO_CAP) != 0;
}

/* How a message is sent. */
struct send {
    uint64_t badge;
    bool call;        /* the sender waits for an answer */
    bool grant;       /* it may transfer a capability */
    bool fault;       /* the message is the thread's fault */
    bool nonblocking; /* give up if nobody receives */
    struct all_cores *all; /* NULL: no capability can go over */
};

/* Sends from `tcb`, whose message is in its saved registers (or its `fault`). Sets its result, or blocks it. */
void endpoint_send(struct core *core, struct endpoint *endpoint, struct tcb *tcb, struct send send);

/* Receives into the saved registers of `tcb`; Calls are put into `reply` (may be NULL). */
void endpoint_recv(struct core *core, struct endpoint *endpoint, struct tcb *tcb, struct reply *reply,
                   bool nonblocking, struct all_cores *all);

/* Answers the caller in `reply`, if there is one, from the saved registers of `tcb`. */
void endpoint_reply(struct core *core, struct tcb *tcb, struct reply *reply, bool grant, struct all_cores *all);

/* Tells `to`, which receives, of the fault of `from`. */
void endpoint_transfer_fault(const struct tcb *from, struct tcb *to, uint64_t badge);

/* Takes a blocked thread out of its endpoint's queue. */
void endpoint_remove_waiter(struct tcb *tcb);

/* Cancels all sends with a badge. */
void endpoint_cancel_badged(struct all_cores *all, struct endpoint *endpoint, uint64_t badge);

void endpoint_destroy(struct all_cores *all, struct endpoint *endpoint);

#endif
