/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/console/server.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/console.h"
#include "libs/runtime/format.h"

/* Entries that one client gets served in a round. */
#define BATCH 32

void server_init(struct server *server, struct bh_console_history *histories, size_t history_count,
                 const char *wanted, bool raw, void (*signal)(uint64_t notification))
{
    *server = (struct server){.signal = signal};
    consoles_init(&server->consoles, &server->output, histories, history_count, wanted, raw);
}

void server_log(struct server *server, const char *format, ...)
{
    char line[LINE_MAX_LENGTH];
    size_t length = bh_format(line, sizeof(line), "console: ");
    va_list arguments;
    va_start(arguments, format);
    length += bh_format_list(line + length, sizeof(line) - length, format, arguments);
    va_end(arguments);
    consoles_system_line(&server->consoles, line, length);
}

static struct client **find(struct server *server, uint32_t index)
{
    for (uint32_t i = 0; i < server->client_count; i++) {
        if (server->client[i]->index == index) {
            return &server->client[i];
        }
    }
    return NULL;
}

static void activate(struct client *client)
{
    if (!client->active && !client->broken) {
        client->active = true;
        client->waiting = false;
        client_wake(client);
    }
}

static void break_client(struct server *server, struct client *client, const char *what)
{
    client->broken = true;
    client->active = false;
    server_log(server, "channel of %s: %s; not served any more", client->name, what);
}

static const char *check_geometry(const struct bh_resource *resource)
{
    const struct bh_channel_geometry *geometry = &resource->geometry;
    bool input = resource->protocol == BH_PROTOCOL_CONSOLE_INPUT;
    if (geometry->submit_size !=
        (input ? sizeof(struct bh_console_input) : sizeof(struct bh_console_chunk))) {
        return "wrong size of submit entries";
    }
    if (!input && geometry->complete_size != sizeof(struct bh_console_chunk)) {
        return "wrong size of complete entries";
    }
    if (!input && (resource->object[0] == 0 || resource->object[BH_NAME_MAX - 1] != 0)) {
        return "no name of a console";
    }
    return NULL;
}

bool server_serves(struct server *server, uint32_t index, uint32_t epoch)
{
    struct client **place = find(server, index);
    return place != NULL && (*place)->channel.epoch == epoch;
}

void server_attach(struct server *server, uint32_t index, const struct bh_resource *resource)
{
    const char *wrong = check_geometry(resource);
    struct client *client = wrong == NULL ? calloc(1, sizeof(*client)) : NULL;
    if (client == NULL) {
        server_log(server, "channel of %.*s: %s; not served", (int)BH_NAME_MAX, resource->name,
                   wrong != NULL ? wrong : "no memory");
        return;
    }
    client->index = index;
    client->protocol = resource->protocol;
    memcpy(client->name, resource->name, sizeof(client->name) - 1);
    if (resource->protocol == BH_PROTOCOL_CONSOLE) {
        client->console = consoles_attach(&server->consoles, resource->object);
        if (client->console == CONSOLES_NONE) {
            server_log(server, "console %s: there are %u consoles already; not served",
                       resource->object, CONSOLES_MAX);
            free(client);
            return;
        }
    }
    bh_channel_open(&client->channel, (void *)(uintptr_t)resource->address, &resource->geometry);
    client->channel.signal_cap = resource->cap;
    client->channel.wake_bits = resource->bits;
    client->channel.epoch = resource->epoch;
    server->client[server->client_count++] = client;
    activate(client);
    server_drained(server); /* another console may be shown now, and who waited for the terminal is
                               in the background */
}

/* Whether the line begins with "name: ". */
static bool has_prefix(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    return length >= name_length + 2 && memcmp(line, name, name_length) == 0 &&
           memcmp(line + name_length, ": ", 2) == 0;
}

struct line_source {
    struct server *server;
    const struct client *client;
};

/*
 * A line for the system console. Operators and scripts believe the name in front of it, so nobody
 * writes under another one's: only root's lines are taken as they are.
 */
static void system_line(void *context, const char *line, size_t length)
{
    const struct line_source *source = context;
    const char *name = source->client->name;
    if (strcmp(name, "root") == 0 || has_prefix(line, length, name)) {
        consoles_system_line(&source->server->consoles, line, length);
    } else {
        char text[LINE_MAX_LENGTH];
        length = bh_format(text, sizeof(text), "%s: %.*s", name, (int)length, line);
        consoles_system_line(&source->server->consoles, text, length);
    }
}

/* False: the chunk is impossible. */
static bool take_chunk(struct server *server, struct client *client,
                       const struct bh_console_chunk *chunk)
{
    if (chunk->length > BH_CONSOLE_CHUNK_MAX) {
        return false;
    }
    if (client->console == CONSOLES_SYSTEM) {
        struct line_source source = {server, client};
        lines_feed(&client->lines, chunk->data, chunk->length, system_line, &source);
    } else {
        consoles_write(&server->consoles, client->console, chunk->data, chunk->length);
    }
    return true;
}

static void deliver(struct server *server, uint32_t console, const uint8_t *data, size_t length)
{
    if (console == CONSOLES_SYSTEM) {
        return; /* writers of logs read nothing */
    }
    for (uint32_t i = 0; i < server->client_count; i++) {
        struct client *client = server->client[i];
        if (client->protocol != BH_PROTOCOL_CONSOLE || client->console != console ||
            client->broken) {
            continue;
        }
        client_push_input(client, data, length);
        if (client_send_input(client)) {
            server->signal(client->channel.signal_cap);
        }
        if (client->input_head != client->input_tail) {
            activate(client); /* so that it asks for a signal when there is room */
        }
    }
}

