/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of an arm64 kernel `Image` (Linux's Documentation/arch/arm64/booting.rst), and where
 * the kernel, the device tree and the initrd go in the guest's RAM. */
#ifndef DOMAINS_VMM_IMAGE_H
#define DOMAINS_VMM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/image_error.h"

#define IMAGE_HEADER_SIZE 64u

struct image {
    uint64_t text_offset; /* of the load address from a 2 MiB boundary */
    uint64_t size;        /* bytes of memory the kernel needs from there, 0: unknown */
};

/* Reads the first `length` bytes of a kernel volume. */
enum image_error image_parse(const uint8_t *header, size_t length, struct image *image);

struct image_layout {
    uint64_t kernel;       /* intermediate physical address */
    uint64_t kernel_bytes; /* to read from the volume */
    uint64_t device_tree;  /* IMAGE_DEVICE_TREE_SIZE bytes, which cross no 2 MiB boundary */
    uint64_t initrd;
};

#define IMAGE_DEVICE_TREE_SIZE UINT64_C(0x10000)

/* Finds places in RAM [ram_base, ram_base + ram_size), which begins at a multiple of 2 MiB.
 * `initrd_bytes` may be 0. */
enum image_error image_place(const struct image *image, uint64_t kernel_volume_bytes,
                             uint64_t initrd_bytes, uint64_t ram_base, uint64_t ram_size,
                             struct image_layout *layout);

#endif
