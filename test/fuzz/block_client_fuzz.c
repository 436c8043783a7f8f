/* SPDX-License-Identifier: BSD-2-Clause */
/* The client of a block channel against a server that answers whatever it likes: each request is
 * answered at most once and with what was asked, and nothing is lost over new attachments. */
#include "ipc/block_client.h"
#include "test/fuzz/input.h"

#define ENTRIES  8u
#define REQUESTS 256u

struct model {
    bool open[REQUESTS]; /* submitted and not answered */
    unsigned open_count;
};

static void attach(struct bh_channel *server, struct bh_channel *client, uint8_t *memory,
                   const struct bh_channel_geometry *geometry)
{
    memset(memory, 0, bh_channel_data_offset(geometry));
    bh_channel_open(server, memory, geometry);
    bh_channel_open(client, memory, geometry);
}

static void answer(struct bh_channel *server, uint64_t id, uint32_t status)
{
    struct bh_block_response response = {.id = id, .status = status};
    (void)bh_ring_produce(&server->complete, &response);
    (void)bh_ring_publish(&server->complete);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bh_block_client client;
    struct input input = {data, size};
    struct model model = {0};
    struct bh_channel_geometry geometry = {.entries = ENTRIES,
                                           .submit_size = sizeof(struct bh_block_request),
                                           .complete_size = sizeof(struct bh_block_response),
                                           .data_size = 4096};
    uint8_t *memory = aligned_alloc(BH_CHANNEL_PAGE, bh_channel_bytes(&geometry));
    HOLDS(memory != NULL);
    struct bh_channel server, channel;
    attach(&server, &channel, memory, &geometry);
    bh_block_client_init(&client, &channel);
    struct bh_block_request taken = {0};
    struct bh_block_done done;
    uint8_t next = 0;

    while (input.size != 0) {
        switch (input_byte(&input) % 10) {
        case 0:
            if (!model.open[next] && bh_block_client_submit(&client, BH_BLOCK_READ, next, 0, 512,
                                                            &model.open[next]) == BH_RING_OK) {
                model.open[next++] = true;
                model.open_count++;
            }
            break;
        case 1:
            (void)bh_block_client_publish(&client);
            break;
        case 2:
            if (bh_ring_consume(&server.submit, &taken) == BH_RING_OK) {
                answer(&server, taken.id, 0);
            }
            break;
        case 3: /* the same again, or something near */
            answer(&server, taken.id + (uint64_t)(int8_t)input_byte(&input), 0);
            break;
        case 4:
            answer(&server, input_take(&input, 8), 1);
            break;
        case 5:
            for (unsigned limit = 0; bh_block_client_next(&client, &done); limit++) {
                HOLDS(limit < ENTRIES);
                HOLDS(done.request.sector < REQUESTS);
                HOLDS(done.cookie == &model.open[done.request.sector]);
                HOLDS(model.open[done.request.sector]);
                model.open[done.request.sector] = false;
                model.open_count--;
            }
            break;
        case 6:
            (void)bh_block_client_sleep(&client);
            break;
        case 7:
            bh_block_client_detach(&client);
            break;
        case 8:
            attach(&server, &channel, memory, &geometry);
            HOLDS(bh_block_client_attach(&client, &channel));
            HOLDS(server.submit.shared->produced == model.open_count);
            break;
        default:
            memory[input_take(&input, 2) % bh_channel_data_offset(&geometry)] = input_byte(&input);
            break;
        }
        HOLDS(bh_block_client_in_flight(&client) == model.open_count);
        HOLDS(model.open_count <= ENTRIES);
    }
    free(memory);
    return 0;
}
