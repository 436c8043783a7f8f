/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An lwIP network interface over a NET channel (ipc/net.h), as its client. Makes no system calls:
 * where a function says "signal", the caller does bh_signal(netif->channel.signal_cap).
 *
 * Half of the data region's buffers wait for frames, the other half are for frames on their way
 * out. The switch is not trusted: a completion counts only if it names a buffer in flight, and a
 * frame is copied before lwIP looks at it. A channel that the switch breaks stays silent until it
 * is attached anew; frames on their way are then lost, as on any network.
 */
#ifndef LWIP_PORT_CHANNEL_NETIF_H
#define LWIP_PORT_CHANNEL_NETIF_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "lwip/netif.h"

#define CHANNEL_NETIF_BUFFERS 128u

struct channel_netif {
    struct netif netif;
    struct bh_channel channel;
    bool attached;
    uint64_t mac;
    uint32_t buffer_count; /* the first half receive, the others transmit */
    uint32_t free_count;
    uint8_t free[CHANNEL_NETIF_BUFFERS]; /* transmit buffers */
    bool in_flight[CHANNEL_NETIF_BUFFERS];
};

/* Adds the interface to lwIP, as its default, without link. `mac` has its first byte in bits 47-40.
 */
bool channel_netif_init(struct channel_netif *netif, uint64_t mac, ip4_addr_t address,
                        ip4_addr_t mask, ip4_addr_t gateway);

/* A channel whose rings are empty, also after an earlier one. The link is up. channel_netif_flush
 * must follow. */
void channel_netif_attach(struct channel_netif *netif, const struct bh_channel *channel);

/* From here on nothing of the channel's memory is touched. The link is down. */
void channel_netif_detach(struct channel_netif *netif);

/* Hands up to `budget` received frames to lwIP. True: there may be more. */
bool channel_netif_poll(struct channel_netif *netif, uint32_t budget);

/* Shows the switch what was submitted. True: signal. */
bool channel_netif_flush(struct channel_netif *netif);

/* True: the switch will signal when there is something. False: there is. */
bool channel_netif_sleep(struct channel_netif *netif);

#endif
