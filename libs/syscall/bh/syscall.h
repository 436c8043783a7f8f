/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls for programs: one wrapper for each operation of each object, with its contract. It is found before the
 * kernel's header of the same name, which has the numbers and the calling convention.
 */
#ifndef LIBS_SYSCALL_H
#define LIBS_SYSCALL_H

#include <bh/error.h>
#include <bh/message.h>
#include <bh/object.h>
#include <bh/types.h>

#include "kernel/api/bh/syscall.h"

struct bh_result {
    uint64_t error;    /* enum bh_error */
    uint64_t argument; /* index of the argument at fault */
    uint64_t value[4];
};

#ifdef __aarch64__

#define BH_SYSCALL_REGISTERS_                                                                                          \
    "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7), "+r"(x8), "+r"(x9), "+r"(x10),     \
        "+r"(x12)

static inline struct bh_message bh_syscall_message_(uint64_t number, uint64_t cap, uint64_t info, uint64_t reply,
                                                    const uint64_t word[BH_MESSAGE_REGISTERS])
{
    register uint64_t x0 __asm__("x0") = cap;
    register uint64_t x1 __asm__("x1") = info;
    register uint64_t x2 __asm__("x2") = word[0];
    register uint64_t x3 __asm__("x3") = word[1];
    register uint64_t x4 __asm__("x4") = word[2];
    register uint64_t x5 __asm__("x5") = word[3];
    register uint64_t x6 __asm__("x6") = word[4];
    register uint64_t x7 __asm__("x7") = word[5];
    register uint64_t x8 __asm__("x8") = word[6];
    register uint64_t x9 __asm__("x9") = word[7];
    register uint64_t x10 __asm__("x10") = reply;
    register uint64_t x12 __asm__("x12") = number;
    __asm__ volatile("svc #0" : BH_SYSCALL_REGISTERS_ : : "x11", "x13", "x14", "x15", "x16", "x17", "cc", "memory");
    return (struct bh_message){.status = x0, .info = x1, .badge = x10, .word = {x2, x3, x4, x5, x6, x7, x8, x9}};
}

static inline struct bh_message bh_syscall_short_(uint64_t number, uint64_t cap, uint64_t info, uint64_t reply)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    return bh_syscall_message_(number, cap, info, reply, none);
}

/*
 * Runs the virtual processor bound to this thread until the guest needs emulation or the thread's bound notification
 * is signalled. Returns enum bh_exit and, for BH_EXIT_NOTIFICATION, the bits in *bits (else 0). A pending
 * notification is returned before the guest runs. On a thread without a vCPU: BH_EXIT_INVALID.
 */
static inline uint64_t bh_vm_enter(uint64_t *bits)
{
    /* The most frequent call of all: it takes no arguments, so none are set. */
    register uint64_t x0 __asm__("x0");
    register uint64_t x10 __asm__("x10");
    register uint64_t x12 __asm__("x12") = BH_SYS_VM_ENTER;
    __asm__ volatile("svc #0"
                     : "=r"(x0), "=r"(x10), "+r"(x12)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x11", "x13", "x14", "x15", "x16", "x17",
                       "cc", "memory");
    *bits = x10;
    return x0;
}

/* --- IPC. Status: OK, INVALID_CAPABILITY, RIGHTS, CANCELLED; the non-blocking ones also WOULD_BLOCK. --- */

/* Sends and waits for the answer, lending its scheduling context to a passive receiver. Needs WRITE and CALL. */
static inline struct bh_message bh_call(bh_cptr endpoint, uint64_t info, const uint64_t word[BH_MESSAGE_REGISTERS])
{
    return bh_syscall_message_(BH_SYS_CALL, endpoint, info, 0, word);
}

/* Answers through `reply` (ignored when nobody waits there), then receives as bh_recv does. */
static inline struct bh_message bh_reply_recv(bh_cptr endpoint, uint64_t info,
                                              const uint64_t word[BH_MESSAGE_REGISTERS], bh_cptr reply)
{
    return bh_syscall_message_(BH_SYS_REPLY_RECV, endpoint, info, reply, word);
}

