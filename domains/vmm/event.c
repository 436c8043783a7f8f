/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals of the domain's notification, and the deadlines that share its one deadline. */

#include "domains/vmm/vm.h"

#include "domains/vmm/system.h"
#include "libs/runtime/runtime.h"

#define EXPIRE_MAX 64u /* timers served by one signal */

bool vm_on_signal(struct vm *vm, uint64_t bits, void (*handler)(void *device, uint64_t bits),
                  void *device)
{
    if (vm->signal_count == VM_SIGNAL_HANDLERS) {
        return false;
    }
    vm->signal[vm->signal_count++] =
        (struct vm_signal_handler){.bits = bits, .handler = handler, .device = device};
    return true;
}

/* Takes the timer out of the list, if it is in. */
static void timer_unlink(struct vm *vm, struct vm_timer *timer)
{
    if (!timer->armed) {
        return;
    }
    timer->armed = false;
    for (struct vm_timer **link = &vm->timers; *link != NULL; link = &(*link)->next) {
        if (*link == timer) {
            *link = timer->next;
            break;
        }
    }
    timer->next = NULL;
}

static void timer_program(struct vm *vm)
{
    system_arm(vm->timers != NULL ? vm->timers->deadline : UINT64_MAX);
}

void vm_timer_arm(struct vm *vm, struct vm_timer *timer, uint64_t deadline)
{
    const struct vm_timer *first = vm->timers;
    uint64_t first_deadline = first != NULL ? first->deadline : 0;
    timer_unlink(vm, timer);
    struct vm_timer **link = &vm->timers;
    while (*link != NULL && (*link)->deadline <= deadline) {
        link = &(*link)->next;
    }
    timer->deadline = deadline;
    timer->next = *link;
    timer->armed = true;
    *link = timer;
    if (vm->timers != first || vm->timers->deadline != first_deadline) {
        timer_program(vm);
    }
}

void vm_timer_disarm(struct vm *vm, struct vm_timer *timer)
{
    bool first = vm->timers == timer;
    timer_unlink(vm, timer);
    if (first) {
        timer_program(vm);
    }
}

/* A timer that is armed for the past again and again comes with later signals, so that this ends.
 */
static void timers_expire(struct vm *vm)
{
    uint64_t now = bh_ticks();
    for (unsigned i = 0; i < EXPIRE_MAX; i++) {
        struct vm_timer *timer = vm->timers;
        if (timer == NULL || timer->deadline > now) {
            break;
        }
        timer_unlink(vm, timer);
        timer->expired(timer->device);
    }
    timer_program(vm);
}

void vm_signalled(struct vm *vm, uint64_t bits)
{
    if ((bits & BH_SIGNAL_CONTROL) != 0) {
        bh_domain_changed();
    }
    for (unsigned i = 0; i < vm->signal_count; i++) {
        const struct vm_signal_handler *entry = &vm->signal[i];
        if ((bits & entry->bits) != 0) {
            entry->handler(entry->device, bits & entry->bits);
        }
    }
    if ((bits & BH_SIGNAL_TIMER) != 0) {
        timers_expire(vm);
    }
}
