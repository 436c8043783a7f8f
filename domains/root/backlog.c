/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/backlog.h"

bool backlog_put(struct backlog *backlog, const char *text, size_t length)
{
    if (length > BACKLOG_SIZE - (backlog->put - backlog->taken)) {
        backlog->lost++;
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        backlog->data[backlog->put++ % BACKLOG_SIZE] = text[i];
    }
    return true;
}

size_t backlog_peek(const struct backlog *backlog, char *text, size_t size)
{
    size_t length = backlog->put - backlog->taken;
    length = length < size ? length : size;
    for (size_t i = 0; i < length; i++) {
        text[i] = backlog->data[(backlog->taken + i) % BACKLOG_SIZE];
    }
    return length;
}

void backlog_take(struct backlog *backlog, size_t length)
{
    backlog->taken += (uint32_t)length;
}
