/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk with a GUID partition table in memory, as a partitioning tool would write it. */
#ifndef TEST_UNIT_STORAGE_GPT_IMAGE_H
#define TEST_UNIT_STORAGE_GPT_IMAGE_H

#include <stdint.h>

#define IMAGE_SECTORS 256u
#define IMAGE_TABLE   32u /* sectors: 128 entries of 128 bytes */

struct image {
    uint8_t sector[IMAGE_SECTORS][512];
};

/* An empty table: primary in sectors 1 to 33, backup in the last 33. */
void image_init(struct image *image);

/* Entry `index` of both tables; call image_seal afterwards. */
void image_partition(struct image *image, unsigned index, uint64_t first, uint64_t last,
                     const char *name);

/* Fixes the checksums. */
void image_seal(struct image *image);

void image_put32(uint8_t *at, uint32_t value);
void image_put64(uint8_t *at, uint64_t value);

#endif
