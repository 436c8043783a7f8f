/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding root in the bundle and its segments, in archives and programs good and damaged. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../check.h"
#include "boot.h"
#include "start.h"

#define LIMIT UINT64_C(0x10000000)
#define IMAGE_SIZE 3000u
#define SEGMENTS 3u

static void put(uint8_t *p, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint8_t *program_header(uint8_t *image, unsigned n)
{
    return image + 64 + n * 56;
}

/* An ELF64 program of three segments (System V gABI, 4 and 5). */
static void put_elf(uint8_t image[IMAGE_SIZE])
{
    memset(image, 0x5a, IMAGE_SIZE);
    memset(image, 0, 64 + SEGMENTS * 56);
    memcpy(image, "\177ELF\2\1\1", 7);
    put(image + 16, 2, 2);
    put(image + 18, 183, 2);
    put(image + 20, 1, 4);
    put(image + 24, 0x200100, 8);
    put(image + 32, 64, 8);
    put(image + 52, 64, 2);
    put(image + 54, 56, 2);
    put(image + 56, SEGMENTS, 2);
    static const uint32_t flags[SEGMENTS] = {5, 4, 6};
    for (unsigned i = 0; i < SEGMENTS; i++) {
        uint8_t *header = program_header(image, i);
        put(header, 1, 4);
        put(header + 4, flags[i], 4);
        put(header + 8, 1000 + 500 * i, 8);
        put(header + 16, 0x200000 + 0x10000 * i, 8);
        put(header + 32, 500, 8);
        put(header + 40, i == 2 ? 0x5000 : 500, 8);
    }
}

static const char *segments_of(uint8_t *image, uint64_t size, struct boot_segment segments[BOOT_SEGMENTS_MAX],
                               uint32_t *count)
{
    /* In memory of exactly its size, so that the sanitizer sees each byte too far. */
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    CHECK(exact != NULL);
    memcpy(exact, image, size);
    uint64_t entry = 0;
    const char *error = WHY_NOT(*count = elf_segments((struct boot_image){exact, size}, LIMIT, segments, &entry));
    if (error == NULL) {
        for (uint32_t i = 0; i < *count; i++) {
            CHECK(segments[i].data >= exact && segments[i].data_size <= size);
            CHECK(segments[i].data + segments[i].data_size <= exact + size);
            CHECK(segments[i].address + segments[i].memory_size <= LIMIT);
            CHECK(segments[i].data_size <= segments[i].memory_size);
            CHECK((segments[i].rights & 6) != 6);
        }
    }
    free(exact);
    return error;
}

static void reads_segments(void)
{
    uint8_t image[IMAGE_SIZE];
    struct boot_segment segments[BOOT_SEGMENTS_MAX];
    uint32_t count;
    put_elf(image);
    CHECK(segments_of(image, IMAGE_SIZE, segments, &count) == NULL);
    CHECK_EQUAL(count, SEGMENTS);
    CHECK_EQUAL(segments[0].address, 0x200000);
    CHECK_EQUAL(segments[0].rights, BH_RIGHT_READ | BH_RIGHT_GRANT);
    CHECK_EQUAL(segments[0].attributes, 0);
    CHECK_EQUAL(segments[1].rights, BH_RIGHT_READ);
    CHECK_EQUAL(segments[2].rights, BH_RIGHT_READ | BH_RIGHT_WRITE);
    CHECK_EQUAL(segments[2].memory_size, 0x5000);
    CHECK_EQUAL(segments[2].data_size, 500);
}

#define PROPERTY_AT 2800u

static bool code_is_guarded(unsigned damage, uint64_t offset)
{
    static const uint32_t property[8] = {4, 16, 5, 0x554e47, 0xc0000000, 4, 3, 0};
    uint8_t image[IMAGE_SIZE];
    struct boot_segment segments[BOOT_SEGMENTS_MAX];
    uint32_t count;
    put_elf(image);
    uint8_t *header = program_header(image, SEGMENTS); /* behind the text segment, which it is about */
    memset(header, 0, 56);
    put(header, 0x6474e553, 4);
    put(header + 8, offset, 8);
    put(image + 56, SEGMENTS + 1, 2);
    memcpy(image + PROPERTY_AT, property, sizeof(property));
    image[PROPERTY_AT + damage] ^= 1;
    CHECK(segments_of(image, IMAGE_SIZE, segments, &count) == NULL);
    CHECK_EQUAL(count, SEGMENTS);
    CHECK(segments[1].attributes == 0 && segments[2].attributes == 0);
    CHECK((segments[0].attributes & ~(uint64_t)BH_MAP_GUARDED) == 0);
    return segments[0].attributes != 0;
}

static void guards_code_with_landing_pads(void)
{
    CHECK(code_is_guarded(28, PROPERTY_AT)); /* damage to what pads */
    for (unsigned damage = 0; damage <= 24; damage++) {
        CHECK(!code_is_guarded(damage, PROPERTY_AT));
    }
    static const uint64_t offsets[] = {PROPERTY_AT + 1, IMAGE_SIZE - 31, IMAGE_SIZE, UINT64_MAX};
    for (unsigned i = 0; i < 4; i++) {
        CHECK(!code_is_guarded(28, offsets[i]));
    }
}

static void refuses_bad_programs(void)
{
    static const struct {
        unsigned segment, offset; /* segment 9: the ELF header */
        uint64_t value;
        unsigned size;
    } damage[] = {
        {9, 0, 0x464c457e, 4},         {9, 4, 1, 1},          {9, 5, 2, 1},
        {9, 16, 3, 2},                 {9, 18, 62, 2},        {9, 54, 55, 2},
        {9, 32, UINT64_MAX, 8},        {9, 32, IMAGE_SIZE, 8}, {9, 32, IMAGE_SIZE - 10, 8},
        {9, 56, 0xffff, 2},            {0, 8, UINT64_MAX, 8}, {0, 8, IMAGE_SIZE - 499, 8},
        {0, 32, UINT64_MAX, 8},        {0, 40, 499, 8},       {0, 40, UINT64_MAX, 8},
        {0, 16, 0, 8},                 {0, 16, LIMIT, 8},     {0, 16, UINT64_C(0xffffff8000000000), 8},
        {0, 16, UINT64_MAX - 0xfff, 8}, {0, 16, LIMIT - 0x1000 + 8, 8}, {0, 16, 0x200010, 8},
        {0, 4, 7, 4},                  {1, 16, 0x200000, 8},  {0, 40, 0x10001, 8},
        {2, 40, LIMIT - 0x220000 + 1, 8},
    };
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        uint8_t image[IMAGE_SIZE];
        struct boot_segment segments[BOOT_SEGMENTS_MAX];
        uint32_t count;
        put_elf(image);
        uint8_t *base = damage[i].segment == 9 ? image : program_header(image, damage[i].segment);
        put(base + damage[i].offset, damage[i].value, damage[i].size);
        if (segments_of(image, IMAGE_SIZE, segments, &count) == NULL) {
            fprintf(stderr, "damage %zu was accepted\n", i);
            abort();
        }
    }
}

