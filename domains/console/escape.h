/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of the console switch: Ctrl-] and one more. Everything else is input for the console
 * that is shown.
 *
 *   0-9  show the console with this number      q  turn the machine off
 *   n p  show the next, the previous            ]  send Ctrl-] itself
 *   l    list the consoles                      h ?  help
 */
#ifndef DOMAINS_CONSOLE_ESCAPE_H
#define DOMAINS_CONSOLE_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

#define ESCAPE_KEY 0x1du /* Ctrl-] */

enum escape_action {
    ESCAPE_NOTHING = 0, /* the key was taken, nothing follows */
    ESCAPE_INPUT,       /* value: a byte for the console that is shown */
    ESCAPE_SHOW,        /* value: 0 to 9 */
    ESCAPE_NEXT,
    ESCAPE_PREVIOUS,
    ESCAPE_LIST,
    ESCAPE_POWER_OFF,
    ESCAPE_HELP,
};

struct escape {
    bool prefixed; /* the last key was ESCAPE_KEY */
};

struct escape_result {
    enum escape_action action;
    uint8_t value;
};

struct escape_result escape_key(struct escape *escape, uint8_t key);

#endif
