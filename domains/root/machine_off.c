/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/machine_off.h"

#include <bh/syscall.h>

#include "domains/root/log.h"
#include "domains/root/root.h"
#include "libs/runtime/runtime.h"

#define LOOK_US \
    UINT64_C(5000) /* how often root looks whether the console server has taken the log */
#define GRACE_US UINT64_C(50000)   /* ... and what it then gets to put it out */
#define LIMIT_US UINT64_C(1000000) /* after which the log is given up */

static uint64_t limit;     /* 0: the machine stays on */
static uint64_t next_look; /* valid while limit is not 0 */
static bool drained;

void root_exit(unsigned status)
{
    if (limit != 0) {
        return; /* on its way already */
    }
    log_event("exit %u", status & 0xff);
    uint64_t now = bh_ticks();
    limit = now + root_ticks_from_us(LIMIT_US);
    next_look = now + root_ticks_from_us(LOOK_US);
}

uint64_t machine_off_deadline(void)
{
    return limit == 0 ? UINT64_MAX : next_look;
}

void machine_off_step(uint64_t now)
{
    if (limit == 0 || now < next_look) {
        return;
    }
    if (now < limit && !drained) {
        drained = log_drained();
        next_look = now + root_ticks_from_us(drained ? GRACE_US : LOOK_US);
        return;
    }
    (void)bh_machine_off(BH_ROOT_SLOT_MACHINE);
}
