/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames through real channels and a card of the test's: delivery, fairness, VLANs, hostile
 * clients, coming and going. */
#include "domains/network/switch.h"
#include "test/unit/network/client.h"

#define PORTS     4u
#define MAC(n)    (UINT64_C(0x524248000000) + (n))
#define OUTSIDE   UINT64_C(0x525400000001)
#define BROADCAST UINT64_C(0xffffffffffff)
#define NONE      SWITCH_NO_UPLINK

static struct network_switch sw;
static struct bh_service_statistics statistics;
static struct client clients[PORTS];
static uint32_t numbers[PORTS];
static uint64_t signals;

/* A card with room for eight frames each way. */
static struct card {
    uint8_t in[8][2048], out[8][2048];
    uint32_t in_length[8], out_length[8];
    uint32_t in_count, in_taken, out_count, released;
} card;

static const uint8_t *card_receive(void *context, uint32_t *length)
{
    struct card *c = context;
    CHECK_EQUAL(c->in_taken, c->released);
    if (c->in_taken == c->in_count) {
        return NULL;
    }
    *length = c->in_length[c->in_taken];
    return c->in[c->in_taken++];
}

static void card_release(void *context)
{
    ((struct card *)context)->released++;
}

static uint8_t *card_transmit_buffer(void *context)
{
    struct card *c = context;
    return c->out_count < 8 ? c->out[c->out_count] : NULL;
}

static void card_transmit(void *context, uint32_t length)
{
    struct card *c = context;
    c->out_length[c->out_count++] = length;
}

static void card_flush(void *context)
{
    (void)context;
}

static bool card_sleep(void *context)
{
    struct card *c = context;
    return c->in_taken == c->in_count;
}

static const struct uplink_operations operations = {
    card_receive, card_release, card_transmit_buffer, card_transmit, card_flush, card_sleep};

static void note_signal(uint64_t cap)
{
    signals |= UINT64_C(1) << cap;
}

static enum switch_error attach(uint32_t index, const char *network, uint64_t mac, uint32_t uplink,
                                uint16_t vlan, bool isolated)
{
    struct bh_channel server;
    client_open(&clients[index], &server);
    server.signal_cap = index;
    server.wake_bits = UINT64_C(1) << (8 + index);
    struct switch_port_config config = {
        .mac = mac, .uplink = uplink, .vlan = vlan, .isolated = isolated};
    snprintf(config.client, sizeof(config.client), "guest%u", index);
    snprintf(config.network, sizeof(config.network), "%s", network);
    return switch_attach(&sw, &server, &config, 7, &numbers[index]);
}

static void start(void)
{
    for (uint32_t i = 1; i < SWITCH_PORTS; i++) {
        if (sw.ports[i].open) {
            switch_detach(&sw, i);
        }
    }
    for (uint32_t i = 0; i < PORTS; i++) {
        free(clients[i].memory);
        clients[i].memory = NULL;
    }
    memset(&statistics, 0, sizeof(statistics));
    memset(&card, 0, sizeof(card));
    switch_init(&sw, &statistics, 300, note_signal);
    signals = 0;
}

static void plug_card(uint32_t number)
{
    char name[BH_NAME_MAX] = "nic0";
    const struct uplink uplink = {.operations = &operations, .card = &card};
    switch_set_uplink(&sw, number, name, &uplink);
}

/* As the domain does when every bit of its notification is set. */
static void run(void)
{
    switch_wake(&sw, ~UINT64_C(0));
    switch_wake_uplink(&sw, 0);
    for (uint32_t i = 0; switch_turn(&sw, 1); i++) {
        CHECK(i < 1000);
    }
}

/* The switch takes note of the buffer at once. */
static void post(uint32_t index, uint32_t number)
{
    client_post(&clients[index], number);
    run();
}

static struct bh_io_counters *counters(const char *name)
{
    for (uint32_t i = 0; i < BH_STATISTICS_CLIENTS; i++) {
        if (strcmp(statistics.client[i].name, name) == 0) {
            return &statistics.client[i].counters;
        }
    }
    CHECK(false);
    return NULL;
}

static void two_ports(void)
{
    start();
    CHECK_EQUAL(attach(0, "lan", MAC(0), NONE, 0, false), SWITCH_OK);
    CHECK_EQUAL(attach(1, "lan", MAC(1), NONE, 0, false), SWITCH_OK);
}

