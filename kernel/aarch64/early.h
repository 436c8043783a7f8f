/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up with the MMU off: checking the machine and building the kernel's translation tables. */
#ifndef KERNEL_EARLY_H
#define KERNEL_EARLY_H

#include "address.h"

/* Called by start.S at the physical address of the image. Returns only if the machine can be used. */
void early_boot(const void *device_tree, uint64_t image_start);

#endif
