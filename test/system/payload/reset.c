/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that resets its machine. */
#include "payload.h"

int main(void)
{
    put("about to reset\n");
    (void)hvc(PSCI_RESET, 0, 0, 0);
    put("still here after a reset\n");
    return 0;
}
