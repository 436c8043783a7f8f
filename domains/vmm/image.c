/* SPDX-License-Identifier: BSD-2-Clause */

#include "domains/vmm/image.h"

#include <stdbool.h>
#include <string.h>

#define MEBIBYTE           UINT64_C(0x100000)
#define BOUNDARY           (2 * MEBIBYTE)
#define TEXT_OFFSET_OLD    UINT64_C(0x80000) /* of kernels that do not tell their size */
#define SIZE_MAX_PLAUSIBLE (UINT64_C(1) << 40)

struct image_header {
    uint32_t code[2];
    uint64_t text_offset;
    uint64_t image_size;
    uint64_t flags; /* bit 0: big-endian */
    uint64_t reserved[3];
    uint32_t magic;
    uint32_t pe_offset;
};

_Static_assert(sizeof(struct image_header) == IMAGE_HEADER_SIZE, "fixed by the boot protocol");

#define MAGIC           UINT32_C(0x644d5241) /* "ARM\x64" */
#define FLAG_BIG_ENDIAN UINT64_C(1)

enum image_error image_parse(const uint8_t *header, size_t length, struct image *image)
{
    static const uint8_t zeros[IMAGE_HEADER_SIZE];
    struct image_header copy;
    if (length < sizeof(copy)) {
        return IMAGE_NO_VOLUME;
    }
    memcpy(&copy, header, sizeof(copy));
    if (copy.magic != MAGIC) {
        if (memcmp(header, zeros, sizeof(zeros)) == 0) {
            return IMAGE_EMPTY;
        }
        if (memcmp(header, "\x1f\x8b", 2) == 0) {
            return IMAGE_GZIP;
        }
        if (memcmp(header, "MZ", 2) == 0 && memcmp(header + 4, "zimg", 4) == 0) {
            return IMAGE_ZBOOT;
        }
        return memcmp(header,
                      "\x7f"
                      "ELF",
                      4) == 0
                   ? IMAGE_ELF
                   : IMAGE_NO_MAGIC;
    }
    if (copy.image_size != 0 && (copy.flags & FLAG_BIG_ENDIAN) != 0) {
        return IMAGE_BIG_ENDIAN;
    }
    image->size = copy.image_size;
    image->text_offset = copy.image_size != 0 ? copy.text_offset : TEXT_OFFSET_OLD;
    return image->size < SIZE_MAX_PLAUSIBLE && image->text_offset < BOUNDARY ? IMAGE_OK
                                                                             : IMAGE_KERNEL_SIZE;
}

/* Takes `bytes` from [*next, end) at a multiple of `alignment`. False: there is no room. */
static bool take(uint64_t *next, uint64_t end, uint64_t bytes, uint64_t alignment,
                 uint64_t *address)
{
    uint64_t start = (*next + alignment - 1) & ~(alignment - 1);
    if (start > end || bytes > end - start) {
        return false;
    }
    *address = start;
    *next = start + bytes;
    return true;
}

enum image_error image_place(const struct image *image, uint64_t kernel_volume_bytes,
                             uint64_t initrd_bytes, uint64_t ram_base, uint64_t ram_size,
                             struct image_layout *layout)
{
    *layout = (struct image_layout){0};
    uint64_t end = ram_base + ram_size;
    uint64_t memory = image->size != 0 ? image->size : kernel_volume_bytes;
    layout->kernel_bytes = kernel_volume_bytes < memory ? kernel_volume_bytes : memory;
    uint64_t next = ram_base + image->text_offset;
    if (!take(&next, end, memory, 1, &layout->kernel) ||
        !take(&next, end, IMAGE_DEVICE_TREE_SIZE, BOUNDARY, &layout->device_tree)) {
        return IMAGE_KERNEL_SIZE;
    }
    return take(&next, end, initrd_bytes, 4096, &layout->initrd) ? IMAGE_OK : IMAGE_INITRD_SIZE;
}
