/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

#include <bh/syscall.h>

#include "aarch64/cpu.h"
#include "aarch64/gic.h"
#include "notification.h"
#include "sched_context.h"
#include "scheduler.h"
#include "space.h"
#include "vcpu.h"

struct core_area core_areas[BH_CORES_MAX];
uint32_t core_count = 1;

/* The current thread has not done what it entered the kernel for: it executes the instruction
 * again. After SVC and HVC the return address is behind the instruction, after all else it is the
 * instruction (Arm ARM D1.3.5). */
static void rewind_thread(struct tcb *tcb, enum entry entry)
{
    if (entry == ENTRY_SYSTEM_CALL || entry == ENTRY_VM_ENTER) {
        tcb->context.pc -= INSTRUCTION_SIZE;
        tcb->context.x[12] = entry == ENTRY_VM_ENTER ? BH_SYS_VM_ENTER : tcb->context.x[12];
    } else if (entry == ENTRY_GUEST_EXCEPTION && read_sysreg(esr_el2) >> ESR_EC_SHIFT == ESR_EC_HVC64 &&
               tcb->vcpu->frame != NULL) {
        tcb->vcpu->frame->pc -= INSTRUCTION_SIZE;
    }
}

/* What core_stop asks for. Whoever asks has this core's lock, and does nothing until `stop` is
 * false. */
static void give_up(struct core *core, enum entry entry)
{
    if (core->current != NULL) {
        rewind_thread(core->current, entry);
        scheduler_put(core);
    }
    vcpu_put(core);
    fp_switch(core, NULL);
    space_activate(core, (struct cap){0});
    __atomic_store_n(&core->stop, false, __ATOMIC_RELEASE);
}

bool core_wait(struct core *core, const union lock *lock, union lock ticket, enum entry entry)
{
    bool stopped = false;
    while (!lock_is_turn(lock, ticket)) {
        if (__atomic_load_n(&core->stop, __ATOMIC_ACQUIRE)) {
            give_up(core, entry);
            stopped = true;
        }
        spin_hint();
    }
    return !stopped;
}

bool all_cores_lock(struct core *core, struct all_cores *all)
{
    all->core = core;
    if (core_count == 1) {
        return true;
    }
    core_unlock(core);
    bool stopped = false;
    for (uint32_t i = 0; i < core_count; i++) {
        union lock *lock = &core_by_number(i)->lock;
        union lock ticket = lock_ticket(lock);
        stopped |= !lock_was_free(ticket) && !core_wait(core, lock, ticket, ENTRY_SYSTEM_CALL);
    }
    if (stopped) {
        all_cores_unlock(all);
    }
    return !stopped;
}

void all_cores_unlock(struct all_cores *all)
{
    for (uint32_t i = core_count; i-- > 0;) {
        if (core_by_number(i) != all->core) {
            core_unlock(core_by_number(i));
        }
    }
}

bool all_cores_wanted(void)
{
    for (uint32_t i = 0; i < core_count; i++) {
        if (lock_is_contended(&core_by_number(i)->lock)) {
            return true;
        }
    }
    return false;
}

void core_stop(struct all_cores *all, struct core *other)
{
    if (other == all->core) {
        return;
    }
    __atomic_store_n(&other->stop, true, __ATOMIC_RELEASE);
    core_kick(other);
    while (__atomic_load_n(&other->stop, __ATOMIC_ACQUIRE)) {
        spin_hint();
    }
}

void core_evict_fp(struct all_cores *all, struct core *core, const struct bh_fp_state *state)
{
    if (core->fp == state) {
        core_stop(all, core);
        fp_switch(core, NULL);
    }
}

void core_kick(struct core *core)
{
    gic_send_kick(core->affinity);
}

void core_send(struct core *core, struct mail **mailbox, struct mail *mail, uint64_t bits)
{
    if (__atomic_fetch_or(&mail->bits, bits, __ATOMIC_ACQ_REL) != 0) {
        return; /* on its way already */
    }
    struct mail *first = __atomic_load_n(mailbox, __ATOMIC_RELAXED);
    do {
        mail->next = first;
    } while (!__atomic_compare_exchange_n(mailbox, &first, mail, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    core_kick(core);
}

/* Takes the first of a list of mail off it, and its bits. The sender may use it again from then on.
 */
static uint64_t next_mail(struct mail **list, struct mail **mail)
{
    *mail = *list;
    *list = (*mail)->next;
    return __atomic_exchange_n(&(*mail)->bits, 0, __ATOMIC_ACQ_REL);
}

void core_take_mail(struct core *core)
{
    struct mail *mail;
    struct mail *list = __atomic_exchange_n(&core->notification_mail, NULL, __ATOMIC_ACQUIRE);
    while (list != NULL) {
        uint64_t bits = next_mail(&list, &mail);
        notification_signal(core, notification_of_mail(mail), bits);
    }
    list = __atomic_exchange_n(&core->vcpu_mail, NULL, __ATOMIC_ACQUIRE);
    while (list != NULL) {
        (void)next_mail(&list, &mail);
        vcpu_wake(core, vcpu_of_mail(mail));
    }
}
