/* SPDX-License-Identifier: BSD-2-Clause */
/* Which console is shown, what of the others appears on the terminal, and who gets a history entry.
 */
#include <string.h>

#include "domains/console/consoles.h"
#include "domains/console/history.h"
#include "test/unit/check.h"

#define HISTORIES 4

static struct consoles consoles;
static struct output output;
static struct bh_console_history histories[HISTORIES];
static char screen[OUTPUT_SIZE + 1];

static void start(const char *wanted, bool raw)
{
    memset(histories, 0, sizeof(histories));
    output = (struct output){0};
    consoles_init(&consoles, &output, histories, HISTORIES, wanted, raw);
}

static const char *drain(void)
{
    size_t total = 0, length;
    for (;;) {
        const uint8_t *data = output_front(&output, &length);
        if (length == 0) {
            break;
        }
        memcpy(screen + total, data, length);
        output_take(&output, length);
        total += length;
    }
    screen[total] = 0;
    return screen;
}

static void expect(const char *text)
{
    const char *seen = drain();
    if (strcmp(seen, text) != 0) {
        fprintf(stderr, "seen: <%s>\nexpected: <%s>\n", seen, text);
        abort();
    }
}

static void write_text(uint32_t index, const char *text)
{
    consoles_write(&consoles, index, (const uint8_t *)text, strlen(text));
}

static void system_line(const char *text)
{
    consoles_system_line(&consoles, text, strlen(text));
}

static void the_first_guest_is_shown(void)
{
    start("", false);
    CHECK_EQUAL(consoles.shown, CONSOLES_SYSTEM);
    system_line("root: building");
    expect("root: building\r\n");
    CHECK_EQUAL(consoles_attach(&consoles, "system"), CONSOLES_SYSTEM);
    CHECK_EQUAL(consoles.shown, CONSOLES_SYSTEM);
    CHECK_EQUAL(consoles_attach(&consoles, "debian1"), 1);
    expect("[console 1: debian1]\r\n");
    CHECK_EQUAL(consoles_attach(&consoles, "debian2"), 2);
    write_text(2, "hidden");
    write_text(1, "visible");
    system_line("root: hidden");
    expect("visible");
    system_line("bulkhead: system ready");
    write_text(1, "x");
    expect("\r\nbulkhead: system ready\r\nx");
    system_line("bulkhead:no notice");
    system_line("a bulkhead: no notice");
    expect("");
}

static void the_wanted_console_is_shown(void)
{
    start("debian2", false);
    CHECK_EQUAL(consoles_attach(&consoles, "debian1"), 1);
    CHECK_EQUAL(consoles.shown, CONSOLES_SYSTEM);
    CHECK_EQUAL(consoles_attach(&consoles, "debian2"), 2);
    CHECK_EQUAL(consoles.shown, 2);
    expect("[console 2: debian2]\r\n");

    start("system", false);
    CHECK_EQUAL(consoles_attach(&consoles, "debian1"), 1);
    CHECK_EQUAL(consoles.shown, CONSOLES_SYSTEM);

    start("debian2", false); /* what the operator chose stays */
    CHECK_EQUAL(consoles_attach(&consoles, "debian1"), 1);
    consoles_show(&consoles, 1);
    CHECK_EQUAL(consoles_attach(&consoles, "debian2"), 2);
    CHECK_EQUAL(consoles.shown, 1);
}

static void raw_mode_adds_nothing(void)
{
    start("debian2", true);
    CHECK_EQUAL(consoles.shown, CONSOLES_NONE);
    system_line("root: building");
    CHECK_EQUAL(consoles_attach(&consoles, "debian1"), 1);
    write_text(1, "one\r\n");
    expect("");
    system_line("bulkhead: notice");
    expect("bulkhead: notice\r\n");
    CHECK_EQUAL(consoles_attach(&consoles, "debian2"), 2);
    write_text(2, "two\r\n");
    expect("two\r\n");
    consoles_show(&consoles, 1);
    consoles_list(&consoles);
    consoles_help(&consoles);
    consoles_say(&consoles, "hello");
    expect("");
    write_text(2, "two");
    write_text(1, "one");
    expect("one");

    start("", true);
    system_line("root: building");
    expect("root: building\r\n");
    CHECK_EQUAL(consoles_attach(&consoles, "debian1"), 1);
    system_line("root: on");
    expect("");
}

