/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest guest: says so and turns its machine off. */
#include "payload.h"

int main(void)
{
    put("hello from a payload\n");
    return 0;
}
