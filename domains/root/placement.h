/* SPDX-License-Identifier: BSD-2-Clause */
/* Which threads run on which core. Root and what the description describes run on core 0; the threads
 * of guests are spread. */
#ifndef ROOT_PLACEMENT_H
#define ROOT_PLACEMENT_H

#include "domains/root/domain.h"

/* Chooses the cores of a guest's vCPUs: those that its settings list, in turn, or else always the one
 * that has the fewest vCPUs of guests so far. The reason why not, or NULL. */
const char *placement_choose(const struct guest_settings *settings, uint32_t count,
                             uint32_t core[DOMAIN_THREADS_MAX]);

/* Moves a thread that does not run yet to a core. False: the kernel refuses. */
bool thread_place(bh_cptr tcb, uint32_t core);

#endif
