/* SPDX-License-Identifier: BSD-2-Clause */
/* Where frames go, and that no sender can push out or take over what others own in the table. */
#include <string.h>

#include "domains/network/forwarding.h"
#include "test/unit/check.h"

#define LIFETIME  300u
#define BIT(n)    (UINT64_C(1) << (n))
#define MAC(n)    (UINT64_C(0x520000000000) + (n))
#define BROADCAST UINT64_C(0xffffffffffff)

static struct forwarding forwarding;

static struct forwarding_decision send(uint32_t port, uint64_t source, uint64_t destination,
                                       uint64_t now)
{
    uint8_t header[FORWARDING_HEADER] = {0};
    for (unsigned i = 0; i < 6; i++) {
        header[i] = (uint8_t)(destination >> (40 - 8 * i));
        header[6 + i] = (uint8_t)(source >> (40 - 8 * i));
    }
    return forwarding_decide(&forwarding, port, header, now);
}

static void three_ports(bool isolated)
{
    forwarding_init(&forwarding, isolated, 12345, LIFETIME);
    CHECK(forwarding_add_port(&forwarding, 0, 0));
    CHECK(forwarding_add_port(&forwarding, 1, MAC(1)));
    CHECK(forwarding_add_port(&forwarding, 2, MAC(2)));
}

static void floods_what_it_does_not_know(void)
{
    three_ports(false);
    CHECK_EQUAL(send(1, MAC(1), MAC(99), 0).egress, BIT(0) | BIT(2));
    CHECK_EQUAL(send(1, MAC(1), BROADCAST, 0).egress, BIT(0) | BIT(2));
    CHECK_EQUAL(send(1, MAC(1), UINT64_C(0x01005e000001), 0).egress, BIT(0) | BIT(2));
    CHECK_EQUAL(send(0, MAC(50), UINT64_C(0x333300000001), 0).egress, BIT(1) | BIT(2));
}

static void learns_and_forgets(void)
{
    three_ports(false);
    CHECK_EQUAL(send(0, MAC(50), BROADCAST, 10).verdict, FORWARDING_OK);
    CHECK_EQUAL(send(1, MAC(1), MAC(50), 10 + LIFETIME).egress, BIT(0));
    CHECK_EQUAL(send(1, MAC(1), MAC(50), 11 + LIFETIME).egress,
                BIT(0) | BIT(2));                                        /* too old: flooded */
    CHECK_EQUAL(send(2, MAC(50), BROADCAST, 20).verdict, FORWARDING_OK); /* a station moves */
    CHECK_EQUAL(send(1, MAC(1), MAC(50), 21).egress, BIT(2));
    CHECK_EQUAL(send(2, MAC(2), MAC(50), 21).verdict, FORWARDING_LOCAL);
    CHECK_EQUAL(send(2, MAC(2), MAC(50), 21).egress, 0);
}

static void refuses_sources_that_can_not_be(void)
{
    three_ports(false);
    CHECK_EQUAL(send(1, BROADCAST, MAC(2), 0).verdict, FORWARDING_BAD_SOURCE);
    CHECK_EQUAL(send(1, UINT64_C(0x010000000000), MAC(2), 0).verdict, FORWARDING_BAD_SOURCE);
    CHECK_EQUAL(send(1, 0, MAC(2), 0).verdict, FORWARDING_BAD_SOURCE);
    CHECK_EQUAL(send(1, MAC(2), MAC(1), 0).verdict, FORWARDING_SPOOFED);
    CHECK_EQUAL(send(0, MAC(2), MAC(1), 0).verdict, FORWARDING_SPOOFED);
    CHECK_EQUAL(send(1, MAC(1), MAC(2), 0).egress, BIT(2)); /* still where it was */
}

static void assigned_addresses_never_age(void)
{
    three_ports(false);
    CHECK_EQUAL(send(0, MAC(50), MAC(1), UINT64_C(1) << 40).egress, BIT(1));
    for (uint64_t i = 0; i < 1000; i++) { /* new addresses of its own don't push it out either */
        CHECK_EQUAL(send(1, MAC(1000 + i), BROADCAST, i).verdict, FORWARDING_OK);
    }
    CHECK_EQUAL(send(0, MAC(50), MAC(1), 1000).egress, BIT(1));
}

static void keeps_reserved_addresses_on_the_link(void)
{
    three_ports(false);
    for (uint64_t i = 0; i < 16; i++) {
        CHECK_EQUAL(send(1, MAC(1), UINT64_C(0x0180c2000000) + i, 0).verdict, FORWARDING_RESERVED);
    }
    CHECK_EQUAL(send(1, MAC(1), UINT64_C(0x0180c2000010), 0).egress, BIT(0) | BIT(2));
}

static void isolated_ports_reach_the_uplink_only(void)
{
    three_ports(true);
    CHECK_EQUAL(send(1, MAC(1), BROADCAST, 0).egress, BIT(0));
    CHECK_EQUAL(send(1, MAC(1), MAC(2), 0).egress, 0);
    CHECK_EQUAL(send(0, MAC(50), BROADCAST, 0).egress, BIT(1) | BIT(2));
    CHECK_EQUAL(send(0, MAC(50), MAC(2), 0).egress, BIT(2));
    CHECK_EQUAL(send(1, MAC(1), MAC(50), 0).egress, BIT(0));
}

