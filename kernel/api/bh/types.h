/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Basic types and constants of the kernel interface.
 *
 * A `bh_cptr` is an index into the calling thread's CNode. CSpaces are flat: one CNode per thread, no guards,
 * no depth. Slot 0 is never used and stands for "no capability" where an operation allows that.
 *
 * Times are in ticks of the system counter (CNTVCT_EL0 as a native domain reads it: no offset); its frequency is
 * in `struct bh_boot_info` and in CNTFRQ_EL0.
 */
#ifndef BH_TYPES_H
#define BH_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t bh_cptr;

#define BH_CPTR_NULL ((bh_cptr)0)

#define BH_PAGE_BITS 12
#define BH_PAGE_SIZE (UINT64_C(1) << BH_PAGE_BITS)
#define BH_LARGE_PAGE_BITS 21 /* 2 MiB: Arm ARM D8.2, 4 KiB granule, level-2 block */
#define BH_HUGE_PAGE_BITS 30  /* 1 GiB: level-1 block */

/* Every address space (VSpace, GuestSpace, IOSpace) translates this many bits of input address, from level 1. */
#define BH_SPACE_BITS 38
#define BH_SPACE_SIZE (UINT64_C(1) << BH_SPACE_BITS)

#define BH_PRIORITY_MAX 255
#define BH_CORES_MAX 8

#endif