/* Sends on an Endpoint, or answers when `cap` is a Reply; blocks until received. Needs WRITE. */
static inline uint64_t bh_send(bh_cptr cap, uint64_t info, const uint64_t word[BH_MESSAGE_REGISTERS])
{
    return bh_syscall_message_(BH_SYS_SEND, cap, info, 0, word).status;
}

/* The same, but WOULD_BLOCK if nobody is waiting. */
static inline uint64_t bh_nb_send(bh_cptr cap, uint64_t info, const uint64_t word[BH_MESSAGE_REGISTERS])
{
    return bh_syscall_message_(BH_SYS_NB_SEND, cap, info, 0, word).status;
}

/*
 * Receives from an Endpoint, or takes the bits of the thread's bound notification, whichever comes first
 * (BH_INFO_NOTIFICATION). `reply` receives the right to answer a Call; 0 refuses Calls: they get CANCELLED.
 * Needs READ.
 */
static inline struct bh_message bh_recv(bh_cptr endpoint, bh_cptr reply)
{
    return bh_syscall_short_(BH_SYS_RECV, endpoint, 0, reply);
}

static inline struct bh_message bh_nb_recv(bh_cptr endpoint, bh_cptr reply)
{
    return bh_syscall_short_(BH_SYS_NB_RECV, endpoint, 0, reply);
}

/* Ors the capability's badge into the notification (bit 0 for an unbadged one). Needs WRITE. */
static inline uint64_t bh_signal(bh_cptr notification)
{
    register uint64_t x0 __asm__("x0") = notification;
    register uint64_t x12 __asm__("x12") = BH_SYS_SIGNAL;
    __asm__ volatile("svc #0"
                     : "+r"(x0), "+r"(x12)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x13", "x14", "x15", "x16",
                       "x17", "cc", "memory");
    return x0;
}

/* Waits until a bit is set, takes and clears them all. Needs READ. */
static inline uint64_t bh_wait(bh_cptr notification, uint64_t *bits)
{
    struct bh_message result = bh_syscall_short_(BH_SYS_WAIT, notification, 0, 0);
    *bits = result.badge;
    return result.status;
}

/* The same without waiting: WOULD_BLOCK when no bit is set. */
static inline uint64_t bh_poll(bh_cptr notification, uint64_t *bits)
{
    register uint64_t x0 __asm__("x0") = notification;
    register uint64_t x10 __asm__("x10");
    register uint64_t x12 __asm__("x12") = BH_SYS_POLL;
    __asm__ volatile("svc #0"
                     : "+r"(x0), "=r"(x10), "+r"(x12)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x11", "x13", "x14", "x15", "x16", "x17",
                       "cc", "memory");
    *bits = x10;
    return x0;
}

/* Lets other threads of the same priority run first. Uses up nothing: what is left of a budget or time slice stays. */
static inline void bh_yield(void)
{
    (void)bh_syscall_short_(BH_SYS_YIELD, 0, 0, 0);
}

/* Writes a character to the kernel's console. Debug kernels only: NO_SYSCALL otherwise. */
static inline uint64_t bh_debug_putchar(char c)
{
    return bh_syscall_short_(BH_SYS_DEBUG_PUTCHAR, (uint64_t)(unsigned char)c, 0, 0).status;
}

/* --- Invocations --- */

static inline struct bh_result bh_invoke(bh_cptr object, enum bh_operation operation, uint64_t a1, uint64_t a2,
                                         uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6)
{
    const uint64_t word[BH_MESSAGE_REGISTERS] = {a1, a2, a3, a4, a5, a6, 0, 0};
    struct bh_message m = bh_syscall_message_(BH_SYS_INVOKE, object, (uint64_t)operation, 0, word);
    return (struct bh_result){
        .error = m.status, .argument = m.info, .value = {m.word[0], m.word[1], m.word[2], m.word[3]}};
}