static void refuses_cut_programs(void)
{
    uint8_t image[IMAGE_SIZE];
    struct boot_segment segments[BOOT_SEGMENTS_MAX];
    uint32_t count;
    put_elf(image);
    for (uint64_t size = 0; size < 2500; size++) {
        CHECK(segments_of(image, size, segments, &count) != NULL);
    }
    CHECK(segments_of(image, 2500, segments, &count) == NULL);
}

static const char *first_of(const uint8_t *data, uint64_t size, struct boot_image *image)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    CHECK(exact != NULL);
    memcpy(exact, data, size);
    const char *error = WHY_NOT(*image = bundle_first(exact, size));
    if (error == NULL) {
        CHECK(image->data >= exact && image->data + image->size <= exact + size);
    }
    free(exact);
    return error;
}

static size_t put_archive(uint8_t *archive, const char *name, unsigned file_size, unsigned name_size)
{
    int header = sprintf((char *)archive, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1u, 0100444u, 0u, 0u,
                         1u, 0u, file_size, 0u, 0u, 0u, 0u, name_size, 0u);
    CHECK_EQUAL(header, 110);
    memset(archive + 110, 0, 400);
    memcpy(archive + 110, name, strlen(name));
    return ((110 + name_size + 3) & ~3u) + file_size;
}

static void finds_root(void)
{
    uint8_t archive[1024];
    struct boot_image image;
    CHECK_EQUAL(put_archive(archive, "root", 100, 5), 216);
    CHECK(first_of(archive, 216, &image) == NULL);
    CHECK_EQUAL(image.size, 100);
    for (uint64_t size = 0; size < 216; size++) {
        CHECK(first_of(archive, size, &image) != NULL);
    }
    /* The name may be padded so that the data lie on a page. */
    put_archive(archive, "root", 100, 300);
    CHECK(first_of(archive, 512, &image) == NULL);
    put_archive(archive, "roots", 100, 6);
    CHECK(first_of(archive, 512, &image) != NULL);
    put_archive(archive, "root", 100, 4);
    CHECK(first_of(archive, 512, &image) != NULL);
    put_archive(archive, "root", 0xffffffff, 5);
    CHECK(first_of(archive, 512, &image) != NULL);
    put_archive(archive, "root", 100, 0xffffffff);
    CHECK(first_of(archive, 512, &image) != NULL);
}

static uint32_t next(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

static void survives_any_damage(void)
{
    uint32_t random = 88675123;
    for (int round = 0; round < 30000; round++) {
        uint8_t image[IMAGE_SIZE];
        struct boot_segment segments[BOOT_SEGMENTS_MAX];
        uint32_t count;
        put_elf(image);
        for (uint32_t changes = next(&random) % 5 + 1; changes > 0; changes--) {
            image[next(&random) % (64 + SEGMENTS * 56)] = (uint8_t)next(&random);
        }
        (void)segments_of(image, next(&random) % 4 == 0 ? next(&random) % IMAGE_SIZE : IMAGE_SIZE, segments, &count);
        uint8_t archive[1024];
        struct boot_image first;
        put_archive(archive, "root", 100, 5);
        archive[next(&random) % 116] = (uint8_t)next(&random);
        archive[next(&random) % 116] = (uint8_t)"0123456789abcdefABCDEFg"[next(&random) % 23];
        (void)first_of(archive, 512, &first);
    }
}

int main(void)
{
    reads_segments();
    guards_code_with_landing_pads();
    refuses_bad_programs();
    refuses_cut_programs();
    finds_root();
    survives_any_damage();
    return 0;
}
