/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One block channel: takes requests out of its ring, cuts them into commands for the disk, and
 * answers them. When it is whose turn is schedule.h's business.
 *
 * A request stays in the ring until it can be worked on, so a full disk, or a client that takes no
 * answers, fills the ring and nothing else. What is taken lies in one of CLIENT_REQUESTS slots
 * until its answer is in the complete ring.
 *
 * A flush covers all writes that came before it in the ring: it waits until those are done.
 * Requests behind it do not wait for it.
 *
 * No system calls: client_settle says whether the peer is to be signalled.
 */
#ifndef DOMAINS_STORAGE_CLIENT_H
#define DOMAINS_STORAGE_CLIENT_H

#include "domains/storage/counters.h"
#include "domains/storage/volume.h"
#include "drivers/block_device.h"
#include "ipc/block.h"
#include "ipc/channel.h"

#define CLIENT_REQUESTS       32u
#define CLIENT_BYTES          (2u * 1024u * 1024u) /* of requests under way, before one more is taken */
#define CLIENT_COST_OF_ANSWER 4096u                /* what handling any request costs, in bytes */
#define CLIENT_COST_OF_FLUSH  (64u * 1024u)

enum request_state {
    REQUEST_FREE = 0,
    REQUEST_ACTIVE,       /* parts to submit, or in flight */
    REQUEST_RETRY,        /* to be submitted once more from the beginning */
    REQUEST_FLUSH_WAITS,  /* for `writes_before` writes */
    REQUEST_FLUSH_READY,  /* to be submitted */
    REQUEST_ANSWER_WAITS, /* for room in the complete ring */
};

struct client;

/* Its address is the token of its commands. */
struct request {
    struct client *client;
    uint64_t id;
    uint64_t sector;   /* of the disk */
    uint64_t address;  /* of the data, for us and for the disk */
    uint64_t given_at; /* when its last command was given to the disk */
    uint32_t operation;
    uint32_t length;
    uint32_t submitted; /* bytes given to the disk */
    uint32_t in_flight; /* commands */
    uint32_t sequence;  /* order of arrival */
    uint32_t writes_before;
    enum request_state state;
    bool retried; /* its commands were lost once */
    enum bh_block_status status;
};

struct client {
    char name[32];
    struct bh_channel channel;
    struct disk *disk;           /* set when it is added to one */
    const struct volume *volume; /* NULL: there is none, and every request fails */
    bool read_only;
    bool closing; /* nothing is taken or answered any more */
    bool broken;  /* likewise, as the peer broke the rings */
    struct counters counters;

    uint8_t free_count;
    uint8_t current; /* request whose parts are being submitted, or CLIENT_REQUESTS */
    uint8_t flushes_waiting;
    uint8_t flushes_ready;
    uint8_t retries; /* requests in that state */
    uint8_t answers_waiting;
    uint8_t free[CLIENT_REQUESTS];
    uint8_t answer[CLIENT_REQUESTS]; /* requests that wait for room, in order */
    uint32_t sequence;
    uint32_t writes;    /* not done yet */
    uint32_t in_flight; /* commands */
    uint32_t bytes;     /* of the requests that are not done yet */
    bool consumed;      /* since the ring was last released */
    bool produced;      /* since the ring was last published */
    struct request request[CLIENT_REQUESTS];

    /* schedule.h's */
    struct client *next; /* of all clients of the disk */
    struct client *active_next;
    struct client *settle_next;
    bool active;  /* in the disk's queue of clients that may have something to do */
    bool stalled; /* left the queue because of its limits */
    bool turn;    /* has had its credit for this round */
    bool settle;  /* in the disk's list of clients to settle */
    int64_t credit;
};

enum client_step {
    CLIENT_SUBMITTED, /* a command was given to the disk */
    CLIENT_ANSWERED,  /* a request was dealt with without the disk */
    CLIENT_IDLE,      /* the ring is empty, and the peer signals when it no longer is */
    CLIENT_STALLED,   /* its limits are reached: again when a command is done or an answer taken */
    CLIENT_DEVICE_FULL, /* again when the disk has room */
    CLIENT_CLOSED,      /* closing or broken */
};

/* `read_only` beyond what the volume says. */
void client_open(struct client *client, const char *name, const struct bh_channel *channel,
                 const struct volume *volume, bool read_only);

/*
 * One step forward: at most one request taken, or one command submitted to `device`, which is
 * READY. `device` NULL: the disk is dead, requests fail. *cost: what was used up, in bytes.
 */
enum client_step client_step(struct client *client, struct block_device *device, uint64_t now,
                             uint32_t *cost);

/* The answer to a command. */
void client_command_done(struct request *request, enum block_result result);

/* All commands in flight are lost. With `retry` their requests begin anew, those for the second
 * time fail; without, all fail. */
void client_commands_lost(struct client *client, bool retry);

/* Whether a command in flight was given to the disk at `then` or earlier. */
bool client_waits_since(const struct client *client, uint64_t then);

/* The peer has signalled: delivers answers that wait for room. client_step looks at the ring. */
void client_wake(struct client *client);

/* Shows the peer what was taken and answered. True: signal it. */
bool client_settle(struct client *client);

/* Stops: nothing but commands in flight is left to wait for. */
void client_close(struct client *client);

#endif
