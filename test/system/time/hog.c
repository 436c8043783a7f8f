/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver domain that has been taken over: it takes all the time it can get. */
#include "ipc/root.h"
#include "libs/runtime/runtime.h"

int main(void)
{
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
    for (;;) {
        __asm__ volatile("");
    }
}
