/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk and its clients. Finds the volumes when it starts, serves the clients, and keeps the time:
 * a command that is not answered in `patience` seconds, or nonsense from the device, resets the
 * device; then what was in flight is tried once more, and fails when it is lost again. A disk that
 * can't be reset, or needs it too often, is dead: all requests fail, at once.
 *
 * No system calls. Times are in ticks of the system counter.
 */
#ifndef DOMAINS_STORAGE_DISK_H
#define DOMAINS_STORAGE_DISK_H

#include "domains/storage/scan.h"
#include "domains/storage/schedule.h"

#define DISK_PATIENCE               30u /* seconds, unless the domain's arguments say otherwise */
#define DISK_DRAIN_SECONDS          1u
#define DISK_RESTARTS               3u /* within ... */
#define DISK_RESTART_WINDOW_SECONDS 600u
#define DISK_ERRORS_LOGGED          8u /* failed commands: more are only counted */

enum disk_state {
    DISK_STARTING,
    DISK_SCANNING,
    DISK_READY,
    DISK_RECOVERING,
    DISK_DEAD,
};

struct disk {
    char name[32];
    enum disk_state state;
    struct block_device *block; /* NULL: there is none, the disk is dead */
    struct volume_table *volumes;
    void *scan_buffer; /* NULL: no partition table, the disk is one volume of its own name */
    uint64_t second;
    struct client *clients;
    struct schedule schedule;
    uint32_t in_flight;
    uint32_t patience; /* seconds; 0: without limit, and no time is kept */
    /* The disk's clock for late commands: how often it was looked for them, once a second while any
     * are in flight. A machine that is stopped for a while finds no command late. */
    uint64_t checks;
    uint64_t check_at;               /* the next time */
    uint64_t scan_began;             /* on that clock */
    uint64_t drain_deadline;         /* of clients that are closing */
    uint64_t sectors;                /* when its volumes were found */
    bool released;                   /* clients, from commands lost in the recovery that goes on */
    bool condemned;                  /* the recovery is its last */
    uint64_t restart[DISK_RESTARTS]; /* when; 0: not yet */
    uint32_t errors;
    struct scan scan;
};

/* `volumes` is where it puts those it finds. */
void disk_open(struct disk *disk, const char *name, struct block_device *block,
               struct volume_table *volumes, void *scan_buffer, uint64_t second, uint32_t patience);

/* A disk for clients whose volume does not exist: dead from the start. */
void disk_open_dead(struct disk *disk, const char *name);

void disk_start(struct disk *disk, uint64_t now);

/* Whether its volumes are not known yet. */
bool disk_starting(const struct disk *disk);

/* To be called on an interrupt (before it is acknowledged), and at disk_wake_at. */
void disk_step(struct disk *disk, uint64_t now);
uint64_t disk_wake_at(const struct disk *disk);

/* Serves the clients. True: call it again before sleeping. */
bool disk_run(struct disk *disk, uint64_t now, void (*signal)(uint64_t cap));

void disk_add_client(struct disk *disk, struct client *client);

/* The client's peer has signalled. */
void disk_wake_client(struct client *client);

/* Stops serving it. When client->in_flight is 0 nothing refers to its channel, and
 * disk_remove_client takes it away. */
void disk_close_client(struct client *client, uint64_t now);
void disk_remove_client(struct client *client);

#endif
