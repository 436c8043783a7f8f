/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <bh/syscall.h>
#include <string.h>

#include "assert.h"
#include "fastpath.h"
#include "hardware.h"
#include "invocation.h"
#include "object.h"
#include "partition.h"
#include "sched_context.h"
#include "scheduler.h"
#include "syscall.h"
#include "vcpu.h"

#define PC UINT64_C(0x400000)

const struct world_root world_roots[WORLD_ROOTS] = {
    {BH_TYPE_UNTYPED, 20, UINT64_C(0x40000000), 0, 120},
    {BH_TYPE_UNTYPED, 22, UINT64_C(0x40400000), 0, 121},
    {BH_TYPE_UNTYPED, 16, UINT64_C(0x41000000), 0, 122},
    {BH_TYPE_UNTYPED, 18, UINT64_C(0x41040000), 1, 63},
    {BH_TYPE_DEVICE_UNTYPED, 32, UINT64_C(0x100000000), 0, 123},
    {BH_TYPE_IRQ_CONTROL, 0, 0, 0, 124},
    {BH_TYPE_SCHED_CONTROL, 0, 0, 0, 125},
    {BH_TYPE_IO_CONTROL, 0, 0, 0, 126},
};

static struct all_cores all;

/* What an entry does at its start, and kernel_leave at its end. */
static void take_locks(void)
{
    all.core = this_core();
    (void)core_lock(all.core, ENTRY_OTHER);
}

struct tcb *world_tcb(unsigned thread)
{
    return paddr_pointer(paddr(WORLD_TCB(thread)));
}

struct slot *world_slot(uint64_t cnode, uint64_t index)
{
    return (struct slot *)paddr_pointer(paddr(cnode)) + index;
}

static struct slot *put(struct slot *slot, enum bh_type type, unsigned size_bits, uint64_t address)
{
    slot_insert_root(&all, slot, object_create(&all, type, size_bits, paddr(address), false));
    return slot;
}

static struct slot *hidden(uint64_t index)
{
    return world_slot(WORLD_HIDDEN, index);
}

static void copy(struct slot *to, struct slot *from)
{
    struct cap derived;
    (void)cap_derive(from->cap, BH_RIGHTS_ALL, 0, &derived);
    slot_insert_after(&all, to, derived, from);
}

static void make_thread(unsigned n)
{
    struct tcb *tcb = world_tcb(n);
    struct sched_context *sc = paddr_pointer(paddr(WORLD_SCHED_CONTEXT(n)));
    (void)put(hidden(WORLD_HIDDEN_TCB(n)), BH_TYPE_TCB, 0, WORLD_TCB(n));
    (void)put(hidden(WORLD_HIDDEN_SCHED_CONTEXT(n)), BH_TYPE_SCHED_CONTEXT, 0, WORLD_SCHED_CONTEXT(n));
    struct slot *buffer = put(hidden(WORLD_HIDDEN_BUFFER(n)), BH_TYPE_FRAME, BH_PAGE_BITS, WORLD_BUFFER(n));
    copy(&tcb->slots[TCB_SLOT_CNODE], hidden(WORLD_HIDDEN_CNODE(world_cnode_of(n))));
    copy(&tcb->slots[TCB_SLOT_VSPACE], hidden(WORLD_HIDDEN_VSPACE));
    copy(&tcb->slots[TCB_SLOT_IPC_BUFFER], buffer);
    tcb->priority = WORLD_PRIORITY;
    tcb->max_controlled_priority = WORLD_LIMIT;
    sched_context_fill(sc, HOST_FREQUENCY, HOST_FREQUENCY, ticks_now());
    sc->core = this_core();
    sched_context_give(sc, tcb);
    tcb->state = TCB_RUNNABLE;
}

