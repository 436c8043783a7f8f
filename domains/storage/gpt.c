/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/storage/gpt.h"

#include <stdbool.h>
#include <string.h>

/* Protective MBR, UEFI 2.9 5.2.3 */
#define MBR_RECORDS         446
#define MBR_RECORD_SIZE     16
#define MBR_RECORD_TYPE     4
#define MBR_RECORD_FIRST    8
#define MBR_SIGNATURE       510
#define MBR_TYPE_PROTECTIVE 0xee

/* Header, table 5-5 */
#define HEADER_REVISION     8
#define HEADER_SIZE         12
#define HEADER_CRC          16
#define HEADER_MY_LBA       24
#define HEADER_FIRST_USABLE 40
#define HEADER_LAST_USABLE  48
#define HEADER_TABLE        72
#define HEADER_ENTRY_COUNT  80
#define HEADER_ENTRY_SIZE   84
#define HEADER_TABLE_CRC    88
#define HEADER_SIZE_MIN     92

/* Entry, table 5-6 */
#define ENTRY_FIRST      32
#define ENTRY_LAST       40
#define ENTRY_NAME       56
#define ENTRY_NAME_UNITS 36
#define ENTRY_SIZE_MIN   128

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t read64(const uint8_t *at)
{
    return read32(at) | (uint64_t)read32(at + 4) << 32;
}

uint32_t gpt_crc32(uint32_t crc, const uint8_t *bytes, size_t length)
{
    /* The remainders of all half bytes, for the reflected polynomial 0x04c11db7. */
    static const uint32_t remainder[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ remainder[crc & 15];
        crc = crc >> 4 ^ remainder[crc & 15];
    }
    return ~crc;
}

enum gpt_error gpt_check_mbr(const uint8_t sector[GPT_SECTOR])
{
    if (sector[MBR_SIGNATURE] != 0x55 || sector[MBR_SIGNATURE + 1] != 0xaa) {
        return GPT_NO_MBR;
    }
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *record = sector + MBR_RECORDS + i * MBR_RECORD_SIZE;
        if (record[MBR_RECORD_TYPE] == MBR_TYPE_PROTECTIVE &&
            read32(record + MBR_RECORD_FIRST) == 1) {
            return GPT_OK;
        }
    }
    return GPT_NOT_PROTECTIVE;
}

static enum gpt_error check_geometry(const struct gpt_header *header, uint64_t at,
                                     uint64_t disk_sectors)
{
    if (header->first_usable > header->last_usable || header->last_usable >= disk_sectors ||
        header->first_usable <= 1 || (at >= header->first_usable && at <= header->last_usable)) {
        return GPT_USABLE_RANGE;
    }
    /* 5.3.3 has entries of 128 * 2^n bytes; those that fit a sector never cross one. */
    if (header->entry_size != 128 && header->entry_size != 256 && header->entry_size != 512) {
        return GPT_ENTRY_SIZE;
    }
    if (header->entry_count == 0 || header->entry_count > GPT_ENTRIES_MAX ||
        header->entry_count * header->entry_size > GPT_TABLE_MAX) {
        return GPT_TOO_LARGE;
    }
    uint64_t first = header->table;
    if (first <= 1 || first >= disk_sectors || header->table_sectors > disk_sectors - first) {
        return GPT_TABLE_RANGE;
    }
    uint64_t last = first + header->table_sectors - 1;
    bool covers_header = first <= at && at <= last;
    bool in_usable = first <= header->last_usable && header->first_usable <= last;
    return covers_header || in_usable ? GPT_TABLE_RANGE : GPT_OK;
}

enum gpt_error gpt_read_header(const uint8_t sector[GPT_SECTOR], uint64_t at, uint64_t disk_sectors,
                               struct gpt_header *header)
{
    if (memcmp(sector, "EFI PART", 8) != 0) {
        return GPT_NO_SIGNATURE;
    }
    if (read32(sector + HEADER_REVISION) >> 16 != 1) {
        return GPT_REVISION;
    }
    uint32_t size = read32(sector + HEADER_SIZE);
    if (size < HEADER_SIZE_MIN || size > GPT_SECTOR) {
        return GPT_HEADER_SIZE;
    }
    /* 5.3.2: the checksum is taken with its own field as zero. */
    static const uint8_t zero[4];
    uint32_t crc = gpt_crc32(0, sector, HEADER_CRC);
    crc = gpt_crc32(crc, zero, sizeof zero);
    crc = gpt_crc32(crc, sector + HEADER_CRC + 4, size - HEADER_CRC - 4);
    if (crc != read32(sector + HEADER_CRC)) {
        return GPT_HEADER_CRC;
    }
    if (read64(sector + HEADER_MY_LBA) != at) {
        return GPT_WRONG_PLACE;
    }
    *header = (struct gpt_header){
        .first_usable = read64(sector + HEADER_FIRST_USABLE),
        .last_usable = read64(sector + HEADER_LAST_USABLE),
        .table = read64(sector + HEADER_TABLE),
        .entry_count = read32(sector + HEADER_ENTRY_COUNT),
        .entry_size = read32(sector + HEADER_ENTRY_SIZE),
        .table_crc = read32(sector + HEADER_TABLE_CRC),
    };
    uint64_t bytes = (uint64_t)header->entry_count * header->entry_size;
    header->table_sectors =
        bytes <= GPT_TABLE_MAX ? (uint32_t)((bytes + GPT_SECTOR - 1) / GPT_SECTOR) : 0;
    return check_geometry(header, at, disk_sectors);
}

