/* SPDX-License-Identifier: BSD-2-Clause */
#include "vcpu.h"

#include "aarch64/cpu.h"
#include "aarch64/vcpu_registers.h"
#include "aarch64/virtual_gic.h"
#include "invocation.h"
#include "notification.h"
#include "scheduler.h"
#include "space.h"

static struct space *guest_space(const struct vcpu *vcpu)
{
    struct cap cap = vcpu->slots[VCPU_SLOT_GUEST_SPACE].cap;
    struct space *space = cap.type == BH_TYPE_GUEST_SPACE ? cap_object(cap) : NULL;
    return space != NULL && space->type == BH_TYPE_GUEST_SPACE ? space : NULL;
}

/* bh_vm_enter can't do its work. */
static void refuse(struct tcb *tcb)
{
    static struct bh_vcpu_frame nowhere;
    struct vcpu *vcpu = tcb->vcpu;
    vcpu_exit(tcb, vcpu != NULL && vcpu->frame != NULL ? vcpu->frame : &nowhere, BH_EXIT_INVALID, 0);
}

void vcpu_enter(struct core *core, struct tcb *tcb)
{
    struct vcpu *vcpu = tcb->vcpu;
    if (vcpu == NULL || vcpu->frame == NULL) {
        refuse(tcb);
        return;
    }
    if (core->current == tcb) {
        tcb->context.sp = read_sysreg(sp_el0);
        tcb->context.tpidr = read_sysreg(tpidr_el0);
    }
    tcb->in_guest = true;
}

static void vcpu_show(struct core *core)
{
    if (core->vcpu_hidden) {
        vcpu_registers_show(&core->vcpu->state);
        core->vcpu_hidden = false;
    }
}

void vcpu_put(struct core *core)
{
    struct vcpu *vcpu = core->vcpu;
    if (vcpu == NULL) {
        return;
    }
    vcpu_show(core);
    core->vcpu = core->whole_vcpu = NULL;
    core->guest_space = NULL;
    vcpu_registers_save(&vcpu->state);
    vcpu_registers_hide(&vcpu->state);
    virtual_gic_save(vcpu);
    virtual_timer_stop();
    vttbr_set_empty();
    if (vcpu->tcb != NULL && vcpu->tcb->state == TCB_BLOCKED_WFI && virtual_timer_armed(&vcpu->state)) {
        deadline_set(core, &vcpu->deadline, DEADLINE_VCPU, vcpu->state.cntv_cval + vcpu->state.cntvoff);
    }
}

static void vcpu_take(struct core *core, struct vcpu *vcpu, const struct space *space)
{
    vcpu_put(core);
    deadline_clear(core, &vcpu->deadline);
    vttbr_set(pointer_paddr(space), space->index);
    vcpu_registers_load(&vcpu->state);
    virtual_gic_load(vcpu);
    core->vcpu = vcpu;
    core->guest_space = space;
}

/* Puts whatever is missing of the VCPU into the hardware. False: it has no space. */
static bool complete(struct core *core, struct vcpu *vcpu)
{
    if (core->vcpu != vcpu) {
        const struct space *space = guest_space(vcpu);
        if (space == NULL) {
            return false;
        }
        vcpu_take(core, vcpu, space);
    }
    vcpu_show(core);
    if (core->fp != &vcpu->state.fp) {
        fp_switch(core, &vcpu->state.fp);
        if (core->fp_open) {
            core->fp_open = false;
            fp_access(false);
        }
    }
    core->whole_vcpu = vcpu;
    return true;
}

