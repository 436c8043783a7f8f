/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/runtime/log.h"

#include <string.h>

#include <bh/syscall.h>

#include "ipc/root.h"
#include "libs/runtime/log_ring.h"
#include "libs/runtime/runtime.h"

#define LINE_SIZE (BH_NAME_MAX + 2 + BH_LOG_LINE_MAX + 2)

static struct {
    struct bh_channel *channel; /* NULL: none */
    struct bh_channel own;      /* the one that the domain page lists */
    uint32_t generation;        /* of the domain page when it was last looked at; 0: never */
    uint32_t released_epoch;    /* of the attachment that root was last told of to be given up */
    unsigned dropped;           /* lines, since the last that found room */
} state;

static bool is_log(const struct bh_resource *resource)
{
    return resource->kind == BH_RESOURCE_CLIENT && resource->protocol == BH_PROTOCOL_CONSOLE &&
           strncmp(resource->name, "log", BH_NAME_MAX) == 0;
}

/* Follows the domain page: takes the channel up when root has attached it, lets go of it when root
 * wants it back. Only `release` tells root so, which is the first thread's business: else the page is
 * looked at again. */
static void follow_page(bool release)
{
    const struct bh_domain_page *page = bh_domain();
    if (page == NULL) {
        return;
    }
    uint32_t generation = __atomic_load_n(&page->generation, __ATOMIC_ACQUIRE);
    if (generation + 1 == state.generation) {
        return;
    }
    state.generation = generation + 1; /* so that 0 stays "never" */
    struct bh_channel *channel = NULL;
    for (uint32_t i = 0; i < page->resource_count && i < BH_DOMAIN_RESOURCE_MAX; i++) {
        const struct bh_resource *resource = &page->resource[i];
        uint32_t now = bh_resource_state(resource);
        if (now == BH_RESOURCE_UNUSED || !is_log(resource)) {
            continue;
        }
        if (now == BH_RESOURCE_ATTACHED) {
            if (state.channel == NULL || state.own.epoch != resource->epoch) {
                bh_channel_attach(&state.own, resource);
            }
            state.released_epoch = 0;
            channel = &state.own;
        } else if (!release) {
            state.generation = 0;
        } else if (state.released_epoch != resource->epoch + 1) {
            state.released_epoch = resource->epoch + 1;
            state.channel = NULL;
            (void)bh_root_call(BH_ROOT_DETACHED, i, 0, 0);
        }
    }
    state.channel = channel;
}

void bh_domain_changed(void)
{
    follow_page(true);
}

static bool send(const char *line, size_t length)
{
    bool signal;
    if (!log_ring_put(state.channel, line, length, &signal)) {
        return false;
    }
    if (signal) {
        (void)bh_signal(state.channel->signal_cap);
    }
    return true;
}

static void send_to_kernel(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bh_debug_putchar(line[i]) != BH_OK) {
            return; /* no debug kernel: nobody to tell */
        }
    }
}

static const char *own_name(void)
{
    const struct bh_domain_page *page = bh_domain();
    return page != NULL ? page->name : "root";
}

/* `line` ends in a newline. */
static void put_line(const char *line, size_t length)
{
    follow_page(false);
    if (state.channel == NULL || bh_channel_broken(state.channel)) {
        send_to_kernel(line, length);
        return;
    }
    if (state.dropped > 0) {
        char note[BH_NAME_MAX + 48];
        size_t note_length = bh_format(note, sizeof(note), "%.*s: lines lost here: %u\n",
                                       (int)BH_NAME_MAX, own_name(), state.dropped);
        if (send(note, note_length)) {
            state.dropped = 0;
        }
    }
    if (!send(line, length)) {
        state.dropped++;
    }
}

static void log_list(const char *format, va_list arguments)
{
    char line[LINE_SIZE];
    size_t length = bh_format(line, sizeof(line) - 1 - BH_LOG_LINE_MAX,
                              "%.*s: ", (int)BH_NAME_MAX - 1, own_name());
    length += bh_format_list(line + length, BH_LOG_LINE_MAX + 1, format, arguments);
    while (length > 0 && line[length - 1] == '\n') {
        length--;
    }
    line[length++] = '\n';
    put_line(line, length);
}

void bh_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_list(format, arguments);
    va_end(arguments);
}

void bh_panic(const char *format, ...)
{
    log_stream_flush();
    va_list arguments;
    va_start(arguments, format);
    log_list(format, arguments);
    va_end(arguments);
    for (;;) {
        __asm__ volatile("udf #0"); /* permanently undefined: the fault goes to root, which does not
                                       resume the thread */
    }
}

/* --- standard output --- */

static char pending[BH_LOG_LINE_MAX];
static size_t pending_length;

void log_stream_flush(void)
{
    if (pending_length > 0) {
        size_t length = pending_length;
        pending_length = 0;
        bh_log("%.*s", (int)length, pending);
    }
}

void log_stream(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            log_stream_flush();
        } else {
            pending[pending_length++] = text[i];
            if (pending_length == sizeof(pending)) {
                log_stream_flush();
            }
        }
    }
}
