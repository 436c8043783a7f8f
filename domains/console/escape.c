/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/console/escape.h"

static struct escape_result command(uint8_t key)
{
    switch (key) {
    case '0' ... '9':
        return (struct escape_result){ESCAPE_SHOW, (uint8_t)(key - '0')};
    case 'n':
        return (struct escape_result){ESCAPE_NEXT, 0};
    case 'p':
        return (struct escape_result){ESCAPE_PREVIOUS, 0};
    case 'l':
        return (struct escape_result){ESCAPE_LIST, 0};
    case 'q':
        return (struct escape_result){ESCAPE_POWER_OFF, 0};
    case ']':
        return (struct escape_result){ESCAPE_INPUT, ESCAPE_KEY};
    case 'h':
    case '?':
        return (struct escape_result){ESCAPE_HELP, 0};
    default:
        return (struct escape_result){ESCAPE_NOTHING, 0};
    }
}

struct escape_result escape_key(struct escape *escape, uint8_t key)
{
    if (escape->prefixed) {
        escape->prefixed = key == ESCAPE_KEY; /* twice is once: the command is still to come */
        return command(key);
    }
    if (key == ESCAPE_KEY) {
        escape->prefixed = true;
        return (struct escape_result){ESCAPE_NOTHING, 0};
    }
    return (struct escape_result){ESCAPE_INPUT, key};
}
