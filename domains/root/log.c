/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/log.h"

#include <bh/syscall.h>

#include "domains/root/backlog.h"
#include "ipc/console.h"
#include "libs/runtime/format.h"

#define LINE_SIZE 320u

static struct backlog backlog;
static struct bh_channel *channel;

static void to_kernel(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bh_debug_putchar(text[i]) != BH_OK) {
            return; /* a release kernel has no console */
        }
    }
}

/* Moves the backlog into the ring as far as there is room. */
static void send(void)
{
    struct bh_console_chunk chunk = {0};
    bool any = false;
    while ((chunk.length =
                (uint32_t)backlog_peek(&backlog, (char *)chunk.data, BH_CONSOLE_CHUNK_MAX)) != 0) {
        enum bh_ring_status status = bh_ring_produce(&channel->submit, &chunk);
        if (status == BH_RING_FULL && !bh_ring_producer_sleep(&channel->submit)) {
            continue; /* room has come since */
        }
        if (status != BH_RING_OK) {
            break;
        }
        backlog_take(&backlog, chunk.length);
        any = true;
    }
    if (any && bh_ring_publish(&channel->submit)) {
        (void)bh_signal(channel->signal_cap);
    }
}

static void put(const char *prefix, const char *format, va_list arguments)
{
    char line[LINE_SIZE];
    size_t length = bh_format(line, sizeof(line) - 1, "%s", prefix);
    length += bh_format_list(line + length, sizeof(line) - 1 - length, format, arguments);
    line[length++] = '\n';
    if (channel == NULL) {
        to_kernel(line, length);
        return;
    }
    if (backlog.lost != 0) {
        char note[64];
        size_t note_length = bh_format(note, sizeof(note), "root: %u lines lost\n", backlog.lost);
        uint32_t lost = backlog.lost;
        backlog.lost = backlog_put(&backlog, note, note_length) ? 0 : lost;
    }
    (void)backlog_put(&backlog, line, length);
    send();
}

void log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put("root: ", format, arguments);
    va_end(arguments);
}

void log_event(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put("bulkhead: ", format, arguments);
    va_end(arguments);
}

void log_plain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put("", format, arguments);
    va_end(arguments);
}

void log_channel(struct bh_channel *to)
{
    channel = to;
}

void log_flush(void)
{
    if (channel != NULL) {
        bh_ring_producer_awake(&channel->submit);
        send();
    }
}

bool log_drained(void)
{
    if (channel == NULL || bh_channel_broken(channel)) {
        return true;
    }
    uint32_t consumed = __atomic_load_n(&channel->submit.shared->consumed, __ATOMIC_ACQUIRE);
    return backlog.put == backlog.taken && consumed == channel->submit.index;
}
