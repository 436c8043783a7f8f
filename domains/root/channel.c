/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/channel.h"

#include <bh/syscall.h>
#include <string.h>

#include "domains/root/link.h"
#include "ipc/block.h"
#include "ipc/console.h"
#include "ipc/net.h"

struct bh_channel_geometry channel_geometry(uint32_t protocol, uint32_t entries, uint64_t data_size)
{
    static const uint64_t usual_data = 256u << 10;
    switch (protocol) {
    case BH_PROTOCOL_BLOCK:
        return (struct bh_channel_geometry){.entries = entries != 0 ? entries : 128,
                                            .submit_size = sizeof(struct bh_block_request),
                                            .complete_size = sizeof(struct bh_block_response),
                                            .data_size = data_size != 0 ? data_size : usual_data};
    case BH_PROTOCOL_NET:
        return (struct bh_channel_geometry){.entries = entries != 0 ? entries : 256,
                                            .submit_size = sizeof(struct bh_net_request),
                                            .complete_size = sizeof(struct bh_net_response),
                                            .data_size = data_size != 0 ? data_size : usual_data};
    case BH_PROTOCOL_CONSOLE_INPUT:
        return (struct bh_channel_geometry){.entries = entries != 0 ? entries : 16,
                                            .submit_size = sizeof(struct bh_console_input),
                                            .complete_size = 8};
    default:
        return (struct bh_channel_geometry){.entries = entries != 0 ? entries : 64,
                                            .submit_size = sizeof(struct bh_console_chunk),
                                            .complete_size = sizeof(struct bh_console_chunk)};
    }
}

static uint64_t whole_pages(uint64_t size)
{
    return (size + BH_PAGE_SIZE - 1) & ~(BH_PAGE_SIZE - 1);
}

static void copy_name(char to[BH_NAME_MAX], const char *from)
{
    memset(to, 0, BH_NAME_MAX);
    memcpy(to, from, strnlen(from, BH_NAME_MAX - 1));
}

/* Maps the memory into the client, into the server, and what is data into what the server's devices
 * see. */
static bool map(struct region *region, const struct bh_channel_geometry *geometry,
                const struct domain *client, uint64_t client_address, struct domain *server,
                uint64_t server_address)
{
    const uint64_t rights = BH_RIGHT_READ | BH_RIGHT_WRITE;
    if (!region_map(region, &client->space, client_address, rights) ||
        !region_map(region, &server->space, server_address, rights)) {
        return false;
    }
    if (geometry->data_size == 0) {
        return true;
    }
    uint64_t offset = bh_channel_data_offset(geometry);
    for (uint32_t i = 0; i < server->io_count; i++) {
        if (!region_map_part(region, &server->io[i], server_address + offset, rights,
                             (uint32_t)(offset >> BH_PAGE_BITS),
                             (uint32_t)(geometry->data_size >> BH_PAGE_BITS))) {
            return false;
        }
    }
    return true;
}

const char *channel_open(const struct channel_plan *plan, uint32_t *resource)
{
    struct domain *client = plan->client;
    struct domain *server = plan->server;
    struct bh_channel_geometry geometry =
        channel_geometry(plan->protocol, plan->entries, plan->data_size);
    uint64_t size = whole_pages(bh_channel_bytes(&geometry));
    uint64_t client_address = domain_address(client, size, BH_PAGE_SIZE);
    uint64_t server_address = domain_address(server, size, BH_PAGE_SIZE);
    struct region region;
    if (client_address == 0 || server_address == 0 ||
        !region_make(&region, &client->arena, size, BH_PAGE_BITS) ||
        !map(&region, &geometry, client, client_address, server, server_address)) {
        return "no memory for a channel";
    }
    uint64_t client_bit = domain_next_bit(client);
    uint64_t server_bit = domain_next_bit(server);
    uint32_t client_slot = domain_grant_notification(client, server, server_bit);
    uint32_t server_slot = domain_grant_notification(server, client, client_bit);

    struct bh_resource entry = {.kind = BH_RESOURCE_SERVER,
                                .protocol = plan->protocol,
                                .address = server_address,
                                .size = size,
                                .cap = server_slot,
                                .bits = server_bit,
                                .geometry = geometry};
    copy_name(entry.name, plan->server_name);
    copy_name(entry.object, plan->object);
    for (unsigned i = 0; i < 4; i++) {
        entry.argument[i] = plan->argument[i] | plan->server_argument[i];
    }
    uint32_t index = BH_DOMAIN_RESOURCE_MAX;
    if (client_slot != 0 && server_slot != 0) {
        index = domain_resource_add(server, &entry);
    }
    if (index == BH_DOMAIN_RESOURCE_MAX) {
        if (server_slot != 0) {
            domain_take_back(server, server_slot);
        }
        return "the server's tables are full";
    }
    if (!link_add(client, server, index, server_slot)) {
        domain_resource_set_state(server, index, BH_RESOURCE_UNUSED);
        domain_take_back(server, server_slot);
        return "too many channels";
    }

    entry.kind = BH_RESOURCE_CLIENT;
    entry.address = client_address;
    entry.cap = client_slot;
    entry.bits = client_bit;
    memcpy(entry.argument, plan->argument, sizeof(entry.argument));
    copy_name(entry.name, plan->client_name);
    *resource = domain_resource_add(client, &entry);
    return *resource == BH_DOMAIN_RESOURCE_MAX ? "the client's table is full" : NULL;
}
