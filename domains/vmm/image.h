/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of an arm64 kernel `Image` (Linux's Documentation/arch/arm64/booting.rst), and where
 * the kernel, the device tree and the initrd go in the guest's RAM. */
#ifndef DOMAINS_VMM_IMAGE_H
#define DOMAINS_VMM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_HEADER_SIZE 64u

/* Why a guest could not be loaded: the code of BH_GUEST_EVENT_BAD_IMAGE. */
enum image_error {
    IMAGE_OK = 0,
    IMAGE_NO_VOLUME,  /* there is no kernel channel, or the volume is smaller than a header */
    IMAGE_UNREADABLE, /* reading the volume failed */
    IMAGE_EMPTY,      /* nothing but zeros at its start */
    IMAGE_GZIP,       /* compressed */
    IMAGE_ZBOOT,      /* a compressed EFI image */
    IMAGE_ELF,        /* a vmlinux or another ELF file */
    IMAGE_NO_MAGIC,   /* no arm64 Image at all */
    IMAGE_BIG_ENDIAN,
    IMAGE_KERNEL_SIZE, /* the kernel does not fit into the guest's memory */
    IMAGE_INITRD_SIZE, /* the initrd, its size or that of its volume, does not fit */
    IMAGE_INITRD_UNREADABLE,
    IMAGE_DEVICE_TREE, /* the generated device tree does not fit */
    IMAGE_ERRORS
};

/* For people: what is wrong, as a part of a sentence. */
const char *image_error_text(enum image_error error);

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
