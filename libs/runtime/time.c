/* SPDX-License-Identifier: BSD-2-Clause */
#include <bh/syscall.h>

#include "libs/runtime/runtime.h"
#include "libs/runtime/time_math.h"

uint64_t bh_timer_frequency(void)
{
    static uint64_t frequency;
    if (frequency == 0) {
        /* Set by firmware, constant, readable at EL0: Arm ARM D11.1.2. */
        __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    }
    return frequency;
}

uint64_t bh_ticks_from_us(uint64_t us)
{
    return time_ticks_from_us(us, bh_timer_frequency());
}

uint64_t bh_us_from_ticks(uint64_t ticks)
{
    return time_us_from_ticks(ticks, bh_timer_frequency());
}

void bh_deadline_set(uint64_t deadline)
{
    (void)bh_notification_arm(BH_SLOT_NOTIFICATION, deadline, BH_SIGNAL_TIMER);
}

void bh_deadline_clear(void)
{
    (void)bh_notification_disarm(BH_SLOT_NOTIFICATION);
}
