/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading a guest: kernel and initrd from their volumes, a device tree, and the first vCPU ready to
 * run the kernel. */
#ifndef DOMAINS_VMM_BOOT_H
#define DOMAINS_VMM_BOOT_H

#include "domains/vmm/image.h"
#include "domains/vmm/vm.h"
#include "domains/vmm/volume_reader.h"

/* The boot volumes. They stay attached for the guest's life. */
struct boot {
    struct volume_reader kernel, initrd;
};

/* Blocks until the volumes are read; `boot` is zeroed and stays where it is. Anything but IMAGE_OK
 * has been logged, with the reason. */
enum image_error boot_load(struct boot *boot, struct vm *vm);

#endif
