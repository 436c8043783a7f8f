/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/http_connection.h"

#include <string.h>

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

static void await_request(struct http_connection *connection, uint64_t now)
{
    http_request_clear(&connection->request);
    http_response_clear(&connection->response);
    connection->state = HTTP_CONNECTION_READING;
    connection->body_begun = false;
    connection->deadline = now + HTTP_IDLE_US;
}

void http_connection_open(struct http_connection *connection, const struct http_handler *handler,
                          uint64_t now)
{
    connection->handler = handler;
    connection->interim = false;
    http_request_init(&connection->request);
    memset(&connection->response, 0, sizeof(connection->response));
    await_request(connection, now);
    connection->deadline = now + HTTP_HEAD_US; /* who connects has something to ask */
}

void http_connection_close(struct http_connection *connection)
{
    http_request_clear(&connection->request);
    http_response_clear(&connection->response);
    connection->state = HTTP_CONNECTION_CLOSED;
}

static void begin_writing(struct http_connection *connection, bool keep_alive, uint64_t now)
{
    const struct http_request *request = &connection->request;
    connection->keep_alive = keep_alive;
    connection->head_length =
        http_response_head(&connection->response, keep_alive, connection->head);
    bool head_only = request->phase != HTTP_FAILED && request->method == HTTP_HEAD_METHOD;
    connection->total =
        connection->head_length +
        (head_only || connection->response.status == 204 ? 0 : connection->response.body_length);
    connection->sent = 0;
    connection->state = HTTP_CONNECTION_WRITING;
    connection->deadline = now + HTTP_WRITE_US;
}

static void fail(struct http_connection *connection, unsigned status, const char *problem,
                 uint64_t now)
{
    http_response_error(&connection->response, status, http_status_code(status), problem);
    begin_writing(connection, false, now);
}

static void ask_handler(struct http_connection *connection, uint64_t now)
{
    const struct http_handler *handler = connection->handler;
    handler->respond(handler->context, &connection->request, connection->attempt,
                     &connection->response);
    if (connection->response.status != 0) {
        begin_writing(connection, connection->request.keep_alive, now);
    } else if (++connection->attempt > HTTP_LATER_MAX) {
        fail(connection, 503, "the answer takes too long", now);
    } else {
        connection->state = HTTP_CONNECTION_WAITING;
        connection->deadline = now + connection->response.later_us;
    }
}

static void say_continue(struct http_connection *connection, uint64_t now)
{
    memcpy(connection->head, continue_head, sizeof(continue_head));
    connection->head_length = connection->total = sizeof(continue_head) - 1;
    connection->sent = 0;
    connection->interim = true;
    connection->state = HTTP_CONNECTION_WRITING;
    connection->deadline = now + HTTP_WRITE_US;
}

static void head_complete(struct http_connection *connection, bool more_input, uint64_t now)
{
    const struct http_handler *handler = connection->handler;
    if (!handler->check(handler->context, &connection->request, &connection->response)) {
        /* A body that was not taken would be read as the next request. */
        begin_writing(connection, connection->request.keep_alive && !connection->request.has_body,
                      now);
        return;
    }
    http_request_accept(&connection->request);
    connection->deadline = now + HTTP_BODY_US;
    connection->body_begun = true;
    if (connection->request.phase == HTTP_READING_BODY && connection->request.expects_continue &&
        !more_input) {
        say_continue(connection, now);
    }
}

static void phase_changed(struct http_connection *connection, bool more_input, uint64_t now)
{
    if (connection->request.phase == HTTP_HEAD) {
        head_complete(connection, more_input, now);
    }
    if (connection->state != HTTP_CONNECTION_READING) {
        return;
    }
    if (connection->request.phase == HTTP_COMPLETE) {
        connection->attempt = 0;
        ask_handler(connection, now);
    } else if (connection->request.phase == HTTP_FAILED) {
        fail(connection, connection->request.status, connection->request.problem, now);
    }
}

size_t http_connection_input(struct http_connection *connection, const uint8_t *data, size_t size,
                             uint64_t now)
{
    if (connection->state == HTTP_CONNECTION_LINGERING) {
        return size;
    }
    size_t taken = 0;
    while (taken < size && connection->state == HTTP_CONNECTION_READING) {
        if (!http_request_begun(&connection->request)) {
            connection->deadline = now + HTTP_HEAD_US;
        }
        taken += http_request_feed(&connection->request, data + taken, size - taken);
        phase_changed(connection, taken < size, now);
    }
    return taken;
}

const char *http_connection_output(const struct http_connection *connection, size_t *size)
{
    if (connection->state != HTTP_CONNECTION_WRITING) {
        *size = 0;
        return NULL;
    }
    if (connection->sent < connection->head_length) {
        *size = connection->head_length - connection->sent;
        return connection->head + connection->sent;
    }
    *size = connection->total - connection->sent;
    return connection->response.body + (connection->sent - connection->head_length);
}

static void written(struct http_connection *connection, uint64_t now)
{
    if (connection->interim) {
        connection->interim = false;
        connection->state = HTTP_CONNECTION_READING;
        connection->deadline = now + HTTP_BODY_US;
    } else if (connection->keep_alive) {
        await_request(connection, now);
    } else {
        connection->state = HTTP_CONNECTION_LINGERING;
        connection->deadline = now + HTTP_LINGER_US;
    }
}

void http_connection_sent(struct http_connection *connection, size_t size, uint64_t now)
{
    connection->sent += size;
    connection->deadline = now + HTTP_WRITE_US;
    if (connection->sent == connection->total) {
        written(connection, now);
    }
}

bool http_connection_idle(const struct http_connection *connection)
{
    return connection->state == HTTP_CONNECTION_READING &&
           !http_request_begun(&connection->request);
}

bool http_connection_expendable(const struct http_connection *connection)
{
    return connection->state == HTTP_CONNECTION_LINGERING ||
           (connection->state == HTTP_CONNECTION_READING &&
            connection->request.phase == HTTP_READING_HEAD);
}

void http_connection_tick(struct http_connection *connection, uint64_t now)
{
    if (now < connection->deadline || connection->state == HTTP_CONNECTION_CLOSED) {
        return;
    }
    if (connection->state == HTTP_CONNECTION_WAITING) {
        ask_handler(connection, now);
    } else if (connection->state == HTTP_CONNECTION_READING && !http_connection_idle(connection)) {
        fail(connection, 408,
             connection->body_begun ? "the body took too long" : "the head took too long", now);
    } else {
        connection->state = HTTP_CONNECTION_CLOSED;
    }
}
