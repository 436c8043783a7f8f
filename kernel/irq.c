/* SPDX-License-Identifier: BSD-2-Clause */
#include "irq.h"

#include "aarch64/gic.h"
#include "aarch64/its.h"
#include "aarch64/smmu.h"
#include "cnode.h"
#include "fastpath.h"
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
    bool held;                /* an LPI that came too early: pending again, and disabled */
} irqs[IRQ_MAX + LPI_COUNT];

static bool is_lpi(uint32_t intid)
{
    return intid >= LPI_FIRST;
}

static struct irq *irq_of(uint32_t intid)
{
    return &irqs[is_lpi(intid) ? IRQ_MAX + intid - LPI_FIRST : intid];
}

/* Where those are whom the interrupt signals. */
static const struct core *receiver(const struct irq *irq)
{
    struct cap cap = irq->notification.cap;
    return cap.type == BH_TYPE_NOTIFICATION ? ((struct notification *)cap_object(cap))->core : this_core();
}

/* Nobody takes the interrupt now. A level and an LPI come when they are enabled again. */
static void hold(uint32_t intid)
{
    if (is_lpi(intid)) {
        its_hold(intid);
        __atomic_store_n(&irq_of(intid)->held, true, __ATOMIC_SEQ_CST);
    } else {
        gic_disable(intid);
        gic_deactivate(intid);
    }
}

/* To be called when an interrupt is held, or has been acknowledged. The two may meet, on two cores: each does its part
 * before it looks for the other's. */
static void release_acknowledged(uint32_t intid)
{
    struct irq *irq = irq_of(intid);
    if (!__atomic_load_n(&irq->active, __ATOMIC_SEQ_CST) && __atomic_exchange_n(&irq->held, false, __ATOMIC_SEQ_CST)) {
        its_enable(intid, receiver(irq));
    }
}

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
    struct irq *irq = irq_of(intid);
    struct cap cap = irq->notification.cap;
    if (cap.type != BH_TYPE_NOTIFICATION) {
        if (intid == machine.smmu_event_irq) {
            smmu_handle_events();
            gic_deactivate(intid);
        } else {
            hold(intid);
        }
    } else if (__atomic_exchange_n(&irq->active, true, __ATOMIC_SEQ_CST)) {
        /* An LPI that is not acknowledged: its owner sets the pace, however many messages the device sends. */
        hold(intid);
        release_acknowledged(intid);
    } else {
        struct notification *notification = cap_object(cap);
        if (notification->core != core || notification->bound != NULL || notification->head == NULL ||
            !fastpath_wake(core, notification, notification_badge(cap))) {
            notification_signal(core, notification, notification_badge(cap));
        }
        if (is_lpi(intid) && receiver(irq) != core) { /* the notification has moved */
            its_enable(intid, receiver(irq));
        }
    }
}

/* SGIs and PPIs. */
static void own_interrupt(struct core *core, uint32_t intid)
{
    if (intid == GIC_KICK_INTID) {
        core_take_mail(core);
        if (core->timer_programmed == UINT64_MAX) {
            scheduler_set_timer(core);
        }
    } else if (intid == machine.timer_irq) {
        timer_interrupt(core);
    } else if (intid == machine.maintenance_irq) {
        vcpu_maintenance_interrupt(core);
    }
    gic_deactivate(intid);
}

void irq_handle(struct core *core, uint32_t intid)
{
    if ((intid & ~3u) == IRQ_MAX) { /* 1020 to 1023: none (GICv3 2.2.1) */
        return;
    }
    gic_drop_priority(intid);
    trace(BH_TRACE_INTERRUPT, core->current, intid, 0);
    if (intid >= 32) {
        signal_handler(core, intid);
    } else if (intid == BH_VCPU_TIMER_INTID) {
        vcpu_timer_interrupt(core); /* the guest deactivates it, by its list register */
    } else {
        own_interrupt(core, intid);
    }
}

