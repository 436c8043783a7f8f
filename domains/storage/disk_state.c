/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a disk: start, volumes, recovery, death. */
#include "domains/storage/disk_state.h"

#include <string.h>

#include "libs/runtime/runtime.h"

void disk_watch(struct disk *disk, uint64_t now)
{
    if (disk->check_at == BLOCK_NEVER && disk->patience != 0) {
        disk->check_at = now + disk->second;
    }
}

bool disk_starting(const struct disk *disk)
{
    return disk->state == DISK_STARTING || disk->state == DISK_SCANNING;
}

void disk_start(struct disk *disk, uint64_t now)
{
    disk->block->operations->start(disk->block, now);
    disk_step(disk, now);
}

static void add_volumes(struct disk *disk)
{
    const struct gpt_table *table = &disk->scan.table;
    uint32_t unnamed = 0;
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const struct gpt_partition *partition = &table->partition[i];
        if (partition->name[0] == '\0') {
            unnamed++;
            continue;
        }
        struct volume volume = {.disk = disk,
                                .first = partition->first,
                                .sectors = partition->last - partition->first + 1,
                                .read_only = disk->block->read_only};
        memcpy(volume.name, partition->name, sizeof volume.name);
        volume_add(disk->volumes, &volume, disk->name);
    }
    if (unnamed != 0) {
        bh_log("%s: partitions without a name of 1 to 31 printable ASCII characters: %u; left out",
               disk->name, unnamed);
    }
}

static void add_whole(struct disk *disk)
{
    struct volume volume = {
        .disk = disk, .sectors = disk->block->sectors, .read_only = disk->block->read_only};
    memcpy(volume.name, disk->name, sizeof volume.name);
    volume_add(disk->volumes, &volume, disk->name);
}

void disk_scan_answer(struct disk *disk, enum block_result result)
{
    if (disk->state == DISK_SCANNING && scan_answer(&disk->scan, result)) {
        disk->state = DISK_READY;
        if (disk->scan.stage == SCAN_FOUND) {
            add_volumes(disk);
        }
    }
}

static void began(struct disk *disk, uint64_t now)
{
    struct block_device *block = disk->block;
    disk->sectors = block->sectors;
    bh_log("%s: %s, %llu MiB%s", disk->name, block->model,
           (unsigned long long)(block->sectors / (1024 * 1024 / BLOCK_SECTOR)),
           block->read_only ? ", read-only" : "");
    if (disk->scan_buffer == NULL) {
        add_whole(disk);
        disk->state = DISK_READY;
        return;
    }
    disk->state = DISK_SCANNING;
    disk->scan_began = disk->checks;
    disk_watch(disk, now);
    scan_begin(&disk->scan, block, disk->name, disk->scan_buffer);
    if (disk->scan.stage == SCAN_FAILED) {
        disk->state = DISK_READY;
    }
}

static void lose_commands(struct disk *disk, bool retry)
{
    for (struct client *client = disk->clients; client != NULL; client = client->next) {
        client_commands_lost(client, retry);
        schedule_add(&disk->schedule, client);
    }
    disk->in_flight = 0;
    disk->check_at = BLOCK_NEVER;
    disk->drain_deadline = BLOCK_NEVER;
    disk->released = true;
}

static void die(struct disk *disk, const char *reason)
{
    bh_log("%s: %s; its volumes give errors until the domain starts again", disk->name, reason);
    disk->state = DISK_DEAD;
    lose_commands(disk, false);
}

/* Too many restarts lately: then the next one only serves to keep the device off memory. */
static bool restart_allowed(struct disk *disk, uint64_t now)
{
    uint64_t window = DISK_RESTART_WINDOW_SECONDS * disk->second;
    for (uint32_t i = 0; i < DISK_RESTARTS; i++) {
        if (disk->restart[i] == 0 || now - disk->restart[i] > window) {
            disk->restart[i] = now;
            return true;
        }
    }
    return false;
}

static void recover(struct disk *disk, uint64_t now, const char *reason)
{
    disk->condemned = !restart_allowed(disk, now);
    disk->released = false;
    disk->state = DISK_RECOVERING;
    bh_log("%s: %s; resetting it", disk->name, reason);
    disk->block->operations->start(disk->block, now);
}

static void advance_recovery(struct disk *disk)
{
    struct block_device *block = disk->block;
    if (block->state == BLOCK_RESETTING) {
        return;
    }
    /* The device has let go of all memory, or is past hope. */
    if (!disk->released) {
        lose_commands(disk, !disk->condemned && block->state != BLOCK_FAILED);
    }
    if (block->state == BLOCK_FAILED) {
        die(disk, block->error);
    } else if (disk->condemned) {
        die(disk, "it has failed too often");
    } else if (block->state == BLOCK_READY && block->sectors < disk->sectors) {
        die(disk, "it has become smaller");
    } else if (block->state == BLOCK_READY) {
        bh_log("%s: works again", disk->name);
        disk->state = DISK_READY;
    }
}

/* Clients that close are waited for; true: it has taken too long. */
static bool drain_late(struct disk *disk, uint64_t now)
{
    bool closing = false;
    for (struct client *client = disk->clients; client != NULL; client = client->next) {
        closing |= client->closing && !client->broken && client->in_flight != 0;
    }
    if (!closing) {
        disk->drain_deadline = BLOCK_NEVER;
    }
    return now >= disk->drain_deadline;
}

static bool command_late(const struct disk *disk)
{
    if (disk->checks < disk->patience) {
        return false;
    }
    for (struct client *client = disk->clients; client != NULL; client = client->next) {
        if (client_waits_since(client, disk->checks - disk->patience)) {
            return true;
        }
    }
    return false;
}

static void check_time(struct disk *disk, uint64_t now)
{
    bool scanning = disk->state == DISK_SCANNING;
    if (!scanning && disk->state != DISK_READY) {
        return;
    }
    if (now >= disk->drain_deadline && drain_late(disk, now)) {
        recover(disk, now, "commands on a channel that is taken away do not end");
        return;
    }
    if (now < disk->check_at) {
        return;
    }
    disk->checks++;
    disk->check_at = BLOCK_NEVER;
    if (scanning && disk->checks - disk->scan_began >= disk->patience) {
        die(disk, "its first sectors can't be read in time");
    } else if (!scanning && command_late(disk)) {
        recover(disk, now, "a command was not answered in time");
    } else if (scanning || disk->in_flight != 0) {
        disk_watch(disk, now);
    }
}

void disk_step(struct disk *disk, uint64_t now)
{
    struct block_device *block = disk->block;
    if (block == NULL) {
        return;
    }
    block->operations->step(block, now);
    (void)disk_collect(disk);
    if (disk->state == DISK_STARTING && block->state == BLOCK_READY) {
        began(disk, now);
    }
    if (disk_starting(disk) && block->state == BLOCK_FAILED) {
        die(disk, block->error);
    } else if (disk->state == DISK_READY && block->state == BLOCK_FAILED) {
        recover(disk, now, block->error);
    } else {
        check_time(disk, now);
    }
    if (disk->state == DISK_RECOVERING) {
        advance_recovery(disk);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t disk_wake_at(const struct disk *disk)
{
    if (disk->block == NULL || disk->state == DISK_DEAD) {
        return BLOCK_NEVER;
    }
    bool watching = disk->state == DISK_READY || disk->state == DISK_SCANNING;
    uint64_t own = watching ? earlier(disk->check_at, disk->drain_deadline) : BLOCK_NEVER;
    return earlier(disk->block->wake_at, own);
}