void world_reset(void)
{
    host_reset();
    host_memory(WORLD_BOOT, UINT64_C(1) << 20);
    take_locks();
    struct slot *first = world_slot(WORLD_CNODE(0), 0);
    for (unsigned i = 0; i < WORLD_ROOTS; i++) {
        const struct world_root *root = &world_roots[i];
        if (root->type == BH_TYPE_UNTYPED) {
            host_memory(root->address, UINT64_C(1) << root->size_bits);
        }
        struct cap cap = {.type = (uint64_t)root->type & 31,
                          .rights = BH_RIGHTS_ALL,
                          .original = 1,
                          .size_bits = root->size_bits & 63,
                          .object = root->address & 0xffffffffffff};
        slot_insert_root(&all, world_slot(WORLD_CNODE(root->cnode), root->slot), cap);
    }
    for (unsigned n = 0; n < WORLD_CNODES; n++) {
        struct slot *slot = put(hidden(WORLD_HIDDEN_CNODE(n)), BH_TYPE_CNODE, WORLD_CNODE_RADIX(n), WORLD_CNODE(n));
        copy(&first[WORLD_COPY_CNODE(n)], slot);
    }
    copy(world_slot(WORLD_CNODE(1), 1), &first[WORLD_COPY_CNODE(0)]);
    copy(world_slot(WORLD_CNODE(1), 2), &first[WORLD_COPY_CNODE(1)]);
    struct slot *endpoint = put(hidden(WORLD_HIDDEN_ENDPOINT), BH_TYPE_ENDPOINT, 0, WORLD_ENDPOINT);
    struct slot *notification = put(hidden(WORLD_HIDDEN_NOTIFICATION), BH_TYPE_NOTIFICATION, 0, WORLD_NOTIFICATION);
    for (unsigned n = 0; n < WORLD_CNODES; n++) {
        copy(world_slot(WORLD_CNODE(n), WORLD_COPY_ENDPOINT), endpoint);
        copy(world_slot(WORLD_CNODE(n), WORLD_COPY_NOTIFICATION), notification);
        (void)put(world_slot(WORLD_CNODE(n), WORLD_OWN_REPLY), BH_TYPE_REPLY, 0, WORLD_REPLY(n));
    }
    (void)put(hidden(WORLD_HIDDEN_VSPACE), BH_TYPE_VSPACE, 0, WORLD_VSPACE);
    for (unsigned n = 0; n < WORLD_THREADS; n++) {
        make_thread(n);
        scheduler_ready(this_core(), world_tcb(n));
        if (n > 0) {
            copy(&first[WORLD_COPY_TCB(n)], hidden(WORLD_HIDDEN_TCB(n)));
            copy(&first[WORLD_COPY_SCHED_CONTEXT(n)], hidden(WORLD_HIDDEN_SCHED_CONTEXT(n)));
            copy(&first[WORLD_COPY_BUFFER(n)], hidden(WORLD_HIDDEN_BUFFER(n)));
        }
    }
    (void)kernel_leave(this_core());
}

bool world_delete(struct slot *slot)
{
    take_locks();
    bool whole = slot_delete(&all, slot);
    core_unlock(all.core);
    return whole;
}

void world_stop_schedule(void)
{
    struct invocation start = {.operation = BH_OP_SCHED_CONTROL_START_SCHEDULE};
    take_locks();
    (void)partition_invoke(&all, &start); /* whatever was being set */
    (void)partition_invoke(&all, &start); /* nothing was */
    core_unlock(all.core);
}

/* As vectors.S distributes the system calls. True: all is done, and no lock is held. */
static bool enter(struct core *core, struct tcb *tcb)
{
    uint64_t *x = tcb->context.x;
    struct short_result result;
    switch (x[12]) {
    case BH_SYS_VM_ENTER:
        return syscall_vm_enter(core).registers != NULL;
    case BH_SYS_CALL:
        return syscall_call(core) != NULL;
    case BH_SYS_REPLY_RECV:
        return syscall_reply_recv(core) != NULL;
    case BH_SYS_SIGNAL:
    case BH_SYS_POLL:
        result = x[12] == BH_SYS_SIGNAL ? short_signal(core, x[0]) : short_poll(core, x[0]);
        if (result.status == SHORT_SWITCHED) {
            core_unlock(core);
        } else if (result.status == SHORT_SCHEDULE) {
            return false;
        } else if (result.status == SHORT_MORE) {
            break;
        } else {
            x[10] = x[12] == BH_SYS_POLL ? result.value : x[10];
            x[0] = result.status;
        }
        return true;
    default:
        break;
    }
    syscall_entry(core);
    return false;
}

