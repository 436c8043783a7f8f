/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the partition table of a disk that has just become ready, command by command: whoever
 * takes the disk's answers hands them to scan_answer until that says it is done. The primary table
 * counts; when it is damaged, the backup at the end of the disk does, with a line in the log.
 */
#ifndef DOMAINS_STORAGE_SCAN_H
#define DOMAINS_STORAGE_SCAN_H

#include "domains/storage/gpt.h"
#include "drivers/block_device.h"

#define SCAN_BUFFER (32u * 1024u)
#define SCAN_TOKEN  UINT64_MAX

enum scan_stage {
    SCAN_PRIMARY_HEADER, /* and the master boot record before it */
    SCAN_PRIMARY_TABLE,
    SCAN_BACKUP_HEADER,
    SCAN_BACKUP_TABLE,
    SCAN_FOUND, /* table is valid */
    SCAN_FAILED,
};

struct scan {
    enum scan_stage stage;
    struct block_device *device;
    const char *disk; /* its name, for the log */
    uint8_t *buffer;  /* SCAN_BUFFER bytes that the device reaches */
    uint32_t sectors_read;
    uint32_t sectors_asked;
    struct gpt_table table;
};

/* The device is READY and has nothing else to do. */
void scan_begin(struct scan *scan, struct block_device *device, const char *disk, void *buffer);

/* The answer to the command that was under way. True: the stage is FOUND or FAILED. */
bool scan_answer(struct scan *scan, enum block_result result);

#endif