/*
 * Makes `count` objects of `type` and puts their capabilities into dest[index ..]. `size_bits` is the size of an
 * Untyped or Frame (12, 21, 30) and the radix of a CNode, else ignored. `offset` is BH_RETYPE_NEXT, or the byte in
 * the Untyped at which the first object shall lie (what is skipped is lost until the Untyped is free again).
 * Objects are aligned to their size. Memory is cleared (not device memory), with preemption points.
 * Errors: INVALID_ARGUMENT (type, size, count of 0 or over BH_RETYPE_MAX_COUNT), RANGE (slots; offset below what is
 * in use), ALIGNMENT (offset), NOT_EMPTY (a slot), NO_MEMORY, INVALID_CAPABILITY (4: dest is no CNode),
 * ILLEGAL_OPERATION (device memory can only become Frames and Untypeds).
 */
static inline struct bh_result bh_untyped_retype(bh_cptr untyped, enum bh_type type, uint64_t size_bits,
                                                 uint64_t offset, bh_cptr dest, uint64_t index, uint64_t count)
{
    return bh_invoke(untyped, BH_OP_UNTYPED_RETYPE, (uint64_t)type, size_bits, offset, dest, index, count);
}

/* In the CNode operations `cnode` is the destination; `source` names another CNode (or the same). Errors:
 * INVALID_CAPABILITY (no CNode, or the source slot is empty), RANGE (an index), NOT_EMPTY (the destination slot). */

/* Copies with the rights that both the source and `rights` have. ILLEGAL_OPERATION: an Untyped (two
 * capabilities could hand out the same memory), a Reply, a PageTable, an IRQControl. A copied Frame is unmapped. */
static inline struct bh_result bh_cnode_copy(bh_cptr cnode, uint64_t index, bh_cptr source, uint64_t source_index,
                                             uint64_t rights)
{
    return bh_invoke(cnode, BH_OP_CNODE_COPY, index, source, source_index, rights, 0, 0);
}

/* The same with a badge, on an unbadged Endpoint or Notification capability (else ILLEGAL_OPERATION). A badge of 0 is
 * INVALID_ARGUMENT. */
static inline struct bh_result bh_cnode_mint(bh_cptr cnode, uint64_t index, bh_cptr source, uint64_t source_index,
                                             uint64_t rights, uint64_t badge)
{
    return bh_invoke(cnode, BH_OP_CNODE_MINT, index, source, source_index, rights, badge, 0);
}

/* Moves a capability, mapping and derivation included. */
static inline struct bh_result bh_cnode_move(bh_cptr cnode, uint64_t index, bh_cptr source, uint64_t source_index)
{
    return bh_invoke(cnode, BH_OP_CNODE_MOVE, index, source, source_index, 0, 0, 0);
}

/* Empties a slot; the last capability of an object destroys the object. An empty slot is fine. */
static inline struct bh_result bh_cnode_delete(bh_cptr cnode, uint64_t index)
{
    return bh_invoke(cnode, BH_OP_CNODE_DELETE, index, 0, 0, 0, 0, 0);
}

/* Deletes everything derived from the capability in the slot, which stays. Preemptible. */
static inline struct bh_result bh_cnode_revoke(bh_cptr cnode, uint64_t index)
{
    return bh_invoke(cnode, BH_OP_CNODE_REVOKE, index, 0, 0, 0, 0, 0);
}

/* Cancels all sends waiting on an Endpoint with this capability's badge: their senders get CANCELLED. */
static inline struct bh_result bh_cnode_cancel_badged(bh_cptr cnode, uint64_t index)
{
    return bh_invoke(cnode, BH_OP_CNODE_CANCEL_BADGED, index, 0, 0, 0, 0, 0);
}

/* Reads a slot: value[0] enum bh_type (0: empty), [1] rights, [2] badge, or size_bits of Untyped, Frame and CNode,
 * or the number of an IRQHandler, [3] physical address of the object (0 for Control capabilities). */
static inline struct bh_result bh_cnode_inspect(bh_cptr cnode, uint64_t index)
{
    return bh_invoke(cnode, BH_OP_CNODE_INSPECT, index, 0, 0, 0, 0, 0);
}

/* Sets a thread's spaces: a CNode, a VSpace, an Endpoint for its faults (0: faults suspend it; needs WRITE and CALL),
 * and a mapped or unmapped Frame of 4 KiB as IPC buffer (0: none). ILLEGAL_OPERATION while the thread is runnable. */
