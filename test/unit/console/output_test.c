/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue keeps every byte in order, takes a text whole or not at all, and knows where lines
 * begin. */
#include <string.h>

#include "domains/console/output.h"
#include "test/unit/check.h"

static struct output output;

static void drain(char *text, size_t size)
{
    size_t total = 0, length;
    for (;;) {
        const uint8_t *data = output_front(&output, &length);
        if (length == 0) {
            break;
        }
        size_t take = length > 7 ? 7 : length; /* as a FIFO does */
        CHECK(total + take < size);
        memcpy(text + total, data, take);
        output_take(&output, take);
        total += take;
    }
    text[total] = 0;
}

static void expect(const char *expected)
{
    char text[256];
    drain(text, sizeof(text));
    CHECK(strcmp(text, expected) == 0);
}

static void lines_begin_at_the_beginning_of_a_line(void)
{
    output = (struct output){0};
    CHECK(output_put_line(&output, "first\r\n", 7));
    CHECK(output_put(&output, "login: ", 7));
    CHECK(output_put_line(&output, "bulkhead: x\r\n", 13));
    CHECK(output_put_line(&output, "y\r\n", 3));
    CHECK(output_put(&output, "a\n\r", 3));
    CHECK(output_put_line(&output, "z\r\n", 3));
    CHECK(output_put(&output, "b", 1));
    CHECK(output_put(&output, "\r", 1)); /* the line is not over */
    CHECK(output_put(&output, "", 0));
    CHECK(output_put_line(&output, "c\r\n", 3));
    expect("first\r\nlogin: \r\nbulkhead: x\r\ny\r\na\n\rz\r\nb\r\r\nc\r\n");
}

static void order_survives_wrapping(void)
{
    output = (struct output){.head = UINT32_MAX - 1000, .tail = UINT32_MAX - 1000};
    uint32_t in = 0, out = 0;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        uint8_t data[300];
        size_t length = (size_t)rand() % sizeof(data);
        for (size_t i = 0; i < length; i++) {
            data[i] = (uint8_t)((in + i) * 31 >> 3);
        }
        size_t room = output_room(&output);
        CHECK_EQUAL(room, OUTPUT_SIZE - (in - out));
        CHECK(output_put(&output, data, length) == (length <= room));
        in += length <= room ? (uint32_t)length : 0;
        size_t take = (size_t)rand() % 290;
        size_t front;
        const uint8_t *bytes = output_front(&output, &front);
        take = take < front ? take : front;
        for (size_t i = 0; i < take; i++) {
            CHECK_EQUAL(bytes[i], (uint8_t)((out + i) * 31 >> 3));
        }
        output_take(&output, take);
        out += (uint32_t)take;
    }
}

static void a_full_queue_takes_nothing(void)
{
    output = (struct output){0};
    static uint8_t block[OUTPUT_SIZE];
    CHECK(!output_put(&output, block, OUTPUT_SIZE + 1));
    CHECK(output_put(&output, block, OUTPUT_SIZE - 2));
    CHECK(!output_put_line(&output, "x", 1));
    CHECK_EQUAL(output_room(&output), 2);
    CHECK(output_put(&output, "ab", 2));
    CHECK(!output_put(&output, "c", 1));
    CHECK(output_put(&output, "", 0));
}

int main(void)
{
    lines_begin_at_the_beginning_of_a_line();
    order_survives_wrapping();
    a_full_queue_takes_nothing();
    return 0;
}
