/* SPDX-License-Identifier: BSD-2-Clause */
/* Does nothing, as hard as it can. */
#include "payload.h"

int main(void)
{
    put("begin\n");
    for (;;) {
        __asm__ volatile("");
    }
}