bool vcpu_prepare(struct core *core, struct tcb *tcb)
{
    struct vcpu *vcpu = tcb->vcpu;
    struct notification *notification = tcb->bound_notification;
    struct bh_vcpu_frame *frame = vcpu != NULL ? vcpu->frame : NULL;

    if (frame == NULL) {
        refuse(tcb);
        return false;
    }
    if (notification != NULL && notification->bits != 0) {
        uint64_t bits = notification->bits;
        notification->bits = 0;
        vcpu_exit(tcb, frame, BH_EXIT_NOTIFICATION, bits);
        return false;
    }
    if (core->whole_vcpu != vcpu && !complete(core, vcpu)) {
        refuse(tcb);
        return false;
    }
    if (frame->pending_summary != 0 || vcpu->timer_pending) {
        virtual_gic_inject(vcpu, frame);
    }
    if (vcpu->completed) {
        vcpu->completed = false;
        vcpu_exit(tcb, frame, BH_EXIT_IRQ_COMPLETED, 0);
        return false;
    }
    /* On every way in: who shares the frame may have written it while the guest was preempted. Read once: they may
     * write it at any time, from other cores. */
    uint64_t pstate = __atomic_load_n(&frame->pstate, __ATOMIC_RELAXED) & PSTATE_ALLOWED;
    if (!pstate_is_allowed(pstate)) {
        refuse(tcb);
        return false;
    }
    vcpu->pstate = pstate;
    trace(BH_TRACE_GUEST_ENTER, tcb, frame->pc, 0);
    core->guest_entered = ticks_now();
    return true;
}

void vcpu_wake(struct core *core, struct vcpu *vcpu)
{
    if (vcpu->tcb != NULL && vcpu->tcb->state == TCB_BLOCKED_WFI) {
        vcpu->tcb->state = TCB_RUNNABLE;
        scheduler_ready(core, vcpu->tcb);
    }
}

LANDING_PAD void vcpu_timer_due(struct core *core, struct deadline *deadline)
{
    vcpu_wake(core, container_of(deadline, struct vcpu, deadline));
}

void vcpu_timer_interrupt(struct core *core)
{
    struct vcpu *vcpu = core->vcpu;
    if (vcpu == NULL) { /* it fired while it was being taken out */
        virtual_timer_forget();
        return;
    }
    vcpu->timer_pending = true;
    if (vcpu->frame != NULL) {
        vcpu->frame->exits[BH_EXIT_TIMER]++;
    }
    vcpu_wake(core, vcpu);
}

void vcpu_maintenance_interrupt(struct core *core)
{
    struct vcpu *vcpu = core->vcpu;
    struct bh_vcpu_frame *frame = vcpu != NULL ? vcpu->frame : NULL;
    if (frame != NULL && virtual_gic_collect(frame)) {
        vcpu->completed = true;
        vcpu_wake(core, vcpu);
    }
}

void vcpu_evict(struct all_cores *all, struct vcpu *vcpu)
{
    struct core *core = vcpu->tcb->core;
    if (vcpu->mail.bits != 0) {
        core_take_mail(core);
    }
    if (core->vcpu == vcpu) {
        core_stop(all, core);
        vcpu_put(core); /* unless the other core has done so */
    }
    core_evict_fp(all, core, &vcpu->state.fp);
}

void vcpu_lose_frame(struct all_cores *all, struct slot *slot)
{
    struct vcpu *vcpu = container_of(slot, struct vcpu, slots[VCPU_SLOT_FRAME]);
    if (vcpu->tcb != NULL) {
        vcpu_evict(all, vcpu);
    }
    vcpu->frame = NULL;
}

void vcpu_unbind(struct all_cores *all, struct vcpu *vcpu)
{
    if (vcpu->tcb == NULL) {
        return;
    }
    vcpu_evict(all, vcpu);
    deadline_clear(vcpu->tcb->core, &vcpu->deadline);
    vcpu->tcb->vcpu = NULL;
    vcpu->tcb = NULL;
}

void vcpu_destroy(struct all_cores *all, struct vcpu *vcpu)
{
    vcpu_unbind(all, vcpu);
}

/* --- Invocations --- */

