/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up once the MMU is on. */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include "core.h"

/* Called by start.S on the boot core; then the first thread is entered. */
void kernel_main(void);

/* The same on the others, which enter at secondary_start with the MMU off and their number in x0. */
extern char secondary_start[];
void kernel_secondary(struct core *core);

/* Builds root, the first domain, from the bundle and all memory, and makes it the thread to run. */
void boot_root(struct all_cores *all);

/* An ELF image and where it lies in the bundle. */
struct boot_image {
    const uint8_t *data;
    uint64_t size;
};

/* The first file of the bundle (a newc cpio archive), which must be named "root". */
struct boot_image bundle_first(const uint8_t *bundle, uint64_t size);

struct boot_segment {
    uint64_t address, memory_size;
    const uint8_t *data;
    uint64_t data_size;
    uint64_t rights; /* BH_RIGHT_READ, WRITE, GRANT (execute) */
    uint64_t attributes; /* BH_MAP_GUARDED, or 0 */
};

#define BOOT_SEGMENTS_MAX 8

/* The loadable segments of an ELF executable, which must lie apart, page-aligned, below `limit`. Returns how many. */
uint32_t elf_segments(struct boot_image image, uint64_t limit, struct boot_segment segments[BOOT_SEGMENTS_MAX],
                      uint64_t *entry);

#endif
