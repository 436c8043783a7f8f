/* SPDX-License-Identifier: BSD-2-Clause */
#include "irq.h"

#include "aarch64/gic.h"
#include "aarch64/smmu.h"
#include "cnode.h"
#include "invocation.h"
#include "machine.h"
#include "notification.h"
#include "sched_context.h"
#include "scheduler.h"
#include "vcpu.h"

static struct irq {
    struct slot notification; /* what a handler's owner has bound */
    bool taken;               /* an IRQHandler exists, or the kernel keeps it */
    bool active;              /* signalled, not acknowledged yet */
} irqs[IRQ_MAX];

void irq_reserve(uint32_t intid)
{
    if (intid < IRQ_MAX) {
        irqs[intid].taken = true;
    }
}

bool preemption_wanted(void)
{
    return gic_interrupt_pending() || all_cores_wanted();
}

static void timer_interrupt(struct core *core)
{
    uint64_t now = ticks_now();
    core->timer_programmed = 0; /* whatever comes next is programmed */
    sched_context_charge(core, now);
    deadlines_run(core, now);
    scheduler_set_timer(core);
}

static void signal_handler(struct core *core, uint32_t intid)
{
    struct irq *irq = &irqs[intid];
    struct cap cap = irq->notification.cap;
    if (cap.type != BH_TYPE_NOTIFICATION) {
        gic_disable(intid);
        gic_deactivate(intid);
        return;
    }
    irq->active = true;
    notification_signal(core, cap_object(cap), notification_badge(cap));
}

void irq_handle(struct core *core)
{
    uint32_t intid;
    while ((intid = gic_acknowledge()) < IRQ_MAX) {
        gic_drop_priority(intid);
        trace(BH_TRACE_INTERRUPT, core->current, intid, 0);
        if (intid == GIC_KICK_INTID) {
            gic_deactivate(intid);
            core_take_mail(core);
            core->reschedule = 1;
            scheduler_set_timer(core);
        } else if (intid == machine.timer_irq) {
            timer_interrupt(core);
            gic_deactivate(intid);
        } else if (intid == BH_VCPU_TIMER_INTID) {
            vcpu_timer_interrupt(core); /* the guest deactivates it, by its list register */
        } else if (intid == machine.maintenance_irq) {
            vcpu_maintenance_interrupt(core);
            gic_deactivate(intid);
        } else if (intid == machine.smmu_event_irq) {
            smmu_handle_events();
            gic_deactivate(intid);
        } else {
            signal_handler(core, intid);
        }
    }
}

void irq_handler_destroy(struct all_cores *all, uint32_t intid)
{
    struct irq *irq = &irqs[intid];
    gic_disable(intid);
    if (irq->active) {
        gic_deactivate(intid);
    }
    (void)slot_delete(all, &irq->notification); /* no object of slots: never preempted */
    *irq = (struct irq){0};
}

enum bh_error irq_control_invoke(struct all_cores *all, struct invocation *invocation)
{
    uint64_t intid = invocation->word[0];
    uint64_t edge = invocation->word[1];

    if (invocation->operation != BH_OP_IRQ_CONTROL_GET) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if (intid < 32 || intid >= gic_interrupt_count()) {
        return invocation_fail(invocation, 1, BH_ERROR_RANGE);
    }
    if (edge > 1) {
        return invocation_fail(invocation, 2, BH_ERROR_INVALID_ARGUMENT);
    }
    struct slot *cnode;
    enum bh_error error = invocation_cap(invocation, 3, BH_TYPE_CNODE, 0, &cnode);
    if (error != BH_OK) {
        return error;
    }
    struct slot *destination = cnode_slot(cnode->cap, invocation->word[3]);
    if (destination == NULL) {
        return invocation_fail(invocation, 4, BH_ERROR_RANGE);
    }
    if (!slot_empty(destination)) {
        return invocation_fail(invocation, 4, BH_ERROR_NOT_EMPTY);
    }
    if (irqs[intid].taken) {
        return invocation_fail(invocation, 1, BH_ERROR_BUSY);
    }

    irqs[intid].taken = true;
    gic_configure((uint32_t)intid, edge != 0);
    struct cap cap = {.type = BH_TYPE_IRQ_HANDLER, .rights = BH_RIGHTS_ALL, .object = intid & 0x3ff};
    slot_insert_after(all, destination, cap, invocation->slot);
    return BH_OK;
}

enum bh_error irq_handler_ack(struct invocation *invocation)
{
    uint32_t intid = (uint32_t)invocation->cap.object;
    if (__atomic_exchange_n(&irqs[intid].active, false, __ATOMIC_ACQ_REL)) {
        gic_deactivate(intid);
    }
    return BH_OK;
}

enum bh_error irq_handler_invoke(struct all_cores *all, struct invocation *invocation)
{
    uint32_t intid = (uint32_t)invocation->cap.object;
    struct irq *irq = &irqs[intid];

    switch (invocation->operation) {
    case BH_OP_IRQ_HANDLER_BIND: {
        struct slot *notification;
        enum bh_error error = invocation_cap(invocation, 1, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &notification);
        if (error != BH_OK) {
            return error;
        }
        struct cap derived;
        error = cap_derive(notification->cap, BH_RIGHTS_ALL, 0, &derived);
        if (error != BH_OK) {
            return invocation_fail(invocation, 1, error);
        }
        (void)slot_delete(all, &irq->notification);
        slot_insert_after(all, &irq->notification, derived, notification);
        gic_enable(intid);
        return BH_OK;
    }
    case BH_OP_IRQ_HANDLER_UNBIND:
        gic_disable(intid);
        (void)slot_delete(all, &irq->notification);
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
