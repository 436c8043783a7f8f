/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/storage/gpt_image.h"

#include <string.h>

#include "domains/storage/gpt.h"

#define LAST        (IMAGE_SECTORS - 1)
#define TABLE_BYTES (IMAGE_TABLE * 512u)

void image_put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

void image_put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static void make_header(uint8_t *sector, uint64_t my, uint64_t other, uint64_t table)
{
    memcpy(sector, "EFI PART", 8);
    image_put32(sector + 8, 0x00010000);
    image_put32(sector + 12, 92);
    image_put64(sector + 24, my);
    image_put64(sector + 32, other);
    image_put64(sector + 40, 2 + IMAGE_TABLE);
    image_put64(sector + 48, LAST - 1 - IMAGE_TABLE);
    image_put64(sector + 72, table);
    image_put32(sector + 80, 128);
    image_put32(sector + 84, 128);
}

void image_init(struct image *image)
{
    memset(image, 0, sizeof *image);
    uint8_t *mbr = image->sector[0];
    mbr[446 + 4] = 0xee;
    image_put32(mbr + 446 + 8, 1);
    image_put32(mbr + 446 + 12, LAST);
    mbr[510] = 0x55;
    mbr[511] = 0xaa;
    make_header(image->sector[1], 1, LAST, 2);
    make_header(image->sector[LAST], LAST, 1, LAST - IMAGE_TABLE);
    image_seal(image);
}

void image_partition(struct image *image, unsigned index, uint64_t first, uint64_t last,
                     const char *name)
{
    uint8_t *entries[2] = {image->sector[2], image->sector[LAST - IMAGE_TABLE]};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *entry = entries[i] + (size_t)index * 128;
        memset(entry, 0, 128);
        memset(entry, 0x41, 16);
        memset(entry + 16, (int)(index + 1), 16);
        image_put64(entry + 32, first);
        image_put64(entry + 40, last);
        for (unsigned j = 0; name[j] != '\0' && j < 36; j++) {
            entry[56 + 2 * j] = (uint8_t)name[j];
        }
    }
}

static void seal(uint8_t *header, const uint8_t *table)
{
    image_put32(header + 88, gpt_crc32(0, table, TABLE_BYTES));
    image_put32(header + 16, 0);
    image_put32(header + 16, gpt_crc32(0, header, 92));
}

void image_seal(struct image *image)
{
    seal(image->sector[1], image->sector[2]);
    seal(image->sector[LAST], image->sector[LAST - IMAGE_TABLE]);
}
