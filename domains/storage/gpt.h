/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GUID partition table (UEFI 2.9 chapter 5), read from sectors of 512 bytes that are not
 * trusted. Pure: no I/O and no allocation. A table is either accepted as a whole or refused with
 * the first thing that is wrong with it; a partition whose name can't be a volume's is kept,
 * without a name.
 *
 *     gpt_check_mbr       on sector 0
 *     gpt_read_header     on sector 1, or on the last one
 *     gpt_begin, gpt_feed as often as needed, gpt_end: the sectors of the table, in order
 */
#ifndef DOMAINS_STORAGE_GPT_H
#define DOMAINS_STORAGE_GPT_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/volume.h"

#define GPT_SECTOR         512u
#define GPT_ENTRIES_MAX    1024u /* in the table */
#define GPT_TABLE_MAX      (128u * 1024u)
#define GPT_PARTITIONS_MAX 256u /* in use */

enum gpt_error {
    GPT_OK = 0,
    GPT_NO_MBR,
    GPT_NOT_PROTECTIVE,
    GPT_NO_SIGNATURE,
    GPT_REVISION,
    GPT_HEADER_SIZE,
    GPT_HEADER_CRC,
    GPT_WRONG_PLACE,
    GPT_USABLE_RANGE,
    GPT_ENTRY_SIZE,
    GPT_TOO_LARGE,
    GPT_TABLE_RANGE,
    GPT_TABLE_CRC,
    GPT_PARTITION_RANGE,
    GPT_OVERLAP,
    GPT_TOO_MANY,
};

struct gpt_header {
    uint64_t first_usable; /* sectors; both ends belong to it */
    uint64_t last_usable;
    uint64_t table;
    uint32_t table_sectors;
    uint32_t entry_count;
    uint32_t entry_size;
    uint32_t table_crc;
};

struct gpt_partition {
    uint64_t first; /* sectors; both ends belong to it */
    uint64_t last;
    char name[BH_VOLUME_NAME_MAX]; /* empty: not 1 to 31 printable ASCII characters */
};

struct gpt_table {
    struct gpt_header header;
    uint32_t crc; /* so far */
    uint32_t entries_seen;
    enum gpt_error error; /* the first one in the entries */
    uint32_t partition_count;
    struct gpt_partition partition[GPT_PARTITIONS_MAX];
};

/* CRC-32 as IEEE 802.3 has it. Starts from 0; the result of one piece is the start of the next. */
uint32_t gpt_crc32(uint32_t crc, const uint8_t *bytes, size_t length);

enum gpt_error gpt_check_mbr(const uint8_t sector[GPT_SECTOR]);

/* `sector` was read from sector number `at` of a disk of `disk_sectors`. */
enum gpt_error gpt_read_header(const uint8_t sector[GPT_SECTOR], uint64_t at, uint64_t disk_sectors,
                               struct gpt_header *header);

void gpt_begin(struct gpt_table *table, const struct gpt_header *header);

/* The next sectors of the table: header.table_sectors of them in all. */
void gpt_feed(struct gpt_table *table, const uint8_t *bytes, uint32_t sectors);

/* After the last of them. Only now the partitions can be relied on. */
enum gpt_error gpt_end(const struct gpt_table *table);

/* What is wrong, for people. */
const char *gpt_error_text(enum gpt_error error);

#endif
