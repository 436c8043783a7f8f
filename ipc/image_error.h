/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a VMM could not load its guest, as it tells root, and as root tells people. */
#ifndef IPC_IMAGE_ERROR_H
#define IPC_IMAGE_ERROR_H

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
static inline const char *image_error_text(enum image_error error)
{
    static const char *const text[IMAGE_ERRORS] = {
        [IMAGE_OK] = "is fine",
        [IMAGE_NO_VOLUME] = "is missing, or smaller than the header of an arm64 Image",
        [IMAGE_UNREADABLE] = "cannot be read",
        [IMAGE_EMPTY] = "is empty",
        [IMAGE_GZIP] = "is compressed with gzip; write the uncompressed Image to the volume",
        [IMAGE_ZBOOT] =
            "is a compressed EFI image (zboot); write the uncompressed Image to the volume",
        [IMAGE_ELF] = "is an ELF file; write the arm64 Image to the volume",
        [IMAGE_NO_MAGIC] = "is no arm64 Image (no magic number at byte 56)",
        [IMAGE_BIG_ENDIAN] = "is big-endian",
        [IMAGE_KERNEL_SIZE] = "does not fit into the guest's memory",
        [IMAGE_INITRD_SIZE] =
            "does not fit: its initrd, or the size that is configured for it, is too large",
        [IMAGE_INITRD_UNREADABLE] = "is fine, but its initrd cannot be read",
        [IMAGE_DEVICE_TREE] = "is fine, but the generated device tree is too large",
    };
    return (unsigned)error < IMAGE_ERRORS ? text[error] : "failed for an unknown reason";
}

#endif
