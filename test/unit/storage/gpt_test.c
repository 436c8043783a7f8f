/* SPDX-License-Identifier: BSD-2-Clause */
/* The partition table: good ones, each way to be wrong, and random damage. */
#include <stdbool.h>
#include <string.h>

#include "domains/storage/gpt.h"
#include "test/unit/check.h"
#include "test/unit/storage/gpt_image.h"

static struct image image;
static struct gpt_table table;

static enum gpt_error read_at(uint64_t at, uint64_t disk_sectors)
{
    struct gpt_header header;
    enum gpt_error error = gpt_read_header(image.sector[at], at, disk_sectors, &header);
    if (error != GPT_OK) {
        return error;
    }
    gpt_begin(&table, &header);
    for (uint32_t i = 0; i < header.table_sectors; i += 3) {
        uint32_t left = header.table_sectors - i;
        CHECK(header.table + i + (left < 3 ? left : 3) <= IMAGE_SECTORS);
        gpt_feed(&table, image.sector[header.table + i], left < 3 ? left : 3);
    }
    return gpt_end(&table);
}

static enum gpt_error read_image(void)
{
    return read_at(1, IMAGE_SECTORS);
}

static void make(void)
{
    image_init(&image);
    image_partition(&image, 0, 40, 47, "debian1");
    image_partition(&image, 5, 48, 48, "kernel");
    image_partition(&image, 127, 100, 222, "a name with spaces, 31 letters.");
    image_seal(&image);
}

static void test_crc(void)
{
    CHECK_EQUAL(gpt_crc32(0, (const uint8_t *)"123456789", 9), 0xcbf43926);
    uint32_t crc = gpt_crc32(0, (const uint8_t *)"1234", 4);
    CHECK_EQUAL(gpt_crc32(crc, (const uint8_t *)"56789", 5), 0xcbf43926);
}

static void test_good(void)
{
    make();
    CHECK_EQUAL(gpt_check_mbr(image.sector[0]), GPT_OK);
    CHECK_EQUAL(read_image(), GPT_OK);
    CHECK_EQUAL(table.partition_count, 3);
    CHECK(strcmp(table.partition[0].name, "debian1") == 0);
    CHECK_EQUAL(table.partition[0].first, 40);
    CHECK_EQUAL(table.partition[0].last, 47);
    CHECK(strcmp(table.partition[1].name, "kernel") == 0);
    CHECK(strcmp(table.partition[2].name, "a name with spaces, 31 letters.") == 0);
    CHECK_EQUAL(read_at(IMAGE_SECTORS - 1, IMAGE_SECTORS), GPT_OK); /* the backup */
    CHECK_EQUAL(table.partition_count, 3);
}

static void test_mbr(void)
{
    make();
    image.sector[0][511] = 0;
    CHECK_EQUAL(gpt_check_mbr(image.sector[0]), GPT_NO_MBR);
    make();
    image.sector[0][446 + 4] = 0x83; /* another tool has partitioned the disk since */
    CHECK_EQUAL(gpt_check_mbr(image.sector[0]), GPT_NOT_PROTECTIVE);
    make();
    memcpy(image.sector[0] + 446 + 16, image.sector[0] + 446, 16);
    image.sector[0][446 + 4] = 0x0c; /* hybrid */
    CHECK_EQUAL(gpt_check_mbr(image.sector[0]), GPT_OK);
}

static void test_names_that_are_none(void)
{
    make();
    image_partition(&image, 1, 60, 61, "thirty-two letters are too many.");
    image_partition(&image, 2, 62, 63, "");
    image_partition(&image, 3, 64, 65, "tab\t");
    image_partition(&image, 4, 66, 67, "x");
    image.sector[3][57] = 1; /* a letter beyond ASCII */
    image.sector[IMAGE_SECTORS - 32][57] = 1;
    image_seal(&image);
    CHECK_EQUAL(read_image(), GPT_OK);
    CHECK_EQUAL(table.partition_count, 7);
    for (unsigned i = 1; i < 5; i++) {
        CHECK_EQUAL(table.partition[i].name[0], 0);
    }
}

/* Changes a header field, with a correct checksum. */
static enum gpt_error with_field(unsigned offset, uint64_t value, unsigned size)
{
    make();
    memcpy(image.sector[1] + offset, &value, size);
    image_seal(&image);
    return read_image();
}