static inline struct bh_result bh_tcb_configure(bh_cptr tcb, bh_cptr cnode, bh_cptr vspace, bh_cptr fault_endpoint,
                                                bh_cptr ipc_buffer)
{
    return bh_invoke(tcb, BH_OP_TCB_CONFIGURE, cnode, vspace, fault_endpoint, ipc_buffer, 0, 0);
}

/* Priority and maximum controlled priority; neither may exceed the caller's own maximum (RANGE). */
static inline struct bh_result bh_tcb_set_priority(bh_cptr tcb, uint64_t priority, uint64_t max_controlled)
{
    return bh_invoke(tcb, BH_OP_TCB_SET_PRIORITY, priority, max_controlled, 0, 0, 0, 0);
}

/* Sets pc, sp, x0, x1, x2 and TPIDR_EL0 of a thread that is not running; the other registers become 0. */
static inline struct bh_result bh_tcb_write_registers(bh_cptr tcb, uint64_t pc, uint64_t sp, uint64_t x0, uint64_t x1,
                                                      uint64_t x2, uint64_t tpidr)
{
    return bh_invoke(tcb, BH_OP_TCB_WRITE_REGISTERS, pc, sp, x0, x1, x2, tpidr);
}

/* Reads four registers from `first` on: 0-30 general, 31 sp, 32 pc, 33 pstate, 34 tpidr; RANGE. Suspend it first
 * (ILLEGAL_OPERATION); x0-x17 are only meaningful after a fault or preemption. */
static inline struct bh_result bh_tcb_read_registers(bh_cptr tcb, uint64_t first)
{
    return bh_invoke(tcb, BH_OP_TCB_READ_REGISTERS, first, 0, 0, 0, 0, 0);
}

/* Lets a new, suspended or faulted thread run (when it has a scheduling context). ILLEGAL_OPERATION without VSpace. */
static inline struct bh_result bh_tcb_resume(bh_cptr tcb)
{
    return bh_invoke(tcb, BH_OP_TCB_RESUME, 0, 0, 0, 0, 0, 0);
}

/* Stops a thread; an IPC it waits in is cancelled and restarted when it is resumed. A guest that it runs stops too and
 * goes on with the resume. */
static inline struct bh_result bh_tcb_suspend(bh_cptr tcb)
{
    return bh_invoke(tcb, BH_OP_TCB_SUSPEND, 0, 0, 0, 0, 0, 0);
}

/* BUSY if either already has a partner. Needs READ on the notification. */
static inline struct bh_result bh_tcb_bind_notification(bh_cptr tcb, bh_cptr notification)
{
    return bh_invoke(tcb, BH_OP_TCB_BIND_NOTIFICATION, notification, 0, 0, 0, 0, 0);
}

static inline struct bh_result bh_tcb_unbind_notification(bh_cptr tcb)
{
    return bh_invoke(tcb, BH_OP_TCB_UNBIND_NOTIFICATION, 0, 0, 0, 0, 0, 0);
}

/* enum bh_tcb_flags; unknown bits are INVALID_ARGUMENT. */
static inline struct bh_result bh_tcb_set_flags(bh_cptr tcb, uint64_t flags)
{
    return bh_invoke(tcb, BH_OP_TCB_SET_FLAGS, flags, 0, 0, 0, 0, 0);
}

/*
 * Lets a thread go on at another core (0 to core_count - 1 of the boot information: RANGE), with its scheduling context,
 * its bound notification and its VCPU; what it waits for it asks for again there. BUSY: it waits for an answer, runs on a
 * lent scheduling context, or other threads wait for its bound notification.
 *
 * Threads meet on their own core only. Endpoints, reply objects and notifications belong to the core where a thread last
 * received by them, and move to another when a thread there does and none waits at the old one (CORE otherwise). Signals
 * reach a notification from every core; sending to an endpoint or answering by a reply object of another core is CORE,
 * and a fault whose endpoint is elsewhere stops the thread.
 */
static inline struct bh_result bh_tcb_set_affinity(bh_cptr tcb, uint64_t core)
{
    return bh_invoke(tcb, BH_OP_TCB_SET_AFFINITY, core, 0, 0, 0, 0, 0);
}