static void frames_arrive_as_they_were_sent(void)
{
    two_ports();
    post(1, 3);
    client_send(&clients[0], 0, MAC(0), MAC(1), 1514, 0xab);
    run();
    CHECK_EQUAL(client_expect(&clients[0], BH_NET_TRANSMIT, BH_NET_OK).id, 1000);
    struct bh_net_response received = client_expect(&clients[1], BH_NET_RECEIVE, BH_NET_OK);
    CHECK_EQUAL(received.id, 3);
    CHECK_EQUAL(received.length, 1514);
    CHECK(memcmp(clients[1].channel.data + CLIENT_RECEIVE + 3 * BH_NET_BUFFER,
                 clients[0].channel.data, 1514) == 0);
    client_expect_nothing(&clients[0]);
    CHECK_EQUAL(counters("guest0")->write_bytes, 1514);
    CHECK_EQUAL(counters("guest1")->read_operations, 1);
    CHECK_EQUAL(counters("all")->read_bytes, 1514);
}

static void sleeping_clients_are_signalled_once_there_is_something(void)
{
    two_ports();
    post(1, 0);
    run();
    CHECK_EQUAL(signals, 0);
    CHECK(bh_ring_consumer_sleep(&clients[1].channel.complete));
    client_send(&clients[0], 0, MAC(0), MAC(1), 60, 1);
    /* The switch sleeps and wants to be signalled. */
    CHECK(clients[0].channel.submit.shared->consumer_wants_signal != 0);
    run();
    CHECK_EQUAL(signals, 2);
}

static void frames_without_a_buffer_are_dropped_and_counted(void)
{
    two_ports();
    post(1, 0);
    for (uint32_t i = 0; i < 3; i++) {
        client_send(&clients[0], i, MAC(0), MAC(1), 100, (uint8_t)i);
    }
    run();
    CHECK_EQUAL(client_expect(&clients[1], BH_NET_RECEIVE, BH_NET_OK).length, 100);
    client_expect_nothing(&clients[1]);
    CHECK_EQUAL(counters("guest1")->dropped, 2);
}

static void bad_requests_are_answered(void)
{
    static const struct bh_net_request bad[] = {
        {1, BH_NET_TRANSMIT, 0, 13},
        {2, BH_NET_TRANSMIT, 0, 1519},
        {3, BH_NET_TRANSMIT, CLIENT_DATA - 59, 60},
        {4, BH_NET_TRANSMIT, UINT32_MAX, 60},
        {5, BH_NET_RECEIVE, 0, 1517},
        {6, BH_NET_RECEIVE, CLIENT_DATA - 2047, 2048},
        {7, BH_NET_RECEIVE, 0, UINT32_MAX},
        {8, BH_NET_RECEIVE, UINT32_MAX, UINT32_MAX},
        {9, 0, 0, 60},
        {10, 3, 0, 60},
        {11, UINT32_MAX, 0, 60},
    };
    two_ports();
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        client_submit(&clients[0], bad[i].id, bad[i].operation, bad[i].offset, bad[i].length);
    }
    run();
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQUAL(client_expect(&clients[0], bad[i].operation, BH_NET_BAD_REQUEST).id, bad[i].id);
    }
    CHECK_EQUAL(counters("guest0")->errors, sizeof(bad) / sizeof(bad[0]));
}

static void more_buffers_than_the_ring_holds_are_refused(void)
{
    two_ports();
    for (uint32_t i = 0; i < CLIENT_ENTRIES + 5; i++) {
        post(1, i % 64);
        run();
    }
    for (uint32_t i = 0; i < 5; i++) {
        (void)client_expect(&clients[1], BH_NET_RECEIVE, BH_NET_BAD_REQUEST);
    }
    client_expect_nothing(&clients[1]);
}

static void a_full_complete_ring_stalls_its_own_port_only(void)
{
    two_ports();
    for (uint32_t i = 0; i < CLIENT_ENTRIES + 10; i++) {
        client_send(&clients[0], 0, MAC(0), MAC(1), 60, 0);
        run();
    }
    CHECK_EQUAL(counters("guest0")->write_operations, CLIENT_ENTRIES);
    post(0, 1);
    post(1, 1);
    run();
    client_send(&clients[1], 0, MAC(1), MAC(0), 60, 0); /* guest0 has no room for the completion */
    run();
    CHECK_EQUAL(counters("guest0")->dropped, 1);
    (void)client_expect(&clients[1], BH_NET_TRANSMIT, BH_NET_OK);
    for (uint32_t i = 0; i < CLIENT_ENTRIES + 10; i++) {
        (void)client_expect(&clients[0], BH_NET_TRANSMIT, BH_NET_OK);
        run();
    }
    CHECK_EQUAL(counters("guest0")->write_operations, CLIENT_ENTRIES + 10);
}

