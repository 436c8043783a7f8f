/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/manager/settings.h"

/* A decimal number from 0 to `max` without leading zeros; *text moves behind it. */
static bool take_number(const char **text, uint32_t max, uint32_t *number)
{
    const char *c = *text;
    if (*c < '0' || *c > '9' || (*c == '0' && c[1] >= '0' && c[1] <= '9')) {
        return false;
    }
    *number = 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        *number = *number * 10 + (uint32_t)(*c - '0');
        if (*number > max) {
            return false;
        }
    }
    *text = c;
    return true;
}

static bool take_address(const char **text, uint32_t *address)
{
    *address = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t byte;
        if ((i > 0 && *(*text)++ != '.') || !take_number(text, 255, &byte)) {
            return false;
        }
        *address |= byte << (8 * i); /* network order on a little-endian machine */
    }
    return true;
}

bool settings_address_parse(const char *text, uint32_t *address)
{
    return take_address(&text, address) && *text == '\0';
}

bool settings_network_parse(const char *text, struct settings_network *network)
{
    uint32_t prefix;
    if (!take_address(&text, &network->address) || *text != '/') {
        return false;
    }
    text++;
    if (!take_number(&text, 30, &prefix) || prefix == 0 || *text != '\0') {
        return false;
    }
    network->mask = __builtin_bswap32(UINT32_MAX << (32 - prefix));
    return true;
}

bool settings_port_parse(const char *text, uint16_t *port)
{
    uint32_t number;
    if (!take_number(&text, 65535, &number) || number == 0 || *text != '\0') {
        return false;
    }
    *port = (uint16_t)number;
    return true;
}
