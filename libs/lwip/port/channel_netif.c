/* SPDX-License-Identifier: BSD-2-Clause */
#include "libs/lwip/port/channel_netif.h"

#include <string.h>

#include "ipc/net.h"
#include "lwip/etharp.h"
#include "netif/ethernet.h"

static uint32_t receive_count(const struct channel_netif *netif)
{
    return netif->buffer_count / 2;
}

static uint8_t *buffer(const struct channel_netif *netif, uint32_t number)
{
    return netif->channel.data + (size_t)number * BH_NET_BUFFER;
}

static bool submit(struct channel_netif *netif, uint32_t number, enum bh_net_operation operation,
                   uint32_t length)
{
    const struct bh_net_request request = {.id = number,
                                           .operation = (uint32_t)operation,
                                           .offset = number * BH_NET_BUFFER,
                                           .length = length};
    if (bh_ring_produce(&netif->channel.submit, &request) != BH_RING_OK) {
        return false;
    }
    netif->in_flight[number] = true;
    return true;
}

/* lwIP wants a frame sent. */
static err_t transmit(struct netif *interface, struct pbuf *frame)
{
    struct channel_netif *netif = interface->state;
    if (!netif->attached || bh_channel_broken(&netif->channel)) {
        return ERR_IF;
    }
    if (netif->free_count == 0) {
        return ERR_MEM; /* TCP tries again later */
    }
    if (frame->tot_len < BH_NET_FRAME_MIN || frame->tot_len > BH_NET_FRAME_MAX) {
        return ERR_BUF;
    }
    uint32_t number = netif->free[netif->free_count - 1];
    (void)pbuf_copy_partial(frame, buffer(netif, number), frame->tot_len, 0);
    if (!submit(netif, number, BH_NET_TRANSMIT, frame->tot_len)) {
        return ERR_MEM;
    }
    netif->free_count--;
    return ERR_OK;
}

static err_t set_up(struct netif *interface)
{
    const struct channel_netif *netif = interface->state;
    interface->name[0] = 'b';
    interface->name[1] = 'h';
    interface->output = etharp_output;
    interface->linkoutput = transmit;
    interface->mtu = 1500;
    interface->hwaddr_len = ETH_HWADDR_LEN;
    for (unsigned i = 0; i < ETH_HWADDR_LEN; i++) {
        interface->hwaddr[i] = (u8_t)(netif->mac >> (40 - 8 * i));
    }
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    return ERR_OK;
}

bool channel_netif_init(struct channel_netif *netif, uint64_t mac, ip4_addr_t address,
                        ip4_addr_t mask, ip4_addr_t gateway)
{
    memset(netif, 0, sizeof(*netif));
    netif->mac = mac;
    if (netif_add(&netif->netif, &address, &mask, &gateway, netif, set_up, ethernet_input) ==
        NULL) {
        return false;
    }
    netif_set_default(&netif->netif);
    netif_set_up(&netif->netif);
    return true;
}

void channel_netif_attach(struct channel_netif *netif, const struct bh_channel *channel)
{
    netif->channel = *channel;
    netif->attached = true;
    netif->free_count = 0;
    memset(netif->in_flight, 0, sizeof(netif->in_flight));
    uint64_t count = channel->data_size / BH_NET_BUFFER;
    count = count < channel->submit.size ? count : channel->submit.size;
    netif->buffer_count = (uint32_t)(count < CHANNEL_NETIF_BUFFERS ? count : CHANNEL_NETIF_BUFFERS);
    for (uint32_t i = 0; i < receive_count(netif); i++) {
        (void)submit(netif, i, BH_NET_RECEIVE, BH_NET_BUFFER);
    }
    for (uint32_t i = receive_count(netif); i < netif->buffer_count; i++) {
        netif->free[netif->free_count++] = (uint8_t)i;
    }
    netif_set_link_up(&netif->netif); /* announces the address */
}

void channel_netif_detach(struct channel_netif *netif)
{
    netif->attached = false;
    netif_set_link_down(&netif->netif);
}

static void take_frame(struct channel_netif *netif, const struct bh_net_response *response)
{
    if (response->status != BH_NET_OK || response->length < BH_NET_FRAME_MIN ||
        response->length > BH_NET_FRAME_MAX) {
        return;
    }
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)response->length, PBUF_POOL);
    if (frame == NULL) {
        return; /* lost, as when no buffer had been there */
    }
    (void)pbuf_take(frame, buffer(netif, response->id), (u16_t)response->length);
    if (netif->netif.input(frame, &netif->netif) != ERR_OK) {
        pbuf_free(frame);
    }
}

static void complete(struct channel_netif *netif, const struct bh_net_response *response)
{
    if (response->id >= netif->buffer_count || !netif->in_flight[response->id]) {
        netif->channel.complete.broken = true;
        return;
    }
    netif->in_flight[response->id] = false;
    if (response->id >= receive_count(netif)) {
        netif->free[netif->free_count++] = (uint8_t)response->id;
        return;
    }
    take_frame(netif, response);
    (void)submit(netif, response->id, BH_NET_RECEIVE, BH_NET_BUFFER);
}

bool channel_netif_poll(struct channel_netif *netif, uint32_t budget)
{
    if (!netif->attached) {
        return false;
    }
    bh_ring_consumer_awake(&netif->channel.complete);
    for (uint32_t i = 0; i < budget; i++) {
        struct bh_net_response response;
        if (bh_ring_consume(&netif->channel.complete, &response) != BH_RING_OK) {
            return false;
        }
        complete(netif, &response);
    }
    return true;
}

bool channel_netif_flush(struct channel_netif *netif)
{
    if (!netif->attached) {
        return false;
    }
    bool signal = bh_ring_release(&netif->channel.complete);
    return bh_ring_publish(&netif->channel.submit) || signal;
}

bool channel_netif_sleep(struct channel_netif *netif)
{
    if (!netif->attached || bh_channel_broken(&netif->channel)) {
        return true;
    }
    return bh_ring_consumer_sleep(&netif->channel.complete);
}
