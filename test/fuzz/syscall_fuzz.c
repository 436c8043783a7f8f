/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel against hostile threads: the input is a sequence of system calls, faults, guest exits, interrupts and
 * writes to shared frames, made by whichever of the threads runs. They hold capabilities of every kind but the machine's.
 * The kernel's structures must hold together all along, and when the input ends everything can be deleted.
 */
#include <bh/syscall.h>
#include <bh/vcpu.h>

#include <setjmp.h>

#include "hardware.h"
#include "invariants.h"
#include "test/fuzz/input.h"
#include "world.h"

#define CALLS_MAX 400u
#define CHECK_INTERVAL 32u
#define REVIVALS_MAX 40u

static jmp_buf idle;

/* Nobody can run: time goes on to what comes next, and if nothing does, the threads are made to run again. A schedule of
 * partitions without threads is nothing, though its windows never end. */
static void on_idle(void)
{
    static unsigned windows; /* that came one after the other */
    const struct deadline *next = this_core()->deadlines.head;
    windows = next != NULL && next->kind == DEADLINE_WINDOW ? windows + 1 : 0;
    if (next == NULL || next->when > UINT64_C(1) << 40 || windows > BH_SCHEDULE_WINDOWS) {
        windows = 0;
        longjmp(idle, 1);
    }
    host_registers.cntpct_el0 = next->when;
    host_irq_pending = HOST_TIMER_IRQ;
}

/* A slot of the current thread's CNode that holds something. */
static uint64_t filled_slot(uint8_t n)
{
    const struct tcb *tcb = this_core()->current;
    uint64_t found[256], count = 0;
    for (uint64_t i = 0; i < 256; i++) {
        if (tcb_lookup_cap(tcb, i).type != BH_TYPE_NULL) {
            found[count++] = i;
        }
    }
    return count != 0 ? found[n % count] : n;
}

/* A register: mostly a capability, a small number or an address, out of a byte or two. */
static uint64_t value(struct input *input)
{
    uint8_t kind = input_byte(input);
    switch (kind >> 4) {
    case 15:
        return input_take(input, 8);
    case 14:
        return UINT64_MAX - (kind & 15);
    case 13:
        return UINT64_C(1) << (input_byte(input) & 63);
    case 12:
        return (uint64_t)input_byte(input) << 12;
    case 11:
        return (uint64_t)(kind & 3) << 30 | (uint64_t)(kind >> 2 & 3) << 21;
    case 10:
    case 9:
        return kind & 31;
    case 8:
        return input_byte(input) & 127;
    default:
        return filled_slot(kind);
    }
}

/* Mostly one of the operations on what `cptr` names. */
static uint64_t operation(struct input *input, uint64_t cptr)
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
        [BH_TYPE_SCHED_CONTROL] = {BH_OP_SCHED_CONTROL_CONFIGURE, 3},
        [BH_TYPE_FRAME] = {BH_OP_FRAME_MAP, 3},
        [BH_TYPE_PAGE_TABLE] = {BH_OP_PAGE_TABLE_MAP, 2},
        [BH_TYPE_GUEST_SPACE] = {BH_OP_GUEST_SPACE_BIND_DOORBELL, 2},
        [BH_TYPE_IO_CONTROL] = {BH_OP_IO_CONTROL_BIND, 1},
        [BH_TYPE_IO_SPACE] = {BH_OP_IO_SPACE_FAULT, 1},
        [BH_TYPE_VCPU] = {BH_OP_VCPU_CONFIGURE, 4},
        [BH_TYPE_IRQ_CONTROL] = {BH_OP_IRQ_CONTROL_GET, 1},
        [BH_TYPE_IRQ_HANDLER] = {BH_OP_IRQ_HANDLER_BIND, 3},
    };
    uint8_t byte = input_byte(input);
    unsigned type = tcb_lookup_cap(this_core()->current, cptr).type;
    bool known = type < BH_TYPE_COUNT && operations[type].count != 0;
    if (type == BH_TYPE_IRQ_CONTROL && byte >= 128) {
        return BH_OP_IRQ_CONTROL_GET_MSI;
    }
    return known && byte >= 16 ? (uint64_t)operations[type].first + byte % operations[type].count : byte;
}

static void check(unsigned call)
{
    const char *broken = invariants_broken();
    if (broken != NULL) {
        fprintf(stderr, "call %u: %s\n", call, broken);
        abort();
    }
}

