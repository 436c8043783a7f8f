/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a frame goes: the forwarding process of a learning bridge (IEEE 802.1Q 8.6), for one
 * network. Pure.
 *
 * Port 0 is the uplink's, whether the network has one or not. A frame never leaves through the port
 * it came in by.
 */
#ifndef NETWORK_FORWARDING_H
#define NETWORK_FORWARDING_H

#include <stdbool.h>
#include <stdint.h>

#include "domains/network/mac_table.h"

#define FORWARDING_HEADER 14u /* bytes of an Ethernet header without tag */

struct forwarding {
    uint64_t ports; /* bit n: port n takes part */
    bool isolated;  /* ports reach the uplink, not each other */
    struct mac_table table;
};

enum forwarding_verdict {
    FORWARDING_OK = 0,
    FORWARDING_BAD_SOURCE, /* a group address or all zero as the source */
    FORWARDING_SPOOFED,    /* the source is the assigned address of another port */
    FORWARDING_RESERVED,   /* to 01-80-C2-00-00-0X, which bridges keep to the link (802.1Q 8.6.3) */
    FORWARDING_LOCAL,      /* the destination is behind the ingress port */
};

struct forwarding_decision {
    enum forwarding_verdict verdict;
    uint64_t egress; /* bit n: to port n; 0 unless the verdict is OK, and perhaps then */
};

void forwarding_init(struct forwarding *forwarding, bool isolated, uint64_t seed,
                     uint64_t lifetime);

/* `address` is the port's assigned MAC address, or 0 for none. False: it is not individual, or
 * another port's. */
bool forwarding_add_port(struct forwarding *forwarding, uint32_t port, uint64_t address);
void forwarding_remove_port(struct forwarding *forwarding, uint32_t port);

/* Decides about a frame that came into `ingress`, and learns from it. `header` is the caller's own
 * copy. */
struct forwarding_decision forwarding_decide(struct forwarding *forwarding, uint32_t ingress,
                                             const uint8_t header[FORWARDING_HEADER], uint64_t now);

#endif
