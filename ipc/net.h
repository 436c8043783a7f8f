/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network protocol: a port (client: a VMM or the manager) of the switch in the network domain (server).
 *
 * The client submits buffers of the data region: full ones to transmit, empty ones to receive into. Each comes back
 * by exactly one completion; transmit and receive buffers complete in any order between each other. Frames are
 * Ethernet without FCS, at most BH_NET_FRAME_MAX bytes. argument[0] of the channel's resource is the port's MAC
 * address (first byte in bits 47-40). On the server's side `object` is the network, argument[1] bit 0 says that the
 * network is joined to a network card, bit 1 that its ports are isolated from each other, bits 16-27 are the VLAN ID on
 * the card (0: untagged), and argument[2] is the number of the card in the order of the domain's devices. A frame that finds no receive buffer is dropped and counted.
 */
#ifndef IPC_NET_H
#define IPC_NET_H

#include <stdint.h>

#define BH_NET_FRAME_MIN 14u
#define BH_NET_FRAME_MAX 1518u
#define BH_NET_BUFFER 2048u /* the usual size and alignment of a buffer */

enum bh_net_operation {
    BH_NET_TRANSMIT = 1, /* the frame lies in [offset, offset + length) */
    BH_NET_RECEIVE = 2,  /* room for a frame: length is at least BH_NET_FRAME_MAX */
};

enum bh_net_status {
    BH_NET_OK = 0,
    BH_NET_BAD_REQUEST = 1, /* unknown operation, offset or length outside the data region or the limits */
};

/* submit entry */
struct bh_net_request {
    uint32_t id; /* the client's; comes back unchanged */
    uint32_t operation;
    uint32_t offset;
    uint32_t length;
};

/* complete entry */
struct bh_net_response {
    uint32_t id;
    uint32_t operation;
    uint32_t status; /* enum bh_net_status */
    uint32_t length; /* of the received frame */
};

_Static_assert(sizeof(struct bh_net_request) == 16, "fixed by the protocol");
_Static_assert(sizeof(struct bh_net_response) == 16, "fixed by the protocol");

#endif