bool world_call(const uint64_t x[13])
{
    struct core *core = this_core();
    struct tcb *tcb = core->current;
    memcpy(tcb->context.x, x, 13 * sizeof(uint64_t));
    tcb->context.pc = PC;
    bool done = enter(core, tcb);
    bool preempted = x[12] == BH_SYS_INVOKE && tcb->context.pc != PC;
    if (!done) {
        (void)kernel_leave(core);
    }
    return !preempted;
}

void world_exception(uint64_t esr, uint64_t address)
{
    struct core *core = this_core();
    host_registers.esr_el2 = esr;
    host_registers.far_el2 = address;
    host_registers.hpfar_el2 = address >> 8 & ~UINT64_C(0xf); /* Arm ARM D17.2.64 */
    if (!core->current->in_guest) {
        native_exception(core);
    } else if (guest_exception(core) != NULL) {
        return;
    }
    (void)kernel_leave(core);
}

void world_interrupt(uint32_t intid)
{
    struct core *core = this_core();
    host_irq_pending = intid;
    if (interrupt_entry(core).registers == NULL) {
        (void)kernel_leave(core);
    }
}

/* --- who has the hidden CNode --- */

static void hidden_invoke(uint64_t cptr, enum bh_operation operation, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    static struct tcb supervisor;
    supervisor.max_controlled_priority = WORLD_PRIORITY;
    supervisor.slots[TCB_SLOT_CNODE].cap = object_create(&all, BH_TYPE_CNODE, WORLD_HIDDEN_RADIX, paddr(WORLD_HIDDEN), false);
    struct slot *slot = hidden(cptr);
    struct invocation invocation = {
        .caller = &supervisor, .slot = slot, .cap = slot->cap, .operation = operation, .word = {a1, a2, a3, a4}};
    (void)invoke_object(&all, &invocation);
}

void world_revive(void)
{
    this_core()->lock = (union lock){0}; /* nobody held it when nobody could run, or a call was left half done */
    take_locks();
    for (unsigned n = 0; n < WORLD_THREADS; n++) {
        hidden_invoke(WORLD_HIDDEN_TCB(n), BH_OP_TCB_SUSPEND, 0, 0, 0, 0);
        hidden_invoke(WORLD_HIDDEN_SCHED_CONTEXT(n), BH_OP_SCHED_CONTEXT_UNBIND, 0, 0, 0, 0);
    }
    for (unsigned n = 0; n < WORLD_THREADS; n++) {
        hidden_invoke(WORLD_HIDDEN_TCB(n), BH_OP_TCB_CONFIGURE, WORLD_HIDDEN_CNODE(world_cnode_of(n)),
                      WORLD_HIDDEN_VSPACE, 0, WORLD_HIDDEN_BUFFER(n));
        hidden_invoke(WORLD_HIDDEN_TCB(n), BH_OP_TCB_SET_PRIORITY, WORLD_PRIORITY, WORLD_LIMIT, 0, 0);
        hidden_invoke(WORLD_HIDDEN_SCHED_CONTEXT(n), BH_OP_SCHED_CONTEXT_BIND, WORLD_HIDDEN_TCB(n), 0, 0, 0);
        hidden_invoke(WORLD_HIDDEN_TCB(n), BH_OP_TCB_RESUME, 0, 0, 0, 0);
    }
    (void)kernel_leave(this_core());
}

/* --- furniture --- */

static void must(uint64_t cap, enum bh_operation operation, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                 uint64_t a5, uint64_t a6)
{
    const uint64_t x[13] = {cap, (uint64_t)operation, a1, a2, a3, a4, a5, a6, [12] = BH_SYS_INVOKE};
    struct tcb *tcb = this_core()->current;
    (void)world_call(x);
    kernel_assert(tcb->context.x[0] == BH_OK);
}

