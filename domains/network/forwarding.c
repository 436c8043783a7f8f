/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/network/forwarding.h"

#define GROUP_BIT \
    (UINT64_C(1) << 40) /* the least significant bit of the first byte: a group address */
#define RESERVED_PREFIX UINT64_C(0x0180c2000000)

static uint64_t address_at(const uint8_t *bytes)
{
    uint64_t address = 0;
    for (unsigned i = 0; i < 6; i++) {
        address = address << 8 | bytes[i];
    }
    return address;
}

static bool individual(uint64_t address)
{
    return address != 0 && (address & GROUP_BIT) == 0 && address >> 48 == 0;
}

void forwarding_init(struct forwarding *forwarding, bool isolated, uint64_t seed, uint64_t lifetime)
{
    forwarding->ports = 0;
    forwarding->isolated = isolated;
    mac_table_init(&forwarding->table, seed, lifetime);
}

bool forwarding_add_port(struct forwarding *forwarding, uint32_t port, uint64_t address)
{
    if (address != 0 &&
        (!individual(address) || !mac_table_assign(&forwarding->table, port, address))) {
        return false;
    }
    forwarding->ports |= UINT64_C(1) << port;
    return true;
}

void forwarding_remove_port(struct forwarding *forwarding, uint32_t port)
{
    forwarding->ports &= ~(UINT64_C(1) << port);
    mac_table_remove_port(&forwarding->table, port);
}

static struct forwarding_decision drop(enum forwarding_verdict verdict)
{
    return (struct forwarding_decision){.verdict = verdict};
}

struct forwarding_decision forwarding_decide(struct forwarding *forwarding, uint32_t ingress,
                                             const uint8_t header[FORWARDING_HEADER], uint64_t now)
{
    uint64_t destination = address_at(header);
    uint64_t source = address_at(header + 6);
    if (!individual(source)) {
        return drop(FORWARDING_BAD_SOURCE);
    }
    if (mac_table_learn(&forwarding->table, ingress, source, now) == MAC_TABLE_FOREIGN) {
        return drop(FORWARDING_SPOOFED);
    }
    if ((destination & ~UINT64_C(0xf)) == RESERVED_PREFIX) {
        return drop(FORWARDING_RESERVED);
    }
    uint64_t others = forwarding->ports & ~(UINT64_C(1) << ingress);
    if (forwarding->isolated && ingress != MAC_TABLE_UPLINK) {
        others &= UINT64_C(1) << MAC_TABLE_UPLINK;
    }
    if (destination & GROUP_BIT) {
        return (struct forwarding_decision){.egress = others};
    }
    uint32_t port = mac_table_find(&forwarding->table, destination, now);
    if (port == MAC_TABLE_NO_PORT) {
        return (struct forwarding_decision){.egress = others};
    }
    if (port == ingress) {
        return drop(FORWARDING_LOCAL);
    }
    return (struct forwarding_decision){.egress = others & (UINT64_C(1) << port)};
}
