/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frame on its way from one port to others. The header is the switch's own copy, made once: what
 * was decided upon is what goes out. The rest still lies with the sender, who may change it at any
 * time; it is only ever copied.
 *
 * Inside the switch frames carry no VLAN tag (IEEE 802.1Q 9): which network a frame belongs to is
 * known from where it came in.
 */
#ifndef NETWORK_FRAME_H
#define NETWORK_FRAME_H

#include <stdint.h>

#include "domains/network/forwarding.h"

#define FRAME_TAG 4u /* bytes of a VLAN tag */

struct frame {
    uint8_t header[FORWARDING_HEADER];
    const uint8_t *body; /* what follows the header */
    uint32_t length;     /* bytes, header included */
};

enum frame_tagging {
    FRAME_UNTAGGED = 0, /* also with a priority tag (VID 0), which has been taken off */
    FRAME_TAGGED,       /* the tag has been taken off; *vlan is 1 to 4094 */
    FRAME_BAD_TAG,      /* cut off, VID 4095, or a service tag (802.1ad) */
};

/* Takes the frame of `length` bytes, at least FORWARDING_HEADER, at `memory`, and its tag off. */
enum frame_tagging frame_open(struct frame *frame, const uint8_t *memory, uint32_t length,
                              uint16_t *vlan);

/* Writes the frame to `memory`, which has room for frame->length bytes. */
void frame_copy(uint8_t *memory, const struct frame *frame);

/* The same with a tag for `vlan`: FRAME_TAG bytes longer. */
void frame_copy_tagged(uint8_t *memory, const struct frame *frame, uint16_t vlan);

#endif
