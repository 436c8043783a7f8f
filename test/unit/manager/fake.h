/* SPDX-License-Identifier: BSD-2-Clause */
/* The system around the manager, as its API sees it: regions in plain memory, and a root that
 * follows its own rules. */
#ifndef TEST_UNIT_MANAGER_FAKE_H
#define TEST_UNIT_MANAGER_FAKE_H

#include "domains/manager/manager.h"
#include "ipc/statistics.h"

struct fake {
    struct manager manager;
    struct bh_guest_table guests;
    struct bh_volume_table volumes;
    struct bh_console_history history[4];
    struct bh_root_request_page request;
    struct bh_vmm_statistics vmm;
    struct bh_service_statistics network;
    struct bh_channel console_client; /* the manager's side */
    struct bh_channel console_server;
    uint8_t *console_memory;
    uint64_t forced; /* what root answers to all guest requests; BH_ROOT_OK: it does them */
    unsigned refreshes;
    unsigned signals;
};

/* A system with guest "debian1" (running, with statistics and a console) and "off1" (off), and
 * three volumes. */
void fake_open(struct fake *fake);
void fake_close(struct fake *fake);

#endif
