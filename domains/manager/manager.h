/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the API works on: the regions that root lends the manager, and the few operations that need
 * system calls. On the machine main.c fills this in; in unit tests it is plain memory and functions
 * of the test.
 *
 * A region that is missing is NULL; what needs it then answers 503.
 */
#ifndef MANAGER_MANAGER_H
#define MANAGER_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ipc/console.h"
#include "ipc/root.h"
#include "ipc/volume.h"

struct manager_operations {
    /* Calls root; *value is word 1 of the answer. Returns enum bh_root_status. */
    uint64_t (*root)(void *context, enum bh_root_request request, uint64_t word, uint64_t *value);
    /* The statistics region of a domain or guest, at least `size` bytes, or NULL. */
    const void *(*statistics)(void *context, const char *owner, size_t size);
    /* Asks the owner of a statistics region to bring it up to date. False: it can't be asked. */
    bool (*refresh)(void *context, const char *owner);
    /* The name of the domain with number `index` that has statistics (guests included), or NULL: no
     * more. */
    const char *(*domain)(void *context, unsigned index);
    /* Signals the notification of a channel's peer. */
    void (*signal)(void *context, uint64_t cap);
    uint64_t (*ticks)(void *context);
};

enum manager_power {
    MANAGER_POWER_ON = 0,
    MANAGER_POWER_OFF,    /* as soon as the answer has been sent */
    MANAGER_POWER_REBOOT, /* likewise */
};

struct manager {
    const char *token; /* the bearer token; never empty */
    const struct bh_guest_table *guests;
    const struct bh_volume_table *volumes;
    const struct bh_console_history *history;
    size_t history_count;
    struct bh_root_request_page *request;
    struct bh_channel *console_input; /* NULL: not attached */
    uint64_t timer_frequency;
    const struct manager_operations *operations;
    void *context;

    /* what the API wants of the main loop */
    enum manager_power power;
    unsigned exit_status;
};

#endif
