/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the switch needs of a network card: a table of functions over a driver. Nothing here waits.
 */
#ifndef NETWORK_UPLINK_H
#define NETWORK_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

struct uplink_operations {
    /* The next received frame, or NULL; to be released before the next. Length 0: no frame at all.
     */
    const uint8_t *(*receive)(void *card, uint32_t *length);
    void (*release)(void *card);
    /* Room for UPLINK_FRAME_MAX bytes, or NULL when all buffers are on their way. */
    uint8_t *(*transmit_buffer)(void *card);
    void (*transmit)(void *card, uint32_t length);
    /* Shows the card what was released and transmitted since the last flush. */
    void (*flush)(void *card);
    /* True: the card will interrupt for the next frame. False: one is there. */
    bool (*sleep)(void *card);
};

#define UPLINK_FRAME_MAX 1522u /* tagged, without FCS */

struct uplink {
    const struct uplink_operations *operations;
    void *card; /* NULL: not in service */
};

#endif
