/* SPDX-License-Identifier: BSD-2-Clause */
/* Serving clients, and answers; the disk's own life is in disk_state.c. */
#include "domains/storage/disk.h"

#include <string.h>

#include "domains/storage/disk_state.h"
#include "libs/runtime/runtime.h"

static void set_name(struct disk *disk, const char *name)
{
    memcpy(disk->name, name, strnlen(name, sizeof disk->name - 1));
}

void disk_open(struct disk *disk, const char *name, struct block_device *block,
               struct volume_table *volumes, void *scan_buffer, uint64_t second, uint32_t patience)
{
    *disk = (struct disk){.state = DISK_STARTING,
                          .block = block,
                          .volumes = volumes,
                          .scan_buffer = scan_buffer,
                          .second = second,
                          .patience = patience,
                          .check_at = BLOCK_NEVER,
                          .drain_deadline = BLOCK_NEVER};
    set_name(disk, name);
}

void disk_open_dead(struct disk *disk, const char *name)
{
    *disk =
        (struct disk){.state = DISK_DEAD, .check_at = BLOCK_NEVER, .drain_deadline = BLOCK_NEVER};
    set_name(disk, name);
}

static void note_error(struct disk *disk, const struct request *request)
{
    if (disk->errors++ < DISK_ERRORS_LOGGED) {
        const char *what = request->operation == BH_BLOCK_READ    ? "read"
                           : request->operation == BH_BLOCK_WRITE ? "write"
                                                                  : "flush";
        bh_log("%s: a %s of %u bytes at sector %llu failed%s", disk->name, what, request->length,
               (unsigned long long)request->sector,
               disk->errors == DISK_ERRORS_LOGGED ? "; further errors are only counted" : "");
    }
}

bool disk_collect(struct disk *disk)
{
    uint64_t token;
    enum block_result result;
    bool any = false;
    while (disk->block->operations->take(disk->block, &token, &result)) {
        any = true;
        if (token == SCAN_TOKEN) {
            disk_scan_answer(disk, result);
            continue;
        }
        struct request *request = (struct request *)(uintptr_t)token;
        struct client *client = request->client;
        disk->in_flight--;
        if (result != BLOCK_OK) {
            note_error(disk, request);
        }
        client_command_done(request, result);
        schedule_answered(&disk->schedule, client);
    }
    return any;
}

bool disk_run(struct disk *disk, uint64_t now, void (*signal)(uint64_t cap))
{
    if (disk->schedule.head == NULL && disk->schedule.settle == NULL) {
        return false;
    }
    bool more = false;
    bool serving = disk->state == DISK_READY && disk->block->state == BLOCK_READY;
    if (serving || disk->state == DISK_DEAD) {
        struct block_device *block = serving ? disk->block : NULL;
        uint32_t submitted;
        more = schedule_run(&disk->schedule, block, disk->checks, &submitted) == SCHEDULE_MORE;
        if (submitted != 0) {
            disk->in_flight += submitted;
            disk_watch(disk, now);
            block->operations->kick(block);
            /* Answers that are there already cost no interrupt. */
            more |= disk_collect(disk) && disk->schedule.head != NULL;
        }
        if (serving && block->state == BLOCK_FAILED) {
            disk_step(disk, now);
        }
    }
    bool woken = schedule_settle(&disk->schedule, signal);
    return more || (woken && (serving || disk->state == DISK_DEAD));
}

void disk_add_client(struct disk *disk, struct client *client)
{
    client->disk = disk;
    client->next = disk->clients;
    disk->clients = client;
    schedule_add(&disk->schedule, client);
}

void disk_wake_client(struct client *client)
{
    client_wake(client);
    schedule_add(&client->disk->schedule, client);
}

void disk_close_client(struct client *client, uint64_t now)
{
    struct disk *disk = client->disk;
    if (!client->closing) {
        client_close(client);
    }
    schedule_remove(&disk->schedule, client);
    if (client->in_flight != 0 && disk->drain_deadline == BLOCK_NEVER && disk->patience != 0) {
        disk->drain_deadline = now + DISK_DRAIN_SECONDS * disk->second;
    }
}

void disk_remove_client(struct client *client)
{
    struct client **link = &client->disk->clients;
    schedule_remove(&client->disk->schedule, client);
    while (*link != NULL && *link != client) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = client->next;
    }
}
