/* SPDX-License-Identifier: BSD-2-Clause */
/* A root that resets the machine. */
#include <bh/boot_info.h>
#include <bh/syscall.h>

#include "console.h"

__attribute__((noreturn)) void test_main(uint64_t x0);
void test_main(uint64_t x0)
{
    (void)x0;
    print("resetting\n");
    struct bh_result result = bh_machine_reset(BH_ROOT_SLOT_MACHINE);
    print("bh_machine_reset returned with error %u\n", result.error);
    for (;;) {
        bh_yield();
    }
}

/* start.S ends threads with it. */
void thread_finish(bh_cptr tcb);
void thread_finish(bh_cptr tcb)
{
    (void)bh_tcb_suspend(tcb);
}
