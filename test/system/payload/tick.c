/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts on its console, a number about every 20 ms, until it is stopped. */
#include "payload.h"

int main(void)
{
    for (uint64_t count = 1;; count++) {
        uint64_t next = milliseconds() + 20;
        put_line("tick", count);
        while (milliseconds() < next) {
        }
    }
}