static enum bh_error configure(struct all_cores *all, struct vcpu *vcpu, struct invocation *invocation)
{
    const uint64_t rights = BH_RIGHT_READ | BH_RIGHT_WRITE;
    struct slot *thread, *space, *frame;
    struct cap space_cap, frame_cap;

    if (invocation_cap(invocation, 1, BH_TYPE_TCB, 0, &thread) != BH_OK ||
        invocation_copy(invocation, 2, BH_TYPE_GUEST_SPACE, 0, &space, &space_cap) != BH_OK ||
        invocation_copy(invocation, 3, BH_TYPE_FRAME, rights, &frame, &frame_cap) != BH_OK) {
        return invocation->error;
    }
    struct tcb *tcb = cap_object(thread->cap);
    bool used = vcpu->tcb != NULL || !slot_empty(&vcpu->slots[VCPU_SLOT_GUEST_SPACE]) ||
                !slot_empty(&vcpu->slots[VCPU_SLOT_FRAME]);
    if (!invocation_requires(invocation, 3, BH_ERROR_INVALID_ARGUMENT,
                             frame_cap.size_bits == BH_PAGE_BITS && !frame_cap.mapping.device) ||
        !invocation_requires(invocation, 0, BH_ERROR_BUSY, !used) ||
        !invocation_requires(invocation, 1, BH_ERROR_BUSY, tcb->vcpu == NULL)) {
        return invocation->error;
    }

    frame_cap.mapping.generation = 1; /* vcpu_is_frame_slot */
    slot_insert_after(all, &vcpu->slots[VCPU_SLOT_GUEST_SPACE], space_cap, space);
    slot_insert_after(all, &vcpu->slots[VCPU_SLOT_FRAME], frame_cap, frame);
    vcpu->tcb = tcb;
    vcpu->frame = cap_object(frame_cap);
    tcb->vcpu = vcpu;
    vcpu_registers_describe_host(&vcpu->frame->host);
    return BH_OK;
}

static enum bh_error exchange_state(struct all_cores *all, struct vcpu *vcpu, bool save)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    if (frame == NULL || (vcpu->tcb != NULL && vcpu->tcb->in_guest)) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if (vcpu->tcb != NULL) {
        vcpu_evict(all, vcpu);
    }
    if (save) {
        frame->state = vcpu->state;
        frame->state.sp_el0 = vcpu->sp_el0;
        frame->state.tpidr_el0 = vcpu->tpidr_el0;
    } else {
        vcpu->state = frame->state;
        vcpu->sp_el0 = vcpu->state.sp_el0;
        vcpu->tpidr_el0 = vcpu->state.tpidr_el0;
        vcpu_registers_sanitise(&vcpu->state);
    }
    return BH_OK;
}

enum bh_error vcpu_post(struct core *core, struct vcpu *vcpu, struct invocation *invocation)
{
    struct bh_vcpu_frame *frame = vcpu->frame;
    if (frame == NULL) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if (invocation->word[0] >= BH_VCPU_INTERRUPTS) {
        return invocation_fail(invocation, 1, BH_ERROR_RANGE);
    }
    bh_vcpu_frame_post(frame, (uint32_t)invocation->word[0]);
    if (vcpu->tcb != NULL && vcpu->tcb->core != core) {
        core_send(vcpu->tcb->core, &vcpu->tcb->core->vcpu_mail, &vcpu->mail, 1);
    } else {
        vcpu_wake(core, vcpu);
    }
    return BH_OK;
}

LANDING_PAD enum bh_error vcpu_invoke(struct all_cores *all, struct invocation *invocation)
{
    struct vcpu *vcpu = cap_object(invocation->cap);

    switch (invocation->operation) {
    case BH_OP_VCPU_CONFIGURE:
        return configure(all, vcpu, invocation);
    case BH_OP_VCPU_SAVE:
        return exchange_state(all, vcpu, true);
    case BH_OP_VCPU_LOAD:
        return exchange_state(all, vcpu, false);
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
