/* SPDX-License-Identifier: BSD-2-Clause */
/* What domains publish for others to read: statistics, consoles' history, volumes, the table of
 * guests. */
#ifndef ROOT_SHARE_H
#define ROOT_SHARE_H

#include "domains/root/domain.h"

/* Makes what the domain publishes, writable for it. The reason why not, or NULL. */
const char *share_make(struct domain *domain, bool statistics, uint32_t serves);

/* Lets the domain read the kernel's trace. */
void share_trace(struct domain *reader);

/* Lets the domain read what it may of all domains that run, and those that may read what it
 * publishes. */
void share_connect(struct domain *domain);

#endif