/* An Endpoint (0: none; needs WRITE and CALL) for BH_FAULT_TIMEOUT: the kernel sends it when the thread would go on and
 * the budget of the SchedContext that it runs on, its own or lent, is spent. Answered with label 0, the thread goes on
 * when it has time: on the next refill, or on another context that the handler has given it. Without the endpoint it
 * waits for the refill at once. The thread's context is not lent to a handler without one. */
static inline struct bh_result bh_tcb_set_timeout_endpoint(bh_cptr tcb, bh_cptr endpoint)
{
    return bh_invoke(tcb, BH_OP_TCB_SET_TIMEOUT_ENDPOINT, endpoint, 0, 0, 0, 0, 0);
}

/* Signals `bits` (not 0) once the system counter reaches `deadline` (ticks; in the past: now). A notification has one
 * deadline; arming again replaces it. Needs READ and WRITE, as disarming does: it is the receiver's. */
static inline struct bh_result bh_notification_arm(bh_cptr notification, uint64_t deadline, uint64_t bits)
{
    return bh_invoke(notification, BH_OP_NOTIFICATION_ARM, deadline, bits, 0, 0, 0, 0);
}

static inline struct bh_result bh_notification_disarm(bh_cptr notification)
{
    return bh_invoke(notification, BH_OP_NOTIFICATION_DISARM, 0, 0, 0, 0, 0, 0);
}

/* Binds a scheduling context to a thread; BUSY if either has a partner. */
static inline struct bh_result bh_sched_context_bind(bh_cptr sched_context, bh_cptr tcb)
{
    return bh_invoke(sched_context, BH_OP_SCHED_CONTEXT_BIND, tcb, 0, 0, 0, 0, 0);
}

static inline struct bh_result bh_sched_context_unbind(bh_cptr sched_context)
{
    return bh_invoke(sched_context, BH_OP_SCHED_CONTEXT_UNBIND, 0, 0, 0, 0, 0, 0);
}

/* value[0]: ticks of processor time used through it since it was made. */
static inline struct bh_result bh_sched_context_consumed(bh_cptr sched_context)
{
    return bh_invoke(sched_context, BH_OP_SCHED_CONTEXT_CONSUMED, 0, 0, 0, 0, 0, 0);
}

/*
 * At most `budget` ticks in any time of `period` ticks; equal ones mean a plain round-robin time slice. What is used
 * comes back one period later, in at most BH_REFILLS pieces: more are put together, and the earlier waits for the later.
 * If the context's thread is runnable, it keeps what it had left and gets the rest one (new) period later; else the
 * whole budget is there at once. `badge` is for the handler of timeouts. The context is used in windows of `partition`
 * only (0 to BH_PARTITIONS - 1, else RANGE); who runs on it as a loan runs in these too. INVALID_ARGUMENT: a budget
 * below the minimum (BH_BUDGETS_PER_SECOND) or over the period, a period over an hour.
 */
static inline struct bh_result bh_sched_control_configure_in(bh_cptr control, bh_cptr sched_context, uint64_t budget,
                                                             uint64_t period, uint64_t badge, uint64_t partition)
{
    return bh_invoke(control, BH_OP_SCHED_CONTROL_CONFIGURE, sched_context, budget, period, badge, partition, 0);
}

/* The same with badge 0, in partition 0. */
static inline struct bh_result bh_sched_control_configure(bh_cptr control, bh_cptr sched_context, uint64_t budget,
                                                          uint64_t period)
{
    return bh_sched_control_configure_in(control, sched_context, budget, period, 0, 0);
}

/* Window `index` of the next schedule: `length` ticks for a partition (RANGE). Windows are set in order from 0 on, at
 * most BH_SCHEDULE_WINDOWS, and may be set again (RANGE). INVALID_ARGUMENT: a length below the minimum
 * (BH_BUDGETS_PER_SECOND) or over an hour. */
static inline struct bh_result bh_sched_control_set_window(bh_cptr control, uint64_t index, uint64_t partition,
                                                           uint64_t length)
{
    return bh_invoke(control, BH_OP_SCHED_CONTROL_SET_WINDOW, index, partition, length, 0, 0, 0);
}

/* Starts, at once, on all cores and with window 0, the schedule that consists of the windows set since the last start,
 * over and over. Outside the windows of a partition nothing runs on its contexts. None set: no schedule, and all time
 * is partition 0's. */
