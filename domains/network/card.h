/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card of this domain: finds its resources in the domain page, brings it up without
 * waiting, hands it to the switch, and starts it anew when it fails. Only virtio-net cards for now
 * (`object` of the resources).
 */
#ifndef NETWORK_CARD_H
#define NETWORK_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "domains/network/switch.h"
#include "drivers/virtio_net/virtio_net.h"

enum card_state {
    CARD_ABSENT = 0,
    CARD_RESETTING, /* until the device says that it is done, or `deadline` */
    CARD_UP,
    CARD_FAILED, /* tried again at `deadline` */
};

struct card {
    enum card_state state;
    char name[BH_NAME_MAX];
    uint32_t number; /* of the device among the domain's */
    uint64_t deadline;
    uint64_t retry_us; /* the next wait after a failure */
    uint64_t irq_cap;
    uint64_t irq_bits;
    struct virtio_net net;
};

/* Finds the domain's cards and starts them; at most SWITCH_UPLINKS. */
void cards_init(struct card cards[SWITCH_UPLINKS]);

/* Moves cards on that reset or have failed. Returns when it wants to be called again (ticks),
 * UINT64_MAX: never. */
uint64_t cards_poll(struct card cards[SWITCH_UPLINKS], struct network_switch *sw, uint64_t now);

/* The domain's notification brought `bits`: serves the interrupts among them. */
void cards_interrupt(struct card cards[SWITCH_UPLINKS], struct network_switch *sw, uint64_t bits);

#endif
