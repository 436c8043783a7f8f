/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels: memory of the client's arena, mapped into client and server, with a notification each
 * way. The data region is mapped for the server's devices as well, at the server's address. The
 * channel ends with the client.
 */
#ifndef ROOT_CHANNEL_H
#define ROOT_CHANNEL_H

#include "domains/root/domain.h"

struct channel_plan {
    struct domain *client, *server;
    uint32_t protocol;
    const char *client_name;     /* on the client's side: what it is for */
    const char *server_name;     /* on the server's side: who the client is */
    const char *object;          /* the volume, network or console */
    uint32_t entries;            /* 0: the protocol's usual number */
    uint64_t data_size;          /* whole pages; 0: the usual size */
    uint64_t argument[4];        /* client's and server's side */
    uint64_t server_argument[4]; /* or-ed to `argument` on the server's side */
};

/* Makes and attaches it. The reason why not, or NULL; *resource is the entry of the client's domain
 * page. */
const char *channel_open(const struct channel_plan *plan, uint32_t *resource);

/* The geometry for a protocol. */
struct bh_channel_geometry channel_geometry(uint32_t protocol, uint32_t entries,
                                            uint64_t data_size);

/* --- what implies channels --- */

/* A console, and the one that a domain (or root) logs to. */
const char *channel_open_console(struct domain *client, const char *name, const char *console);
const char *channel_open_log(struct domain *client);

/* A port of a network, with its MAC address. */
const char *channel_open_net(struct domain *client, const char *name, const char *network,
                             const uint8_t mac[6], uint32_t entries, uint64_t data_size);

/* A volume, whose name is an alias or a partition's. */
const char *channel_open_block(struct domain *client, const char *name, const char *volume,
                               bool read_only, uint32_t entries, uint64_t data_size);

/* A channel of the description. */
const char *channel_open_described(const struct channel_description *description);

#endif
