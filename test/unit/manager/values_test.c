/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes, times, addresses, tokens, and copies out of tables that others write. */
#include <string.h>

#include "domains/manager/settings.h"
#include "domains/manager/tables.h"
#include "domains/manager/token.h"
#include "domains/manager/units.h"
#include "test/unit/check.h"

static void sizes(void)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } cases[] = {
        {"268435456", 268435456},
        {"256M", 268435456},
        {"256MiB", 268435456},
        {"1G", 1 << 30},
        {"4K", 4096},
        {"18446744073709551615", UINT64_MAX},
        {"", 0},
        {"M", 0},
        {"-1", 0},
        {"1.5G", 0},
        {"1m", 0},
        {"1MB", 0},
        {"1 M", 0},
        {" 1M", 0},
        {"1M ", 0},
        {"18446744073709551616", 0},
        {"17179869184G", 0},
        {"0x10", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes = 0;
        CHECK_EQUAL(size_from_text(cases[i].text, &bytes), cases[i].bytes != 0);
        CHECK(cases[i].bytes == 0 || bytes == cases[i].bytes);
    }
}

static void times(void)
{
    CHECK_EQUAL(nanoseconds_from_ticks(62500000, 62500000), 1000000000);
    CHECK_EQUAL(nanoseconds_from_ticks(UINT64_MAX, 1000000000), UINT64_MAX);
    CHECK_EQUAL(nanoseconds_from_ticks(UINT64_MAX, 1), UINT64_MAX);
    CHECK_EQUAL(nanoseconds_from_ticks(5, 0), 0);
}

static void addresses(void)
{
    struct settings_network network;
    CHECK(settings_network_parse("10.0.2.15/24", &network));
    CHECK_EQUAL(network.address, 0x0f02000a);
    CHECK_EQUAL(network.mask, 0x00ffffff);
    CHECK(settings_network_parse("255.255.255.255/30", &network));
    CHECK_EQUAL(network.mask, 0xfcffffff);
    static const char *const bad[] = {"",
                                      "10.0.2.15",
                                      "10.0.2.15/",
                                      "10.0.2.15/0",
                                      "10.0.2.15/31",
                                      "10.0.2/24",
                                      "10.0.2.256/24",
                                      "010.0.2.1/24",
                                      "10.0.2.1/24 ",
                                      "10..2.1/24",
                                      "10.0.2.1.2/24",
                                      "a.0.2.1/24",
                                      "99999999999.0.2.1/24"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!settings_network_parse(bad[i], &network));
    }
    uint32_t address;
    uint16_t port;
    CHECK(settings_address_parse("10.0.2.2", &address));
    CHECK(!settings_address_parse("10.0.2.2/24", &address));
    CHECK(settings_port_parse("65535", &port));
    CHECK(!settings_port_parse("65536", &port));
    CHECK(!settings_port_parse("0", &port));
    CHECK(!settings_port_parse("80a", &port));
}

static void tokens(void)
{
    CHECK(token_accepts("secret", "Bearer secret"));
    CHECK(token_accepts("secret", "bearer   secret"));
    static const char *const bad[] = {NULL,
                                      "",
                                      "Bearer",
                                      "Bearer ",
                                      "secret",
                                      "Bearersecret",
                                      "Basic secret",
                                      "Bearer secre",
                                      "Bearer secrets",
                                      "Bearer Secret",
                                      "Bearer secretsecret",
                                      "Bearer secret x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(!token_accepts("secret", bad[i]));
    }
    CHECK(!token_accepts("", "Bearer "));
    CHECK(!token_accepts("", NULL));
}

static struct bh_guest_table guests;
static struct bh_volume_table volumes;
static struct bh_console_history history[2];
static struct manager manager = {
    .guests = &guests, .volumes = &volumes, .history = history, .history_count = 2};

static void tables_that_are_being_written_are_left_alone(void)
{
    struct bh_guest_info guest;
    struct bh_volume volume;
    struct memory_figures figures;
    guests.version = 1;
    guests.guest[0].state = BH_GUEST_OFF;
    volumes.version = 3;
    volumes.volume_count = 1;
    CHECK_EQUAL(table_guest(&manager, 0, &guest), TABLE_BUSY);
    CHECK_EQUAL(table_guest(&manager, 1, &guest), TABLE_NONE);
    CHECK_EQUAL(table_memory(&manager, &figures), TABLE_BUSY);
    CHECK_EQUAL(table_volume(&manager, 0, &volume), TABLE_BUSY);
    struct manager nothing = {.guests = NULL};
    CHECK_EQUAL(table_guest_named(&nothing, "a", &guest), TABLE_BUSY);
    CHECK_EQUAL(table_volume_named(&nothing, "a", &volume), TABLE_BUSY);
    CHECK_EQUAL(table_memory(&nothing, &figures), TABLE_BUSY);
    guests.version = volumes.version = 4;
}

