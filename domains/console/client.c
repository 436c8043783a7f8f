/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/console/client.h"

#include "ipc/console.h"

void client_push_input(struct client *client, const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length && client->input_head - client->input_tail < CLIENT_INPUT_SIZE;
         i++) {
        client->input[client->input_head++ % CLIENT_INPUT_SIZE] = data[i];
    }
}

bool client_send_input(struct client *client)
{
    bool sent = false;
    while (client->input_head != client->input_tail) {
        struct bh_console_chunk chunk = {0};
        uint32_t tail = client->input_tail;
        while (chunk.length < BH_CONSOLE_CHUNK_MAX && tail != client->input_head) {
            chunk.data[chunk.length++] = client->input[tail++ % CLIENT_INPUT_SIZE];
        }
        if (bh_ring_produce(&client->channel.complete, &chunk) != BH_RING_OK) {
            break;
        }
        client->input_tail = tail;
        sent = true;
    }
    return sent && bh_ring_publish(&client->channel.complete);
}

bool client_sleep_for_input(struct client *client)
{
    return client->input_head == client->input_tail ||
           bh_ring_producer_sleep(&client->channel.complete);
}

bool client_sleep(struct client *client)
{
    return bh_ring_consumer_sleep(&client->channel.submit) && client_sleep_for_input(client);
}

void client_wake(struct client *client)
{
    bh_ring_consumer_awake(&client->channel.submit);
    if (client->protocol == BH_PROTOCOL_CONSOLE) {
        bh_ring_producer_awake(&client->channel.complete);
    }
}
