/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is on a disk: deficit round robin over the clients that may have something to do.
 *
 * Each client gets SCHEDULE_QUANTUM bytes of credit in each round and spends it on commands, on top
 * of its own limits of what it may have in flight (client.h). So a client that floods the disk,
 * with large requests or with many, gets its share of the bandwidth and no more, while a client
 * alone gets all.
 */
#ifndef DOMAINS_STORAGE_SCHEDULE_H
#define DOMAINS_STORAGE_SCHEDULE_H

#include "domains/storage/client.h"

#define SCHEDULE_QUANTUM (64 * 1024)
#define SCHEDULE_STEPS   128u /* of one schedule_run: then others of the domain have their turn */

struct schedule {
    struct client *head;
    struct client *tail;
    struct client *settle; /* clients whose rings have changed */
};

enum schedule_end {
    SCHEDULE_DONE, /* no client has anything to do that it may do now */
    SCHEDULE_FULL, /* the disk takes no more commands */
    SCHEDULE_MORE, /* there is more to do */
};

/* The client may have something to do. */
void schedule_add(struct schedule *schedule, struct client *client);

/* It goes away. */
void schedule_remove(struct schedule *schedule, struct client *client);

/* A command of the client has been answered: it may go on if its limits stopped it. */
void schedule_answered(struct schedule *schedule, struct client *client);

/* `device` is READY, or NULL for a dead disk. `now`: what client_waits_since is to compare with.
 * *submitted: commands given to it. */
enum schedule_end schedule_run(struct schedule *schedule, struct block_device *device, uint64_t now,
                               uint32_t *submitted);

/* Shows all peers what has happened; `signal` is called with the capability of those that sleep.
 * True: a client that was stopped by its limits may go on. */
bool schedule_settle(struct schedule *schedule, void (*signal)(uint64_t cap));

#endif
