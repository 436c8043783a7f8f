/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP with its network interface, joined by a real channel to the switch's side of a port, at
 * which the test sits. The time is the test's.
 */
#ifndef TEST_UNIT_LWIP_STACK_H
#define TEST_UNIT_LWIP_STACK_H

#include "domains/network/port.h"
#include "ipc/net.h"
#include "libs/lwip/port/channel_netif.h"

#define STACK_MAC     UINT64_C(0x524248000001)
#define STACK_ADDRESS 0x0f02000au /* 10.0.2.15, in network order */

struct stack {
    struct channel_netif netif;
    struct port port; /* the switch's side */
    uint8_t *memory;
    struct bh_io_counters counters;
};

extern struct stack stack;

/* Starts lwIP and attaches the channel; once. */
void stack_start(void);

/* Attaches a new channel in the place of the old one, as after a restart of the switch. */
void stack_reattach(void);

/* Lets time pass, in milliseconds, and lwIP work. `work` (may be NULL) is called in between, as a
 * main loop would. */
void stack_run(unsigned milliseconds, void (*work)(void));

/* The next frame that lwIP sent, copied to `frame` (BH_NET_FRAME_MAX bytes); 0: none. */
uint32_t stack_take(uint8_t *frame);

/* A frame comes in. */
void stack_give(const uint8_t *frame, uint32_t length);

uint64_t stack_now_us(void);

/* pbufs, segments and so on that lwIP has in use, connections in TIME_WAIT aside. */
unsigned stack_memory_in_use(void);

#endif
