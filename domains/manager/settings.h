/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system description's `arguments` tell the manager. Pure. */
#ifndef MANAGER_SETTINGS_H
#define MANAGER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/* Addresses are in network order, as lwIP keeps them. */
struct settings_network {
    uint32_t address;
    uint32_t mask;
};

/* "10.0.2.15/24": four decimal numbers from 0 to 255 without leading zeros, and a prefix from 1
 * to 30. */
bool settings_network_parse(const char *text, struct settings_network *network);

/* "10.0.2.2" */
bool settings_address_parse(const char *text, uint32_t *address);

/* "80": 1 to 65535 */
bool settings_port_parse(const char *text, uint16_t *port);

#endif
