/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filtering database of one switch (IEEE 802.1Q 8.8): which port a MAC address was last seen
 * on. Pure: no system calls, no allocation, times in any unit the caller likes.
 *
 * Its memory is partitioned: every port owns a fixed block of entries, the uplink a larger one. A
 * port that sends from ever new addresses replaces its own oldest entries and can push out nobody
 * else's. An address that root assigned to a port is static: it neither ages nor moves, so that no
 * other port can attract its frames. A lookup compares at most the entries of one hash chain; the
 * hash is seeded, so that senders can't choose addresses of the same chain.
 */
#ifndef NETWORK_MAC_TABLE_H
#define NETWORK_MAC_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define MAC_TABLE_PORTS          64u /* port numbers 0 to 63 */
#define MAC_TABLE_UPLINK         0u  /* the port that owns the larger block */
#define MAC_TABLE_PORT_ENTRIES   16u /* of each other port, one of them for its static address */
#define MAC_TABLE_UPLINK_ENTRIES 1024u
#define MAC_TABLE_ENTRIES \
    (MAC_TABLE_UPLINK_ENTRIES + (MAC_TABLE_PORTS - 1) * MAC_TABLE_PORT_ENTRIES)
#define MAC_TABLE_BUCKETS 2048u
#define MAC_TABLE_NO_PORT UINT32_MAX

struct mac_table_entry {
    uint64_t address; /* first byte of the MAC address in bits 47-40; 0: unused */
    uint64_t seen;    /* when it was last a source address */
    uint16_t next;    /* in the chain, entry number + 1; 0 ends it */
    uint16_t is_static;
    uint32_t reserved;
};

struct mac_table {
    uint64_t seed;
    uint64_t lifetime;                  /* an entry not seen for longer is forgotten */
    uint16_t bucket[MAC_TABLE_BUCKETS]; /* entry number + 1 */
    uint16_t cursor[MAC_TABLE_PORTS];   /* of each port's block: the entry to be replaced next */
    struct mac_table_entry entry[MAC_TABLE_ENTRIES];
};

enum mac_table_result {
    MAC_TABLE_LEARNED = 0, /* or known already, or moved here */
    MAC_TABLE_FOREIGN,     /* the address is another port's static one: the frame is not genuine */
};

void mac_table_init(struct mac_table *table, uint64_t seed, uint64_t lifetime);

/* Assigns `address` to `port` for good. False: another port has it as its static address. */
bool mac_table_assign(struct mac_table *table, uint32_t port, uint64_t address);

/* Notes that `address` (individual, not 0) sent a frame into `port` at `now`. */
enum mac_table_result mac_table_learn(struct mac_table *table, uint32_t port, uint64_t address,
                                      uint64_t now);

/* The port behind which `address` is, or MAC_TABLE_NO_PORT. */
uint32_t mac_table_find(const struct mac_table *table, uint64_t address, uint64_t now);

/* Forgets everything about a port, its static address included. */
void mac_table_remove_port(struct mac_table *table, uint32_t port);

#endif
