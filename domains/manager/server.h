/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HTTP server's transport: TCP connections of lwIP's raw API, a fixed number of them, each with
 * a struct http_connection. lwIP's callbacks only take notes; all work is done in server_poll, so
 * that nothing happens while lwIP is in the middle of a segment.
 *
 * When all connections are taken, a new one takes the place of the one whose time is over first
 * among those that are idle or still send their head: who holds many and says nothing keeps nobody
 * out. If there is none it is refused (reset).
 */
#ifndef MANAGER_SERVER_H
#define MANAGER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "domains/manager/http_connection.h"
#include "lwip/tcp.h"

#define SERVER_CONNECTIONS 8u

struct server_connection {
    struct tcp_pcb *pcb; /* NULL: unused */
    struct server *server;
    struct http_connection http;
    struct pbuf *input;  /* received, not yet taken; in order */
    size_t input_offset; /* in the first of them */
    bool input_ended;    /* the peer sends no more */
    bool output_ended;   /* we have said so */
    bool lost;           /* lwIP has freed the pcb */
};

struct server {
    struct http_handler handler;
    struct tcp_pcb *listener;
    uint64_t now; /* us; the caller sets it before lwIP runs, which may accept connections */
    struct server_connection connections[SERVER_CONNECTIONS];
};

/* Listens on `port` of all addresses. False: lwIP has no memory or the port is taken. */
bool server_start(struct server *server, const struct http_handler *handler, uint16_t port);

/* Moves all connections on, at server->now. Returns when (us) it wants to be called again at the
 * latest. */
uint64_t server_poll(struct server *server);

/* Whether every answer has been sent and acknowledged. */
bool server_quiet(const struct server *server);

#endif