static void test_headers(void)
{
    make();
    image.sector[1][0] ^= 1;
    CHECK_EQUAL(read_image(), GPT_NO_SIGNATURE);
    make();
    image.sector[1][60] ^= 1; /* in the disk's identifier */
    CHECK_EQUAL(read_image(), GPT_HEADER_CRC);
    CHECK_EQUAL(with_field(8, 0x00020000, 4), GPT_REVISION);
    CHECK_EQUAL(with_field(12, 91, 4), GPT_HEADER_SIZE);
    CHECK_EQUAL(with_field(12, 513, 4), GPT_HEADER_SIZE);
    CHECK_EQUAL(with_field(12, 0xffffffff, 4), GPT_HEADER_SIZE);
    CHECK_EQUAL(with_field(24, 2, 8), GPT_WRONG_PLACE);
    CHECK_EQUAL(with_field(48, IMAGE_SECTORS, 8), GPT_USABLE_RANGE);
    CHECK_EQUAL(with_field(48, UINT64_MAX, 8), GPT_USABLE_RANGE);
    CHECK_EQUAL(with_field(40, 223, 8), GPT_USABLE_RANGE); /* first behind last */
    CHECK_EQUAL(with_field(40, 1, 8), GPT_USABLE_RANGE);   /* over the header */
    CHECK_EQUAL(with_field(40, 10, 8), GPT_TABLE_RANGE);   /* over the table */
    CHECK_EQUAL(with_field(84, 127, 4), GPT_ENTRY_SIZE);
    CHECK_EQUAL(with_field(84, 0, 4), GPT_ENTRY_SIZE);
    CHECK_EQUAL(with_field(84, 4096, 4), GPT_ENTRY_SIZE);
    CHECK_EQUAL(with_field(80, 0, 4), GPT_TOO_LARGE);
    CHECK_EQUAL(with_field(80, 1025, 4), GPT_TOO_LARGE);
    CHECK_EQUAL(with_field(80, 0xffffffff, 4), GPT_TOO_LARGE);
    CHECK_EQUAL(with_field(80, 0x02000001, 4), GPT_TOO_LARGE); /* times 128 is 128, modulo 2^32 */
    CHECK_EQUAL(with_field(72, 0, 8), GPT_TABLE_RANGE);
    CHECK_EQUAL(with_field(72, 1, 8), GPT_TABLE_RANGE);
    CHECK_EQUAL(with_field(72, IMAGE_SECTORS - 5, 8), GPT_TABLE_RANGE);
    CHECK_EQUAL(with_field(72, UINT64_MAX, 8), GPT_TABLE_RANGE);
    CHECK_EQUAL(with_field(72, 100, 8), GPT_TABLE_RANGE);
    make();
    CHECK_EQUAL(read_at(1, 200), GPT_USABLE_RANGE); /* the disk has shrunk */
}

static enum gpt_error with_partition(uint64_t first, uint64_t last)
{
    make();
    image_partition(&image, 9, first, last, "x");
    image_seal(&image);
    return read_image();
}

static void test_partitions(void)
{
    CHECK_EQUAL(with_partition(50, 99), GPT_OK);
    CHECK_EQUAL(with_partition(47, 47), GPT_OVERLAP);
    CHECK_EQUAL(with_partition(35, 40), GPT_OVERLAP);
    CHECK_EQUAL(with_partition(35, 220), GPT_OVERLAP);
    CHECK_EQUAL(with_partition(33, 35), GPT_PARTITION_RANGE);
    CHECK_EQUAL(with_partition(223, 223), GPT_PARTITION_RANGE);
    CHECK_EQUAL(with_partition(60, 59), GPT_PARTITION_RANGE);
    CHECK_EQUAL(with_partition(60, UINT64_MAX), GPT_PARTITION_RANGE);
    make();
    image.sector[2][33] ^= 1; /* without a new checksum: that is the reason to tell */
    CHECK_EQUAL(read_image(), GPT_TABLE_CRC);
    make();
    image_put64(image.sector[2] + 40, UINT64_MAX);
    CHECK_EQUAL(read_image(), GPT_TABLE_CRC);
}

static void test_random_damage_is_noticed(void)
{
    uint64_t seed = 42;
    for (int round = 0; round < 2000; round++) {
        make();
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t bit = (uint32_t)(seed >> 33) % (33 * 512 * 8);
        uint32_t byte = bit / 8;
        image.sector[1 + byte / 512][byte % 512] ^= (uint8_t)(1u << bit % 8);
        bool unused = byte >= 92 && byte < 512; /* the rest of the header's sector */
        CHECK_EQUAL(read_image() == GPT_OK, unused);
    }
    /* With correct checksums anything may come, and nothing may break. */
    for (int round = 0; round < 2000; round++) {
        make();
        for (int i = 0; i < 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint32_t at = (uint32_t)(seed >> 33) % (i == 0 ? 92 : 512 * 3);
            image.sector[1 + at / 512][at % 512] = (uint8_t)(seed >> 20);
        }
        image_seal(&image);
        if (read_image() == GPT_OK) {
            for (uint32_t i = 0; i < table.partition_count; i++) {
                const struct gpt_partition *partition = &table.partition[i];
                CHECK(partition->first <= partition->last && partition->last < IMAGE_SECTORS);
                CHECK(memchr(partition->name, 0, sizeof partition->name) != NULL);
            }
        }
    }
}

int main(void)
{
    test_crc();
    test_good();
    test_mbr();
    test_names_that_are_none();
    test_headers();
    test_partitions();
    test_random_damage_is_noticed();
    return 0;
}
