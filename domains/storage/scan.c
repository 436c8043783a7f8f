/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/scan.h"

#include "libs/runtime/runtime.h"

static void read_sectors(struct scan *scan, uint64_t sector, uint32_t count)
{
    struct block_command command = {.operation = BLOCK_READ,
                                    .length = count * BLOCK_SECTOR,
                                    .sector = sector,
                                    .address = (uintptr_t)scan->buffer,
                                    .token = SCAN_TOKEN};
    if (!scan->device->operations->submit(scan->device, &command)) {
        bh_log("%s: no volumes: the disk takes no commands", scan->disk);
        scan->stage = SCAN_FAILED;
        return;
    }
    scan->sectors_asked = count;
    scan->device->operations->kick(scan->device);
}

void scan_begin(struct scan *scan, struct block_device *device, const char *disk, void *buffer)
{
    scan->stage = SCAN_PRIMARY_HEADER;
    scan->device = device;
    scan->disk = disk;
    scan->buffer = buffer;
    if (device->sectors < 3) {
        bh_log("%s: no volumes: the disk is too small for a partition table", disk);
        scan->stage = SCAN_FAILED;
        return;
    }
    read_sectors(scan, 0, 2);
}

static void read_table(struct scan *scan)
{
    const struct gpt_header *header = &scan->table.header;
    uint32_t count = header->table_sectors - scan->sectors_read;
    uint32_t most = SCAN_BUFFER / BLOCK_SECTOR;
    most =
        scan->device->transfer_max < SCAN_BUFFER ? scan->device->transfer_max / BLOCK_SECTOR : most;
    read_sectors(scan, header->table + scan->sectors_read, count > most ? most : count);
}

static void refuse(struct scan *scan, const char *reason)
{
    if (scan->stage == SCAN_PRIMARY_HEADER || scan->stage == SCAN_PRIMARY_TABLE) {
        bh_log("%s: warning: the partition table is damaged: %s; looking for its backup",
               scan->disk, reason);
        scan->stage = SCAN_BACKUP_HEADER;
        read_sectors(scan, scan->device->sectors - 1, 1);
    } else {
        bh_log("%s: no volumes: the backup of the partition table is damaged too: %s", scan->disk,
               reason);
        scan->stage = SCAN_FAILED;
    }
}

static void begin_table(struct scan *scan, const uint8_t *sector, uint64_t at)
{
    struct gpt_header header;
    enum gpt_error error = gpt_read_header(sector, at, scan->device->sectors, &header);
    if (error != GPT_OK) {
        refuse(scan, gpt_error_text(error));
        return;
    }
    gpt_begin(&scan->table, &header);
    scan->sectors_read = 0;
    scan->stage = scan->stage == SCAN_PRIMARY_HEADER ? SCAN_PRIMARY_TABLE : SCAN_BACKUP_TABLE;
    read_table(scan);
}

static void feed_table(struct scan *scan)
{
    gpt_feed(&scan->table, scan->buffer, scan->sectors_asked);
    scan->sectors_read += scan->sectors_asked;
    if (scan->sectors_read < scan->table.header.table_sectors) {
        read_table(scan);
        return;
    }
    enum gpt_error error = gpt_end(&scan->table);
    if (error != GPT_OK) {
        refuse(scan, gpt_error_text(error));
        return;
    }
    if (scan->stage == SCAN_BACKUP_TABLE) {
        bh_log("%s: warning: using the backup of the partition table; repair the disk", scan->disk);
    }
    scan->stage = SCAN_FOUND;
}

bool scan_answer(struct scan *scan, enum block_result result)
{
    if (scan->stage == SCAN_FOUND || scan->stage == SCAN_FAILED) {
        return true;
    }
    if (result != BLOCK_OK) {
        refuse(scan, "it can't be read");
    } else if (scan->stage == SCAN_PRIMARY_HEADER) {
        enum gpt_error error = gpt_check_mbr(scan->buffer);
        if (error != GPT_OK) {
            /* 5.2.3: whatever follows is then not to be taken for a partition table. */
            bh_log("%s: no volumes: %s", scan->disk, gpt_error_text(error));
            scan->stage = SCAN_FAILED;
        } else {
            begin_table(scan, scan->buffer + GPT_SECTOR, 1);
        }
    } else if (scan->stage == SCAN_BACKUP_HEADER) {
        begin_table(scan, scan->buffer, scan->device->sectors - 1);
    } else {
        feed_table(scan);
    }
    return scan->stage == SCAN_FOUND || scan->stage == SCAN_FAILED;
}
