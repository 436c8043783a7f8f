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

void tcb_init(struct tcb *tcb)
{
    (void)tcb;
}
void space_init(struct space *space, enum bh_type type)
{
    (void)space, (void)type;
}

void tcb_destroy(struct tcb *tcb)
{
    (void)tcb;
}
void vcpu_destroy(struct vcpu *vcpu)
{
    (void)vcpu;
}
void endpoint_destroy(struct endpoint *endpoint)
{
    (void)endpoint;
}
void reply_destroy(struct reply *reply)
{
    (void)reply;
}
void notification_destroy(struct notification *notification)
{
    (void)notification;
}
void sched_context_destroy(struct sched_context *sched_context)
{
    (void)sched_context;
}
void space_destroy(struct space *space)
{
    (void)space;
}
void irq_handler_destroy(uint32_t intid)
{
    (void)intid;
}
void frame_release(struct slot *slot)
{
    slot->cap.mapping.page = slot->cap.mapping.space = slot->cap.mapping.generation = 0;
}
void page_table_release(struct slot *slot)
{
    slot->cap.mapping.page = slot->cap.mapping.space = slot->cap.mapping.generation = 0;
}

#endif
