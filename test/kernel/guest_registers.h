/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers that a guest, or a native thread, reaches without the kernel being asked, and how they are kept apart. */
#ifndef TEST_KERNEL_GUEST_REGISTERS_H
#define TEST_KERNEL_GUEST_REGISTERS_H

#include "register_walk.h"

enum register_kind {
    KEPT,       /* exchanged when another guest runs; holds what is written on every processor that the tests run on */
    MAY_KEEP,   /* the same where the feature, or anything behind the register, exists */
    FORGOTTEN,  /* cleared when another guest runs: guests are not told of it */
    CONSTANT,   /* of the processor or its state, not of what was written */
    ADVANCES,   /* a counter of time */
    MOVES,      /* random, or depends on a counter: is not compared */
    WRITE_ONLY, /* an action */
};

struct known_register {
    uint32_t sysreg;
    enum register_kind kind;
    const char *name;
    uint64_t mask, fixed; /* what may be written: bits of a pattern, and bits that must be 1 */
};

extern const struct known_register known_registers[];
extern const uint32_t known_register_count;

#endif
