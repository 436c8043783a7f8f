/* SPDX-License-Identifier: BSD-2-Clause */
/* The manager's server on the real lwIP: connections that behave, that reset, that say nothing, and
 * too many of them. */
#include <string.h>

#include "domains/manager/server.h"
#include "lwip/priv/tcp_priv.h"
#include "test/unit/check.h"
#include "test/unit/lwip/peer.h"
#include "test/unit/lwip/stack.h"

#define LARGE 40000u

static struct server server;

static bool check_head(void *context, const struct http_request *request,
                       struct http_response *response)
{
    (void)context;
    (void)request;
    (void)response;
    return true;
}

/* /large answers LARGE bytes, /later takes its time, anything else says how long the request's body
 * was. */
static void respond(void *context, const struct http_request *request, unsigned attempt,
                    struct http_response *response)
{
    (void)context;
    if (strcmp(request->segments[0], "later") == 0 && attempt == 0) {
        response->later_us = 50000;
        return;
    }
    bool large = strcmp(request->segments[0], "large") == 0;
    response->status = 200;
    response->type = "text/plain";
    response->body = malloc(large ? LARGE : 64);
    CHECK(response->body != NULL);
    if (large) {
        memset(response->body, 'L', LARGE);
        response->body_length = LARGE;
    } else {
        response->body_length = (size_t)snprintf(response->body, 64, "<%zu>", request->body_length);
    }
}

static void work(void)
{
    server.now = stack_now_us();
    (void)server_poll(&server);
}

static unsigned in_use(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < SERVER_CONNECTIONS; i++) {
        count += server.connections[i].pcb != NULL;
    }
    return count;
}

static struct peer_connection *connect_and_wait(uint16_t port)
{
    struct peer_connection *connection = peer_connect(port);
    peer_run(5, work);
    CHECK(connection->open);
    return connection;
}

static void say(struct peer_connection *connection, const char *text)
{
    peer_send(connection, text, strlen(text), PEER_ACK);
    peer_run(2, work);
}

