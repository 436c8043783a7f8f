/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the partition table on a disk, with its backup when it must be. */
#include <string.h>

#include "domains/storage/memory_disk.h"
#include "domains/storage/scan.h"
#include "test/unit/check.h"
#include "test/unit/storage/gpt_image.h"
#include "test/unit/storage/log.h"

static struct image image;
static struct memory_disk disk;
static struct scan scan;
static uint8_t buffer[SCAN_BUFFER];
static uint64_t fail_sector = UINT64_MAX; /* commands that touch it fail */
static unsigned commands;

static void make(void)
{
    image_init(&image);
    image_partition(&image, 0, 40, 47, "debian1");
    image_partition(&image, 1, 48, 60, "kernel");
    image_seal(&image);
    fail_sector = UINT64_MAX;
    log_clear();
}

static struct block_command last_command;
static struct block_device_operations operations;

static bool submit(struct block_device *device, const struct block_command *command)
{
    last_command = *command;
    commands++;
    CHECK(command->sector + command->length / 512 <= IMAGE_SECTORS);
    CHECK(command->length <= SCAN_BUFFER);
    static const struct block_device_operations *real;
    if (real == NULL) {
        struct memory_disk other;
        memory_disk_open(&other, NULL, 0);
        real = other.block.operations;
    }
    return real->submit(device, command);
}

static enum scan_stage run(uint32_t transfer_max)
{
    memory_disk_open(&disk, &image, IMAGE_SECTORS);
    operations = *disk.block.operations;
    operations.submit = submit;
    disk.block.operations = &operations;
    disk.block.transfer_max = transfer_max;
    operations.start(&disk.block, 0);
    commands = 0;
    scan_begin(&scan, &disk.block, "disk0", buffer);
    uint64_t token;
    enum block_result result;
    while (operations.take(&disk.block, &token, &result)) {
        CHECK_EQUAL(token, SCAN_TOKEN);
        if (fail_sector >= last_command.sector &&
            fail_sector < last_command.sector + last_command.length / 512) {
            result = BLOCK_ERROR;
        }
        if (scan_answer(&scan, result)) {
            break;
        }
    }
    return scan.stage;
}

static void test_primary(void)
{
    make();
    CHECK_EQUAL(run(1 << 20), SCAN_FOUND);
    CHECK_EQUAL(commands, 2);
    CHECK_EQUAL(scan.table.partition_count, 2);
    CHECK_EQUAL(log_lines(), 0);
    CHECK_EQUAL(run(4096), SCAN_FOUND); /* in pieces */
    CHECK_EQUAL(commands, 5);
    CHECK_EQUAL(scan.table.partition_count, 2);
}

static void test_backup(void)
{
    make();
    image.sector[1][20] ^= 4;
    CHECK_EQUAL(run(1 << 20), SCAN_FOUND);
    CHECK(log_has("disk0: warning: the partition table is damaged: the header"));
    CHECK(log_has("using the backup"));
    CHECK(strcmp(scan.table.partition[1].name, "kernel") == 0);

    make();
    image.sector[5][20] ^= 4;
    CHECK_EQUAL(run(1 << 20), SCAN_FOUND);
    CHECK(log_has("the table's checksum is wrong"));

    make();
    fail_sector = 4;
    CHECK_EQUAL(run(1 << 20), SCAN_FOUND);
    CHECK(log_has("it can't be read"));
}

static void test_no_table(void)
{
    make();
    image.sector[1][20] ^= 4;
    image.sector[IMAGE_SECTORS - 1][20] ^= 4;
    CHECK_EQUAL(run(1 << 20), SCAN_FAILED);
    CHECK(log_has("disk0: no volumes: the backup of the partition table is damaged too"));

    memset(&image, 0, sizeof image);
    log_clear();
    CHECK_EQUAL(run(1 << 20), SCAN_FAILED);
    CHECK(log_has("disk0: no volumes: sector 0 holds no master boot record"));
    CHECK_EQUAL(commands, 1);

    make();
    image_partition(&image, 2, 60, 70, "overlaps");
    image_seal(&image);
    CHECK_EQUAL(run(1 << 20), SCAN_FAILED);
    CHECK(log_has("two partitions overlap"));

    log_clear();
    struct block_device tiny = {.sectors = 2};
    scan_begin(&scan, &tiny, "disk0", buffer);
    CHECK_EQUAL(scan.stage, SCAN_FAILED);
    CHECK(log_has("too small"));
}

int main(void)
{
    test_primary();
    test_backup();
    test_no_table();
    return 0;
}