static void switching_replays_the_last_lines(void)
{
    start("", false);
    CHECK_EQUAL(consoles_attach(&consoles, "a"), 1);
    CHECK_EQUAL(consoles_attach(&consoles, "b"), 2);
    write_text(1, "prompt> ");
    write_text(2, "first\r\nlogin: ");
    (void)drain();
    consoles_show(&consoles, 2);
    expect("\r\n[console 2: b]\r\nfirst\r\nlogin: ");
    consoles_show_next(&consoles);
    expect("\r\n[console 0: system]\r\n");
    consoles_show_next(&consoles);
    expect("[console 1: a]\r\nprompt> ");
    consoles_show_previous(&consoles);
    consoles_show_previous(&consoles);
    CHECK_EQUAL(consoles.shown, 2);
    (void)drain();
    consoles_detach(&consoles, 1);
    consoles_show_previous(&consoles); /* past the closed one */
    CHECK_EQUAL(consoles.shown, CONSOLES_SYSTEM);
    (void)drain();
    consoles_show(&consoles, 1);
    expect("[console 1: a] closed\r\nprompt> ");
    consoles_list(&consoles);
    expect("\r\n[   0 system]\r\n[*  1 a, closed]\r\n[   2 b]\r\n");
    consoles_show(&consoles, 3);
    CHECK_EQUAL(consoles.shown, 1);
    expect("");
    for (int i = 0; i < 100; i++) {
        write_text(2, "line\r\n");
    }
    consoles_show(&consoles, 2);
    CHECK_EQUAL(strlen(drain()), strlen("[console 2: b]\r\n") + 20 * 6);
}

static void a_console_keeps_number_and_history(void)
{
    start("", false);
    CHECK_EQUAL(consoles_attach(&consoles, "a"), 1);
    write_text(1, "before\r\n");
    consoles_detach(&consoles, 1);
    CHECK_EQUAL(consoles_attach(&consoles, "b"), 2);
    CHECK_EQUAL(consoles_attach(&consoles, "a"), 1);
    write_text(1, "after\r\n");
    CHECK(strcmp(consoles.console[1].history->name, "a") == 0);
    CHECK(memcmp(consoles.console[1].history->data, "before\r\nafter\r\n", 15) == 0);
    /* shared: open until the last client is gone */
    CHECK_EQUAL(consoles_attach(&consoles, "a"), 1);
    consoles_detach(&consoles, 1);
    CHECK_EQUAL(consoles.console[1].clients, 1);
}

