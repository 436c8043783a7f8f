/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/console/consoles.h"

#include <string.h>

#include "domains/console/history.h"

static void set_name(char name[BH_CONSOLE_NAME_MAX], const char *value)
{
    memset(name, 0, BH_CONSOLE_NAME_MAX);
    memcpy(name, value, strnlen(value, BH_CONSOLE_NAME_MAX - 1));
}

uint32_t consoles_find(const struct consoles *consoles, const char *name)
{
    for (uint32_t i = 0; i < consoles->count; i++) {
        if (strncmp(consoles->console[i].name, name, BH_CONSOLE_NAME_MAX - 1) == 0) {
            return i;
        }
    }
    return CONSOLES_NONE;
}

/* A console without clients that may give up its place or its history: of those the one that has
 * been so longest. */
static uint32_t find_oldest(const struct consoles *consoles, bool with_history)
{
    uint32_t oldest = CONSOLES_NONE;
    for (uint32_t i = 1; i < consoles->count; i++) {
        const struct console *console = &consoles->console[i];
        if (console->clients != 0 || i == consoles->shown ||
            (with_history && console->history == NULL)) {
            continue;
        }
        if (oldest == CONSOLES_NONE || console->detached < consoles->console[oldest].detached) {
            oldest = i;
        }
    }
    return oldest;
}

static struct bh_console_history *claim_history(struct consoles *consoles, const char *name)
{
    struct bh_console_history *history = NULL;
    for (uint32_t i = 0; i < consoles->history_count && history == NULL; i++) {
        if (consoles->histories[i].name[0] == 0) {
            history = &consoles->histories[i];
        }
    }
    if (history == NULL) {
        uint32_t oldest = find_oldest(consoles, true);
        if (oldest == CONSOLES_NONE) {
            return NULL;
        }
        history = consoles->console[oldest].history;
        consoles->console[oldest].history = NULL;
    }
    char own[BH_CONSOLE_NAME_MAX];
    set_name(own, name);
    history_reset(history, own);
    return history;
}

/* A place for a new console. */
static struct console *claim_console(struct consoles *consoles)
{
    uint32_t index = consoles->count;
    if (index < CONSOLES_MAX) {
        consoles->count++;
        return &consoles->console[index];
    }
    index = find_oldest(consoles, false);
    if (index == CONSOLES_NONE) {
        return NULL;
    }
    struct console *console = &consoles->console[index];
    if (console->history != NULL) {
        memset(console->history->name, 0, sizeof(console->history->name));
    }
    return console;
}

void consoles_init(struct consoles *consoles, struct output *output,
                   struct bh_console_history *histories, size_t history_count, const char *wanted,
                   bool raw)
{
    *consoles = (struct consoles){
        .output = output,
        .raw = raw,
        .histories = histories,
        .history_count = history_count < CONSOLES_MAX ? (uint32_t)history_count : CONSOLES_MAX,
        .count = 1,
    };
    set_name(consoles->wanted, wanted);
    consoles->console[CONSOLES_SYSTEM] = (struct console){.name = BH_CONSOLE_SYSTEM, .clients = 1};

    for (uint32_t i = 0; i < consoles->history_count; i++) {
        struct bh_console_history *history = &histories[i];
        uint32_t index =
            history_valid(history) ? consoles_find(consoles, history->name) : CONSOLES_NONE;
        if (index == CONSOLES_SYSTEM && consoles->console[index].history == NULL) {
            consoles->console[index].history = history;
        } else if (!history_valid(history) || index != CONSOLES_NONE ||
                   consoles->count == CONSOLES_MAX) {
            memset(history->name, 0, sizeof(history->name));
        } else {
            struct console *console = &consoles->console[consoles->count++];
            *console = (struct console){.history = history};
            set_name(console->name, history->name);
        }
    }
    struct console *system = &consoles->console[CONSOLES_SYSTEM];
    if (system->history == NULL) {
        system->history = claim_history(consoles, system->name);
    }

    consoles->chosen = strcmp(consoles->wanted, system->name) == 0;
    bool wait = raw && !consoles->chosen && consoles->wanted[0] != 0;
    consoles->shown = wait ? CONSOLES_NONE : CONSOLES_SYSTEM;
}

uint32_t consoles_attach(struct consoles *consoles, const char *name)
{
    uint32_t index = consoles_find(consoles, name);
    if (index == CONSOLES_NONE) {
        struct console *console = claim_console(consoles);
        if (console == NULL) {
            return CONSOLES_NONE;
        }
        *console = (struct console){0};
        set_name(console->name, name);
        index = (uint32_t)(console - consoles->console);
    }
    struct console *console = &consoles->console[index];
    console->clients++;
    if (console->history == NULL) {
        console->history = claim_history(consoles, console->name);
    }
    bool first = consoles->wanted[0] == 0 && index != CONSOLES_SYSTEM;
    if (!consoles->chosen && (first || strcmp(console->name, consoles->wanted) == 0)) {
        consoles_show(consoles, index);
    }
    return index;
}

void consoles_detach(struct consoles *consoles, uint32_t index)
{
    struct console *console = &consoles->console[index];
    if (--console->clients == 0) {
        console->detached = ++consoles->detachments;
    }
}

bool consoles_ready(const struct consoles *consoles, uint32_t index)
{
    /* The system console's lines may appear when it is not shown. */
    bool visible = index == consoles->shown || index == CONSOLES_SYSTEM;
    return !visible || output_length(consoles->output) < CONSOLES_AHEAD;
}

void consoles_write(struct consoles *consoles, uint32_t index, const uint8_t *data, size_t length)
{
    struct console *console = &consoles->console[index];
    if (console->history != NULL) {
        history_append(console->history, data, length);
    }
    if (index == consoles->shown) {
        (void)output_put(consoles->output, data, length);
    }
}

void consoles_system_line(struct consoles *consoles, const char *line, size_t length)
{
    char text[LINE_MAX_LENGTH + 2];
    length = length < LINE_MAX_LENGTH ? length : LINE_MAX_LENGTH;
    memcpy(text, line, length);
    memcpy(text + length, "\r\n", 2);
    struct console *system = &consoles->console[CONSOLES_SYSTEM];
    if (system->history != NULL) {
        history_append(system->history, text, length + 2);
    }
    size_t notice = strlen(CONSOLES_NOTICE);
    if (consoles->shown == CONSOLES_SYSTEM ||
        (length >= notice && memcmp(text, CONSOLES_NOTICE, notice) == 0)) {
        (void)output_put_line(consoles->output, text, length + 2);
    }
}