static void invoke(struct input *input)
{
    uint64_t x[13] = {value(input), [12] = BH_SYS_INVOKE};
    x[1] = operation(input, x[0]);
    for (unsigned i = 2; i < 8; i++) {
        x[i] = value(input);
    }
    host_preempt_at = input_byte(input) & 7;
    for (unsigned again = 0; again < 3; again++) {
        const struct tcb *tcb = this_core()->current;
        if (world_call(x) || this_core()->current != tcb || tcb->in_guest) {
            break;
        }
        check(again);
    }
    host_preempt_at = 0;
}

static void communicate(struct input *input)
{
    uint64_t x[13] = {value(input), value(input), [10] = value(input), [12] = input_byte(input) % (BH_SYS_COUNT + 1)};
    if (x[12] == BH_SYS_INVOKE || x[12] == BH_SYS_DEBUG_PUTCHAR) {
        x[12] = BH_SYS_YIELD;
    }
    if ((x[1] & 1) != 0) {
        x[1] = BH_INFO_CAP | (x[1] & BH_INFO_LENGTH_MASK);
    }
    (void)world_call(x);
}

/* Into a page that the kernel shares with a thread, or a virtual processor's VMM. */
static void write_shared(struct input *input)
{
    uint8_t which = input_byte(input);
    uint64_t index = input_take(input, 2) % (BH_PAGE_SIZE / 8);
    uint64_t page = WORLD_BUFFER(which % WORLD_THREADS);
    if ((which & 0x40) != 0) { /* IPC: what a capability goes from and to */
        index = offsetof(struct bh_ipc_buffer, send_cap) / 8 + (which >> 7);
    } else if ((which & 0x20) != 0) {
        struct cap frame = world_slot(WORLD_CNODE(0), WORLD_FURNITURE + 6)->cap;
        page = frame.type == BH_TYPE_FRAME && frame.mapping.device == 0 ? frame.object : page;
    }
    ((uint64_t *)paddr_pointer(paddr(page)))[index] = value(input);
}

static void exception(struct input *input)
{
    static const uint8_t classes[] = {0x00, 0x01, 0x07, 0x15, 0x16, 0x17, 0x18, 0x20, 0x22, 0x24, 0x3c};
    uint64_t class = classes[input_byte(input) % sizeof(classes)];
    if (!this_core()->current->in_guest && class == 0x15) {
        class = 0; /* that is a system call */
    }
    world_exception(class << 26 | input_take(input, 4) % (UINT64_C(1) << 25), value(input));
}

static void interrupt(struct input *input)
{
    static const uint16_t lines[] = {HOST_TIMER_IRQ, BH_VCPU_TIMER_INTID, HOST_MAINTENANCE_IRQ, 40, 41, 8192};
    uint8_t byte = input_byte(input);
    host_registers.cntpct_el0 += UINT64_C(1) << (byte >> 4);
    world_interrupt(lines[byte % (sizeof(lines) / sizeof(lines[0]))]);
}

static void step(struct input *input)
{
    uint8_t kind = input_byte(input);
    if (kind < 16) {
        interrupt(input);
    } else if (kind < 32) {
        write_shared(input);
    } else if (this_core()->current->in_guest || kind < 36) {
        exception(input);
    } else if (kind < 80) {
        communicate(input);
    } else {
        invoke(input);
    }
}

/* The input, and behind it what follows from it by chance: short inputs would only begin to reach anything. */
static struct input extend(const uint8_t *data, size_t size)
{
    static uint8_t bytes[CALLS_MAX * 32];
    uint64_t state = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i < size) {
            bytes[i] = data[i];
            state = (state ^ data[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
        } else {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes[i] = (uint8_t)(state >> 32);
        }
    }
    return (struct input){bytes, sizeof(bytes)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input; /* static: what longjmp finds as it was */
    static unsigned calls, revivals;
    input = extend(data, size);
    calls = revivals = 0;
    host_on_idle = on_idle;
    world_reset();
    world_furnish();
    check(0);
    if (setjmp(idle) != 0) {
        host_preempt_at = 0;
        if (++revivals == REVIVALS_MAX) {
            input.size = 0;
        } else {
            world_revive();
        }
    }
    for (; input.size > 0 && calls < CALLS_MAX; calls++) {
        step(&input);
        if (calls % CHECK_INTERVAL == 0) {
            check(calls);
        }
    }
    check(calls);
    const char *left = delete_everything();
    if (left != NULL) {
        fprintf(stderr, "when everything was deleted: %s\n", left);
        abort();
    }
    return 0;
}
