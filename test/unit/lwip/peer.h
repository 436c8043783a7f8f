/* SPDX-License-Identifier: BSD-2-Clause */
/* A host on the wire: answers ARP, and opens TCP connections by hand, decently or not. Frames are
 * lost to nobody. */
#ifndef TEST_UNIT_LWIP_PEER_H
#define TEST_UNIT_LWIP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_CONNECTIONS 64u
#define PEER_RECEIVED    65536u

enum peer_flags {
    PEER_FIN = 1,
    PEER_SYN = 2,
    PEER_RST = 4,
    PEER_ACK = 16,
};

struct peer_connection {
    uint16_t port;
    uint32_t next;     /* sequence number of our next byte */
    uint32_t expected; /* of the other side's */
    bool open;         /* the handshake is done */
    bool reset;
    bool ended;  /* the other side has sent FIN */
    bool silent; /* does not acknowledge */
    size_t received_length;
    char received[PEER_RECEIVED];
};

extern struct peer_connection peer_connections[PEER_CONNECTIONS];

/* Takes what lwIP has sent, answers it, and lets lwIP work, for so many milliseconds. */
void peer_run(unsigned milliseconds, void (*work)(void));

/* Sends SYN from `port` to port 80 and returns the connection: open once peer_run has been called.
 */
struct peer_connection *peer_connect(uint16_t port);

/* Sends one segment with `flags`. */
void peer_send(struct peer_connection *connection, const void *data, size_t length, uint8_t flags);

/* Writes an IPv4 packet's frame around `payload`; returns its length. */
uint32_t peer_ipv4(uint8_t *frame, uint8_t protocol, const void *payload, size_t length);

/* The ones' complement sum of RFC 1071 over `data`, going on from `sum`. */
uint32_t peer_sum(uint32_t sum, const void *data, size_t length);

#define PEER_MAC     UINT64_C(0x525400aabbcc)
#define PEER_ADDRESS 0x0302000au /* 10.0.2.3, in network order */

#endif