static bool heard(const struct peer_connection *connection, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= connection->received_length; i++) {
        if (memcmp(connection->received + i, text, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Everybody is gone, and lwIP's memory is free again. */
static void settle(void)
{
    peer_run(100, work);
    stack_run(60000, work);
    peer_run(100, work);
    stack_run(60000, work);
    CHECK_EQUAL(in_use(), 0);
    CHECK(tcp_active_pcbs == NULL);
    CHECK_EQUAL(stack_memory_in_use(), 0);
}

#define GET(path) "GET /" path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void requests_are_answered(void)
{
    struct peer_connection *connection = connect_and_wait(1001);
    say(connection, GET("a"));
    CHECK(heard(connection, "HTTP/1.1 200 OK\r\n") && heard(connection, "\r\n\r\n<0>"));
    say(connection, "POST /b HTTP/1.1\r\nHost: x\r\nContent-Le");
    say(connection, "ngth: 7\r\n\r\nabc");
    CHECK(!heard(connection, "<7>"));
    say(connection, "defg" GET("later"));
    CHECK(heard(connection, "<7>"));
    connection->received_length = 0;
    peer_run(30, work);
    CHECK_EQUAL(connection->received_length, 0);
    peer_run(40, work);
    CHECK(heard(connection, "<0>"));
    peer_send(connection, "", 0, PEER_ACK | PEER_FIN);
    peer_run(5, work);
    CHECK(connection->ended && !connection->reset);
    settle();
}

static void long_answers_arrive_whole(void)
{
    struct peer_connection *connection = connect_and_wait(1002);
    say(connection, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    peer_run(3000, work);
    CHECK(connection->ended && !connection->reset);
    CHECK(connection->received_length > LARGE);
    for (size_t i = connection->received_length - LARGE; i < connection->received_length; i++) {
        CHECK_EQUAL(connection->received[i], 'L');
    }
    peer_send(connection, "", 0, PEER_ACK | PEER_FIN);
    settle();
}

static void what_follows_the_end_is_thrown_away(void)
{
    struct peer_connection *connection = connect_and_wait(1003);
    say(connection, "NONSENSE\r\n");
    CHECK(heard(connection, "HTTP/1.1 400 Bad Request\r\n"));
    CHECK(connection->ended);
    for (unsigned i = 0; i < 50; i++) {
        say(connection, "and more, and more, and more");
    }
    CHECK(!connection->reset); /* it can read its answer in peace */
    peer_run(2000, work);
    CHECK_EQUAL(in_use(), 0);
    settle();
}

static void a_half_closed_client_gets_its_answer(void)
{
    struct peer_connection *connection = connect_and_wait(1004);
    peer_send(connection, GET("later"), strlen(GET("later")), PEER_ACK | PEER_FIN);
    peer_run(100, work);
    CHECK(heard(connection, "<0>"));
    CHECK(connection->ended && !connection->reset);
    settle();
}

static void resets_at_any_time(void)
{
    static const char text[] =
        "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd" GET("large") GET("later");
    for (uint16_t cut = 0; cut < sizeof(text); cut++) {
        struct peer_connection *connection = connect_and_wait((uint16_t)(2000 + cut));
        peer_send(connection, text, cut, PEER_ACK);
        peer_run(cut % 3, work);
        peer_send(connection, "", 0, PEER_RST | PEER_ACK);
        peer_run(1, work);
        CHECK_EQUAL(in_use(), 0);
    }
    settle();
}

static void a_client_that_does_not_acknowledge_is_given_up(void)
{
    struct peer_connection *connection = connect_and_wait(1005);
    connection->silent = true;
    say(connection, GET("large"));
    CHECK_EQUAL(in_use(), 1);
    peer_run(21000, work); /* no output is taken for HTTP_WRITE_US */
    CHECK_EQUAL(in_use(), 0);
    peer_send(connection, "", 0, PEER_RST | PEER_ACK);
    settle();
}

static void the_silent_make_room(void)
{
    struct peer_connection *connections[SERVER_CONNECTIONS + 3];
    for (uint16_t i = 0; i < SERVER_CONNECTIONS; i++) {
        connections[i] = connect_and_wait((uint16_t)(3000 + i));
        if (i == 2) {
            say(connections[i], GET("large"));
            connections[i]->silent = true;
        }
    }
    CHECK_EQUAL(in_use(), SERVER_CONNECTIONS);
    for (uint16_t i = 0; i < 3; i++) {
        uint16_t number = (uint16_t)(SERVER_CONNECTIONS + i);
        connections[number] = connect_and_wait((uint16_t)(3000 + number));
        say(connections[number], GET("a"));
        CHECK(heard(connections[number], "<0>"));
    }
    CHECK(connections[0]->ended && connections[1]->ended && connections[3]->ended);
    CHECK(!connections[2]->ended); /* in the middle of its answer */
    for (uint16_t i = 0; i < SERVER_CONNECTIONS + 3; i++) {
        peer_send(connections[i], "", 0, PEER_RST | PEER_ACK);
    }
    settle();
}

static void with_all_places_busy_newcomers_are_refused(void)
{
    for (uint16_t i = 0; i < SERVER_CONNECTIONS; i++) {
        struct peer_connection *connection = connect_and_wait((uint16_t)(4000 + i));
        say(connection, "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na");
    }
    struct peer_connection *late = peer_connect(4100);
    peer_run(5, work);
    CHECK(late->reset);
    peer_run(25000, work); /* their bodies never come */
    for (uint16_t i = 0; i < SERVER_CONNECTIONS; i++) {
        CHECK(heard(&peer_connections[(4000 + i) % PEER_CONNECTIONS], "HTTP/1.1 408 "));
        peer_send(&peer_connections[(4000 + i) % PEER_CONNECTIONS], "", 0, PEER_FIN | PEER_ACK);
    }
    settle();
}

static void connections_survive_a_restart_of_the_switch(void)
{
    struct peer_connection *connection = connect_and_wait(1006);
    say(connection, GET("a"));
    stack_reattach();
    connection->received_length = 0;
    peer_run(5, work);
    say(connection, GET("b"));
    CHECK(heard(connection, "<0>"));
    peer_send(connection, "", 0, PEER_RST | PEER_ACK);
    settle();
}

int main(void)
{
    static const struct http_handler handler = {.check = check_head, .respond = respond};
    stack_start();
    CHECK(server_start(&server, &handler, 80));
    peer_run(10, work);
    requests_are_answered();
    long_answers_arrive_whole();
    what_follows_the_end_is_thrown_away();
    a_half_closed_client_gets_its_answer();
    resets_at_any_time();
    a_client_that_does_not_acknowledge_is_given_up();
    the_silent_make_room();
    with_all_places_busy_newcomers_are_refused();
    connections_survive_a_restart_of_the_switch();
    CHECK(server_quiet(&server));
    port_close(&stack.port);
    free(stack.memory);
    return 0;
}
