/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch: networks, their ports and cards, and the turns in which frames move between them.
 * Makes no system calls: `signal` does.
 *
 * Work is done in turns. In a turn every active port in its order, and then every active card, may
 * have a bounded number of requests or frames handled; the next turn begins with the next port. So
 * a port that floods takes its share and no more, and the caller can look after its other duties
 * between turns. A port without work falls asleep by itself and is woken by switch_wake.
 */
#ifndef NETWORK_SWITCH_H
#define NETWORK_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "domains/network/forwarding.h"
#include "domains/network/port.h"
#include "domains/network/uplink.h"
#include "ipc/domain.h"

#define SWITCH_PORTS     MAC_TABLE_PORTS /* 1 to SWITCH_PORTS - 1; 0 stands for a network's card */
#define SWITCH_NETWORKS  16u
#define SWITCH_UPLINKS   4u
#define SWITCH_NO_UPLINK UINT32_MAX

#define SWITCH_PORT_BUDGET   32u /* requests of a port in a turn */
#define SWITCH_UPLINK_BUDGET 64u /* frames of a card in a turn */

struct switch_network {
    char name[BH_NAME_MAX]; /* empty: unused */
    uint32_t uplink;        /* number, or SWITCH_NO_UPLINK */
    uint16_t vlan;          /* on the card; 0: untagged */
    uint32_t port_count;
    struct forwarding *forwarding;
};

struct switch_port {
    bool open;
    char client[BH_NAME_MAX];
    struct switch_network *network;
    struct port port;
};

struct switch_uplink {
    struct uplink uplink;
    char name[BH_NAME_MAX];
    struct counters counters;
};

struct network_switch {
    struct switch_port ports[SWITCH_PORTS];
    struct switch_network networks[SWITCH_NETWORKS];
    struct switch_uplink uplinks[SWITCH_UPLINKS];
    uint64_t active;         /* ports that may have work */
    uint32_t active_uplinks; /* cards that may */
    uint64_t broken;         /* ports whose client broke its channel: switch_detach them */
    uint32_t first;          /* the port that the next turn begins with */
    uint64_t lifetime;       /* of learned addresses, in the unit of `now` */
    struct bh_service_statistics *statistics;
    void (*signal)(uint64_t cap);
};

/* What root says of a port. */
struct switch_port_config {
    char client[BH_NAME_MAX];
    char network[BH_NAME_MAX];
    uint64_t mac; /* first byte in bits 47-40 */
    uint32_t uplink;
    uint16_t vlan;
    bool isolated;
};

enum switch_error {
    SWITCH_OK = 0,
    SWITCH_NO_MEMORY,
    SWITCH_FULL,     /* ports, or networks */
    SWITCH_CONFLICT, /* the network exists with another card, VLAN or isolation, or another one has
                        that VLAN */
    SWITCH_BAD_MAC,  /* a group address, or assigned to another port of the network */
};

/* `statistics` is zeroed memory of the caller's. */
void switch_init(struct network_switch *sw, struct bh_service_statistics *statistics,
                 uint64_t lifetime, void (*signal)(uint64_t cap));

/* Opens a port on an attached channel; *number is for switch_detach. `seed` is for a new network's
 * hash. */
enum switch_error switch_attach(struct network_switch *sw, const struct bh_channel *channel,
                                const struct switch_port_config *config, uint64_t seed,
                                uint32_t *number);
void switch_detach(struct network_switch *sw, uint32_t number);

/* Puts a card into service as number `number`, or takes it out (card NULL). `name` is for the
 * counters. */
void switch_set_uplink(struct network_switch *sw, uint32_t number, const char *name,
                       const struct uplink *uplink);

/* The domain's notification brought `bits`. Cards are woken by switch_wake_uplink. */
void switch_wake(struct network_switch *sw, uint64_t bits);
void switch_wake_uplink(struct network_switch *sw, uint32_t number);

/* One turn at `now`. True: there is more to do. False: all sleep, the caller may wait. */
bool switch_turn(struct network_switch *sw, uint64_t now);

const char *switch_error_text(enum switch_error error);

#endif
