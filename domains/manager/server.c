/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/server.h"

#include <string.h>

/* --- notes taken for lwIP --- */

static err_t on_receive(void *argument, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct server_connection *connection = argument;
    (void)pcb;
    (void)error;
    if (data == NULL) {
        connection->input_ended = true;
    } else if (connection->input == NULL) {
        connection->input = data;
    } else {
        pbuf_cat(connection->input, data);
    }
    return ERR_OK;
}

static void on_error(void *argument, err_t error)
{
    struct server_connection *connection = argument;
    (void)error;
    connection->lost = true;
}

/* --- life of a connection --- */

static void release(struct server_connection *connection)
{
    http_connection_close(&connection->http);
    if (connection->input != NULL) {
        pbuf_free(connection->input);
        connection->input = NULL;
    }
    connection->pcb = NULL;
}

/* Ends the connection: what was sent still arrives, unless there is no memory even to say goodbye.
 */
static void end(struct server_connection *connection)
{
    struct tcp_pcb *pcb = connection->pcb;
    if (!connection->lost) {
        tcp_arg(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_err(pcb, NULL);
        if (tcp_close(pcb) != ERR_OK) {
            tcp_abort(pcb);
        }
    }
    release(connection);
}

static struct server_connection *find_place(struct server *server)
{
    struct server_connection *victim = NULL;
    for (unsigned i = 0; i < SERVER_CONNECTIONS; i++) {
        struct server_connection *connection = &server->connections[i];
        if (connection->pcb == NULL) {
            return connection;
        }
        if (http_connection_expendable(&connection->http) && connection->input == NULL &&
            (victim == NULL || connection->http.deadline < victim->http.deadline)) {
            victim = connection;
        }
    }
    if (victim != NULL) {
        end(victim);
    }
    return victim;
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct server *server = argument;
    if (error != ERR_OK || pcb == NULL) {
        return ERR_VAL;
    }
    struct server_connection *connection = find_place(server);
    if (connection == NULL) {
        return ERR_MEM; /* lwIP resets it */
    }
    connection->pcb = pcb;
    connection->server = server;
    connection->input_offset = 0;
    connection->input_ended = connection->output_ended = connection->lost = false;
    http_connection_open(&connection->http, &server->handler, server->now);
    tcp_arg(pcb, connection);
    tcp_recv(pcb, on_receive);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

bool server_start(struct server *server, const struct http_handler *handler, uint16_t port)
{
    memset(server, 0, sizeof(*server));
    server->handler = *handler;
    struct tcp_pcb *pcb = tcp_new();
    if (pcb == NULL) {
        return false;
    }
    if (tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK) {
        tcp_abort(pcb);
        return false;
    }
    server->listener = tcp_listen_with_backlog(pcb, SERVER_CONNECTIONS);
    if (server->listener == NULL) {
        tcp_abort(pcb);
        return false;
    }
    tcp_arg(server->listener, server);
    tcp_accept(server->listener, on_accept);
    return true;
}

/* --- work --- */

/* The first `size` bytes of the input have been dealt with. */
static void consume(struct server_connection *connection, size_t size)
{
    tcp_recved(connection->pcb, (u16_t)size);
    connection->input_offset += size;
    if (connection->input_offset == connection->input->len) {
        struct pbuf *first = connection->input;
        connection->input = first->next;
        if (connection->input != NULL) {
            pbuf_ref(connection->input);
        }
        pbuf_free(first);
        connection->input_offset = 0;
    }
}

/* Gives input to the connection as long as it takes it. True: it took some. */
static bool feed(struct server_connection *connection, uint64_t now)
{
    bool progress = false;
    while (connection->input != NULL) {
        const struct pbuf *first = connection->input;
        size_t size = first->len - connection->input_offset;
        size_t taken = http_connection_input(
            &connection->http, (const uint8_t *)first->payload + connection->input_offset, size,
            now);
        if (taken == 0 && size != 0) {
            return progress;
        }
        progress = true;
        consume(connection, taken);
    }
    return progress;
}

/* Hands output to TCP as long as that takes it. True: it took some. */
static bool drain(struct server_connection *connection, uint64_t now)
{
    bool progress = false;
    size_t size;
    const char *data;
    while ((data = http_connection_output(&connection->http, &size)) != NULL && size > 0) {
        size_t room = tcp_sndbuf(connection->pcb);
        size = size < room ? size : room;
        if (size == 0 ||
            tcp_write(connection->pcb, data, (u16_t)size, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            return progress;
        }
        http_connection_sent(&connection->http, size, now);
        progress = true;
    }
    return progress;
}

static void step(struct server_connection *connection, uint64_t now)
{
    http_connection_tick(&connection->http, now);
    bool progress = true;
    /* Each round takes input or output, of which there is a bounded amount. */
    while (progress && !connection->lost) {
        progress = feed(connection, now);
        progress |= drain(connection, now);
    }
    if (connection->lost) {
        end(connection);
        return;
    }
    (void)tcp_output(connection->pcb);
    bool lingering = connection->http.state == HTTP_CONNECTION_LINGERING;
    if (lingering && !connection->output_ended) {
        connection->output_ended = tcp_shutdown(connection->pcb, 0, 1) == ERR_OK;
    }
    /* A client that has ended its side gets the answer to what it asked, and then nothing more can
     * come. */
    bool over = connection->input_ended && connection->input == NULL &&
                (lingering || connection->http.state == HTTP_CONNECTION_READING);
    if (over || connection->http.state == HTTP_CONNECTION_CLOSED) {
        end(connection);
    }
}

uint64_t server_poll(struct server *server)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < SERVER_CONNECTIONS; i++) {
        struct server_connection *connection = &server->connections[i];
        if (connection->pcb != NULL) {
            step(connection, server->now);
        }
        if (connection->pcb != NULL && connection->http.deadline < next) {
            next = connection->http.deadline;
        }
    }
    return next;
}

bool server_quiet(const struct server *server)
{
    for (unsigned i = 0; i < SERVER_CONNECTIONS; i++) {
        const struct server_connection *connection = &server->connections[i];
        if (connection->pcb != NULL && !connection->lost &&
            (connection->http.state == HTTP_CONNECTION_WRITING || connection->pcb->unsent != NULL ||
             connection->pcb->unacked != NULL)) {
            return false;
        }
    }
    return true;
}
