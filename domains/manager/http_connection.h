/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to the HTTP server: bytes in, bytes out, and time. Pure; the transport (server.c,
 * over TCP) moves the bytes, and a handler (api.c) answers. Times are in microseconds of any clock
 * that never goes back.
 *
 * One request is handled at a time: until its answer has been taken, no more input is. Limits of
 * time, so that a slow or silent client does not keep one of the few connections: HTTP_HEAD_US for
 * a head, HTTP_BODY_US for a body, HTTP_IDLE_US between requests, HTTP_WRITE_US without any output
 * taken. A client that is told something and then cut off gets HTTP_LINGER_US to read it: what it
 * still sends is thrown away (RFC 9112 9.6).
 */
#ifndef MANAGER_HTTP_CONNECTION_H
#define MANAGER_HTTP_CONNECTION_H

#include "domains/manager/http_request.h"
#include "domains/manager/http_response.h"

#define HTTP_HEAD_US   UINT64_C(10000000)
#define HTTP_BODY_US   UINT64_C(20000000)
#define HTTP_IDLE_US   UINT64_C(30000000)
#define HTTP_WRITE_US  UINT64_C(20000000)
#define HTTP_LINGER_US UINT64_C(2000000)
#define HTTP_LATER_MAX 8u /* answers "later" to one request */

struct http_handler {
    void *context;
    /* The head is complete. False: `response` refuses the request, and the body is not even taken.
     */
    bool (*check)(void *context, const struct http_request *request,
                  struct http_response *response);
    /* The request is complete. Status 0 in the response: call again, with `attempt` one higher,
     * after later_us. */
    void (*respond)(void *context, const struct http_request *request, unsigned attempt,
                    struct http_response *response);
};

enum http_connection_state {
    HTTP_CONNECTION_READING = 0, /* input is wanted */
    HTTP_CONNECTION_WAITING,     /* the handler wants time */
    HTTP_CONNECTION_WRITING,     /* output is to be taken */
    HTTP_CONNECTION_LINGERING,   /* all has been said: end the output, throw the input away */
    HTTP_CONNECTION_CLOSED,      /* close it */
};

struct http_connection {
    enum http_connection_state state;
    const struct http_handler *handler;
    struct http_request request;
    struct http_response response;
    bool interim; /* what is being written is "100 Continue" */
    bool keep_alive;
    bool body_begun;
    unsigned attempt;
    uint64_t deadline;
    size_t head_length;
    size_t sent; /* of head and body together */
    size_t total;
    char head[HTTP_RESPONSE_HEAD];
};

void http_connection_open(struct http_connection *connection, const struct http_handler *handler,
                          uint64_t now);

/* Frees what it holds. */
void http_connection_close(struct http_connection *connection);

/* Takes input; returns how much. Less than `size`: give the rest again when the state is READING
 * once more. */
size_t http_connection_input(struct http_connection *connection, const uint8_t *data, size_t size,
                             uint64_t now);

/* The next bytes to be sent, in WRITING; *size is 0 when there are none. */
const char *http_connection_output(const struct http_connection *connection, size_t *size);

/* The transport has taken `size` of these bytes. */
void http_connection_sent(struct http_connection *connection, size_t size, uint64_t now);

/* Time has passed. */
void http_connection_tick(struct http_connection *connection, uint64_t now);

/* No request has begun. */
bool http_connection_idle(const struct http_connection *connection);

/* It may be closed to make room for another: nothing was asked yet by anybody known, or all is
 * said. */
bool http_connection_expendable(const struct http_connection *connection);

#endif
