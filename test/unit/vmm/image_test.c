/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a kernel Image and where things are put. */
#include <string.h>

#include "domains/vmm/image.h"
#include "test/unit/check.h"

#define MIB UINT64_C(0x100000)
#define RAM UINT64_C(0x40000000)

static uint8_t header[512];

static void put(size_t at, uint64_t value)
{
    memcpy(header + at, &value, 8);
}

static void make(uint64_t text_offset, uint64_t size, uint64_t flags)
{
    memset(header, 0, sizeof(header));
    memcpy(header, "MZ", 2);
    memcpy(header + 56, "ARM\x64", 4);
    put(8, text_offset);
    put(16, size);
    put(24, flags);
}

static enum image_error parse(struct image *image)
{
    return image_parse(header, sizeof(header), image);
}

static void test_header(void)
{
    struct image image;
    make(0, 32 * MIB, 0xa);
    CHECK_EQUAL(parse(&image), IMAGE_OK);
    CHECK_EQUAL(image.size, 32 * MIB);
    CHECK_EQUAL(image.text_offset, 0);
    CHECK_EQUAL(image_parse(header, 63, &image), IMAGE_NO_VOLUME);
    make(0x80000, 0, 0); /* before Linux 3.17 */
    CHECK_EQUAL(parse(&image), IMAGE_OK);
    CHECK_EQUAL(image.text_offset, 0x80000);
    make(0, MIB, 1);
    CHECK_EQUAL(parse(&image), IMAGE_BIG_ENDIAN);
    make(2 * MIB, MIB, 0);
    CHECK_EQUAL(parse(&image), IMAGE_KERNEL_SIZE);
    make(UINT64_MAX, MIB, 0);
    CHECK_EQUAL(parse(&image), IMAGE_KERNEL_SIZE);
    make(0, UINT64_MAX, 0);
    CHECK_EQUAL(parse(&image), IMAGE_KERNEL_SIZE);
    memset(header, 0, sizeof(header));
    CHECK_EQUAL(parse(&image), IMAGE_EMPTY);
    memcpy(header, "\x1f\x8b", 2);
    CHECK_EQUAL(parse(&image), IMAGE_GZIP);
    memcpy(header, "MZ\0\0zimg", 8);
    CHECK_EQUAL(parse(&image), IMAGE_ZBOOT);
    memcpy(header,
           "\x7f"
           "ELF",
           4);
    CHECK_EQUAL(parse(&image), IMAGE_ELF);
    memcpy(header, "#!/bin/sh", 9);
    CHECK_EQUAL(parse(&image), IMAGE_NO_MAGIC);
    for (unsigned i = 0; i <= IMAGE_ERRORS; i++) {
        CHECK(strlen(image_error_text((enum image_error)i)) > 0);
    }
}

static void test_places(void)
{
    struct image image = {.text_offset = 0, .size = 33 * MIB};
    struct image_layout layout;
    CHECK_EQUAL(image_place(&image, 64 * MIB, 20 * MIB, RAM, 256 * MIB, &layout), IMAGE_OK);
    CHECK_EQUAL(layout.kernel, RAM);
    CHECK_EQUAL(layout.kernel_bytes, 33 * MIB);
    CHECK_EQUAL(layout.device_tree, RAM + 34 * MIB);
    CHECK_EQUAL(layout.initrd, RAM + 34 * MIB + IMAGE_DEVICE_TREE_SIZE);
    CHECK_EQUAL(image_place(&image, 30 * MIB, 0, RAM, 256 * MIB, &layout), IMAGE_OK);
    CHECK_EQUAL(layout.kernel_bytes, 30 * MIB);
    CHECK_EQUAL(image_place(&image, 64 * MIB, 0, RAM, 32 * MIB, &layout), IMAGE_KERNEL_SIZE);
    CHECK_EQUAL(image_place(&image, 64 * MIB, 0, RAM, 34 * MIB, &layout), IMAGE_KERNEL_SIZE);
    CHECK_EQUAL(image_place(&image, 64 * MIB, 0, RAM, 36 * MIB, &layout), IMAGE_OK);
    CHECK_EQUAL(image_place(&image, 64 * MIB, 2 * MIB, RAM, 36 * MIB, &layout), IMAGE_INITRD_SIZE);
    CHECK_EQUAL(image_place(&image, 64 * MIB, UINT64_MAX, RAM, 256 * MIB, &layout),
                IMAGE_INITRD_SIZE);
    image = (struct image){.text_offset = 0x80000, .size = 0};
    CHECK_EQUAL(image_place(&image, 10 * MIB, 0, RAM, 64 * MIB, &layout), IMAGE_OK);
    CHECK_EQUAL(layout.kernel, RAM + 0x80000);
    CHECK_EQUAL(layout.device_tree, RAM + 12 * MIB);
}

int main(void)
{
    test_header();
    test_places();
    return 0;
}
