/* SPDX-License-Identifier: BSD-2-Clause */
/* The network interface over a channel: frames both ways, a switch that lies, restarts of the
 * switch. */
#include <string.h>

#include "lwip/etharp.h"
#include "test/unit/check.h"
#include "test/unit/lwip/peer.h"
#include "test/unit/lwip/stack.h"

static uint8_t frame[2048];

static void drain(void)
{
    peer_run(5, NULL);
}

static void ping(uint16_t number, size_t length)
{
    uint8_t echo[1480] = {8, 0};
    echo[6] = (uint8_t)(number >> 8);
    echo[7] = (uint8_t)number;
    memset(echo + 8, 'p', length);
    uint32_t sum = peer_sum(0, echo, 8 + length);
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    echo[2] = (uint8_t)(~sum >> 8);
    echo[3] = (uint8_t)~sum;
    stack_give(frame, peer_ipv4(frame, 1, echo, 8 + length));
}

/* Runs the stack until it sends an echo reply; its number. */
static unsigned pong(void)
{
    for (unsigned i = 0; i < 10; i++) {
        stack_run(1, NULL);
        uint32_t length;
        while ((length = stack_take(frame)) != 0) {
            if (frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 1 && frame[34] == 0) {
                return (unsigned)frame[40] << 8 | frame[41];
            }
        }
    }
    CHECK(false);
    return 0;
}

static void meet(void)
{
    /* lwIP learns the peer's address when it asks for it. */
    struct eth_addr mac = {{0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc}};
    const ip4_addr_t address = {.addr = PEER_ADDRESS};
    (void)mac;
    (void)etharp_request(&stack.netif.netif, &address);
    drain();
}

static void answers_pings_of_all_sizes(void)
{
    static const size_t sizes[] = {0, 1, 17, 18, 56, 1000, 1472};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ping((uint16_t)(i + 1), sizes[i]);
        CHECK_EQUAL(pong(), i + 1);
    }
    CHECK_EQUAL(stack.counters.dropped, 0);
}

static void all_buffers_circulate(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        ping((uint16_t)i, 100);
        CHECK_EQUAL(pong(), i);
    }
    CHECK_EQUAL(stack.counters.dropped, 0);
    drain();
    for (unsigned i = 0; i < 100; i++) { /* more than there are buffers, while lwIP does not look */
        ping((uint16_t)i, 10);
    }
    CHECK_EQUAL(stack.counters.dropped, 36);
    for (unsigned i = 0; i < 64; i++) {
        CHECK_EQUAL(pong(), i);
    }
    ping(4711, 10);
    CHECK_EQUAL(pong(), 4711);
    CHECK_EQUAL(stack_memory_in_use(), 0);
}

static void random_frames_do_no_harm(void)
{
    uint32_t state = 3;
    for (unsigned round = 0; round < 30000; round++) {
        uint8_t noise[600];
        uint32_t length = 14 + round % 500;
        for (uint32_t i = 0; i < length; i++) {
            state = state * 1664525u + 1013904223u;
            noise[i] = (uint8_t)(state >> 24);
        }
        uint8_t payload[600];
        memcpy(payload, noise, length);
        if (round % 4 == 0) {
            stack_give(noise, length);
        } else if (round % 4 == 1) { /* ARP with noise inside */
            memcpy(noise + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00", 9);
            stack_give(noise, length);
        } else { /* TCP or ICMP with noise inside */
            uint32_t size = peer_ipv4(frame, round % 4 == 2 ? 6 : 1, payload, length);
            stack_give(frame, size);
        }
        if (round % 16 == 15) {
            stack_run(1, NULL);
            while (stack_take(frame) != 0) {
            }
        }
    }
    drain();
    stack_reattach();
    meet();
    ping(5, 10);
    CHECK_EQUAL(pong(), 5);
}

/* What a switch that lies writes into the complete ring. */
static void lie(uint32_t id, uint32_t operation, uint32_t status, uint32_t length)
{
    const struct bh_net_response response = {
        .id = id, .operation = operation, .status = status, .length = length};
    CHECK_EQUAL(bh_ring_produce(&stack.port.channel.complete, &response), BH_RING_OK);
    (void)bh_ring_publish(&stack.port.channel.complete);
    stack_run(1, NULL);
}

static void completions_of_nothing_break_the_channel(void)
{
    static const uint32_t ids[] = {64, 127, 128, 1000,
                                   UINT32_MAX}; /* transmit buffers that rest, and none at all */
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        lie(ids[i], BH_NET_RECEIVE, BH_NET_OK, 60);
        CHECK(bh_channel_broken(&stack.netif.channel));
        CHECK(channel_netif_sleep(&stack.netif));
        ping(1, 10); /* in vain */
        stack_run(1, NULL);
        CHECK_EQUAL(stack_take(frame), 0);
        stack_reattach();
        drain();
        ping(7, 10);
        CHECK_EQUAL(pong(), 7);
    }
    stack.port.channel.complete.shared->produced = 100000;
    stack_run(1, NULL);
    CHECK(bh_channel_broken(&stack.netif.channel));
    stack_reattach();
    drain();
}

static void lengths_beyond_a_frame_are_ignored(void)
{
    static const uint32_t lengths[] = {0, 13, 1519, 65536, 65550, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        lie(i, BH_NET_RECEIVE, BH_NET_OK, lengths[i]);
        lie(i, BH_NET_RECEIVE, BH_NET_BAD_REQUEST,
            60); /* posted again, so it may be completed again */
    }
    CHECK(!bh_channel_broken(&stack.netif.channel));
    stack_reattach();
    drain();
}

static void without_a_switch_nothing_is_sent(void)
{
    channel_netif_detach(&stack.netif);
    const ip4_addr_t address = {.addr = 0x0402000a};
    (void)etharp_request(&stack.netif.netif, &address);
    CHECK(!channel_netif_poll(&stack.netif, 10));
    CHECK(!channel_netif_flush(&stack.netif));
    CHECK(channel_netif_sleep(&stack.netif));
    stack_reattach();
    drain();
    ping(9, 10);
    CHECK_EQUAL(pong(), 9);
}

int main(void)
{
    stack_start();
    drain();
    meet();
    answers_pings_of_all_sizes();
    all_buffers_circulate();
    completions_of_nothing_break_the_channel();
    lengths_beyond_a_frame_are_ignored();
    without_a_switch_nothing_is_sent();
    random_frames_do_no_harm();
    CHECK_EQUAL(stack_memory_in_use(), 0);
    port_close(&stack.port);
    free(stack.memory);
    return 0;
}