static void a_broken_ring_cuts_off_its_port(void)
{
    two_ports();
    clients[0].channel.submit.shared->produced = 5000;
    run();
    CHECK_EQUAL(sw.broken, UINT64_C(1) << numbers[0]);
    switch_detach(&sw, numbers[0]);
    CHECK_EQUAL(sw.broken, 0);
    client_send(&clients[1], 0, MAC(1), BROADCAST, 60, 0);
    run();
    (void)client_expect(&clients[1], BH_NET_TRANSMIT, BH_NET_OK);

    two_ports();
    post(1, 0);
    run();
    clients[1].channel.complete.shared->consumed = 77; /* while frames come for it */
    client_send(&clients[0], 0, MAC(0), MAC(1), 60, 0);
    run();
    CHECK_EQUAL(sw.broken, UINT64_C(1) << numbers[1]);
    (void)client_expect(&clients[0], BH_NET_TRANSMIT, BH_NET_OK);
}

static void a_flooding_port_does_not_delay_the_others(void)
{
    start();
    for (uint32_t i = 0; i < 3; i++) {
        CHECK_EQUAL(attach(i, "lan", MAC(i), NONE, 0, false), SWITCH_OK);
    }
    post(2, 0);
    run();
    for (uint32_t i = 0; i < CLIENT_ENTRIES; i++) {
        client_send(&clients[0], i, MAC(0), MAC(77), 1514, 0);
    }
    client_send(&clients[1], 0, MAC(1), MAC(2), 60, 9);
    switch_wake(&sw, ~UINT64_C(0));
    CHECK(switch_turn(&sw, 1)); /* one turn serves everybody once */
    CHECK_EQUAL(counters("guest0")->write_operations, SWITCH_PORT_BUDGET);
    CHECK_EQUAL(counters("guest1")->write_operations, 1);
    run();
    CHECK_EQUAL(counters("guest0")->write_operations, CLIENT_ENTRIES);
}

static void tags_do_not_lead_out_of_a_network(void)
{
    two_ports();
    post(1, 0);
    post(1, 1);
    make_frame(clients[0].channel.data, MAC(0), MAC(1), 64, 5);
    static const uint8_t tag[] = {0x81, 0x00, 0x00, 0x14, 0x08, 0x00};
    memcpy(clients[0].channel.data + 12, tag, sizeof(tag));
    client_submit(&clients[0], 1, BH_NET_TRANSMIT, 0, 64);
    run();
    (void)client_expect(&clients[0], BH_NET_TRANSMIT, BH_NET_OK);
    client_expect_nothing(&clients[1]);
    CHECK_EQUAL(counters("guest0")->errors, 1);
    clients[0].channel.data[15] = 0; /* a priority tag is taken off */
    client_submit(&clients[0], 1, BH_NET_TRANSMIT, 0, 64);
    run();
    CHECK_EQUAL(client_expect(&clients[1], BH_NET_RECEIVE, BH_NET_OK).length, 60);
    const uint8_t *got = clients[1].channel.data + CLIENT_RECEIVE;
    CHECK_EQUAL(got[12], 0x08);
    CHECK_EQUAL(got[14], 5);
    client_submit(&clients[0], 1, BH_NET_TRANSMIT, 0, 16); /* cut off in the tag */
    run();
    CHECK_EQUAL(counters("guest0")->errors, 2);
}

static void networks_share_a_card_by_vlan(void)
{
    start();
    CHECK_EQUAL(attach(0, "lan", MAC(0), 0, 0, false), SWITCH_OK);
    CHECK_EQUAL(attach(1, "red", MAC(1), 0, 20, false), SWITCH_OK);
    CHECK_EQUAL(attach(2, "red", MAC(2), 0, 21, false), SWITCH_CONFLICT);
    free(clients[2].memory);
    CHECK_EQUAL(attach(2, "blue", MAC(2), 0, 20, false), SWITCH_CONFLICT);
    plug_card(0);
    post(0, 0);
    post(1, 0);
    client_send(&clients[0], 0, MAC(0), BROADCAST, 60, 1);
    client_send(&clients[1], 0, MAC(1), BROADCAST, 60, 2);
    run();
    CHECK_EQUAL(card.out_count, 2);
    CHECK_EQUAL(card.out_length[0], 60);
    CHECK_EQUAL(card.out_length[1], 64);
    static const uint8_t tag[] = {0x81, 0x00, 0x00, 0x14, 0x08, 0x00, 2};
    CHECK(memcmp(card.out[1] + 12, tag, sizeof(tag)) == 0);

    make_frame(card.in[0], OUTSIDE, BROADCAST, 60, 3);
    card.in_length[0] = 60;
    make_frame(card.in[1], OUTSIDE, MAC(1), 64, 4);
    memcpy(card.in[1] + 12, tag, 6);
    card.in_length[1] = 64;
    make_frame(card.in[2], OUTSIDE, BROADCAST, 64, 4); /* a VLAN of nobody */
    memcpy(card.in[2] + 12, "\x81\x00\x00\x63\x08\x00", 6);
    card.in_length[2] = 64;
    make_frame(card.in[3], MAC(0), BROADCAST, 64, 4); /* from outside with a guest's address */
    card.in_length[3] = 64;
    card.in_length[4] = 0;
    card.in_count = 5;
    run();
    CHECK_EQUAL(card.released, 5);
    (void)client_expect(&clients[0], BH_NET_TRANSMIT, BH_NET_OK);
    (void)client_expect(&clients[1], BH_NET_TRANSMIT, BH_NET_OK);
    CHECK_EQUAL(client_expect(&clients[0], BH_NET_RECEIVE, BH_NET_OK).length, 60);
    CHECK_EQUAL(client_expect(&clients[1], BH_NET_RECEIVE, BH_NET_OK).length, 60);
    client_expect_nothing(&clients[0]);
    client_expect_nothing(&clients[1]);
    CHECK_EQUAL(counters("nic0")->errors, 2);
}

