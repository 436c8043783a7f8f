/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manager's HTTP server and API against any bytes, cut anywhere: it never crashes or gets
 * stuck, answers with HTTP or not at all, and does nothing for those without the token.
 */
#include "domains/manager/api.h"
#include "test/fuzz/input.h"
#include "test/unit/manager/fake.h"

#define OUTPUT_MAX (1u << 20)
#define HAS_TOKEN  "Authorization: Bearer secret\r\n"

static char output[256];
static size_t output_length;

static void take_output(struct http_connection *connection, uint64_t now)
{
    size_t size;
    const char *data;
    while ((data = http_connection_output(connection, &size)) != NULL && size > 0) {
        for (size_t i = 0; i < size && output_length + i < sizeof(output); i++) {
            output[output_length + i] = data[i];
        }
        output_length += size;
        http_connection_sent(connection, size, now);
    }
}

static void feed(struct http_connection *connection, const uint8_t *data, size_t size,
                 uint64_t *now)
{
    while (size > 0 && connection->state != HTTP_CONNECTION_CLOSED && output_length < OUTPUT_MAX) {
        size_t taken = http_connection_input(connection, data, size, *now);
        HOLDS(taken <= size);
        data += taken;
        size -= taken;
        take_output(connection, *now);
        *now += 20000; /* so that what waits goes on */
        http_connection_tick(connection, *now);
        take_output(connection, *now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fake fake;
    static struct http_connection connection;
    struct input input = {data, size};
    size_t piece = 1 + (input_take(&input, 2) & 0x7ff);
    bool prefix = (input_byte(&input) & 1) != 0;
    uint64_t now = 0;

    fake_open(&fake);
    struct http_handler handler = api_handler(&fake.manager);
    http_connection_open(&connection, &handler, now);
    output_length = 0;
    if (prefix) { /* deeper at once: the input is the rest of a request with the token */
        static const uint8_t start[] = "POST /v1/guests HTTP/1.1\r\nHost: x\r\n" HAS_TOKEN;
        feed(&connection, start, sizeof(start) - 1, &now);
    }
    bool authorised = prefix || memmem(input.data, input.size, "secret", 6) != NULL;
    while (input.size > 0) {
        size_t count = piece < input.size ? piece : input.size;
        /* Memory of its own, so that reading behind it is seen. */
        uint8_t *copy = malloc(count);
        HOLDS(copy != NULL);
        memcpy(copy, input.data, count);
        feed(&connection, copy, count, &now);
        free(copy);
        input.data += count;
        input.size -= count;
    }
    HOLDS(output_length == 0 || memcmp(output, "HTTP/1.1 ", 9) == 0);
    if (!authorised) {
        HOLDS(output_length < 12 || (output[9] == '4' || output[9] == '5'));
        HOLDS(fake.guests.guest[1].state == BH_GUEST_NONE &&
              fake.manager.power == MANAGER_POWER_ON);
    }
    http_connection_close(&connection);
    fake_close(&fake);
    return 0;
}