static void hostile_entries_are_made_safe(void)
{
    struct bh_guest_info guest;
    memset(&guests.guest[5], 'x', sizeof(guests.guest[5]));
    CHECK_EQUAL(table_guest(&manager, 5, &guest), TABLE_OK);
    CHECK_EQUAL(strlen(guest.config.name), BH_NAME_MAX - 1);
    CHECK_EQUAL(strlen(guest.config.command_line), BH_GUEST_COMMAND_LINE_MAX - 1);
    CHECK_EQUAL(guest.config.disk_count, BH_GUEST_DISKS_MAX);
    CHECK_EQUAL(guest.config.net_count, BH_GUEST_NETS_MAX);
    CHECK_EQUAL(strlen(guest.config.disk[3].volume), BH_NAME_MAX - 1);
    CHECK_EQUAL(strlen(guest.reason), sizeof(guest.reason) - 1);
    CHECK_EQUAL(table_guest(&manager, UINT32_MAX, &guest), TABLE_NONE);

    struct bh_volume volume;
    memset(&volumes, 'x', sizeof(volumes));
    volumes.version = 2;
    CHECK_EQUAL(table_volume(&manager, BH_VOLUMES_MAX - 1, &volume), TABLE_OK);
    CHECK_EQUAL(strlen(volume.name), BH_VOLUME_NAME_MAX - 1);
    CHECK_EQUAL(table_volume(&manager, BH_VOLUMES_MAX, &volume), TABLE_NONE);
    CHECK_EQUAL(table_volume_named(&manager, "none", &volume), TABLE_NONE);
}

static void print(uint64_t first, uint64_t count)
{
    for (uint64_t n = first; n < first + count; n++) {
        history[1].data[n % BH_CONSOLE_HISTORY] = (uint8_t)(n * 7);
    }
    history[1].written = first + count;
}

#define SAFE (BH_CONSOLE_HISTORY - BH_CONSOLE_HISTORY_STEP)

static void expect(uint64_t from, uint64_t expected_from, uint64_t expected_next)
{
    uint8_t *data = malloc(BH_CONSOLE_HISTORY);
    struct console_output output;
    CHECK(data != NULL);
    CHECK_EQUAL(table_console(&manager, "g", from, data, &output), TABLE_OK);
    CHECK_EQUAL(output.from, expected_from);
    CHECK_EQUAL(output.next, expected_next);
    for (uint64_t n = expected_from; n < expected_next; n++) {
        CHECK_EQUAL(data[n - expected_from], (uint8_t)(n * 7));
    }
    free(data);
}

static void consoles_are_read_from_any_byte(void)
{
    memcpy(history[1].name, "g", 2);
    expect(0, 0, 0);
    print(0, 100);
    expect(0, 0, 100);
    expect(99, 99, 100);
    expect(100, 100, 100);
    expect(101, 0, 100); /* of an earlier life of the console */
    expect(UINT64_MAX, 0, 100);
    print(100, 30000);
    expect(0, 30100 - SAFE, 30100);
    expect(30099, 30099, 30100);
    expect(20000, 20000, 30100);
    struct console_output output;
    uint8_t data[1];
    CHECK_EQUAL(table_console(&manager, "h", 0, data, &output), TABLE_NONE);
    memset(history[0].name, 'h', sizeof(history[0].name)); /* not terminated */
    CHECK_EQUAL(table_console(&manager, "h", 0, data, &output), TABLE_NONE);
    history[1].written = UINT64_MAX; /* whatever it says, the copy stays inside */
    uint8_t *all = malloc(BH_CONSOLE_HISTORY);
    CHECK_EQUAL(table_console(&manager, "g", 0, all, &output), TABLE_OK);
    CHECK_EQUAL(output.next - output.from, SAFE);
    free(all);
}

int main(void)
{
    sizes();
    times();
    addresses();
    tokens();
    tables_that_are_being_written_are_left_alone();
    hostile_entries_are_made_safe();
    consoles_are_read_from_any_byte();
    return 0;
}
