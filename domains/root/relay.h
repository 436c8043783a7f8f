/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls and faults from other cores. An endpoint serves one core, so root has one for each. Core 0's is
 * root's main thread's. Each of the others has a relay: a thread of root on that core, which receives a
 * message, leaves it where the main thread finds it, signals ROOT_SIGNAL_RELAY, waits until the main
 * thread has dealt with it, and answers. With one core there is none.
 */
#ifndef ROOT_RELAY_H
#define ROOT_RELAY_H

#include <bh/message.h>
#include <bh/types.h>

/* Makes the relays of all cores but the first. False: no memory. */
bool relays_create(void);

/* The endpoint (slot of root) for threads on this core. */
bh_cptr relay_endpoint(uint32_t core);

/* The next message that a relay holds, or NULL; relay_done, before the next is asked for, lets the relay
 * go on, with an answer of four words or without one (NULL). */
const struct bh_message *relay_next(void);
void relay_done(const uint64_t answer[BH_MESSAGE_REGISTERS]);

#endif
