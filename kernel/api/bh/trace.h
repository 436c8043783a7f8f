/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace: what a kernel that was built with tracing (BULKHEAD_KERNEL_TRACE) did, one ring for each core.
 *
 * Each ring is one Frame of 2^BH_TRACE_RING_BITS bytes without the right to write; boot information says where the
 * Frames are. The core is the only writer, never waits, and overwrites the oldest entries. Entry number n, counted from
 * 0 since boot, lies at n % BH_TRACE_ENTRIES. A reader copies the entries below `next` (read with acquire), and reads
 * `next` again behind a load barrier: of what it has copied, only entries above the new `next` - BH_TRACE_ENTRIES are
 * whole, and those that it has missed are lost.
 */
#ifndef BH_TRACE_H
#define BH_TRACE_H

#include <bh/object.h>

#define BH_TRACE_MAGIC UINT64_C(0x3165636172744842) /* "BHtrace1", little-endian; the digit is the layout's version */
#define BH_TRACE_RING_BITS BH_LARGE_PAGE_BITS
#define BH_TRACE_ENTRIES 65534

/* Threads are named by numbers: the physical address of the TCB divided by its size, 2^BH_TCB_BITS; 0 is no thread. */
enum bh_trace_kind {           /* what happened to the entry's thread; the two words */
    BH_TRACE_SWITCH = 1,       /* the core goes on with it; its priority */
    BH_TRACE_IDLE = 2,         /* (no thread) the core waits until the next SWITCH */
    BH_TRACE_GUEST_ENTER = 3,  /* its guest runs; the guest's pc */
    BH_TRACE_GUEST_EXIT = 4,   /* its guest was left; ESR_EL2 or 0: for an interrupt, the guest's pc */
    BH_TRACE_VM_RETURN = 5,    /* bh_vm_enter returns; enum bh_exit, bits of the notification or else the frame's ipa */
    BH_TRACE_INTERRUPT = 6,    /* it was interrupted, or the idle core was (no thread); INTID */
    BH_TRACE_CALL = 7,         /* its Call was delivered; the receiving thread, message information */
    BH_TRACE_SEND = 8,         /* its Send was delivered; likewise */
    BH_TRACE_REPLY = 9,        /* it answers a Call or fault; the calling thread, message information */
    BH_TRACE_WAKE = 10,        /* it may run */
    BH_TRACE_FAULT = 11,       /* it faults; enum bh_fault, address or number of the system call */
};

struct bh_trace_entry {
    uint64_t time; /* ticks of the system counter */
    uint32_t thread;
    uint32_t kind;
    uint64_t word[2];
};

struct bh_trace_ring {
    uint64_t magic;
    uint64_t next; /* entries written since boot */
    uint64_t reserved[6];
    struct bh_trace_entry entry[BH_TRACE_ENTRIES];
};

_Static_assert(sizeof(struct bh_trace_ring) == UINT64_C(1) << BH_TRACE_RING_BITS, "a ring is one Frame");

#endif
