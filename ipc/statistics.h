/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of a domain, in its "statistics" region: one page that the domain writes and the manager reads. Each counter
 * is a naturally aligned 64-bit word that only grows; there is no lock. The manager believes nothing else of them.
 */
#ifndef IPC_STATISTICS_H
#define IPC_STATISTICS_H

#include <stdint.h>

#define BH_STATISTICS_EXITS 16u

struct bh_io_counters {
    uint64_t read_operations, read_bytes;   /* network: received by the port's owner */
    uint64_t write_operations, write_bytes; /* network: sent by it */
    uint64_t flushes;
    uint64_t errors;
    uint64_t dropped; /* frames without a receive buffer */
};

/* of a VMM */
struct bh_vmm_statistics {
    uint64_t exits[BH_STATISTICS_EXITS]; /* index: enum bh_exit */
    uint64_t guest_ticks;
    struct bh_io_counters block;
    struct bh_io_counters net;
    uint64_t console_bytes_out, console_bytes_in;
};

/* of storage and network: one entry for each client, matched by name; the first is all of them together */
#define BH_STATISTICS_CLIENTS 32u

struct bh_client_statistics {
    char name[32];
    struct bh_io_counters counters;
};

struct bh_service_statistics {
    struct bh_client_statistics client[BH_STATISTICS_CLIENTS];
};

_Static_assert(sizeof(struct bh_service_statistics) <= 4096, "one page");

#endif
