/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of a NET channel (ipc/net.h): takes frames out of it and puts frames into it.
 * Makes no system calls; the caller signals the client when port_flush says so.
 *
 * Whatever the client does costs its own port only: a bad request is answered BH_NET_BAD_REQUEST
 * and counted, an impossible ring index breaks the port (port_broken) until root attaches the
 * channel anew. The client's memory is read and written within the data region alone. Buffers to
 * receive into are kept here, at most as many as a ring holds; while the complete ring is full
 * nothing more is taken from the client.
 */
#ifndef NETWORK_PORT_H
#define NETWORK_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "domains/network/counters.h"
#include "domains/network/frame.h"
#include "ipc/channel.h"

struct port_buffer {
    uint32_t id;
    uint32_t offset; /* checked */
};

struct port {
    struct bh_channel channel;
    struct counters counters;
    struct port_buffer *buffers; /* a ring of `channel.submit.size` */
    uint32_t buffers_in;         /* free-running */
    uint32_t buffers_out;
    uint32_t transmit_id; /* of the frame last taken */
};

enum port_status {
    PORT_FRAME = 0, /* a frame was taken: port_transmitted must follow */
    PORT_EMPTY,     /* nothing to do: port_sleep */
    PORT_BUDGET,    /* the budget is spent */
};

/* `channel` is attached already. False: out of memory. */
bool port_open(struct port *port, const struct bh_channel *channel, struct counters counters);
void port_close(struct port *port);

static inline bool port_broken(const struct port *port)
{
    return bh_channel_broken(&port->channel);
}

/* Takes the next frame that the client sends; each request looked at costs one of *budget. */
enum port_status port_take(struct port *port, struct frame *frame, uint32_t *budget);

/* Gives the buffer of the taken frame back, once it has been copied wherever it goes. */
void port_transmitted(struct port *port);

/* Copies a frame to the client, or drops and counts it. */
void port_deliver(struct port *port, const struct frame *frame);

/* Makes visible what was done since the last flush. True: signal the client. */
bool port_flush(struct port *port);

/* True: nothing is to be done, and the client will signal when there is. False: there is work. */
bool port_sleep(struct port *port);

#endif
