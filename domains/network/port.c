/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/network/port.h"

#include <stdlib.h>

#include "ipc/net.h"

bool port_open(struct port *port, const struct bh_channel *channel, struct counters counters)
{
    struct port_buffer *buffers = calloc(channel->submit.size, sizeof(*buffers));
    if (buffers == NULL) {
        return false;
    }
    *port = (struct port){.channel = *channel, .counters = counters, .buffers = buffers};
    return true;
}

void port_close(struct port *port)
{
    free(port->buffers);
    port->buffers = NULL;
}

/* There is room: port_take and port_deliver have looked. */
static void complete(struct port *port, uint32_t id, uint32_t operation, uint32_t status,
                     uint32_t length)
{
    const struct bh_net_response response = {
        .id = id, .operation = operation, .status = status, .length = length};
    (void)bh_ring_produce(&port->channel.complete, &response);
}

static bool buffer_ok(const struct port *port, const struct bh_net_request *request)
{
    return request->length >= BH_NET_FRAME_MAX &&
           port->buffers_in - port->buffers_out < port->channel.submit.size &&
           bh_channel_range_ok(&port->channel, request->offset, request->length);
}

static bool transmit_ok(const struct port *port, const struct bh_net_request *request)
{
    return request->length >= BH_NET_FRAME_MIN && request->length <= BH_NET_FRAME_MAX &&
           bh_channel_range_ok(&port->channel, request->offset, request->length);
}

enum port_status port_take(struct port *port, struct frame *frame, uint32_t *budget)
{
    while (*budget > 0) {
        struct bh_net_request request;
        if (bh_ring_space(&port->channel.complete) == 0 ||
            bh_ring_consume(&port->channel.submit, &request) != BH_RING_OK) {
            return PORT_EMPTY;
        }
        (*budget)--;
        if (request.operation == BH_NET_TRANSMIT && transmit_ok(port, &request)) {
            uint16_t vlan;
            if (frame_open(frame, port->channel.data + request.offset, request.length, &vlan) !=
                FRAME_UNTAGGED) {
                /* An access port: a tag could carry the frame into another network of the card. */
                count_error(&port->counters);
                complete(port, request.id, BH_NET_TRANSMIT, BH_NET_OK, 0);
                continue;
            }
            port->transmit_id = request.id;
            count_sent(&port->counters, request.length);
            return PORT_FRAME;
        }
        if (request.operation == BH_NET_RECEIVE && buffer_ok(port, &request)) {
            port->buffers[port->buffers_in++ & (port->channel.submit.size - 1)] =
                (struct port_buffer){.id = request.id, .offset = request.offset};
            continue;
        }
        count_error(&port->counters);
        complete(port, request.id, request.operation, BH_NET_BAD_REQUEST, 0);
    }
    return PORT_BUDGET;
}

void port_transmitted(struct port *port)
{
    complete(port, port->transmit_id, BH_NET_TRANSMIT, BH_NET_OK, 0);
}

void port_deliver(struct port *port, const struct frame *frame)
{
    if (port->buffers_in == port->buffers_out || bh_ring_space(&port->channel.complete) == 0) {
        count_dropped(&port->counters);
        return;
    }
    const struct port_buffer *buffer =
        &port->buffers[port->buffers_out++ & (port->channel.submit.size - 1)];
    frame_copy(port->channel.data + buffer->offset, frame);
    complete(port, buffer->id, BH_NET_RECEIVE, BH_NET_OK, frame->length);
    count_received(&port->counters, frame->length);
}

bool port_flush(struct port *port)
{
    bool signal = bh_ring_publish(&port->channel.complete);
    return bh_ring_release(&port->channel.submit) || signal;
}

bool port_sleep(struct port *port)
{
    if (port_broken(port)) {
        return true;
    }
    /* With the complete ring full no request can be served: only room there is news. */
    if (bh_ring_space(&port->channel.complete) == 0) {
        return bh_ring_producer_sleep(&port->channel.complete);
    }
    bh_ring_producer_awake(&port->channel.complete);
    return bh_ring_consumer_sleep(&port->channel.submit);
}
