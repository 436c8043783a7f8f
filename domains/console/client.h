/* SPDX-License-Identifier: BSD-2-Clause */
/* One channel that the domain serves: output of a console, or the manager's input for all of them.
 */
#ifndef DOMAINS_CONSOLE_CLIENT_H
#define DOMAINS_CONSOLE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/console/lines.h"
#include "ipc/channel.h"
#include "ipc/domain.h"

#define CLIENT_INPUT_SIZE 512u /* a power of two */

struct client {
    struct bh_channel channel;
    uint32_t index;    /* of its resource in the domain page */
    uint32_t protocol; /* enum bh_protocol */
    char name[BH_NAME_MAX];
    uint32_t console; /* index; not for BH_PROTOCOL_CONSOLE_INPUT */
    bool active;      /* to be served in the next round; if not, it sleeps and its peer signals */
    bool waiting;     /* for the terminal: the peer does not signal output */
    bool broken;      /* the peer broke the protocol: not served any more */
    struct lines lines;
    uint32_t input_head; /* free-running, of what waits for room in the complete ring */
    uint32_t input_tail;
    uint8_t input[CLIENT_INPUT_SIZE];
};

/* Keeps input for the client; what finds no room is dropped. */
void client_push_input(struct client *client, const uint8_t *data, size_t length);

/* Moves kept input into the complete ring. True: the peer must be signalled. */
bool client_send_input(struct client *client);

/* The client has nothing to do: tells the peer to signal. False: something has come meanwhile. */
bool client_sleep(struct client *client);

/* The same, but only of room for kept input: output is not wanted now. */
bool client_sleep_for_input(struct client *client);

/* The peer need not signal for the time being. */
void client_wake(struct client *client);

#endif
