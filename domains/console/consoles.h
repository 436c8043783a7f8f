/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The consoles, their history, and which of them is shown on the terminal.
 *
 * Console 0 is BH_CONSOLE_SYSTEM: it takes lines (consoles_system_line) and no input, and is always
 * there. The others take bytes and get numbers in the order in which they appear; a console whose
 * clients are gone keeps number and history until there is no other place for a new one.
 *
 * In raw mode the terminal carries the bytes of the shown console and the system console's lines
 * that begin with CONSOLES_NOTICE, and nothing of our own.
 */
#ifndef DOMAINS_CONSOLE_CONSOLES_H
#define DOMAINS_CONSOLE_CONSOLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/console/lines.h"
#include "domains/console/output.h"
#include "ipc/console.h"

#define CONSOLES_MAX    160u
#define CONSOLES_NONE   UINT32_MAX
#define CONSOLES_SYSTEM 0u
#define CONSOLES_NOTICE "bulkhead: " /* such lines appear whatever is shown */

/* Consoles put no more out while this much waits for the terminal. The rest of the queue is for
 * what one more chunk brings, for what answers the operator's keys, and for the last words of a
 * console that goes away. */
#define CONSOLES_AHEAD 1024u

struct console {
    char name[BH_CONSOLE_NAME_MAX];
    struct bh_console_history *history; /* NULL: none was free */
    uint32_t clients;                   /* attached now */
    uint64_t
        detached; /* the count of detachments when its last client went; tells who went first */
};

struct consoles {
    struct output *output;
    bool raw;
    bool chosen;                      /* what is shown is what was asked for, not a stopgap */
    char wanted[BH_CONSOLE_NAME_MAX]; /* to be shown first; "": the first console that is not the
                                         system's */
    uint32_t shown;                   /* CONSOLES_NONE: nothing yet */
    uint32_t count;
    uint64_t detachments;
    struct bh_console_history *histories;
    uint32_t history_count;
    struct console console[CONSOLES_MAX];
};

/* `histories` may already tell of consoles (of this domain before a restart): they are taken over.
 * May be NULL. */
void consoles_init(struct consoles *consoles, struct output *output,
                   struct bh_console_history *histories, size_t history_count, const char *wanted,
                   bool raw);

/* A client of the console `name` (a string, not empty) has come. Returns the console, new or not;
 * CONSOLES_NONE: there are CONSOLES_MAX that have clients. */
uint32_t consoles_attach(struct consoles *consoles, const char *name);

void consoles_detach(struct consoles *consoles, uint32_t index);

/* CONSOLES_NONE: no such console. */
uint32_t consoles_find(const struct consoles *consoles, const char *name);

/* Whether the output of one chunk of this console can be taken now; if not, when the terminal has
 * taken some. */
bool consoles_ready(const struct consoles *consoles, uint32_t index);

/* Output of a console other than the system's. What finds no room in the queue is in the history
 * only. */
void consoles_write(struct consoles *consoles, uint32_t index, const uint8_t *data, size_t length);

/* A line of the system console, without its end. */
void consoles_system_line(struct consoles *consoles, const char *line, size_t length);

/* --- What the operator asks for --- */

void consoles_show(struct consoles *consoles,
                   uint32_t index); /* ignored if there is no such console */
void consoles_show_next(
    struct consoles *consoles); /* in a circle, those without clients left out */
void consoles_show_previous(struct consoles *consoles);
void consoles_list(struct consoles *consoles);
void consoles_help(struct consoles *consoles);

/* Something for the operator alone: a line on the terminal that is in no history. */
void consoles_say(struct consoles *consoles, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
