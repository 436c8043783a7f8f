/* SPDX-License-Identifier: BSD-2-Clause */
/* What destroying objects does beyond the capabilities, left out: proofs about capabilities include this. */
#ifndef TEST_PROOF_OBJECTS_H
#define TEST_PROOF_OBJECTS_H

#include "kernel/endpoint.h"
#include "kernel/irq.h"
#include "kernel/notification.h"
#include "kernel/object.h"
#include "kernel/reply.h"
#include "kernel/sched_context.h"
#include "kernel/space.h"
#include "kernel/vcpu.h"

bool preemption_wanted(void)
{
    return any_bool();
}

void tcb_init(struct tcb *tcb, struct core *core)
{
    (void)tcb, (void)core;
}
void space_init(struct space *space, enum bh_type type)
{
    (void)space, (void)type;
}

void tcb_destroy(struct all_cores *all, struct tcb *tcb)
{
    (void)all;
    (void)tcb;
}
void vcpu_destroy(struct all_cores *all, struct vcpu *vcpu)
{
    (void)all;
    (void)vcpu;
}
void endpoint_destroy(struct all_cores *all, struct endpoint *endpoint)
{
    (void)all;
    (void)endpoint;
}
void reply_destroy(struct all_cores *all, struct reply *reply)
{
    (void)all;
    (void)reply;
}
void notification_destroy(struct all_cores *all, struct notification *notification)
{
    (void)all;
    (void)notification;
}
void sched_context_destroy(struct all_cores *all, struct sched_context *sched_context)
{
    (void)all;
    (void)sched_context;
}
void space_destroy(struct all_cores *all, struct space *space)
{
    (void)all;
    (void)space;
}
void irq_handler_destroy(struct all_cores *all, uint32_t intid)
{
    (void)all;
    (void)intid;
}
void vcpu_lose_frame(struct all_cores *all, struct slot *slot)
{
    (void)all, (void)slot;
}
void frame_release(struct all_cores *all, struct slot *slot)
{
    (void)all;
    cap_set_mapping(&slot->cap, 0, 0, 0);
}
void page_table_release(struct slot *slot)
{
    cap_set_mapping(&slot->cap, 0, 0, 0);
}

#endif
