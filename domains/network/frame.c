/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/network/frame.h"

#include <string.h>

#define ADDRESSES    12u /* bytes before the EtherType */
#define TYPE_VLAN    0x8100u
#define TYPE_SERVICE 0x88a8u
#define VID_MASK     0xfffu
#define VID_RESERVED 0xfffu

static uint16_t load16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void store16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

enum frame_tagging frame_open(struct frame *frame, const uint8_t *memory, uint32_t length,
                              uint16_t *vlan)
{
    memcpy(frame->header, memory, FORWARDING_HEADER);
    frame->body = memory + FORWARDING_HEADER;
    frame->length = length;
    uint16_t type = load16(frame->header + ADDRESSES);
    if (type == TYPE_SERVICE) {
        return FRAME_BAD_TAG;
    }
    if (type != TYPE_VLAN) {
        return FRAME_UNTAGGED;
    }
    if (length < FORWARDING_HEADER + FRAME_TAG) {
        return FRAME_BAD_TAG;
    }
    uint8_t rest[FRAME_TAG]; /* the tag's control information and the EtherType behind it */
    memcpy(rest, frame->body, FRAME_TAG);
    uint16_t vid = load16(rest) & VID_MASK;
    uint16_t inner = load16(rest + 2);
    if (vid == VID_RESERVED || inner == TYPE_VLAN || inner == TYPE_SERVICE) {
        return FRAME_BAD_TAG;
    }
    store16(frame->header + ADDRESSES, inner);
    frame->body += FRAME_TAG;
    frame->length -= FRAME_TAG;
    *vlan = vid;
    return vid == 0 ? FRAME_UNTAGGED : FRAME_TAGGED;
}

void frame_copy(uint8_t *memory, const struct frame *frame)
{
    memcpy(memory, frame->header, FORWARDING_HEADER);
    memcpy(memory + FORWARDING_HEADER, frame->body, frame->length - FORWARDING_HEADER);
}

void frame_copy_tagged(uint8_t *memory, const struct frame *frame, uint16_t vlan)
{
    memcpy(memory, frame->header, ADDRESSES);
    store16(memory + ADDRESSES, TYPE_VLAN);
    store16(memory + ADDRESSES + 2, vlan);
    memcpy(memory + ADDRESSES + FRAME_TAG, frame->header + ADDRESSES,
           FORWARDING_HEADER - ADDRESSES);
    memcpy(memory + FORWARDING_HEADER + FRAME_TAG, frame->body, frame->length - FORWARDING_HEADER);
}
