/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operator sees of the switch itself: banners, the list, help. None of it exists in raw
 * mode. */
#include <stdarg.h>
#include <string.h>

#include "domains/console/consoles.h"
#include "domains/console/history.h"
#include "libs/runtime/format.h"

/* What of a console's history appears when it is shown. */
#define REPLAY_LINES 20
#define REPLAY_BYTES 2048

void consoles_say(struct consoles *consoles, const char *format, ...)
{
    if (consoles->raw) {
        return;
    }
    char line[128];
    va_list arguments;
    va_start(arguments, format);
    size_t length = bh_format_list(line, sizeof(line) - 2, format, arguments);
    va_end(arguments);
    memcpy(line + length, "\r\n", 2);
    (void)output_put_line(consoles->output, line, length + 2);
}

static void replay(struct consoles *consoles, const struct bh_console_history *history)
{
    if (consoles->raw || history == NULL) {
        return;
    }
    size_t room = output_room(consoles->output);
    uint8_t text[REPLAY_BYTES];
    uint64_t from = history_tail(history, REPLAY_LINES, room < sizeof(text) ? room : sizeof(text));
    size_t length = (size_t)(history->written - from);
    history_copy(history, from, text, length);
    (void)output_put(consoles->output, text, length);
}

void consoles_show(struct consoles *consoles, uint32_t index)
{
    if (index >= consoles->count) {
        return;
    }
    const struct console *console = &consoles->console[index];
    consoles->shown = index;
    consoles->chosen = true;
    consoles_say(consoles, "[console %u: %s]%s", index, console->name,
                 console->clients == 0 ? " closed" : "");
    replay(consoles, console->history);
}

static void step(struct consoles *consoles, uint32_t by)
{
    uint32_t index = consoles->shown < consoles->count ? consoles->shown : CONSOLES_SYSTEM;
    for (uint32_t i = 0; i < consoles->count; i++) {
        index = (index + by) % consoles->count;
        if (consoles->console[index].clients != 0) {
            consoles_show(consoles, index);
            return;
        }
    }
}

void consoles_show_next(struct consoles *consoles)
{
    step(consoles, 1);
}

void consoles_show_previous(struct consoles *consoles)
{
    step(consoles, consoles->count - 1);
}

void consoles_list(struct consoles *consoles)
{
    for (uint32_t i = 0; i < consoles->count; i++) {
        const struct console *console = &consoles->console[i];
        consoles_say(consoles, "[%c%3u %s%s]", i == consoles->shown ? '*' : ' ', i, console->name,
                     console->clients == 0 ? ", closed" : "");
    }
}

void consoles_help(struct consoles *consoles)
{
    consoles_say(consoles, "[Ctrl-] and: 0-9 show that console, n next, p previous, l list]");
    consoles_say(consoles, "[Ctrl-] and: ] send Ctrl-], q turn the machine off, h this help]");
}
