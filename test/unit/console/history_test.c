/* SPDX-License-Identifier: BSD-2-Clause */
/* The history holds the last bytes of a console where the protocol says, and its last lines are
 * found. */
#include <string.h>

#include "domains/console/history.h"
#include "test/unit/check.h"

static struct bh_console_history history;

static void append(const char *text)
{
    history_append(&history, text, strlen(text));
}

static void tail_is(unsigned lines, size_t bytes, const char *expected)
{
    char text[256];
    uint64_t from = history_tail(&history, lines, bytes);
    size_t length = (size_t)(history.written - from);
    CHECK(length < sizeof(text));
    history_copy(&history, from, text, length);
    text[length] = 0;
    CHECK(strcmp(text, expected) == 0);
}

static void the_tail_is_whole_lines(void)
{
    char name[BH_CONSOLE_NAME_MAX] = "debian1";
    history_reset(&history, name);
    CHECK(history_valid(&history));
    tail_is(3, 100, "");
    append("\r\n");
    tail_is(1, 100, "\r\n");
    append("one\r\ntwo\r\nlogin: ");
    tail_is(1, 100, "login: ");
    tail_is(2, 100, "two\r\nlogin: ");
    tail_is(9, 100, "\r\none\r\ntwo\r\nlogin: ");
    tail_is(9, 4, "in: ");
    tail_is(9, 0, "");
    append("x\r\n");
    tail_is(1, 100, "login: x\r\n");
}

static void the_last_bytes_are_kept(void)
{
    char name[BH_CONSOLE_NAME_MAX] = "a";
    history_reset(&history, name);
    uint64_t total = 0;
    srand(1);
    for (int step = 0; step < 2000; step++) {
        uint8_t data[200];
        size_t length = (size_t)rand() % sizeof(data);
        for (size_t i = 0; i < length; i++) {
            data[i] = (uint8_t)((total + i) * 7 >> 4);
        }
        history_append(&history, data, length);
        total += length;
        CHECK_EQUAL(history.written, total);
    }
    CHECK(total > 3 * BH_CONSOLE_HISTORY);
    for (uint64_t n = total - BH_CONSOLE_HISTORY; n < total; n++) {
        CHECK_EQUAL(history.data[n % BH_CONSOLE_HISTORY], (uint8_t)(n * 7 >> 4));
    }
    uint8_t copy[1000];
    uint64_t from = total - total % BH_CONSOLE_HISTORY - 500; /* across the end of the array */
    from = from + BH_CONSOLE_HISTORY >= total ? from : total - sizeof(copy);
    size_t length = total - from < sizeof(copy) ? (size_t)(total - from) : sizeof(copy);
    history_copy(&history, from, copy, length);
    for (size_t i = 0; i < length; i++) {
        CHECK_EQUAL(copy[i], (uint8_t)((from + i) * 7 >> 4));
    }
}

static void a_full_history_without_lines_has_a_tail(void)
{
    char name[BH_CONSOLE_NAME_MAX] = "a";
    history_reset(&history, name);
    for (unsigned i = 0; i < 2 * BH_CONSOLE_HISTORY; i++) {
        append("x");
    }
    CHECK_EQUAL(history.written - history_tail(&history, 10, SIZE_MAX), BH_CONSOLE_HISTORY);
    CHECK_EQUAL(history.written - history_tail(&history, 10, 2048), 2048);
}

static void only_names_make_an_entry_valid(void)
{
    memset(&history, 0, sizeof(history));
    CHECK(!history_valid(&history));
    memset(history.name, 'a', sizeof(history.name));
    CHECK(!history_valid(&history));
    history.name[sizeof(history.name) - 1] = 0;
    CHECK(history_valid(&history));
    history.name[3] = '\n';
    CHECK(!history_valid(&history));
    history.name[3] = (char)0x80;
    CHECK(!history_valid(&history));
    char name[BH_CONSOLE_NAME_MAX] = "b";
    history.written = UINT64_MAX - 10;
    history_reset(&history, name);
    CHECK(history_valid(&history) && strcmp(history.name, "b") == 0 && history.written == 0);
}

int main(void)
{
    the_tail_is_whole_lines();
    the_last_bytes_are_kept();
    a_full_history_without_lines_has_a_tail();
    only_names_make_an_entry_valid();
    return 0;
}
