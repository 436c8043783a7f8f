/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of domains: what becomes of one that did what it may not. */
#ifndef ROOT_FAULT_H
#define ROOT_FAULT_H

#include <bh/message.h>

#include "domains/root/domain.h"

/* Stops the faulting domain for good and says so in the log; a guest's VMM makes its guest a
 * crashed one. */
void fault_handle(struct domain *domain, const struct bh_message *message);

#endif
