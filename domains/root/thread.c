/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads of a domain. */
#include <bh/syscall.h>

#include "domains/root/domain.h"
#include "domains/root/placement.h"
#include "domains/root/relay.h"
#include "domains/root/root.h"

/* The thread keeps a copy of the capability by which its faults are sent: root's own goes at once. */
static bool configure_spaces(struct domain *domain, uint32_t index, bh_cptr buffer)
{
    const struct domain_thread *thread = &domain->thread[index];
    uint32_t fault = slot_allocate();
    if (fault == 0) {
        return false;
    }
    uint64_t badge = domain->number | BADGE_FAULT | (uint64_t)index << BADGE_THREAD_SHIFT;
    bool good = bh_cnode_mint(BH_ROOT_SLOT_CNODE, fault, BH_ROOT_SLOT_CNODE,
                              relay_endpoint(thread->core), BH_RIGHT_WRITE | BH_RIGHT_CALL, badge)
                        .error == BH_OK &&
                bh_tcb_configure(thread->tcb, domain->cnode, domain->space.cap, fault, buffer)
                        .error == BH_OK;
    slot_delete(fault);
    return good;
}

static bool make_stack(struct domain *domain, uint64_t size, uint32_t index)
{
    struct region stack;
    return region_make(&stack, &domain->arena, size, BH_PAGE_BITS) &&
           region_map(&stack, &domain->space,
                      BH_DOMAIN_STACK_TOP + index * BH_DOMAIN_STACK_STRIDE - size,
                      BH_RIGHT_READ | BH_RIGHT_WRITE);
}

bool thread_make(struct domain *domain, const struct domain_plan *plan, uint32_t index,
                 bh_cptr buffer)
{
    struct arena *arena = &domain->arena;
    const struct processor_time *time = &plan->time;
    struct domain_thread *thread = &domain->thread[index];
    *thread = (struct domain_thread){
        .tcb = arena_make(arena, BH_TYPE_TCB, 0, 1),
        .sched_context = arena_make(arena, BH_TYPE_SCHED_CONTEXT, 0, 1),
        .notification =
            index == 0 ? domain->notification : arena_make(arena, BH_TYPE_NOTIFICATION, 0, 1),
        .core = plan->core[index]};
    if (thread->tcb == 0 || thread->sched_context == 0 || thread->notification == 0 ||
        !make_stack(domain, plan->stack_size, index)) {
        return false;
    }
    domain->thread_count = index + 1;
    return configure_spaces(domain, index, buffer) && thread_place(thread->tcb, thread->core) &&
           bh_tcb_set_priority(thread->tcb, time->priority, time->priority).error == BH_OK &&
           bh_tcb_set_flags(thread->tcb, plan->fp ? BH_TCB_FP : 0).error == BH_OK &&
           bh_tcb_bind_notification(thread->tcb, thread->notification).error == BH_OK &&
           bh_sched_control_configure_in(BH_ROOT_SLOT_SCHED_CONTROL, thread->sched_context,
                                         root_ticks_from_us(time->budget_us),
                                         root_ticks_from_us(time->period_us), domain->number,
                                         time->partition)
                   .error == BH_OK &&
           bh_sched_context_bind(thread->sched_context, thread->tcb).error == BH_OK;
}

void domain_suspend(struct domain *domain)
{
    for (uint32_t i = 0; i < domain->thread_count; i++) {
        (void)bh_tcb_suspend(domain->thread[i].tcb);
    }
}

void domain_resume(struct domain *domain)
{
    for (uint32_t i = 0; i < domain->thread_count; i++) {
        (void)bh_tcb_resume(domain->thread[i].tcb);
    }
}

uint64_t domain_ticks(const struct domain *domain)
{
    uint64_t ticks = 0;
    for (uint32_t i = 0; i < domain->thread_count; i++) {
        ticks += bh_sched_context_consumed(domain->thread[i].sched_context).value[0];
    }
    return ticks;
}
