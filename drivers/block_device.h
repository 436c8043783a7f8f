/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a block driver offers to the storage domain. A driver embeds struct block_device as its
 * first member and fills in `operations`.
 *
 * Nothing waits. The caller starts the device, and then calls `step` on each interrupt and when
 * `wake_at` has come, until the state is READY or FAILED:
 *
 *     RESETTING   being stopped; it may still reach memory of commands given before
 *     STARTING    it has forgotten all commands, and is being set up
 *     READY       takes commands; sectors, transfer_max, depth, read_only and model are valid
 *     FAILED      `error` says why; `start` may be called to try again
 *
 * Commands: `submit` as many as wanted, then `kick` once; `take` until it is false, on each
 * interrupt. A command's answer carries its token. Commands that are in flight when the device is
 * started again are never answered: the caller, who has the list, answers for them as soon as the
 * state is no longer RESETTING. Drivers keep no time for commands; the caller starts the device
 * again when one takes too long.
 *
 * Times are in ticks of the system counter.
 */
#ifndef DRIVERS_BLOCK_DEVICE_H
#define DRIVERS_BLOCK_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_SECTOR       512u
#define BLOCK_TRANSFER_MAX (1024u * 1024u) /* no driver's transfer_max is larger */
#define BLOCK_NEVER        UINT64_MAX

enum block_operation {
    BLOCK_READ = 1,
    BLOCK_WRITE = 2,
    BLOCK_FLUSH = 3, /* all writes answered before it was submitted become durable */
};

enum block_result {
    BLOCK_OK = 0,
    BLOCK_ERROR,
    BLOCK_WRITE_PROTECTED,
};

enum block_state {
    BLOCK_STOPPED = 0,
    BLOCK_RESETTING,
    BLOCK_STARTING,
    BLOCK_READY,
    BLOCK_FAILED,
};

struct block_command {
    enum block_operation operation;
    uint32_t length; /* bytes, a multiple of BLOCK_SECTOR up to transfer_max; 0 for FLUSH */
    uint64_t sector;
    uint64_t address; /* where the device sees the data, a multiple of 4 */
    uint64_t token;
};

struct block_device;

struct block_device_operations {
    void (*start)(struct block_device *device, uint64_t now);
    void (*step)(struct block_device *device, uint64_t now);
    /* False: no room now; READY only. The caller has checked the command's range. */
    bool (*submit)(struct block_device *device, const struct block_command *command);
    void (*kick)(struct block_device *device);
    /* False: no more answers. The state may have become FAILED by a nonsensical one. */
    bool (*take)(struct block_device *device, uint64_t *token, enum block_result *result);
};

struct block_device {
    const struct block_device_operations *operations;
    enum block_state state;
    const char *error; /* FAILED: for people */
    uint64_t wake_at;  /* when to call `step` without an interrupt, or BLOCK_NEVER */
    uint64_t sectors;
    uint32_t transfer_max; /* bytes of a command, a multiple of 4096 */
    uint32_t depth;        /* commands in flight at the most */
    bool read_only;
    char model[48]; /* printable ASCII, for messages */
};

#endif
