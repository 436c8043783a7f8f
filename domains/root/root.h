/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all of root shares: its own objects, the description, and where it maps things in its own
 * space.
 */
#ifndef ROOT_ROOT_H
#define ROOT_ROOT_H

#include <bh/boot_info.h>

#include "domains/root/bundle.h"
#include "domains/root/description.h"
#include "domains/root/space.h"

/* Root's addresses, above everything that the kernel maps (boot_info.h) and below its resources. */
#define ROOT_GUEST_TABLE   UINT64_C(0x40000000)
#define ROOT_TRACE_THREADS UINT64_C(0x44000000)
#define ROOT_ECAM          UINT64_C(0x48000000)
#define ROOT_RELAYS        UINT64_C(0x4c000000) /* stacks of the relays */
#define ROOT_SCRATCH       UINT64_C(0x50000000) /* frames that are being filled; up to 16 MiB */
#define ROOT_WINDOWS       UINT64_C(0x60000000) /* one for each domain: domain_window */
#define ROOT_WINDOW_SIZE   UINT64_C(0x20000)

struct root {
    const struct bh_boot_info *boot;
    struct bundle bundle;
    struct description description;
    struct arena arena; /* root's own objects */
    struct space space;
    bh_cptr endpoint, reply, notification;
};

extern struct root root;

/* Bits of root's own notification. Bits from BH_SIGNAL_RESOURCE_SHIFT on are its channels'. */
#define ROOT_SIGNAL_TIMER (UINT64_C(1) << 1)
#define ROOT_SIGNAL_RELAY (UINT64_C(1) << 2)

uint64_t root_ticks_from_us(uint64_t us);

/* Logs `bulkhead: exit N` and turns the machine off as soon as the line is out. */
void root_exit(unsigned status);

/* Turns the machine off for something that nothing can go on from. */
void root_fail(const char *reason) __attribute__((noreturn));

#endif
