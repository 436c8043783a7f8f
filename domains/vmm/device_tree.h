/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree that the guest boots with: what memory_map.h says, in the bindings of Linux. */
#ifndef DOMAINS_VMM_DEVICE_TREE_H
#define DOMAINS_VMM_DEVICE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_TREE_SEED 64u

struct device_tree_range {
    uint64_t base, size;
};

struct device_tree {
    const struct device_tree_range *memory;
    unsigned memory_count;
    unsigned vcpu_count;
    const char *command_line;
    uint64_t initrd_start, initrd_end; /* equal: no initrd */
    uint8_t random[DEVICE_TREE_SEED];  /* rng-seed */
    uint64_t kaslr_seed;
};

/* Writes a tree of at most `size` bytes to `buffer` (8-byte aligned), with some room for firmware
 * that edits it. False: it does not fit. */
bool device_tree_write(const struct device_tree *tree, void *buffer, size_t size);

#endif
