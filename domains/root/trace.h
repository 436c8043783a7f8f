/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's trace, for those who may read it: its rings, and the names of threads. */
#ifndef ROOT_TRACE_H
#define ROOT_TRACE_H

#include "domains/root/domain.h"

/* Takes over the rings. Nothing if the kernel does not trace. False: no memory for the names. */
bool trace_init(void);

/* The domain's thread is going to run: notes whose it is. */
void trace_name(const struct domain *domain, bh_cptr thread);

/* Regions with 0 frames if the kernel does not trace. */
struct region *trace_rings(void);
struct region *trace_threads(void);

#endif