static void bad_assignments_are_refused(void)
{
    three_ports(false);
    CHECK(!forwarding_add_port(&forwarding, 3, MAC(1)));
    CHECK(!forwarding_add_port(&forwarding, 3, BROADCAST));
    CHECK(!forwarding_add_port(&forwarding, 3, UINT64_C(0x1000000000000)));
    CHECK_EQUAL(send(1, MAC(1), BROADCAST, 0).egress, BIT(0) | BIT(2));
    CHECK_EQUAL(send(1, MAC(60), BROADCAST, 0).verdict, FORWARDING_OK);
    CHECK(forwarding_add_port(&forwarding, 3, MAC(60))); /* learned elsewhere, assigned here */
    CHECK_EQUAL(send(1, MAC(1), MAC(60), 0).egress, BIT(3));
    CHECK_EQUAL(send(1, MAC(60), MAC(2), 0).verdict, FORWARDING_SPOOFED);
}

static void a_removed_port_leaves_nothing(void)
{
    three_ports(false);
    CHECK_EQUAL(send(2, MAC(70), BROADCAST, 0).verdict, FORWARDING_OK);
    forwarding_remove_port(&forwarding, 2);
    CHECK_EQUAL(send(1, MAC(1), MAC(70), 0).egress, BIT(0));
    CHECK_EQUAL(send(1, MAC(1), MAC(2), 0).egress, BIT(0));
    CHECK(forwarding_add_port(&forwarding, 5, MAC(2)));
    CHECK_EQUAL(send(1, MAC(1), MAC(2), 0).egress, BIT(5));
}

static void a_flood_of_addresses_pushes_out_nobody_else(void)
{
    three_ports(false);
    for (uint32_t i = 0; i < MAC_TABLE_UPLINK_ENTRIES; i++) {
        CHECK_EQUAL(send(0, MAC(100000 + i), BROADCAST, 0).verdict, FORWARDING_OK);
    }
    CHECK_EQUAL(send(2, MAC(80), BROADCAST, 0).verdict, FORWARDING_OK);
    for (uint64_t i = 0; i < 100000; i++) {
        CHECK_EQUAL(send(1, MAC(0x10000000) + i, BROADCAST, 1).verdict, FORWARDING_OK);
    }
    CHECK_EQUAL(send(1, MAC(1), MAC(80), 1).egress, BIT(2));
    for (uint32_t i = 0; i < MAC_TABLE_UPLINK_ENTRIES; i++) {
        CHECK_EQUAL(send(1, MAC(1), MAC(100000 + i), 1).egress, BIT(0));
    }
    uint32_t known = 0; /* of its own it keeps as many as its share, the assigned one aside */
    for (uint64_t i = 0; i < 100000; i++) {
        known += mac_table_find(&forwarding.table, MAC(0x10000000) + i, 1) == 1;
    }
    CHECK_EQUAL(known, MAC_TABLE_PORT_ENTRIES - 1);
}

static void a_full_table_works(void)
{
    forwarding_init(&forwarding, false, 1, LIFETIME);
    for (uint32_t port = 0; port < MAC_TABLE_PORTS; port++) {
        CHECK(forwarding_add_port(&forwarding, port, port == 0 ? 0 : MAC(port)));
        for (uint32_t i = 0; i < 2000; i++) {
            CHECK_EQUAL(send(port, MAC((uint64_t)(port + 1) << 32) + i, BROADCAST, 0).verdict,
                        FORWARDING_OK);
        }
    }
    for (uint32_t port = 1; port < MAC_TABLE_PORTS; port++) {
        CHECK_EQUAL(mac_table_find(&forwarding.table, MAC(port), 0), port);
        CHECK_EQUAL(mac_table_find(&forwarding.table, MAC((uint64_t)(port + 1) << 32) + 1999, 0),
                    port);
        CHECK_EQUAL(mac_table_find(&forwarding.table, MAC((uint64_t)(port + 1) << 32), 0),
                    MAC_TABLE_NO_PORT);
    }
    for (uint32_t port = 0; port < MAC_TABLE_PORTS; port++) {
        forwarding_remove_port(&forwarding, port);
    }
    CHECK_EQUAL(forwarding.ports, 0);
    for (uint32_t i = 0; i < MAC_TABLE_BUCKETS; i++) {
        CHECK_EQUAL(forwarding.table.bucket[i], 0);
    }
}

int main(void)
{
    floods_what_it_does_not_know();
    learns_and_forgets();
    refuses_sources_that_can_not_be();
    assigned_addresses_never_age();
    keeps_reserved_addresses_on_the_link();
    isolated_ports_reach_the_uplink_only();
    bad_assignments_are_refused();
    a_removed_port_leaves_nothing();
    a_flood_of_addresses_pushes_out_nobody_else();
    a_full_table_works();
    return 0;
}
