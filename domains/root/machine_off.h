/* SPDX-License-Identifier: BSD-2-Clause */
/* Turning the machine off, once what the log has to say is out (root_exit begins it). */
#ifndef ROOT_MACHINE_OFF_H
#define ROOT_MACHINE_OFF_H

#include <stdint.h>

void machine_off_step(uint64_t now);

/* The next time at which machine_off_step has something to do; UINT64_MAX: never. */
uint64_t machine_off_deadline(void);

#endif
