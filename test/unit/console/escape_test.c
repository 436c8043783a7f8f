/* SPDX-License-Identifier: BSD-2-Clause */
/* Only Ctrl-] and the key after it are taken; everything else reaches the console, byte for byte.
 */
#include "domains/console/escape.h"
#include "test/unit/check.h"

static void expect(struct escape *escape, uint8_t key, enum escape_action action, uint8_t value)
{
    struct escape_result result = escape_key(escape, key);
    CHECK_EQUAL(result.action, action);
    CHECK_EQUAL(result.value, value);
}

static void command(uint8_t key, enum escape_action action, uint8_t value)
{
    struct escape escape = {0};
    expect(&escape, ESCAPE_KEY, ESCAPE_NOTHING, 0);
    expect(&escape, key, action, value);
    expect(&escape, key, ESCAPE_INPUT, key); /* the prefix holds for one key */
}

int main(void)
{
    struct escape escape = {0};
    for (int key = 0; key < 256; key++) {
        if (key != ESCAPE_KEY) {
            expect(&escape, (uint8_t)key, ESCAPE_INPUT, (uint8_t)key);
        }
    }
    for (uint8_t digit = 0; digit <= 9; digit++) {
        command((uint8_t)('0' + digit), ESCAPE_SHOW, digit);
    }
    command('n', ESCAPE_NEXT, 0);
    command('p', ESCAPE_PREVIOUS, 0);
    command('l', ESCAPE_LIST, 0);
    command('q', ESCAPE_POWER_OFF, 0);
    command('h', ESCAPE_HELP, 0);
    command('?', ESCAPE_HELP, 0);
    command(']', ESCAPE_INPUT, ESCAPE_KEY);
    command('x', ESCAPE_NOTHING, 0);
    command('\r', ESCAPE_NOTHING, 0);

    expect(&escape, ESCAPE_KEY, ESCAPE_NOTHING, 0);
    expect(&escape, ESCAPE_KEY, ESCAPE_NOTHING, 0);
    expect(&escape, ESCAPE_KEY, ESCAPE_NOTHING, 0);
    expect(&escape, '2', ESCAPE_SHOW, 2);
    expect(&escape, '2', ESCAPE_INPUT, '2');
    return 0;
}