static inline struct bh_result bh_sched_control_start_schedule(bh_cptr control)
{
    return bh_invoke(control, BH_OP_SCHED_CONTROL_START_SCHEDULE, 0, 0, 0, 0, 0, 0);
}

/*
 * Maps a Frame into a VSpace, GuestSpace or IOSpace at `address`. A Frame capability has one mapping at a time
 * (copy the capability to map it twice); mapping it again at the same place of the same space changes rights and
 * attributes. `rights` must be within those of the capability (RIGHTS); WRITE with GRANT (execute) in a VSpace is
 * INVALID_ARGUMENT. Errors: ALIGNMENT, RANGE (beyond BH_SPACE_SIZE), NOT_EMPTY (something is mapped there),
 * BUSY (mapped elsewhere), NO_TABLE (value[0]: the level of the table that is missing), INVALID_CAPABILITY (1),
 * ILLEGAL_OPERATION (1: the doorbell of messages is for IOSpaces only).
 */
static inline struct bh_result bh_frame_map(bh_cptr frame, bh_cptr space, uint64_t address, uint64_t rights,
                                            uint64_t attributes)
{
    return bh_invoke(frame, BH_OP_FRAME_MAP, space, address, rights, attributes, 0, 0);
}

/* Removes the mapping, if there is one. */
static inline struct bh_result bh_frame_unmap(bh_cptr frame)
{
    return bh_invoke(frame, BH_OP_FRAME_UNMAP, 0, 0, 0, 0, 0, 0);
}

/* value[0]: physical address. */
static inline struct bh_result bh_frame_address(bh_cptr frame)
{
    return bh_invoke(frame, BH_OP_FRAME_ADDRESS, 0, 0, 0, 0, 0, 0);
}

/* Puts a page table where the walk to `address` first lacks one (level 2, then 3). NOT_EMPTY: nothing is missing, or a
 * large page is mapped there; BUSY: the table is mapped already. */
static inline struct bh_result bh_page_table_map(bh_cptr table, bh_cptr space, uint64_t address)
{
    return bh_invoke(table, BH_OP_PAGE_TABLE_MAP, space, address, 0, 0, 0, 0);
}

static inline struct bh_result bh_page_table_unmap(bh_cptr table)
{
    return bh_invoke(table, BH_OP_PAGE_TABLE_UNMAP, 0, 0, 0, 0, 0, 0);
}

/*
 * A guest's store into [address, address + size) of intermediate physical memory signals `notification` (with its
 * badge) and is otherwise dropped; the guest goes on at once. `index` is 0-15; the range must not be mapped, lie in
 * one page, and be 4-byte aligned and sized (ALIGNMENT, RANGE). NOT_EMPTY: the index is in use.
 */
static inline struct bh_result bh_guest_space_bind_doorbell(bh_cptr space, uint64_t index, uint64_t address,
                                                            uint64_t size, bh_cptr notification)
{
    return bh_invoke(space, BH_OP_GUEST_SPACE_BIND_DOORBELL, index, address, size, notification, 0, 0);
}

static inline struct bh_result bh_guest_space_unbind_doorbell(bh_cptr space, uint64_t index)
{
    return bh_invoke(space, BH_OP_GUEST_SPACE_UNBIND_DOORBELL, index, 0, 0, 0, 0, 0);
}

/* Attaches an IOSpace to a stream of the SMMU (PCI: the requester ID). UNSUPPORTED without an SMMU, RANGE, BUSY. */
static inline struct bh_result bh_io_control_bind(bh_cptr control, bh_cptr io_space, uint64_t stream)
{
    return bh_invoke(control, BH_OP_IO_CONTROL_BIND, io_space, stream, 0, 0, 0, 0);
}

/* value[0]: faults of the stream so far (counted up to 4096, and less exactly when they come faster than they can be
 * taken), [1]: event type of the last (SMMUv3 7.3), [2]: its input address. */
static inline struct bh_result bh_io_space_fault(bh_cptr io_space)
{
    return bh_invoke(io_space, BH_OP_IO_SPACE_FAULT, 0, 0, 0, 0, 0, 0);
}