/* False: the entry is impossible. Input for a console that does not exist is dropped: it may just
 * have gone. */
static bool take_input(struct server *server, const struct bh_console_input *input)
{
    if (input->length > BH_CONSOLE_INPUT_MAX ||
        memchr(input->console, 0, BH_CONSOLE_NAME_MAX) == NULL) {
        return false;
    }
    uint32_t console = consoles_find(&server->consoles, input->console);
    if (console != CONSOLES_NONE) {
        deliver(server, console, input->data, input->length);
    }
    return true;
}

void server_key(struct server *server, uint8_t key)
{
    struct escape_result result = escape_key(&server->escape, key);
    switch (result.action) {
    case ESCAPE_NOTHING:
        break;
    case ESCAPE_INPUT:
        if (server->consoles.shown != CONSOLES_NONE) {
            deliver(server, server->consoles.shown, &result.value, 1);
        }
        break;
    case ESCAPE_SHOW:
        consoles_show(&server->consoles, result.value);
        break;
    case ESCAPE_NEXT:
        consoles_show_next(&server->consoles);
        break;
    case ESCAPE_PREVIOUS:
        consoles_show_previous(&server->consoles);
        break;
    case ESCAPE_LIST:
        consoles_list(&server->consoles);
        break;
    case ESCAPE_POWER_OFF:
        server->power_off = true;
        break;
    case ESCAPE_HELP:
        consoles_help(&server->consoles);
        break;
    }
    if (result.action >= ESCAPE_SHOW && result.action <= ESCAPE_PREVIOUS) {
        server_drained(server); /* who waited for the terminal may be in the background now */
    }
}

/* Takes the next entry of the submit ring. OK, EMPTY or BROKEN; an impossible entry breaks the
 * ring. */
static enum bh_ring_status take_entry(struct server *server, struct client *client)
{
    union {
        struct bh_console_chunk chunk;
        struct bh_console_input input;
    } entry;
    enum bh_ring_status status = bh_ring_consume(&client->channel.submit, &entry);
    if (status != BH_RING_OK) {
        return status;
    }
    bool possible = client->protocol == BH_PROTOCOL_CONSOLE
                        ? take_chunk(server, client, &entry.chunk)
                        : take_input(server, &entry.input);
    return possible ? BH_RING_OK : BH_RING_BROKEN;
}

static bool ready(const struct server *server, const struct client *client)
{
    return client->protocol != BH_PROTOCOL_CONSOLE ||
           consoles_ready(&server->consoles, client->console);
}

static void serve(struct server *server, struct client *client)
{
    enum bh_ring_status status = BH_RING_OK;
    unsigned taken = 0;
    for (; taken < BATCH && ready(server, client); taken++) {
        status = take_entry(server, client);
        if (status != BH_RING_OK) {
            break;
        }
    }
    bool signal = taken > 0 && bh_ring_release(&client->channel.submit);
    signal |= client_send_input(client);
    if (signal) {
        server->signal(client->channel.signal_cap);
    }
    if (status == BH_RING_BROKEN || bh_channel_broken(&client->channel)) {
        break_client(server, client,
                     status == BH_RING_BROKEN && !client->channel.submit.broken
                         ? "an impossible entry"
                         : "an impossible index");
    } else if (!ready(server, client)) {
        client->waiting = client_sleep_for_input(client);
        client->active = !client->waiting;
    } else if (status == BH_RING_EMPTY) {
        client->active = !client_sleep(client);
    }
}

bool server_run(struct server *server)
{
    bool more = false;
    /* Another one begins each time: the terminal's room goes to those that come first. */
    uint32_t first = server->client_count > 0 ? server->round++ % server->client_count : 0;
    for (uint32_t i = 0; i < server->client_count; i++) {
        uint32_t at =
            first + i < server->client_count ? first + i : first + i - server->client_count;
        struct client *client = server->client[at];
        if (client->active) {
            serve(server, client);
            more |= client->active;
        }
    }
    return more;
}

void server_wake(struct server *server, uint64_t bits)
{
    for (uint32_t i = 0; i < server->client_count; i++) {
        if ((server->client[i]->channel.wake_bits & bits) != 0) {
            activate(server->client[i]);
        }
    }
}

void server_drained(struct server *server)
{
    for (uint32_t i = 0; i < server->client_count; i++) {
        struct client *client = server->client[i];
        if (client->waiting && ready(server, client)) {
            activate(client);
        }
    }
}

void server_detach(struct server *server, uint32_t index)
{
    struct client **place = find(server, index);
    if (place == NULL) {
        return;
    }
    struct client *client = *place;
    uint32_t left =
        client->broken
            ? 0
            : client->channel.submit.size; /* more can only come from a peer that goes on */
    while (left > 0 && take_entry(server, client) == BH_RING_OK) {
        left--;
    }
    if (client->protocol == BH_PROTOCOL_CONSOLE) {
        struct line_source source = {server, client};
        lines_flush(&client->lines, system_line, &source);
        consoles_detach(&server->consoles, client->console);
    }
    *place = server->client[--server->client_count];
    free(client);
}
