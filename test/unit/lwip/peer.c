/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/lwip/peer.h"

#include <string.h>

#include "test/unit/check.h"
#include "test/unit/lwip/stack.h"

struct peer_connection peer_connections[PEER_CONNECTIONS];

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put_mac(uint8_t *at, uint64_t mac)
{
    for (unsigned i = 0; i < 6; i++) {
        at[i] = (uint8_t)(mac >> (40 - 8 * i));
    }
}

uint32_t peer_sum(uint32_t sum, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | (i + 1 < length ? bytes[i + 1] : 0);
    }
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void put_header(uint8_t *frame, uint16_t type)
{
    put_mac(frame, STACK_MAC);
    put_mac(frame + 6, PEER_MAC);
    put16(frame + 12, type);
}

uint32_t peer_ipv4(uint8_t *frame, uint8_t protocol, const void *payload, size_t length)
{
    static const uint32_t addresses[] = {PEER_ADDRESS, STACK_ADDRESS};
    uint8_t *ip = frame + 14;
    put_header(frame, 0x0800);
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)(20 + length));
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, addresses, 8);
    put16(ip + 10, fold(peer_sum(0, ip, 20)));
    memcpy(ip + 20, payload, length);
    return (uint32_t)(34 + length);
}

void peer_send(struct peer_connection *connection, const void *data, size_t length, uint8_t flags)
{
    static const uint32_t addresses[] = {PEER_ADDRESS, STACK_ADDRESS};
    uint8_t tcp[1480] = {0};
    uint8_t frame[1518];
    CHECK(length <= 1460);
    put16(tcp, connection->port);
    put16(tcp + 2, 80);
    put32(tcp + 4, connection->next);
    put32(tcp + 8, connection->expected);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    memcpy(tcp + 20, data, length);
    uint32_t sum = peer_sum(0, addresses, 8) + 6 + (uint32_t)(20 + length);
    put16(tcp + 16, fold(peer_sum(sum, tcp, 20 + length)));
    connection->next += (uint32_t)length + ((flags & (PEER_SYN | PEER_FIN)) != 0 ? 1 : 0);
    uint32_t size = peer_ipv4(frame, 6, tcp, 20 + length);
    stack_give(frame, size);
}

struct peer_connection *peer_connect(uint16_t port)
{
    struct peer_connection *connection = &peer_connections[port % PEER_CONNECTIONS];
    memset(connection, 0, sizeof(*connection));
    connection->port = port;
    connection->next = 1000u * port;
    peer_send(connection, "", 0, PEER_SYN);
    return connection;
}

static void answer_arp(const uint8_t *frame)
{
    static const uint32_t address = PEER_ADDRESS;
    uint8_t reply[42];
    if (get16(frame + 20) != 1 || memcmp(frame + 38, &address, 4) != 0) {
        return;
    }
    put_header(reply, 0x0806);
    memcpy(reply + 14, frame + 14, 8);
    put16(reply + 20, 2);
    put_mac(reply + 22, PEER_MAC);
    memcpy(reply + 28, &address, 4);
    memcpy(reply + 32, frame + 22, 10);
    stack_give(reply, sizeof(reply));
}

static void take_data(struct peer_connection *connection, const uint8_t *tcp, size_t length,
                      uint32_t sequence)
{
    uint8_t flags = tcp[13];
    const uint8_t *data = tcp + (tcp[12] >> 4) * 4;
    size_t data_length = length - (size_t)(tcp[12] >> 4) * 4;
    if (connection->silent || sequence != connection->expected) {
        return;
    }
    CHECK(connection->received_length + data_length < PEER_RECEIVED);
    memcpy(connection->received + connection->received_length, data, data_length);
    connection->received_length += data_length;
    connection->expected += (uint32_t)data_length;
    if (flags & PEER_FIN) {
        connection->ended = true;
        connection->expected++;
    }
    if (data_length > 0 || (flags & PEER_FIN) != 0) {
        peer_send(connection, "", 0, PEER_ACK);
    }
}

static void take_tcp(const uint8_t *tcp, size_t length)
{
    struct peer_connection *connection = &peer_connections[get16(tcp + 2) % PEER_CONNECTIONS];
    uint8_t flags = tcp[13];
    CHECK_EQUAL(connection->port, get16(tcp + 2));
    if (flags & PEER_RST) {
        connection->reset = true;
    } else if (flags & PEER_SYN) {
        connection->expected = get32(tcp + 4) + 1;
        connection->open = true;
        peer_send(connection, "", 0, PEER_ACK);
    } else {
        take_data(connection, tcp, length, get32(tcp + 4));
    }
}

void peer_run(unsigned milliseconds, void (*work)(void))
{
    for (unsigned i = 0; i <= milliseconds; i++) {
        uint8_t frame[BH_NET_FRAME_MAX];
        uint32_t length;
        stack_run(i < milliseconds ? 1 : 0, work);
        while ((length = stack_take(frame)) != 0) {
            if (get16(frame + 12) == 0x0806) {
                answer_arp(frame);
            } else if (get16(frame + 12) == 0x0800 && frame[23] == 6) {
                take_tcp(frame + 34, get16(frame + 16) - 20u);
            }
            stack_run(0, work);
        }
    }
}
