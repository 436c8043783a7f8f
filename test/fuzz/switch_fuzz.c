/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch with two hostile clients and a card that delivers anything: no client makes it touch
 * memory outside the data regions (the sanitizer sees that), work without end, or send a frame back
 * to where it came from.
 */
#include "domains/network/switch.h"
#include "ipc/net.h"
#include "test/fuzz/input.h"

#define CLIENTS 2u
#define ENTRIES 8u
#define MAC(n)  (UINT64_C(0x524248000000) + (n))

static struct network_switch sw;
static struct bh_service_statistics statistics;

static struct card {
    uint8_t in[2048];
    uint32_t in_length;
    bool in_full;
    uint8_t out[2048];
} card;

static const uint8_t *card_receive(void *context, uint32_t *length)
{
    struct card *c = context;
    if (!c->in_full) {
        return NULL;
    }
    *length = c->in_length;
    return c->in;
}

static void card_release(void *context)
{
    ((struct card *)context)->in_full = false;
}

static uint8_t *card_transmit_buffer(void *context)
{
    return ((struct card *)context)->out;
}

static void card_transmit(void *context, uint32_t length)
{
    HOLDS(length >= BH_NET_FRAME_MIN && length <= UPLINK_FRAME_MAX);
    (void)context;
}

static void card_flush(void *context)
{
    (void)context;
}

static bool card_sleep(void *context)
{
    return !((struct card *)context)->in_full;
}

static void ignore_signal(uint64_t cap)
{
    (void)cap;
}

static const struct uplink_operations operations = {
    card_receive, card_release, card_transmit_buffer, card_transmit, card_flush, card_sleep};

static const struct bh_channel_geometry geometry = {.entries = ENTRIES,
                                                    .submit_size = sizeof(struct bh_net_request),
                                                    .complete_size = sizeof(struct bh_net_response),
                                                    .data_size = 2 * BH_CHANNEL_PAGE};

struct client {
    uint8_t *memory;
    struct bh_channel channel;
    uint32_t number; /* of its port; 0: cut off */
};

static void attach(struct client *client, uint32_t index, bool isolated)
{
    struct bh_channel server;
    free(client->memory);
    client->memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&geometry));
    HOLDS(client->memory != NULL);
    memset(client->memory, 0, bh_channel_bytes(&geometry));
    bh_channel_open(&client->channel, client->memory, &geometry);
    bh_channel_open(&server, client->memory, &geometry);
    server.wake_bits = UINT64_C(1) << index;
    struct switch_port_config config = {
        .network = "lan", .mac = MAC(index), .vlan = 5, .isolated = isolated};
    config.client[0] = (char)('a' + index);
    HOLDS(switch_attach(&sw, &server, &config, 1, &client->number) == SWITCH_OK);
}

static void work(struct client clients[CLIENTS])
{
    switch_wake(&sw, ~UINT64_C(0));
    switch_wake_uplink(&sw, 0);
    for (unsigned i = 0; switch_turn(&sw, 1); i++) {
        HOLDS(i < 100);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (clients[i].number != 0 && (sw.broken >> clients[i].number & 1) != 0) {
            switch_detach(&sw, clients[i].number);
            clients[i].number = 0;
        }
    }
    HOLDS(sw.broken == 0);
}

static void produce(struct client *client, struct input *input)
{
    struct bh_net_request request = {.id = input_byte(input),
                                     .operation = input_byte(input) & 3,
                                     .offset = (uint32_t)input_take(input, 2),
                                     .length = (uint32_t)input_take(input, 2) & 0xfff};
    if (input_byte(input) % 8 == 0) {
        request.offset <<= 18;
    }
    (void)bh_ring_produce(&client->channel.submit, &request);
    (void)bh_ring_publish(&client->channel.submit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct client clients[CLIENTS] = {{.memory = NULL}};
    const struct uplink uplink = {.operations = &operations, .card = &card};
    char name[BH_NAME_MAX] = "nic0";
    bool isolated = (input_byte(&input) & 1) != 0;
    memset(&statistics, 0, sizeof(statistics));
    memset(&card, 0, sizeof(card));
    switch_init(&sw, &statistics, 300, ignore_signal);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        attach(&clients[i], i, isolated);
    }
    switch_set_uplink(&sw, 0, name, &uplink);
    while (input.size > 0) {
        struct client *client = &clients[input_byte(&input) % CLIENTS];
        struct bh_net_response response;
        switch (input_byte(&input) % 8) {
        case 0:
        case 1:
            produce(client, &input);
            break;
        case 2:
            while (bh_ring_consume(&client->channel.complete, &response) == BH_RING_OK) {
            }
            (void)bh_ring_release(&client->channel.complete);
            break;
        case 3: /* the data region: headers, tags */
            client->memory[bh_channel_data_offset(&geometry) + (input_take(&input, 2) & 0x1fff)] =
                input_byte(&input);
            break;
        case 4: /* anywhere, indices included */
            client->memory[input_take(&input, 2) % bh_channel_data_offset(&geometry)] =
                input_byte(&input);
            break;
        case 5:
            card.in_length = (uint32_t)input_take(&input, 2) & 0x7ff;
            card.in[input_byte(&input) & 31] = input_byte(&input);
            card.in_full = true;
            break;
        case 6:
            if (client->number != 0) {
                switch_detach(&sw, client->number);
            }
            attach(client, (uint32_t)(client - clients), isolated);
            break;
        default:
            work(clients);
            break;
        }
    }
    work(clients);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        if (clients[i].number != 0) {
            switch_detach(&sw, clients[i].number);
        }
        free(clients[i].memory);
    }
    return 0;
}
