/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hostile domain's program. It is mapped at the address at which it is linked, text and constants alone.
 *
 * Two things it does not do, for the sake of QEMU, whose clock counts instructions here: a guest whose own exception
 * vector faults would execute none, time would stand still, and nothing could preempt it. So its guests keep their MMU
 * off, and no memory is mapped executable: then whatever they do comes to the kernel.
 */
#include "hostile.h"

#include <bh/syscall.h>
#include <bh/vcpu.h>

#define FRAME_SCTLR (offsetof(struct bh_vcpu_frame, state.sctlr_el1) / 8)

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A register: a slot, something small, an address, a size, an edge, or anything. */
static uint64_t value(uint64_t *state)
{
    uint64_t r = next(state);
    switch (r >> 60) {
    case 0:
        return r & 0xff;
    case 1:
        return HOSTILE_DATA + ((r & 31) << BH_PAGE_BITS);
    case 2:
        return (r & 3) << BH_HUGE_PAGE_BITS | (r >> 2 & 3) << BH_LARGE_PAGE_BITS | (r >> 4 & 3) << BH_PAGE_BITS;
    case 3:
        return UINT64_MAX - (r & 3);
    case 4:
        return UINT64_C(1) << (r & 63);
    case 5:
        return 0;
    case 6:
        return r;
    case 7:
        return 6 + (r & 15);
    case 8:
    case 9:
        return r & 15;
    default:
        return r & ((1 << HOSTILE_CNODE_RADIX) - 1);
    }
}

/* One of the operations on an object of this type. */
static uint64_t operation(uint64_t *state, uint64_t type)
{
    static const struct {
        uint8_t first, count;
    } operations[BH_TYPE_COUNT] = {
        [BH_TYPE_UNTYPED] = {BH_OP_UNTYPED_RETYPE, 1},
        [BH_TYPE_DEVICE_UNTYPED] = {BH_OP_UNTYPED_RETYPE, 1},
        [BH_TYPE_CNODE] = {BH_OP_CNODE_COPY, 7},
        [BH_TYPE_TCB] = {BH_OP_TCB_CONFIGURE, 11},
        [BH_TYPE_NOTIFICATION] = {BH_OP_NOTIFICATION_ARM, 2},
        [BH_TYPE_SCHED_CONTEXT] = {BH_OP_SCHED_CONTEXT_BIND, 3},
        [BH_TYPE_SCHED_CONTROL] = {BH_OP_SCHED_CONTROL_CONFIGURE, 1},
        [BH_TYPE_FRAME] = {BH_OP_FRAME_MAP, 3},
        [BH_TYPE_PAGE_TABLE] = {BH_OP_PAGE_TABLE_MAP, 2},
        [BH_TYPE_GUEST_SPACE] = {BH_OP_GUEST_SPACE_BIND_DOORBELL, 2},
        [BH_TYPE_IO_CONTROL] = {BH_OP_IO_CONTROL_BIND, 1},
        [BH_TYPE_IO_SPACE] = {BH_OP_IO_SPACE_FAULT, 1},
        [BH_TYPE_VCPU] = {BH_OP_VCPU_CONFIGURE, 4},
        [BH_TYPE_IRQ_HANDLER] = {BH_OP_IRQ_HANDLER_BIND, 3},
    };
    uint64_t r = next(state);
    if (type >= BH_TYPE_COUNT || operations[type].count == 0 || r % 16 == 0) {
        return r >> 8 & 0xff;
    }
    uint64_t chosen = operations[type].first + (r >> 8) % operations[type].count;
    /* What ends everything comes less often. */
    bool ends = chosen == BH_OP_CNODE_DELETE || chosen == BH_OP_CNODE_REVOKE || chosen == BH_OP_TCB_SUSPEND;
    return ends && (r >> 16 & 7) != 0 ? (uint64_t)BH_OP_CNODE_COPY : chosen;
}

static void fault(uint64_t *state)
{
    uint64_t r = next(state);
    switch (r >> 8 & 3) {
    case 0:
        (void)*(volatile uint8_t *)value(state);
        break;
    case 1:
        *(volatile uint8_t *)value(state) = 0;
        break;
    case 2:
        __asm__ volatile("brk #1");
        break;
    default:
        __asm__ volatile(".arch_extension fp\n\tfmov d0, xzr");
        break;
    }
}

__attribute__((noreturn)) void hostile_main(uint64_t seed, uint64_t thread)
{
    volatile uint64_t *count = (volatile uint64_t *)HOSTILE_DATA + thread;
    volatile uint64_t *buffer = (volatile uint64_t *)(HOSTILE_BUFFERS + (thread << BH_PAGE_BITS));
    volatile uint64_t *frame = (volatile uint64_t *)(HOSTILE_BUFFERS + (HOSTILE_THREADS << BH_PAGE_BITS));
    uint64_t state = seed;

    for (;;) {
        uint64_t word[BH_MESSAGE_REGISTERS];
        uint64_t r = next(&state);
        uint64_t cap = value(&state), info = value(&state), reply = value(&state);
        for (unsigned i = 0; i < BH_MESSAGE_REGISTERS; i++) {
            word[i] = value(&state);
        }
        *count = *count + 1;
        if (r % 512 == 0) {
            fault(&state);
        } else if (r % 64 == 1) { /* what its VMM gives the guest */
            uint64_t at = (r >> 8) % (BH_PAGE_SIZE / 8);
            frame[at] = at != FRAME_SCTLR ? word[0] : 0;
        } else if (r % 64 == 2) { /* the slots of a capability that goes with a message: the last words of the buffer */
            buffer[BH_MESSAGE_MAX + (r >> 8 & 1)] = word[0];
        } else if ((r >> 32) % 4 != 0) {
            uint64_t type = r % 4 != 0 ? bh_cnode_inspect(HOSTILE_OWN_CNODE, cap).value[0] : BH_TYPE_NULL;
            if (type == BH_TYPE_CNODE && r % 8 < 6) {
                word[0] &= (1 << HOSTILE_CNODE_RADIX) - 1;
                word[1] = HOSTILE_OWN_CNODE;
            } else if (type == BH_TYPE_UNTYPED && r % 8 < 6) {
                word[2] = BH_RETYPE_NEXT;
                word[3] = HOSTILE_OWN_CNODE;
                word[5] = 1;
            }
            uint64_t chosen = operation(&state, type);
            if (chosen == BH_OP_FRAME_MAP) {
                word[2] &= ~(uint64_t)BH_RIGHT_GRANT;
            } else if (chosen == BH_OP_SCHED_CONTROL_SET_WINDOW || chosen == BH_OP_SCHED_CONTROL_START_SCHEDULE) {
                chosen = BH_OP_SCHED_CONTROL_CONFIGURE; /* a schedule may leave the case without time: that is no fault */
            }
            (void)bh_syscall_message_(BH_SYS_INVOKE, cap, chosen, 0, word);
        } else {
            uint64_t number = (r >> 8) % (BH_SYS_COUNT + 2);
            if (number == BH_SYS_DEBUG_PUTCHAR) { /* the console is the test's */
                number = BH_SYS_YIELD;
            }
            info = (r >> 16 & 1) != 0 ? BH_INFO_CAP | (info & BH_INFO_LENGTH_MASK) : info;
            (void)bh_syscall_message_(number, cap, info, reply, word);
        }
    }
}
