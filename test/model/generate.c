/* SPDX-License-Identifier: BSD-2-Clause */
#include "generate.h"

#include <stddef.h>

#include "hardware.h"
#include "tcb.h"
#include "world.h"

static uint64_t state;

void generate_seed(uint64_t seed)
{
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* xorshift64* */
static uint64_t random_word(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t random_below(uint64_t limit)
{
    return (random_word() >> 16) % limit;
}

static bool one_in(uint64_t n)
{
    return random_below(n) == 0;
}

/* Values that are wrong more often than not. */
static uint64_t odd_value(void)
{
    switch (random_below(6)) {
    case 0:
        return random_below(80);
    case 1:
        return random_below(80) + 100;
    case 2:
        return UINT64_MAX - random_below(3);
    case 3:
        return UINT64_C(1) << random_below(64);
    case 4:
        return 0;
    default:
        return random_word();
    }
}

static uint64_t mostly(uint64_t value)
{
    return one_in(40) ? odd_value() : value;
}

/* --- choosing capabilities --- */

#define TYPE(name) (UINT64_C(1) << BH_TYPE_##name)
#define ANY UINT64_MAX
#define HOLDERS (TYPE(CNODE) | TYPE(TCB) | TYPE(VCPU) | TYPE(GUEST_SPACE))
#define SPACES (TYPE(VSPACE) | TYPE(GUEST_SPACE) | TYPE(IO_SPACE))

static bool is_of(const struct m_slot *slot, uint64_t types)
{
    return slot->cap != NULL && (types >> slot->cap->object->type & 1) != 0;
}

static const struct m_object *cnode_of(const struct m_object *thread)
{
    const struct m_cap *cap = thread->slots[TCB_SLOT_CNODE].cap;
    return cap != NULL ? cap->object : NULL;
}

/* The index of a slot of `cnode` with one of these types, or a wrong one. */
static uint64_t pick_in(const struct m_object *cnode, uint64_t types)
{
    uint64_t found = 0, index = UINT64_MAX;
    for (uint64_t i = 0; cnode != NULL && i < cnode->slot_count; i++) {
        const struct m_slot *slot = &cnode->slots[i];
        /* What start-up gave is spared mostly: without it there is nothing left to do. */
        if (is_of(slot, types) && (types != ANY || slot->cap->parent->object != NULL || one_in(50)) &&
            random_below(++found) == 0) {
            index = i;
        }
    }
    return found != 0 && !one_in(60) ? index : odd_value();
}

static uint64_t pick(const struct m_object *thread, uint64_t types)
{
    return pick_in(cnode_of(thread), types);
}

/* A CNode, as often as not one that was made in the episode: those can be destroyed, with what is in them. */
static uint64_t pick_cnode(const struct m_object *thread)
{
    const struct m_object *cnode = cnode_of(thread);
    uint64_t found = 0, index = 0;
    for (uint64_t i = 0; cnode != NULL && i < cnode->slot_count; i++) {
        if (is_of(&cnode->slots[i], TYPE(CNODE)) && cnode->slots[i].cap->object->address >= WORLD_MADE &&
            random_below(++found) == 0) {
            index = i;
        }
    }
    return found != 0 && one_in(2) ? index : pick(thread, TYPE(CNODE));
}

/* An Endpoint or Notification at which somebody waits, if there is one. */
static uint64_t pick_awaited(const struct m_object *thread, enum bh_type type)
{
    const struct m_object *cnode = cnode_of(thread);
    uint64_t found = 0, index = 0;
    for (uint64_t i = 0; cnode != NULL && i < cnode->slot_count; i++) {
        if (is_of(&cnode->slots[i], UINT64_C(1) << type) && cnode->slots[i].cap->object->queue_length != 0 &&
            random_below(++found) == 0) {
            index = i;
        }
    }
    return found != 0 ? index : pick(thread, UINT64_C(1) << type);
}

/* A reply object in which somebody waits, if there is one. */
static uint64_t pick_reply(const struct m_object *thread)
{
    const struct m_object *cnode = cnode_of(thread);
    for (uint64_t i = 0; cnode != NULL && i < cnode->slot_count; i++) {
        if (is_of(&cnode->slots[i], TYPE(REPLY)) && cnode->slots[i].cap->object->caller != NULL) {
            return i;
        }
    }
    return pick(thread, TYPE(REPLY));
}

static uint64_t pick_empty(const struct m_object *cnode)
{
    uint64_t found = 0, index = 0;
    for (uint64_t i = 1; cnode != NULL && i < cnode->slot_count; i++) {
        if (cnode->slots[i].cap == NULL && random_below(++found) == 0) {
            index = i;
        }
    }
    return found != 0 && !one_in(60) ? index : odd_value();
}

static const struct m_object *object_at(const struct m_object *thread, uint64_t cptr)
{
    const struct m_slot *slot = model_lookup(thread, cptr);
    return slot != NULL && slot->cap != NULL ? slot->cap->object : NULL;
}

static const struct m_object *cnode_at(const struct m_object *thread, uint64_t cptr)
{
    const struct m_object *object = object_at(thread, cptr);
    return object != NULL && object->type == BH_TYPE_CNODE ? object : NULL;
}

/* --- calls --- */

static void invoke(struct step *step, uint64_t cap, uint64_t operation)
{
    step->call.x[0] = cap;
    step->call.x[1] = operation;
    step->call.x[12] = BH_SYS_INVOKE;
}

static uint64_t some_rights(void)
{
    return one_in(3) ? random_below(16) : BH_RIGHTS_ALL;
}

static void retype(struct m_object *thread, struct step *step)
{
    static const uint8_t types[] = {
        BH_TYPE_UNTYPED,  BH_TYPE_UNTYPED,      BH_TYPE_UNTYPED,       BH_TYPE_CNODE,    BH_TYPE_CNODE,
        BH_TYPE_CNODE,    BH_TYPE_TCB,          BH_TYPE_TCB,           BH_TYPE_ENDPOINT, BH_TYPE_ENDPOINT,
        BH_TYPE_ENDPOINT, BH_TYPE_REPLY,        BH_TYPE_REPLY,         BH_TYPE_NOTIFICATION, BH_TYPE_NOTIFICATION,
        BH_TYPE_FRAME,    BH_TYPE_FRAME,        BH_TYPE_FRAME,         BH_TYPE_PAGE_TABLE, BH_TYPE_PAGE_TABLE,
        BH_TYPE_VSPACE,   BH_TYPE_GUEST_SPACE,  BH_TYPE_IO_SPACE,      BH_TYPE_VCPU, BH_TYPE_SCHED_CONTEXT};
    uint64_t *x = step->call.x;
    bool device = one_in(8);
    invoke(step, pick(thread, device ? TYPE(DEVICE_UNTYPED) : TYPE(UNTYPED)), BH_OP_UNTYPED_RETYPE);
    x[2] = mostly(device ? (one_in(3) ? BH_TYPE_DEVICE_UNTYPED : BH_TYPE_FRAME) : types[random_below(sizeof(types))]);
    switch (x[2]) {
    case BH_TYPE_UNTYPED:
        x[3] = mostly(6 + random_below(12));
        break;
    case BH_TYPE_DEVICE_UNTYPED:
        x[3] = mostly(12 + random_below(20));
        break;
    case BH_TYPE_CNODE:
        x[3] = mostly(one_in(20) ? 12 : 1 + random_below(5));
        break;
    case BH_TYPE_FRAME:
        x[3] = mostly(device && one_in(3) ? 30 : one_in(device ? 3 : 12) ? 21 : 12);
        break;
    default:
        x[3] = 0;
        break;
    }
    x[4] = one_in(12) ? random_below(64) << (6 + random_below(10)) : mostly(BH_RETYPE_NEXT);
    x[5] = pick_cnode(thread);
    x[6] = pick_empty(cnode_at(thread, x[5]));
    x[7] = mostly(one_in(3) ? 1 + random_below(4) : 1);
}

static void copy(struct m_object *thread, struct step *step, uint64_t operation)
{
    uint64_t *x = step->call.x;
    invoke(step, pick_cnode(thread), operation);
    x[2] = pick_empty(cnode_at(thread, x[0]));
    x[3] = pick_cnode(thread);
    uint64_t types = operation == BH_OP_CNODE_MINT && !one_in(8) ? TYPE(ENDPOINT) | TYPE(NOTIFICATION) : ANY;
    if (operation == BH_OP_CNODE_COPY && one_in(3)) {
        types = TYPE(CNODE) | TYPE(TCB) | TYPE(ENDPOINT) | TYPE(FRAME);
    } else if (operation == BH_OP_CNODE_MOVE && one_in(2)) {
        types = HOLDERS; /* what holds slots into other slots: chains and circles */
    }
    x[4] = pick_in(cnode_at(thread, x[3]), types);
    x[5] = some_rights();
    x[6] = mostly(1 + random_below(3)); /* few badges, so that some are equal */
}

static void on_slot(struct m_object *thread, struct step *step, uint64_t operation)
{
    uint64_t *x = step->call.x;
    invoke(step, pick(thread, TYPE(CNODE)), operation);
    const struct m_object *cnode = cnode_at(thread, x[0]);
    uint64_t types = ANY;
    if (operation == BH_OP_CNODE_CANCEL_BADGED) {
        types = TYPE(ENDPOINT);
    } else if (operation == BH_OP_CNODE_DELETE && one_in(3)) {
        types = HOLDERS;
    } else if (operation == BH_OP_CNODE_REVOKE && one_in(2)) {
        types = TYPE(UNTYPED);
    }
    x[2] = pick_in(cnode, types);
    bool first = cnode != NULL && x[2] < cnode->slot_count && cnode->slots[x[2]].cap != NULL &&
                 cnode->slots[x[2]].cap->parent->object == NULL;
    if (first && operation == BH_OP_CNODE_DELETE && !one_in(30)) {
        x[1] = BH_OP_CNODE_INSPECT;
    } else if (first && operation == BH_OP_CNODE_REVOKE && !one_in(6)) {
        x[1] = BH_OP_CNODE_INSPECT;
    }
}

static void tcb_operation(struct m_object *thread, struct step *step)
{
    uint64_t *x = step->call.x;
    invoke(step, pick(thread, TYPE(TCB)), BH_OP_TCB_CONFIGURE + random_below(11));
    const struct m_object *tcb = object_at(thread, x[0]);
    bool driver = tcb != NULL && tcb->address < WORLD_MADE;
    switch (x[1]) {
    case BH_OP_TCB_CONFIGURE:
        x[2] = pick(thread, TYPE(CNODE));
        x[3] = pick(thread, TYPE(VSPACE));
        x[4] = one_in(2) ? 0 : pick(thread, TYPE(ENDPOINT));
        x[5] = one_in(4) ? 0 : pick(thread, TYPE(FRAME));
        break;
    case BH_OP_TCB_SET_PRIORITY:
        x[1] = driver ? (uint64_t)BH_OP_TCB_RESUME : x[1]; /* the threads of the test shall run in turns */
        x[2] = mostly(random_below(WORLD_LIMIT + 1));
        x[3] = mostly(random_below(WORLD_LIMIT + 1));
        break;
    case BH_OP_TCB_WRITE_REGISTERS:
    case BH_OP_TCB_READ_REGISTERS:
        x[2] = mostly(random_below(36));
        break;
    case BH_OP_TCB_SUSPEND:
        x[1] = driver && !one_in(4) ? (uint64_t)BH_OP_TCB_RESUME : x[1];
        break;
    case BH_OP_TCB_BIND_NOTIFICATION:
        x[2] = pick(thread, TYPE(NOTIFICATION));
        break;
    case BH_OP_TCB_SET_FLAGS:
        x[2] = random_below(3);
        break;
    case BH_OP_TCB_SET_AFFINITY:
        x[2] = mostly(0);
        break;
    case BH_OP_TCB_SET_TIMEOUT_ENDPOINT: /* faults are not modelled */
        x[1] = driver ? (uint64_t)BH_OP_TCB_RESUME : x[1];
        x[2] = one_in(3) ? 0 : pick(thread, TYPE(ENDPOINT));
        break;
    default:
        break;
    }
}

/* A few places, so that mappings meet. */
static uint64_t some_address(void)
{
    uint64_t address = random_below(3) << 30 | random_below(3) << 21 | random_below(4) << 12;
    return one_in(30) ? odd_value() : address;
}

static void map(struct m_object *thread, struct step *step)
{
    uint64_t *x = step->call.x;
    uint64_t choice = random_below(12);
    if (choice < 3) {
        invoke(step, pick(thread, TYPE(PAGE_TABLE)), BH_OP_PAGE_TABLE_MAP);
    } else if (choice < 8) {
        invoke(step, pick(thread, TYPE(FRAME)), BH_OP_FRAME_MAP);
    } else if (choice < 9) {
        invoke(step, pick(thread, TYPE(PAGE_TABLE)), BH_OP_PAGE_TABLE_UNMAP);
    } else {
        invoke(step, pick(thread, TYPE(FRAME)), one_in(4) ? BH_OP_FRAME_ADDRESS : BH_OP_FRAME_UNMAP);
    }
    const struct m_object *object = object_at(thread, x[0]);
    x[2] = pick(thread, SPACES);
    x[3] = some_address();
    if (object != NULL && object->type == BH_TYPE_FRAME && !one_in(20)) {
        x[3] &= ~((UINT64_C(1) << object->size_bits) - 1);
    }
    x[4] = one_in(4) ? random_below(16) : one_in(3) ? 5 : 3;
    x[5] = mostly(one_in(3) ? random_below(9) : 0);
}

static void device_operation(struct m_object *thread, struct step *step)
{
    uint64_t *x = step->call.x;
    switch (random_below(12)) {
    case 0:
    case 1:
        invoke(step, pick(thread, TYPE(GUEST_SPACE)), BH_OP_GUEST_SPACE_BIND_DOORBELL);
        x[2] = random_below(one_in(10) ? 18 : 4);
        x[3] = mostly(some_address() + 4 * random_below(1024));
        x[4] = mostly(4 * random_below(4));
        x[5] = pick(thread, TYPE(NOTIFICATION));
        break;
    case 2:
        invoke(step, pick(thread, TYPE(GUEST_SPACE)), BH_OP_GUEST_SPACE_UNBIND_DOORBELL);
        x[2] = random_below(one_in(10) ? 18 : 4);
        break;
    case 3:
        invoke(step, pick(thread, TYPE(IO_CONTROL)), BH_OP_IO_CONTROL_BIND);
        x[2] = pick(thread, TYPE(IO_SPACE));
        x[3] = mostly(random_below(HOST_STREAMS));
        break;
    case 4:
    case 5:
        invoke(step, pick(thread, TYPE(VCPU)), BH_OP_VCPU_CONFIGURE);
        x[2] = pick(thread, TYPE(TCB));
        x[3] = pick(thread, TYPE(GUEST_SPACE));
        x[4] = pick(thread, TYPE(FRAME));
        break;
    case 6:
        invoke(step, pick(thread, TYPE(VCPU)), BH_OP_VCPU_SAVE + random_below(3));
        x[2] = random_below(600);
        break;
    case 7:
    case 8:
        invoke(step, pick(thread, TYPE(IRQ_CONTROL)), BH_OP_IRQ_CONTROL_GET);
        x[2] = mostly(32 + random_below(8));
        x[3] = random_below(one_in(10) ? 3 : 2);
        if (one_in(2)) {
            x[1] = BH_OP_IRQ_CONTROL_GET_MSI;
            x[2] = mostly(random_below(HOST_DEVICES));
            x[3] = mostly(random_below(3));
        }
        x[4] = pick(thread, TYPE(CNODE));
        x[5] = pick_empty(cnode_at(thread, x[4]));
        break;
    default:
        invoke(step, pick(thread, TYPE(IRQ_HANDLER)), BH_OP_IRQ_HANDLER_BIND + (one_in(2) ? 0 : random_below(3)));
        x[2] = pick(thread, TYPE(NOTIFICATION));
        break;
    }
}

static void time_operation(struct m_object *thread, struct step *step)
{
    uint64_t *x = step->call.x;
    switch (random_below(8)) {
    case 0:
        invoke(step, pick(thread, TYPE(NOTIFICATION)), BH_OP_NOTIFICATION_ARM + random_below(2));
        x[2] = one_in(2) ? 0 : UINT64_MAX - random_below(1000);
        x[3] = random_below(16);
        break;
    case 1:
    case 2:
        invoke(step, pick(thread, TYPE(SCHED_CONTEXT)), BH_OP_SCHED_CONTEXT_BIND);
        x[2] = pick(thread, TYPE(TCB));
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        invoke(step, pick(thread, TYPE(SCHED_CONTEXT)), BH_OP_SCHED_CONTEXT_UNBIND + random_below(2));
        /* A thread of the test that waits for a message becomes one that is lent to. */
        for (unsigned n = 1; n < WORLD_THREADS && one_in(2); n++) {
            const struct m_object *sc = object_at(thread, WORLD_COPY_SCHED_CONTEXT(n));
            if (sc != NULL && sc->type == BH_TYPE_SCHED_CONTEXT && sc->tcb != NULL &&
                sc->tcb->thread.state == M_BLOCKED_RECV) {
                invoke(step, WORLD_COPY_SCHED_CONTEXT(n), BH_OP_SCHED_CONTEXT_UNBIND);
            }
        }
        break;
    default:
        invoke(step, pick(thread, TYPE(SCHED_CONTROL)), BH_OP_SCHED_CONTROL_CONFIGURE);
        x[2] = pick(thread, TYPE(SCHED_CONTEXT));
        x[4] = mostly(10 + random_below(100000));
        x[3] = mostly(10 + random_below(x[4] != 0 ? x[4] : 1));
        x[6] = one_in(30) ? odd_value() : 0;
        break;
    }
}

static void communicate(struct m_object *thread, bool may_block, struct step *step)
{
    static const uint8_t blocking[] = {BH_SYS_CALL,    BH_SYS_CALL,    BH_SYS_REPLY_RECV, BH_SYS_SEND,   BH_SYS_RECV,
                                       BH_SYS_RECV,    BH_SYS_WAIT,    BH_SYS_NB_SEND,    BH_SYS_SIGNAL, BH_SYS_POLL,
                                       BH_SYS_NB_RECV, BH_SYS_SEND};
    static const uint8_t nonblocking[] = {BH_SYS_NB_SEND, BH_SYS_NB_SEND, BH_SYS_NB_RECV,
                                          BH_SYS_NB_RECV, BH_SYS_SIGNAL,  BH_SYS_POLL};
    uint64_t *x = step->call.x;
    x[12] = may_block ? blocking[random_below(sizeof(blocking))] : nonblocking[random_below(sizeof(nonblocking))];
    bool notification = x[12] == BH_SYS_SIGNAL || x[12] == BH_SYS_WAIT || x[12] == BH_SYS_POLL;
    bool sends = x[12] == BH_SYS_SEND || x[12] == BH_SYS_NB_SEND;
    x[0] = pick(thread, notification ? TYPE(NOTIFICATION) : sends && one_in(3) ? TYPE(REPLY) : TYPE(ENDPOINT));
    if (one_in(2)) {
        x[0] = pick_awaited(thread, notification ? BH_TYPE_NOTIFICATION : BH_TYPE_ENDPOINT);
    }
    x[1] = bh_info((uint32_t)random_below(1000), one_in(5) ? random_below(80) : random_below(9));
    x[1] |= one_in(3) ? BH_INFO_CAP : 0;
    for (unsigned i = 0; i < BH_MESSAGE_REGISTERS; i++) {
        x[2 + i] = random_word();
    }
    x[10] = one_in(8) ? 0 : one_in(2) ? pick_reply(thread) : pick(thread, TYPE(REPLY));
    step->send_cap = pick(thread, ANY);
    step->receive_slot = one_in(5) ? 0 : pick_empty(cnode_of(thread));
}

void generate(struct m_object *thread, bool may_block, struct step *step)
{
    *step = (struct step){0};
    step->preempt_at = one_in(2) ? 1 + random_below(4) : 0;
    uint64_t choice = random_below(100);
    if (choice < 20) {
        retype(thread, step);
    } else if (choice < 28) {
        copy(thread, step, BH_OP_CNODE_COPY);
    } else if (choice < 35) {
        copy(thread, step, BH_OP_CNODE_MINT);
    } else if (choice < 41) {
        copy(thread, step, BH_OP_CNODE_MOVE);
    } else if (choice < 48) {
        on_slot(thread, step, BH_OP_CNODE_DELETE);
    } else if (choice < 50) {
        on_slot(thread, step, BH_OP_CNODE_REVOKE);
    } else if (choice < 52) {
        on_slot(thread, step, one_in(2) ? BH_OP_CNODE_CANCEL_BADGED : BH_OP_CNODE_INSPECT);
    } else if (choice < 61) {
        tcb_operation(thread, step);
    } else if (choice < 69) {
        map(thread, step);
    } else if (choice < 74) {
        device_operation(thread, step);
    } else if (choice < 79) {
        time_operation(thread, step);
    } else if (choice < 92) {
        communicate(thread, may_block, step);
    } else if (choice < 98) {
        step->call.x[12] = BH_SYS_YIELD;
    } else { /* anything */
        invoke(step, pick(thread, ANY), mostly(0x10 * (1 + random_below(8)) + random_below(9)));
        for (unsigned i = 2; i < 10; i++) {
            step->call.x[i] = odd_value();
        }
        uint64_t *operation = &step->call.x[1];
        if (*operation == BH_OP_TCB_SET_PRIORITY || *operation == BH_OP_TCB_SET_TIMEOUT_ENDPOINT ||
            *operation == BH_OP_SCHED_CONTROL_SET_WINDOW || *operation == BH_OP_SCHED_CONTROL_START_SCHEDULE) {
            *operation = 0; /* the threads of the test shall run in turns, and have no faults */
        }
    }
}

const char *operation_name(const struct m_call *call)
{
    static const char *const calls[] = {
        [BH_SYS_SIGNAL] = "signal",
        [BH_SYS_POLL] = "poll",
        [BH_SYS_VM_ENTER] = "vm_enter",
        [BH_SYS_CALL] = "call",
        [BH_SYS_REPLY_RECV] = "reply_recv",
        [BH_SYS_SEND] = "send",
        [BH_SYS_NB_SEND] = "nb_send",
        [BH_SYS_RECV] = "recv",
        [BH_SYS_NB_RECV] = "nb_recv",
        [BH_SYS_WAIT] = "wait",
        [BH_SYS_YIELD] = "yield",
    };
    static const struct {
        uint64_t operation;
        const char *name;
    } names[] = {
        {BH_OP_UNTYPED_RETYPE, "untyped_retype"},
        {BH_OP_CNODE_COPY, "cnode_copy"},
        {BH_OP_CNODE_MINT, "cnode_mint"},
        {BH_OP_CNODE_MOVE, "cnode_move"},
        {BH_OP_CNODE_DELETE, "cnode_delete"},
        {BH_OP_CNODE_REVOKE, "cnode_revoke"},
        {BH_OP_CNODE_CANCEL_BADGED, "cnode_cancel_badged"},
        {BH_OP_CNODE_INSPECT, "cnode_inspect"},
        {BH_OP_TCB_CONFIGURE, "tcb_configure"},
        {BH_OP_TCB_RESUME, "tcb_resume"},
        {BH_OP_TCB_SUSPEND, "tcb_suspend"},
        {BH_OP_TCB_BIND_NOTIFICATION, "tcb_bind_notification"},
        {BH_OP_SCHED_CONTEXT_BIND, "sched_context_bind"},
        {BH_OP_SCHED_CONTEXT_UNBIND, "sched_context_unbind"},
        {BH_OP_FRAME_MAP, "frame_map"},
        {BH_OP_FRAME_UNMAP, "frame_unmap"},
        {BH_OP_PAGE_TABLE_MAP, "page_table_map"},
        {BH_OP_PAGE_TABLE_UNMAP, "page_table_unmap"},
        {BH_OP_VCPU_CONFIGURE, "vcpu_configure"},
        {BH_OP_IRQ_CONTROL_GET, "irq_control_get"},
        {BH_OP_IRQ_HANDLER_BIND, "irq_handler_bind"},
    };
    if (call->x[12] < sizeof(calls) / sizeof(calls[0])) {
        return calls[call->x[12]];
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].operation == call->x[1]) {
            return names[i].name;
        }
    }
    return "invoke";
}