void irq_handler_destroy(struct all_cores *all, uint32_t intid)
{
    struct irq *irq = irq_of(intid);
    if (is_lpi(intid)) {
        its_unmap(all, intid);
    } else {
        gic_disable(intid);
        if (irq->active) {
            gic_deactivate(intid);
        }
    }
    (void)slot_delete(all, &irq->notification); /* no object of slots: never preempted */
    *irq = (struct irq){0};
}

static enum bh_error find_spi(struct invocation *invocation, uint32_t *intid)
{
    uint64_t number = invocation->word[0];
    if (!invocation_requires(invocation, 1, BH_ERROR_RANGE, number >= 32 && number < gic_interrupt_count()) ||
        !invocation_requires(invocation, 2, BH_ERROR_INVALID_ARGUMENT, invocation->word[1] <= 1) ||
        !invocation_requires(invocation, 1, BH_ERROR_BUSY, !irqs[number].taken)) {
        return invocation->error;
    }
    *intid = (uint32_t)number;
    return BH_OK;
}

LANDING_PAD enum bh_error irq_control_invoke(struct all_cores *all, struct invocation *invocation)
{
    bool message = invocation->operation == BH_OP_IRQ_CONTROL_GET_MSI;
    if (!message && invocation->operation != BH_OP_IRQ_CONTROL_GET) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    uint32_t intid;
    struct slot *cnode;
    if ((message ? its_find_lpi(invocation, &intid) : find_spi(invocation, &intid)) != BH_OK ||
        invocation_cap(invocation, 3, BH_TYPE_CNODE, 0, &cnode) != BH_OK) {
        return invocation->error;
    }
    struct slot *destination = cnode_slot(cnode->cap, invocation->word[3]);
    if (!invocation_requires(invocation, 4, BH_ERROR_RANGE, destination != NULL) ||
        !invocation_requires(invocation, 4, BH_ERROR_NOT_EMPTY, slot_empty(destination))) {
        return invocation->error;
    }

    if (message) {
        its_map(all, intid, invocation->word[0], invocation->word[1]);
        invocation->result[0] = its_doorbell().value;
        invocation->result[1] = invocation->word[1];
        invocation->result[2] = intid;
    } else {
        gic_configure(intid, invocation->word[1] != 0);
        irqs[intid].taken = true;
    }
    struct cap cap = {.type = BH_TYPE_IRQ_HANDLER, .rights = BH_RIGHTS_ALL, .object = intid & 0xffff};
    slot_insert_after(all, destination, cap, invocation->slot);
    return BH_OK;
}

enum bh_error irq_handler_ack(struct invocation *invocation)
{
    uint32_t intid = (uint32_t)invocation->cap.object;
    if (__atomic_exchange_n(&irq_of(intid)->active, false, __ATOMIC_SEQ_CST)) {
        if (is_lpi(intid)) { /* LPIs have no active state in the hardware (GICv3 5.1) */
            release_acknowledged(intid);
        } else {
            gic_deactivate(intid);
        }
    }
    return BH_OK;
}

LANDING_PAD enum bh_error irq_handler_invoke(struct all_cores *all, struct invocation *invocation)
{
    uint32_t intid = (uint32_t)invocation->cap.object;
    struct irq *irq = irq_of(intid);

    switch (invocation->operation) {
    case BH_OP_IRQ_HANDLER_BIND: {
        struct slot *notification;
        struct cap derived;
        if (invocation_copy(invocation, 1, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &notification, &derived) != BH_OK) {
            return invocation->error;
        }
        (void)slot_delete(all, &irq->notification);
        slot_insert_after(all, &irq->notification, derived, notification);
        if (is_lpi(intid)) {
            irq->held = false;
            its_enable(intid, receiver(irq));
        } else {
            gic_enable(intid);
        }
        return BH_OK;
    }
    case BH_OP_IRQ_HANDLER_UNBIND:
        if (!is_lpi(intid)) { /* an LPI is held when it comes */
            gic_disable(intid);
        }
        (void)slot_delete(all, &irq->notification);
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