static void a_full_card_drops(void)
{
    start();
    CHECK_EQUAL(attach(0, "lan", MAC(0), 0, 0, false), SWITCH_OK);
    plug_card(0);
    for (uint32_t i = 0; i < 10; i++) {
        client_send(&clients[0], i, MAC(0), OUTSIDE, 60, 0);
    }
    run();
    CHECK_EQUAL(card.out_count, 8);
    CHECK_EQUAL(counters("nic0")->dropped, 2);
    const struct uplink none = {.operations = &operations};
    char name[BH_NAME_MAX] = "nic0";
    switch_set_uplink(&sw, 0, name, &none); /* the card is gone, the network goes on */
    client_send(&clients[0], 0, MAC(0), OUTSIDE, 60, 0);
    run();
    CHECK_EQUAL(counters("nic0")->dropped, 2);
}

static void ports_come_and_go(void)
{
    start();
    for (uint32_t i = 0; i < 200; i++) {
        CHECK_EQUAL(attach(0, "lan", MAC(0), NONE, 0, false), SWITCH_OK);
        CHECK_EQUAL(attach(1, "lan", MAC(0), NONE, 0, false), SWITCH_BAD_MAC);
        switch_detach(&sw, numbers[0]);
        free(clients[0].memory);
        free(clients[1].memory);
    }
    clients[0].memory = clients[1].memory = NULL;
    CHECK_EQUAL(counters("guest0")->errors, 0);
    for (uint32_t i = 2; i < BH_STATISTICS_CLIENTS; i++) {
        CHECK_EQUAL(statistics.client[i].name[0], 0);
    }
}

static void all_ports_and_networks_can_be_used(void)
{
    start();
    struct client many[SWITCH_PORTS];
    struct switch_port_config config = {.uplink = NONE};
    uint32_t number;
    for (uint32_t i = 0; i < SWITCH_PORTS; i++) {
        struct bh_channel server;
        client_open(&many[i], &server);
        snprintf(config.client, sizeof(config.client), "c%u", i);
        snprintf(config.network, sizeof(config.network), "n%u", i % SWITCH_NETWORKS);
        enum switch_error error = switch_attach(&sw, &server, &config, 0, &number);
        CHECK_EQUAL(error, i < SWITCH_PORTS - 1 ? SWITCH_OK : SWITCH_FULL);
    }
    for (uint32_t i = 0; i < SWITCH_PORTS - 1; i++) {
        client_post(&many[i], 0);
    }
    sw.active = ~UINT64_C(1);
    run();
    client_send(&many[5], 0, MAC(5), BROADCAST, 60, 0);
    sw.active = ~UINT64_C(1);
    run();
    for (uint32_t i = 0; i < SWITCH_PORTS - 1; i++) {
        struct bh_net_response response;
        CHECK_EQUAL(client_next(&many[i], &response), i % SWITCH_NETWORKS == 5);
        switch_detach(&sw, i + 1);
    }
    for (uint32_t i = 0; i < SWITCH_PORTS; i++) {
        free(many[i].memory);
    }
}

int main(void)
{
    frames_arrive_as_they_were_sent();
    sleeping_clients_are_signalled_once_there_is_something();
    frames_without_a_buffer_are_dropped_and_counted();
    bad_requests_are_answered();
    more_buffers_than_the_ring_holds_are_refused();
    a_full_complete_ring_stalls_its_own_port_only();
    a_broken_ring_cuts_off_its_port();
    a_flooding_port_does_not_delay_the_others();
    tags_do_not_lead_out_of_a_network();
    networks_share_a_card_by_vlan();
    a_full_card_drops();
    ports_come_and_go();
    all_ports_and_networks_can_be_used();
    start();
    return 0;
}
