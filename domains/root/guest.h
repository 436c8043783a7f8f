/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests: what they are, whether they run, and their VMMs. Everything that a running guest consists
 * of lies in its VMM's arena, so that stopping it gives all of it back.
 *
 * Stopping takes three steps: the VMM's threads are suspended, the services are asked to let go of
 * its channels (state STOPPING), and when they have, or two seconds later, its memory is revoked.
 */
#ifndef ROOT_GUEST_H
#define ROOT_GUEST_H

#include "domains/root/domain.h"
#include "ipc/root.h"

struct guest {
    bool used;
    bool described; /* in the system description; else the manager made it */
    struct bh_guest_info info;
    struct guest_settings settings;
    struct domain *vmm; /* NULL: not running */
    uint64_t started_at;
    uint64_t deadline; /* of STOPPING; UINT64_MAX: none */
    uint32_t final_state;
    bool restart, forget; /* when stopped: start again, remove it from the table */
    int exit_status;      /* when stopped: exit with it; -1: go on */
};

/* Takes over the guests of the description. */
void guests_init(void);

struct guest *guest_find(const char *name);
struct guest *guest_of(const struct domain *vmm);
struct guest *guest_at(uint32_t index);

/* Defines a guest that the manager asks for; `config` is root's own copy. *index is its place in
 * the table. */
enum bh_root_status guest_create(const struct bh_guest_config *config, uint32_t *index);

enum bh_root_status guest_start(struct guest *guest);
enum bh_root_status guest_pause(struct guest *guest);
enum bh_root_status guest_resume(struct guest *guest);

/* Stops it for good, or until it is started again. */
enum bh_root_status guest_stop(struct guest *guest, const char *reason);
enum bh_root_status guest_destroy(struct guest *guest);

/* What a VMM reports (enum bh_guest_event), and what root sees of it. */
enum bh_root_status guest_event(struct guest *guest, uint64_t event, uint64_t code);
void guest_faulted(struct guest *guest, const char *reason);

/* A holder of one of the guest's channels has let go of it, or time has passed: goes on with
 * stopping. */
void guests_step(uint64_t now);

/* The next time at which guests_step has something to do; UINT64_MAX: never. */
uint64_t guests_deadline(void);

/* Brings processor times and memory figures of the table up to date. */
void guests_refresh(void);

/* Whether any guest is on its way to be stopped. */
bool guests_stopping(void);

/* Starts all guests with autostart. */
void guests_autostart(void);

/* --- guest_build.c --- */

/* Builds the VMM of a guest, ready to start, as guest->vmm. On failure *status says why, and
 * guest->vmm is what has been built so far (it may be NULL). */
const char *guest_build(struct guest *guest, enum bh_root_status *status);

#endif
