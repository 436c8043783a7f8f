/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joins the UART and the channel "console" (ipc/console.h).
 *
 * Output is gathered and sent at the end of a line, when a chunk is full, or a millisecond after
 * its first byte. When the console domain does not take it, the UART is told to wait; after a
 * second of that, output is dropped until there is room again, so that no guest hangs because of
 * its console. Without a channel all output is dropped.
 *
 * A second terminal may share the console. Input goes to the one that wrote last: where the guest's
 * shell is.
 */
#ifndef DOMAINS_VMM_CONSOLE_H
#define DOMAINS_VMM_CONSOLE_H

#include "domains/vmm/device.h"
#include "domains/vmm/link.h"
#include "ipc/channel.h"
#include "ipc/console.h"
#include "ipc/domain.h"

struct pl011;

/* The terminal beside the UART. */
struct console_other {
    size_t (*receive)(void *device, const uint8_t *bytes,
                      size_t count); /* returns how many it took */
    void (*ready)(void *device);     /* console_ready may be true again */
    void *device;
};

struct console {
    struct vm *vm;
    struct pl011 *uart;
    struct vm_link link;
    struct bh_channel channel; /* valid while attached */
    bool attached;
    bool stalled;         /* the ring was full at the last look */
    bool dropping;        /* ... and has been for too long */
    uint64_t stall_start; /* ticks */
    struct bh_console_chunk output;
    struct bh_console_chunk input; /* what the UART has not taken yet, from input_used on */
    uint32_t input_used;
    struct vm_timer flush;
    struct console_other other;
    bool other_wrote; /* ... last */
};

/* Attaches the channel if there is one. False: no room for its signal handler. */
bool console_start(struct console *console, struct vm *vm, struct pl011 *uart);

/* Whether the ring has been full for so long that nobody waits for it any more. */
bool console_given_up(struct console *console);

/* Whether console_put will take a byte; if not, pl011_transmit_ready follows some time. */
static inline bool console_ready(struct console *console)
{
    return !console->stalled || console_given_up(console);
}

void console_put(struct console *console, uint8_t byte);

/* Sends what has been gathered. */
void console_flush(struct console *console);

/* The terminal that gets the input has room for it. */
void console_pull(struct console *console);

/* The second terminal: joins, writes, and writes no more. */
void console_join(struct console *console, const struct console_other *other);
void console_put_other(struct console *console, uint8_t byte);
void console_other_gone(struct console *console);

#endif
