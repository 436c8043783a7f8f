/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/console/history.h"

#include <string.h>

bool history_valid(const struct bh_console_history *history)
{
    size_t length = 0;
    for (; length < BH_CONSOLE_NAME_MAX && history->name[length] != 0; length++) {
        if (history->name[length] <= ' ' || history->name[length] > '~') {
            return false;
        }
    }
    return length > 0 && length < BH_CONSOLE_NAME_MAX;
}

void history_reset(struct bh_console_history *history, const char name[BH_CONSOLE_NAME_MAX])
{
    memset(history->name, 0,
           sizeof(history->name)); /* readers that look by name don't find it meanwhile */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memset(history->data, 0, sizeof(history->data));
    memset(history->reserved, 0, sizeof(history->reserved));
    __atomic_store_n(&history->written, 0, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memcpy(history->name, name, strnlen(name, sizeof(history->name) - 1));
}

void history_append(struct bh_console_history *history, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    while (length > 0) {
        size_t at = history->written % BH_CONSOLE_HISTORY;
        size_t count = BH_CONSOLE_HISTORY - at;
        count = count < length ? count : length;
        count = count < BH_CONSOLE_HISTORY_STEP ? count : BH_CONSOLE_HISTORY_STEP;
        memcpy(history->data + at, bytes, count);
        __atomic_store_n(&history->written, history->written + count, __ATOMIC_RELEASE);
        /* The next step's bytes are not seen before this step's count, so a reader knows how far
         * they may reach. */
        __atomic_thread_fence(__ATOMIC_RELEASE);
        bytes += count;
        length -= count;
    }
}

uint64_t history_tail(const struct bh_console_history *history, unsigned lines, size_t bytes)
{
    uint64_t end = history->written;
    uint64_t held = end < BH_CONSOLE_HISTORY ? end : BH_CONSOLE_HISTORY;
    uint64_t oldest = end - (held < bytes ? held : bytes);
    uint64_t start = end;
    /* A newline at the very end closes the last line, it does not begin another one. */
    for (unsigned seen = 0; start > oldest; start--) {
        if (history->data[(start - 1) % BH_CONSOLE_HISTORY] == '\n' && start != end &&
            ++seen == lines) {
            break;
        }
    }
    return start;
}

void history_copy(const struct bh_console_history *history, uint64_t from, void *data,
                  size_t length)
{
    size_t at = from % BH_CONSOLE_HISTORY;
    size_t first = length < BH_CONSOLE_HISTORY - at ? length : BH_CONSOLE_HISTORY - at;
    memcpy(data, history->data + at, first);
    memcpy((uint8_t *)data + first, history->data, length - first);
}
