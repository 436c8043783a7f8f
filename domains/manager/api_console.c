/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/guests/NAME/console, /v1/system/console */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domains/manager/api_route.h"

/* A decimal number without sign. */
static bool parse_number(const char *text, uint64_t *number)
{
    *number = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; c++) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*c - '0'), number)) {
            return false;
        }
    }
    return c != text && *c == '\0';
}

static void add_number_field(struct api_call *call, const char *name, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    http_response_field(call->response, name, text);
}

static void answer_output(struct api_call *call, const char *console)
{
    uint64_t from = 0;
    if (call->query != NULL && !parse_number(call->query, &from)) {
        api_error(call, 400, "badParameter", "from: \"%s\" is no number of a byte", call->query);
        return;
    }
    uint8_t *data = malloc(BH_CONSOLE_HISTORY);
    if (data == NULL) {
        api_error(call, 503, "outOfMemory", "the manager has no memory for the answer");
        return;
    }
    struct console_output output = {.from = 0};
    enum table_status status = table_console(call->manager, console, from, data, &output);
    if (status == TABLE_BUSY) {
        free(data);
        api_table_busy(call, "consoles");
        return;
    }
    if (status == TABLE_NONE) { /* a guest that has never been started may have no console yet */
        output = (struct console_output){.from = 0};
    }
    call->response->status = 200;
    call->response->type = "application/octet-stream";
    call->response->body = (char *)data;
    call->response->body_length = (size_t)(output.next - output.from);
    add_number_field(call, "X-Console-From", output.from);
    add_number_field(call, "X-Console-Next", output.next);
}

void api_console_read(struct api_call *call)
{
    struct bh_guest_info guest;
    if (api_find_guest(call, &guest)) {
        answer_output(call, guest.config.name);
    }
}

void api_system_console(struct api_call *call)
{
    answer_output(call, BH_CONSOLE_SYSTEM);
}

/* Puts as much of the input into the console domain's ring as fits; returns how much. */
static size_t send_input(struct bh_channel *channel, const char *console, const uint8_t *data,
                         size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        size_t part = length - sent < BH_CONSOLE_INPUT_MAX ? length - sent : BH_CONSOLE_INPUT_MAX;
        struct bh_console_input input = {.length = (uint32_t)part};
        memcpy(input.console, console, strlen(console)); /* a guest's name fits */
        memcpy(input.data, data + sent, part);
        if (bh_ring_produce(&channel->submit, &input) != BH_RING_OK) {
            break;
        }
        sent += part;
    }
    return sent;
}

void api_console_write(struct api_call *call)
{
    struct manager *manager = call->manager;
    struct bh_guest_info guest;
    if (!api_find_guest(call, &guest)) {
        return;
    }
    if (manager->console_input == NULL || bh_channel_broken(manager->console_input)) {
        api_error(call, 503, "unavailable", "the console domain takes no input at present");
        return;
    }
    size_t sent = send_input(manager->console_input, guest.config.name, call->request->body,
                             call->request->body_length);
    if (bh_ring_publish(&manager->console_input->submit)) {
        manager->operations->signal(manager->context, manager->console_input->signal_cap);
    }
    if (sent == 0 && call->request->body_length != 0) {
        http_response_field(call->response, "Retry-After", "1");
        api_error(call, 503, "busy", "the console domain has not taken earlier input yet");
        return;
    }
    struct json_writer writer;
    cJSON *root = json_begin(&writer);
    json_unsigned(&writer, root, "accepted", sent);
    api_json(call, 200, &writer);
}
