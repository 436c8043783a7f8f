/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls and faults from other cores. An endpoint serves one core, so root has one for each. Core 0's is
 * root's main thread's. Each of the others has a relay: a thread of root on that core, which receives a
 * message, leaves it where the main thread finds it, signals ROOT_SIGNAL_RELAY, and answers when the main
 * thread has answered. With one core there is none.
 */
#ifndef ROOT_RELAY_H
#define ROOT_RELAY_H

#include <bh/message.h>
#include <bh/types.h>

/* Makes the relays of all cores but the first. False: no memory. */
bool relays_create(void);

/* The endpoint (slot of root) for threads on this core. */
bh_cptr relay_endpoint(uint32_t core);

/* Deals with the messages that relays hold by `handle`, which is main's: whether to answer, and what. */
void relays_serve(bool (*handle)(const struct bh_message *message,
                                 uint64_t answer[BH_MESSAGE_REGISTERS]));

#endif