void gpt_begin(struct gpt_table *table, const struct gpt_header *header)
{
    table->header = *header;
    table->crc = 0;
    table->entries_seen = 0;
    table->error = GPT_OK;
    table->partition_count = 0;
}

/* UTF-16 to a volume's name. Names are compared, typed and logged: printable ASCII only. */
static void read_name(const uint8_t *units, char name[BH_VOLUME_NAME_MAX])
{
    memset(name, 0, BH_VOLUME_NAME_MAX);
    for (unsigned i = 0; i < ENTRY_NAME_UNITS; i++) {
        unsigned unit = units[2 * i] | (unsigned)units[2 * i + 1] << 8;
        if (unit == 0) {
            return;
        }
        if (unit < 0x20 || unit > 0x7e || i == BH_VOLUME_NAME_MAX - 1) {
            memset(name, 0, BH_VOLUME_NAME_MAX);
            return;
        }
        name[i] = (char)unit;
    }
}

static enum gpt_error read_entry(struct gpt_table *table, const uint8_t *entry)
{
    static const uint8_t unused[16]; /* an entry whose partition type is all zero */
    if (memcmp(entry, unused, sizeof unused) == 0) {
        return GPT_OK;
    }
    uint64_t first = read64(entry + ENTRY_FIRST);
    uint64_t last = read64(entry + ENTRY_LAST);
    if (first > last || first < table->header.first_usable || last > table->header.last_usable) {
        return GPT_PARTITION_RANGE;
    }
    if (table->partition_count == GPT_PARTITIONS_MAX) {
        return GPT_TOO_MANY;
    }
    struct gpt_partition *partition = &table->partition[table->partition_count++];
    partition->first = first;
    partition->last = last;
    read_name(entry + ENTRY_NAME, partition->name);
    return GPT_OK;
}

void gpt_feed(struct gpt_table *table, const uint8_t *bytes, uint32_t sectors)
{
    uint32_t size = table->header.entry_size;
    uint32_t count = sectors * (GPT_SECTOR / size);
    uint32_t left = table->header.entry_count - table->entries_seen;
    count = count > left ? left : count; /* the last sector may be used in part */
    table->crc = gpt_crc32(table->crc, bytes, (size_t)count * size);
    table->entries_seen += count;
    for (uint32_t i = 0; i < count && table->error == GPT_OK; i++) {
        table->error = read_entry(table, bytes + (size_t)i * size);
    }
}

enum gpt_error gpt_end(const struct gpt_table *table)
{
    if (table->entries_seen != table->header.entry_count || table->crc != table->header.table_crc) {
        return GPT_TABLE_CRC; /* which explains errors in entries, if there are any */
    }
    if (table->error != GPT_OK) {
        return table->error;
    }
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const struct gpt_partition *a = &table->partition[i];
        for (uint32_t j = i + 1; j < table->partition_count; j++) {
            const struct gpt_partition *b = &table->partition[j];
            if (a->first <= b->last && b->first <= a->last) {
                return GPT_OVERLAP;
            }
        }
    }
    return GPT_OK;
}

const char *gpt_error_text(enum gpt_error error)
{
    switch (error) {
    case GPT_OK:
        return "ok";
    case GPT_NO_MBR:
        return "sector 0 holds no master boot record";
    case GPT_NOT_PROTECTIVE:
        return "the master boot record is not that of a GPT disk";
    case GPT_NO_SIGNATURE:
        return "the header has no GPT signature";
    case GPT_REVISION:
        return "the header is of an unknown revision";
    case GPT_HEADER_SIZE:
        return "the header's size is impossible";
    case GPT_HEADER_CRC:
        return "the header's checksum is wrong";
    case GPT_WRONG_PLACE:
        return "the header belongs to another sector";
    case GPT_USABLE_RANGE:
        return "the usable sectors are not within the disk, or overlap the header";
    case GPT_ENTRY_SIZE:
        return "the entries do not have 128, 256 or 512 bytes";
    case GPT_TOO_LARGE:
        return "the table is empty or larger than 128 KiB";
    case GPT_TABLE_RANGE:
        return "the table is not within the disk, or overlaps the header or usable sectors";
    case GPT_TABLE_CRC:
        return "the table's checksum is wrong";
    case GPT_PARTITION_RANGE:
        return "a partition is not within the usable sectors";
    case GPT_OVERLAP:
        return "two partitions overlap";
    case GPT_TOO_MANY:
        return "there are more than 256 partitions";
    }
    return "unknown error";
}