static bool has_entry(const char *name)
{
    for (int i = 0; i < HISTORIES; i++) {
        if (strcmp(histories[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void entries_of_closed_consoles_go_last_and_oldest_first(void)
{
    start("x", false);
    uint32_t a = consoles_attach(&consoles, "a");
    uint32_t b = consoles_attach(&consoles, "b");
    consoles_detach(&consoles, b);
    consoles_detach(&consoles, a);
    (void)consoles_attach(&consoles, "c"); /* the last free one */
    CHECK(has_entry("system") && has_entry("a") && has_entry("b") && has_entry("c"));
    uint32_t d = consoles_attach(&consoles, "d");
    CHECK(has_entry("a") && !has_entry("b") && has_entry("d"));
    (void)consoles_attach(&consoles, "e");
    CHECK(!has_entry("a") && has_entry("e"));
    uint32_t f = consoles_attach(&consoles, "f"); /* none is left: it works without */
    CHECK(consoles.console[f].history == NULL);
    write_text(f, "text");
    consoles_show(&consoles, f);
    write_text(f, "text");
    expect("[console 6: f]\r\ntext");
    consoles_detach(&consoles, d);
    CHECK_EQUAL(consoles_attach(&consoles, "b"), b); /* its number is still its own */
    CHECK(has_entry("b") && !has_entry("d"));
}

static void a_restart_takes_the_histories_over(void)
{
    start("", false);
    (void)consoles_attach(&consoles, "a");
    (void)consoles_attach(&consoles, "b");
    system_line("root: x");
    write_text(2, "kept\r\n");
    memset(histories[3].name, 'z', sizeof(histories[3].name)); /* no string: not ours */
    output = (struct output){0};
    consoles_init(&consoles, &output, histories, HISTORIES, "", false);
    CHECK_EQUAL(histories[3].name[0], 0);
    CHECK_EQUAL(consoles_find(&consoles, "b"), 2);
    CHECK_EQUAL(consoles.console[2].clients, 0);
    CHECK_EQUAL(consoles_attach(&consoles, "b"), 2);
    expect("[console 2: b]\r\nkept\r\n");
    consoles_show(&consoles, CONSOLES_SYSTEM);
    expect("[console 0: system]\r\nroot: x\r\n");
    CHECK_EQUAL(consoles_attach(&consoles, "a"), 1);

    memcpy(histories[3].name, "a", 2); /* twice the same name */
    consoles_init(&consoles, &output, histories, HISTORIES, "", false);
    CHECK_EQUAL(consoles.count, 3);
    CHECK_EQUAL(histories[3].name[0], 0);
}

static void the_table_is_full_only_of_open_consoles(void)
{
    start("", false);
    char name[16];
    for (uint32_t i = 1; i < CONSOLES_MAX; i++) {
        snprintf(name, sizeof(name), "guest%u", i);
        CHECK_EQUAL(consoles_attach(&consoles, name), i);
    }
    CHECK_EQUAL(consoles_attach(&consoles, "one-more"), CONSOLES_NONE);
    CHECK_EQUAL(consoles_attach(&consoles, "guest7"), 7);
    consoles_detach(&consoles, 7);
    consoles_detach(&consoles, 7);
    consoles_detach(&consoles, 3);
    CHECK_EQUAL(consoles_attach(&consoles, "one-more"), 7);
    CHECK_EQUAL(consoles_find(&consoles, "guest7"), CONSOLES_NONE);
    consoles_list(&consoles);
    consoles_detach(&consoles, 1); /* the shown one stays, closed or not */
    CHECK_EQUAL(consoles.shown, 1);
    CHECK_EQUAL(consoles_attach(&consoles, "two-more"), 3);
    CHECK_EQUAL(consoles_attach(&consoles, "three-more"), CONSOLES_NONE);
}

static void without_histories_it_works(void)
{
    output = (struct output){0};
    consoles_init(&consoles, &output, NULL, 0, "", false);
    CHECK_EQUAL(consoles_attach(&consoles, "a"), 1);
    write_text(1, "x");
    system_line("bulkhead: y");
    consoles_show(&consoles, CONSOLES_SYSTEM);
    expect("[console 1: a]\r\nx\r\nbulkhead: y\r\n[console 0: system]\r\n");
}

static void a_backlog_holds_back_what_is_visible(void)
{
    start("", false);
    (void)consoles_attach(&consoles, "a");
    (void)consoles_attach(&consoles, "b");
    (void)drain();
    uint32_t chunks = 0;
    while (consoles_ready(&consoles, 1)) {
        write_text(1, "0123456789");
        chunks++;
    }
    CHECK_EQUAL(chunks, (CONSOLES_AHEAD + 9) / 10);
    CHECK(!consoles_ready(&consoles, CONSOLES_SYSTEM));
    CHECK(consoles_ready(&consoles, 2));
    CHECK_EQUAL(strlen(drain()), chunks * 10);
    CHECK(consoles_ready(&consoles, 1) && consoles_ready(&consoles, CONSOLES_SYSTEM));
}

int main(void)
{
    the_first_guest_is_shown();
    the_wanted_console_is_shown();
    raw_mode_adds_nothing();
    switching_replays_the_last_lines();
    a_console_keeps_number_and_history();
    entries_of_closed_consoles_go_last_and_oldest_first();
    a_restart_takes_the_histories_over();
    the_table_is_full_only_of_open_consoles();
    without_histories_it_works();
    a_backlog_holds_back_what_is_visible();
    return 0;
}