void world_furnish(void)
{
    static const struct {
        enum bh_type type;
        uint64_t size_bits;
    } objects[] = {{BH_TYPE_VSPACE, 0},       {BH_TYPE_GUEST_SPACE, 0}, {BH_TYPE_IO_SPACE, 0},  {BH_TYPE_VCPU, 0},
                   {BH_TYPE_FRAME, 12},       {BH_TYPE_FRAME, 12},      {BH_TYPE_FRAME, 12},    {BH_TYPE_PAGE_TABLE, 0},
                   {BH_TYPE_PAGE_TABLE, 0},   {BH_TYPE_TCB, 0},         {BH_TYPE_SCHED_CONTEXT, 0}, {BH_TYPE_CNODE, 4},
                   {BH_TYPE_ENDPOINT, 0},     {BH_TYPE_NOTIFICATION, 0}, {BH_TYPE_REPLY, 0},    {BH_TYPE_REPLY, 0},
                   {BH_TYPE_UNTYPED, 14},     {BH_TYPE_PAGE_TABLE, 0},  {BH_TYPE_PAGE_TABLE, 0}};
    enum { VSPACE = WORLD_FURNITURE, GUEST, IO, VCPU, FRAME0, FRAME1, FRAME2, TABLE0, TABLE1, TCB, SC, CNODE, ENDPOINT,
           NOTIFICATION, REPLY0, REPLY1, UNTYPED, TABLE2, TABLE3, IRQ };
    const uint64_t own = WORLD_COPY_CNODE(0), rw = BH_RIGHT_READ | BH_RIGHT_WRITE;

    for (unsigned i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        must(world_roots[0].slot, BH_OP_UNTYPED_RETYPE, (uint64_t)objects[i].type, objects[i].size_bits,
             BH_RETYPE_NEXT, own, WORLD_FURNITURE + i, 1);
    }
    must(world_roots[5].slot, BH_OP_IRQ_CONTROL_GET, 40, 0, own, IRQ, 0, 0);
    must(IRQ, BH_OP_IRQ_HANDLER_BIND, NOTIFICATION, 0, 0, 0, 0, 0);
    must(TABLE0, BH_OP_PAGE_TABLE_MAP, VSPACE, 0, 0, 0, 0, 0);
    must(TABLE1, BH_OP_PAGE_TABLE_MAP, VSPACE, 0, 0, 0, 0, 0);
    must(TABLE2, BH_OP_PAGE_TABLE_MAP, GUEST, 0, 0, 0, 0, 0);
    must(TABLE3, BH_OP_PAGE_TABLE_MAP, GUEST, 0, 0, 0, 0, 0);
    must(FRAME0, BH_OP_FRAME_MAP, VSPACE, 0x1000, rw, 0, 0, 0);
    must(FRAME1, BH_OP_FRAME_MAP, GUEST, 0x2000, rw | BH_RIGHT_GRANT, 0, 0, 0);
    must(GUEST, BH_OP_GUEST_SPACE_BIND_DOORBELL, 0, 0x5000, 0x100, NOTIFICATION, 0, 0);
    must(world_roots[7].slot, BH_OP_IO_CONTROL_BIND, IO, 1, 0, 0, 0, 0);
    must(VCPU, BH_OP_VCPU_CONFIGURE, WORLD_COPY_TCB(1), GUEST, FRAME2, 0, 0, 0);
    must(TCB, BH_OP_TCB_CONFIGURE, CNODE, VSPACE, ENDPOINT, FRAME0, 0, 0);
    must(world_roots[6].slot, BH_OP_SCHED_CONTROL_CONFIGURE, SC, 100, 10000, 0, 0, 0);
    must(SC, BH_OP_SCHED_CONTEXT_BIND, TCB, 0, 0, 0, 0, 0);
    must(TCB, BH_OP_TCB_RESUME, 0, 0, 0, 0, 0, 0);
    must(own, BH_OP_CNODE_COPY, 60, own, ENDPOINT, BH_RIGHTS_ALL, 0, 0);
    must(WORLD_COPY_CNODE(1), BH_OP_CNODE_MINT, 20, own, ENDPOINT, BH_RIGHTS_ALL, 7, 0);
    must(WORLD_COPY_CNODE(1), BH_OP_CNODE_MOVE, 21, own, REPLY1, 0, 0, 0);
    must(CNODE, BH_OP_CNODE_COPY, 1, own, CNODE, BH_RIGHTS_ALL, 0, 0);
    must(CNODE, BH_OP_CNODE_MINT, 2, own, NOTIFICATION, BH_RIGHTS_ALL, 4, 0);
    must(WORLD_COPY_TCB(1), BH_OP_TCB_BIND_NOTIFICATION, NOTIFICATION, 0, 0, 0, 0, 0);
}
