/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest whose system panics, and says so to pvpanic. */
#include "payload.h"

int main(void)
{
    put("about to crash\n");
    machine_crash();
}
