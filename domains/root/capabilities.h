/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capability distribution: what the kernel says that domains hold, against what the description
 * says that they must.
 */
#ifndef ROOT_CAPABILITIES_H
#define ROOT_CAPABILITIES_H

#include "domains/root/capability_match.h"
#include "domains/root/domain.h"

#define EXPECTED_MAX 512u

/* Walks the CNodes of all domains, compares, and logs the result; every capability as well, with
 * `print-capabilities`. */
void capabilities_check(void);

/* --- capabilities_expected.c --- */

/* Fills `expected` (EXPECTED_MAX entries) with what the domain must hold; returns how many. */
uint32_t capabilities_expected(const struct domain *domain, struct capability_expected *expected);

/* Reads a slot of a CNode that root holds. */
struct capability capability_read(bh_cptr cnode, uint64_t slot);

#endif
