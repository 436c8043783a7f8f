/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages. A message is a label, up to BH_MESSAGE_MAX words and at most one capability. The first
 * BH_MESSAGE_REGISTERS words travel in registers; the rest, and the slots of a transferred capability, lie in the
 * thread's IPC buffer, a page that the kernel shares with the thread (bh_tcb_configure).
 */
#ifndef BH_MESSAGE_H
#define BH_MESSAGE_H

#include <bh/types.h>

#define BH_MESSAGE_REGISTERS 8
#define BH_MESSAGE_MAX 64

/*
 * Message information: bits 0-6 length in words, bit 8 a capability is transferred, bits 16-47 label.
 * Bits 62 and 63 are set by the kernel alone.
 */
#define BH_INFO_LENGTH_MASK UINT64_C(0x7f)
#define BH_INFO_CAP (UINT64_C(1) << 8)
#define BH_INFO_LABEL_SHIFT 16
#define BH_INFO_FAULT (UINT64_C(1) << 62)        /* sent by the kernel for a faulting thread; label is enum bh_fault */
#define BH_INFO_NOTIFICATION (UINT64_C(1) << 63) /* no message: the bound notification's bits are in the badge */
#define BH_INFO_USER_MASK ((UINT64_C(1) << 48) - 1)

static inline uint64_t bh_info(uint32_t label, uint64_t length)
{
    return ((uint64_t)label << BH_INFO_LABEL_SHIFT) | (length & BH_INFO_LENGTH_MASK);
}

static inline uint32_t bh_info_label(uint64_t info)
{
    return (uint32_t)(info >> BH_INFO_LABEL_SHIFT);
}

static inline uint64_t bh_info_length(uint64_t info)
{
    return info & BH_INFO_LENGTH_MASK;
}

struct bh_ipc_buffer {
    uint64_t words[BH_MESSAGE_MAX]; /* [0, BH_MESSAGE_REGISTERS) are unused: those words are in registers */
    bh_cptr send_cap;               /* what a message with BH_INFO_CAP takes along (needs BH_RIGHT_GRANT) */
    bh_cptr receive_slot;           /* an empty slot of the receiver's CNode, or 0 to take no capabilities */
};

/* What a receive returns. On error (status != BH_OK) `info` and `badge` are 0 and the words are undefined. */
struct bh_message {
    uint64_t status;
    uint64_t info;
    uint64_t badge;
    uint64_t word[BH_MESSAGE_REGISTERS];
};

#endif
