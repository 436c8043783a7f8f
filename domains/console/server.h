/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves the clients: moves output from their rings to the consoles, and input to them. Without
 * system calls but the one that is passed in.
 *
 * A client is either active, and looked at in every round, or asleep, and its peer signals when
 * there is something to do. A client that must wait for the terminal is neither: its output stays
 * in its ring until server_drained.
 */
#ifndef DOMAINS_CONSOLE_SERVER_H
#define DOMAINS_CONSOLE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/console/client.h"
#include "domains/console/consoles.h"
#include "domains/console/escape.h"
#include "domains/console/output.h"
#include "ipc/domain.h"

struct server {
    struct consoles consoles;
    struct output output;
    struct escape escape;
    void (*signal)(uint64_t notification);
    bool power_off; /* the operator wants the machine to be turned off */
    uint32_t round;
    uint32_t client_count;
    struct client *client[BH_DOMAIN_RESOURCE_MAX]; /* in no order */
};

/* The arguments are those of consoles_init; `signal` is called with the notification of a peer. */
void server_init(struct server *server, struct bh_console_history *histories, size_t history_count,
                 const char *wanted, bool raw, void (*signal)(uint64_t notification));

/* A channel has been attached: resource `index` of the domain page. A line of the system console
 * says why, if it can't be served. */
void server_attach(struct server *server, uint32_t index, const struct bh_resource *resource);

/* Whether the channel is served in this attachment. */
bool server_serves(struct server *server, uint32_t index, uint32_t epoch);

/* The channel goes away: takes what is left in its ring and forgets it. Nothing if it is not
 * served. */
void server_detach(struct server *server, uint32_t index);

/* Signals have come; bits of resources. */
void server_wake(struct server *server, uint64_t bits);

/* The terminal has taken output. */
void server_drained(struct server *server);

/* A key has been pressed. */
void server_key(struct server *server, uint8_t key);

/* Serves every active client once, each for a bounded time. True: there is more to do at once;
 * false: all clients sleep or wait. */
bool server_run(struct server *server);

/* A line of our own in the system console: "console: text". */
void server_log(struct server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
