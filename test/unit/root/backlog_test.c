/* SPDX-License-Identifier: BSD-2-Clause */
/* The backlog takes whole lines or counts them as lost, and gives bytes back in order. */
#include <string.h>

#include "domains/root/backlog.h"
#include "test/unit/check.h"

int main(void)
{
    static struct backlog backlog;
    char line[100];
    char out[60];
    uint32_t put = 0;
    uint32_t taken = 0;
    for (unsigned i = 0; i < 5000; i++) {
        size_t length = 1 + i % 99;
        for (size_t j = 0; j < length; j++) {
            line[j] = (char)((put + j) % 251);
        }
        bool room = length <= BACKLOG_SIZE - (put - taken);
        CHECK(backlog_put(&backlog, line, length) == room);
        put += room ? (uint32_t)length : 0;
        if (i % 3 == 0) {
            size_t got = backlog_peek(&backlog, out, sizeof(out));
            for (size_t j = 0; j < got; j++) {
                CHECK(out[j] == (char)((taken + j) % 251));
            }
            backlog_take(&backlog, got);
            taken += (uint32_t)got;
        }
    }
    CHECK(backlog.lost > 0);
    while (taken != put) {
        size_t got = backlog_peek(&backlog, out, sizeof(out));
        CHECK(got > 0);
        backlog_take(&backlog, got);
        taken += (uint32_t)got;
    }
    CHECK_EQUAL(backlog_peek(&backlog, out, sizeof(out)), 0);
    return 0;
}
