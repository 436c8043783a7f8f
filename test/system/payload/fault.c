/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a VMM that was built for it (test/system/faulty_vmm) fault. */
#include "payload.h"

int main(void)
{
    put("begin\n");
    (void)hvc(0xc6000badu, 0, 0, 0);
    put("end\n");
    return 0;
}
