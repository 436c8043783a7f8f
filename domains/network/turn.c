/* SPDX-License-Identifier: BSD-2-Clause */
/* How frames move through the switch. */
#include "domains/network/switch.h"

#include "ipc/net.h"

static void transmit_to_uplink(struct switch_uplink *uplink, const struct frame *frame,
                               uint16_t vlan)
{
    uint32_t length = frame->length + (vlan != 0 ? FRAME_TAG : 0);
    uint8_t *buffer = uplink->uplink.operations->transmit_buffer(uplink->uplink.card);
    if (buffer == NULL) {
        count_dropped(&uplink->counters);
        return;
    }
    if (vlan != 0) {
        frame_copy_tagged(buffer, frame, vlan);
    } else {
        frame_copy(buffer, frame);
    }
    uplink->uplink.operations->transmit(uplink->uplink.card, length);
    count_received(&uplink->counters, length);
}

/* Sends a frame that came into port `ingress` of the network where it belongs. *touched collects
 * the ports. */
static enum forwarding_verdict forward(struct network_switch *sw, struct switch_network *network,
                                       uint32_t ingress, const struct frame *frame, uint64_t now,
                                       uint64_t *touched)
{
    struct forwarding_decision decision =
        forwarding_decide(network->forwarding, ingress, frame->header, now);
    uint64_t egress = decision.egress;
    if (egress & (UINT64_C(1) << MAC_TABLE_UPLINK)) {
        egress &= ~(UINT64_C(1) << MAC_TABLE_UPLINK);
        transmit_to_uplink(&sw->uplinks[network->uplink], frame, network->vlan);
    }
    *touched |= egress;
    while (egress != 0) {
        uint32_t port = (uint32_t)__builtin_ctzll(egress);
        egress &= egress - 1;
        port_deliver(&sw->ports[port].port, frame);
    }
    return decision.verdict;
}

static bool genuine(enum forwarding_verdict verdict)
{
    return verdict != FORWARDING_BAD_SOURCE && verdict != FORWARDING_SPOOFED;
}

static void serve_port(struct network_switch *sw, uint32_t number, uint64_t now, uint64_t *touched)
{
    struct switch_port *port = &sw->ports[number];
    uint32_t budget = SWITCH_PORT_BUDGET;
    struct frame frame;
    enum port_status status;
    while ((status = port_take(&port->port, &frame, &budget)) == PORT_FRAME) {
        if (!genuine(forward(sw, port->network, number, &frame, now, touched))) {
            count_error(&port->port.counters);
        }
        port_transmitted(&port->port);
    }
    *touched |= UINT64_C(1) << number;
    if (status == PORT_EMPTY && port_sleep(&port->port)) {
        sw->active &= ~(UINT64_C(1) << number);
    }
}

static struct switch_network *network_of(struct network_switch *sw, uint32_t uplink, uint16_t vlan)
{
    for (uint32_t i = 0; i < SWITCH_NETWORKS; i++) {
        struct switch_network *network = &sw->networks[i];
        if (network->name[0] != '\0' && network->uplink == uplink && network->vlan == vlan) {
            return network;
        }
    }
    return NULL;
}

static void take_from_uplink(struct network_switch *sw, uint32_t number, const uint8_t *memory,
                             uint32_t length, uint64_t now, uint64_t *touched)
{
    const struct counters *counters = &sw->uplinks[number].counters;
    struct frame frame;
    uint16_t vlan = 0;
    if (length < BH_NET_FRAME_MIN || length > UPLINK_FRAME_MAX ||
        frame_open(&frame, memory, length, &vlan) == FRAME_BAD_TAG ||
        frame.length > BH_NET_FRAME_MAX) {
        count_error(counters);
        return;
    }
    count_sent(counters, length);
    struct switch_network *network = network_of(sw, number, vlan);
    if (network == NULL) {
        return; /* traffic of a VLAN that is none of ours */
    }
    if (!genuine(forward(sw, network, MAC_TABLE_UPLINK, &frame, now, touched))) {
        count_error(counters);
    }
}

static void serve_uplink(struct network_switch *sw, uint32_t number, uint64_t now,
                         uint64_t *touched)
{
    const struct uplink *uplink = &sw->uplinks[number].uplink;
    for (uint32_t i = 0; i < SWITCH_UPLINK_BUDGET; i++) {
        uint32_t length;
        const uint8_t *memory = uplink->operations->receive(uplink->card, &length);
        if (memory == NULL) {
            if (uplink->operations->sleep(uplink->card)) {
                sw->active_uplinks &= ~(UINT32_C(1) << number);
            }
            return;
        }
        take_from_uplink(sw, number, memory, length, now, touched);
        uplink->operations->release(uplink->card);
    }
}

static void flush(struct network_switch *sw, uint64_t touched)
{
    for (uint32_t i = 0; i < SWITCH_UPLINKS; i++) {
        if (sw->uplinks[i].uplink.card != NULL) {
            sw->uplinks[i].uplink.operations->flush(sw->uplinks[i].uplink.card);
        }
    }
    while (touched != 0) {
        uint32_t number = (uint32_t)__builtin_ctzll(touched);
        struct port *port = &sw->ports[number].port;
        touched &= touched - 1;
        if (port_flush(port)) {
            sw->signal(port->channel.signal_cap);
        }
        if (port_broken(port)) {
            sw->broken |= UINT64_C(1) << number;
        }
    }
}

bool switch_turn(struct network_switch *sw, uint64_t now)
{
    uint64_t touched = 0;
    /* The ports from `first` on, then those below it. */
    uint64_t below = (UINT64_C(1) << sw->first) - 1;
    uint64_t rounds[2] = {sw->active & ~below, sw->active & below};
    for (uint32_t i = 0; i < 2; i++) {
        while (rounds[i] != 0) {
            uint32_t number = (uint32_t)__builtin_ctzll(rounds[i]);
            rounds[i] &= rounds[i] - 1;
            if (touched == 0) {
                sw->first = (number + 1) % SWITCH_PORTS; /* the next turn begins behind this port */
            }
            serve_port(sw, number, now, &touched);
        }
    }
    for (uint32_t i = 0; i < SWITCH_UPLINKS; i++) {
        if (sw->active_uplinks & (UINT32_C(1) << i)) {
            serve_uplink(sw, i, now, &touched);
        }
    }
    flush(sw, touched);
    return sw->active != 0 || sw->active_uplinks != 0;
}

void switch_wake(struct network_switch *sw, uint64_t bits)
{
    for (uint32_t i = 1; i < SWITCH_PORTS; i++) {
        struct switch_port *port = &sw->ports[i];
        if (port->open && (port->port.channel.wake_bits & bits) != 0 && !port_broken(&port->port)) {
            bh_ring_consumer_awake(&port->port.channel.submit);
            sw->active |= UINT64_C(1) << i;
        }
    }
}

void switch_wake_uplink(struct network_switch *sw, uint32_t number)
{
    if (sw->uplinks[number].uplink.card != NULL) {
        sw->active_uplinks |= UINT32_C(1) << number;
    }
}