/* Gives a VCPU its thread, its GuestSpace and its vCPU frame (a Frame of 4 KiB with READ and WRITE). BUSY: the thread
 * or the VCPU has a partner. Once only. */
static inline struct bh_result bh_vcpu_configure(bh_cptr vcpu, bh_cptr tcb, bh_cptr guest_space, bh_cptr frame)
{
    return bh_invoke(vcpu, BH_OP_VCPU_CONFIGURE, tcb, guest_space, frame, 0, 0, 0);
}

/* Copies the guest's EL1 state to, or from, `state` of the vCPU frame. ILLEGAL_OPERATION: not configured, or in the guest. */
static inline struct bh_result bh_vcpu_save(bh_cptr vcpu)
{
    return bh_invoke(vcpu, BH_OP_VCPU_SAVE, 0, 0, 0, 0, 0, 0);
}

static inline struct bh_result bh_vcpu_load(bh_cptr vcpu)
{
    return bh_invoke(vcpu, BH_OP_VCPU_LOAD, 0, 0, 0, 0, 0, 0);
}

/* Posts an interrupt (0 to BH_VCPU_INTERRUPTS - 1, RANGE) from another thread; wakes a guest that waits in WFI. */
static inline struct bh_result bh_vcpu_post(bh_cptr vcpu, uint64_t intid)
{
    return bh_invoke(vcpu, BH_OP_VCPU_POST, intid, 0, 0, 0, 0, 0);
}

/* Makes the IRQHandler of an SPI (32 to 1019) in dest[index]. `edge` is 0 (level) or 1. BUSY: it exists, or the
 * kernel uses the interrupt. */
static inline struct bh_result bh_irq_control_get(bh_cptr control, uint64_t intid, uint64_t edge, bh_cptr dest,
                                                  uint64_t index)
{
    return bh_invoke(control, BH_OP_IRQ_CONTROL_GET, intid, edge, dest, index, 0, 0);
}

/*
 * Makes the IRQHandler of a message in dest[index]: of the EventID (0 to 31) `event`, written by the device with the
 * DeviceID `device` (PCI: what the host bridge's msi-map makes of the requester ID). No other device's writes count.
 * value[0]: the physical address to write to, which the device must have in its IOSpace (BH_ROOT_SLOT_MSI_DOORBELL is
 * the page), [1]: what to write, 32 bits, [2]: the INTID. UNSUPPORTED without an ITS, RANGE (1, 2), BUSY (2: it
 * exists), NO_TAG (256 exist).
 */
static inline struct bh_result bh_irq_control_get_msi(bh_cptr control, uint64_t device, uint64_t event, bh_cptr dest,
                                                      uint64_t index)
{
    return bh_invoke(control, BH_OP_IRQ_CONTROL_GET_MSI, device, event, dest, index, 0, 0);
}

/* From now on the interrupt signals `notification` (with its badge; needs WRITE) and is enabled. It does not come
 * again until bh_irq_handler_ack: edges and messages before that become one, which signals then, as a level does. */
static inline struct bh_result bh_irq_handler_bind(bh_cptr handler, bh_cptr notification)
{
    return bh_invoke(handler, BH_OP_IRQ_HANDLER_BIND, notification, 0, 0, 0, 0, 0);
}

static inline struct bh_result bh_irq_handler_ack(bh_cptr handler)
{
    return bh_invoke(handler, BH_OP_IRQ_HANDLER_ACK, 0, 0, 0, 0, 0, 0);
}

static inline struct bh_result bh_irq_handler_unbind(bh_cptr handler)
{
    return bh_invoke(handler, BH_OP_IRQ_HANDLER_UNBIND, 0, 0, 0, 0, 0, 0);
}

/* Power the machine off, or reset it (PSCI). Do not return. */
static inline struct bh_result bh_machine_off(bh_cptr machine)
{
    return bh_invoke(machine, BH_OP_MACHINE_OFF, 0, 0, 0, 0, 0, 0);
}

static inline struct bh_result bh_machine_reset(bh_cptr machine)
{
    return bh_invoke(machine, BH_OP_MACHINE_RESET, 0, 0, 0, 0, 0, 0);
}

#endif /* __aarch64__ */

#endif
