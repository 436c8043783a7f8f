/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/fault.h"

#include <bh/syscall.h>

#include "domains/root/boot.h"
#include "domains/root/guest.h"
#include "domains/root/log.h"
#include "libs/runtime/format.h"
#include "libs/runtime/runtime.h"

static const char *fault_name(uint32_t label)
{
    switch (label) {
    case BH_FAULT_VM:
        return "memory fault";
    case BH_FAULT_EXCEPTION:
        return "exception";
    case BH_FAULT_SYSCALL:
        return "unknown system call";
    case BH_FAULT_TIMEOUT:
        return "timeout";
    default:
        return "fault";
    }
}

void fault_handle(struct domain *domain, const struct bh_message *message)
{
    const char *name = fault_name(bh_info_label(message->info));
    uint64_t number = message->badge >> BADGE_THREAD_SHIFT;
    if (number >= domain->thread_count) {
        return;
    }
    /* Suspended first: it must not run on when its fault is forgotten with the next message. */
    domain_suspend(domain);
    log_line("domain %s: %s at pc 0x%llx, address 0x%llx, syndrome 0x%llx", domain->name, name,
             (unsigned long long)message->word[0], (unsigned long long)message->word[1],
             (unsigned long long)message->word[2]);
    struct bh_result frame = bh_tcb_read_registers(domain->thread[number].tcb, 29);
    if (frame.error == BH_OK) {
        log_line("domain %s: fp 0x%llx, lr 0x%llx, sp 0x%llx", domain->name,
                 (unsigned long long)frame.value[0], (unsigned long long)frame.value[1],
                 (unsigned long long)frame.value[2]);
    }
    struct guest *guest = domain->is_vmm ? guest_of(domain) : NULL;
    domain->state = DOMAIN_FAULTED;
    domain->deadline = UINT64_MAX;
    if (domain->description != NULL && domain->description->serves == BH_PROTOCOL_CONSOLE) {
        log_channel(NULL); /* nobody reads it any more */
    }
    if (guest != NULL) {
        char reason[sizeof(guest->info.reason)];
        (void)bh_format(reason, sizeof(reason), "its monitor stopped: %s at 0x%llx", name,
                        (unsigned long long)message->word[0]);
        guest_faulted(guest, reason);
    }
    uint64_t now = bh_ticks();
    guests_step(now);
    boot_step(now);
}
