/* SPDX-License-Identifier: BSD-2-Clause */
/* What invocations answer and change. */
#include <string.h>

#include "aarch64/its.h"
#include "hardware.h"
#include "model.h"
#include "tcb.h"
#include "vcpu.h"

#define CHUNK UINT64_C(0x10000) /* memory is cleared in pieces of this size, with a preemption point between two */

struct invoked {
    struct m_object *thread;
    struct m_slot *slot;
    struct m_cap *cap;
    struct m_object *object;
    uint64_t operation;
    const uint64_t *word; /* argument n is word[n - 1] */
    struct m_result *result;
};

static enum bh_error fail(struct invoked *c, uint64_t argument, enum bh_error error)
{
    c->result->argument = argument;
    return error;
}

static enum bh_error named(struct invoked *c, uint64_t n, enum bh_type type, uint64_t rights, struct m_slot **slot)
{
    *slot = model_lookup(c->thread, c->word[n - 1]);
    if (*slot == NULL || (*slot)->cap == NULL || (*slot)->cap->object->type != type) {
        return fail(c, n, BH_ERROR_INVALID_CAPABILITY);
    }
    if (((*slot)->cap->rights & rights) != rights) {
        return fail(c, n, BH_ERROR_RIGHTS);
    }
    return BH_OK;
}

static struct m_slot *slot_at(const struct m_object *cnode, uint64_t index)
{
    return index < cnode->slot_count ? &cnode->slots[index] : NULL;
}

static enum bh_error finish(struct invoked *c, bool whole)
{
    c->result->preempted = !whole;
    return BH_OK;
}

/* --- Untyped --- */

static enum bh_error new_object_bits(struct invoked *c, enum bh_type type, unsigned *bits)
{
    uint64_t size_bits = c->word[1];
    switch (type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
        *bits = (unsigned)size_bits;
        return size_bits >= BH_UNTYPED_MIN_BITS && size_bits <= BH_UNTYPED_MAX_BITS
                   ? BH_OK
                   : fail(c, 2, BH_ERROR_INVALID_ARGUMENT);
    case BH_TYPE_FRAME:
        *bits = (unsigned)size_bits;
        return size_bits == 12 || size_bits == 21 || size_bits == 30 ? BH_OK : fail(c, 2, BH_ERROR_INVALID_ARGUMENT);
    case BH_TYPE_CNODE:
        *bits = (unsigned)size_bits + BH_SLOT_BITS;
        return size_bits >= 1 && size_bits <= BH_CNODE_MAX_RADIX ? BH_OK : fail(c, 2, BH_ERROR_INVALID_ARGUMENT);
    case BH_TYPE_IRQ_CONTROL:
    case BH_TYPE_IRQ_HANDLER:
    case BH_TYPE_SCHED_CONTROL:
    case BH_TYPE_IO_CONTROL:
    case BH_TYPE_MACHINE:
        return fail(c, 1, BH_ERROR_INVALID_ARGUMENT);
    default: {
        struct m_object like = {.type = type};
        *bits = (unsigned)__builtin_ctzll(object_bytes(&like));
        return BH_OK;
    }
    }
}

static enum bh_error retype(struct invoked *c)
{
    struct m_object *untyped = c->object;
    enum bh_type type = (enum bh_type)c->word[0];
    uint64_t offset = c->word[2], index = c->word[4], count = c->word[5];
    struct m_slot *cnode;
    unsigned bits;
    enum bh_error error;

    if (c->word[0] >= BH_TYPE_COUNT || type == BH_TYPE_NULL) {
        return fail(c, 1, BH_ERROR_INVALID_ARGUMENT);
    }
    bool of_device = type == BH_TYPE_DEVICE_UNTYPED || (untyped->device && type == BH_TYPE_FRAME);
    if (untyped->device != of_device) {
        return fail(c, 1, BH_ERROR_ILLEGAL_OPERATION);
    }
    if ((error = new_object_bits(c, type, &bits)) != BH_OK ||
        (error = named(c, 4, BH_TYPE_CNODE, 0, &cnode)) != BH_OK) {
        return error;
    }
    if (count == 0 || count > BH_RETYPE_MAX_COUNT) {
        return fail(c, 6, BH_ERROR_INVALID_ARGUMENT);
    }
    struct m_object *destination = cnode->cap->object;
    if (index >= destination->slot_count || count > destination->slot_count - index) {
        return fail(c, 5, BH_ERROR_RANGE);
    }
    for (uint64_t i = index; i < index + count; i++) {
        if (destination->slots[i].cap != NULL) {
            return fail(c, 5, BH_ERROR_NOT_EMPTY);
        }
    }
    if (!has_children(c->slot) && untyped->used != 0 && (offset == BH_RETYPE_NEXT || offset < untyped->used)) {
        untyped->used = untyped->cleared = 0;
    }
    uint64_t bytes = UINT64_C(1) << bits;
    uint64_t start = (untyped->used + bytes - 1) / bytes * bytes;
    if (offset != BH_RETYPE_NEXT) {
        if (offset % bytes != 0) {
            return fail(c, 3, BH_ERROR_ALIGNMENT);
        }
        if (offset < untyped->used) {
            return fail(c, 3, BH_ERROR_RANGE);
        }
        start = offset;
    }
    if (start > object_bytes(untyped) || count > (object_bytes(untyped) - start) / bytes) {
        return BH_ERROR_NO_MEMORY;
    }
    uint64_t end = start + count * bytes;
    if (!untyped->device && type != BH_TYPE_UNTYPED) {
        uint64_t at = untyped->cleared;
        if (at < start) {
            at = untyped->used = start; /* what is not clear is not above the watermark */
        }
        while (at < end) {
            at = end - at < CHUNK ? end : at + CHUNK;
            untyped->cleared = at;
            if (at < end && model_poll()) {
                return finish(c, false);
            }
        }
    }
    untyped->used = end;
    bool sized = type == BH_TYPE_CNODE || type == BH_TYPE_FRAME || type == BH_TYPE_UNTYPED ||
                 type == BH_TYPE_DEVICE_UNTYPED;
    unsigned size_bits = sized ? (unsigned)c->word[1] : 0;
    for (uint64_t i = 0; i < count; i++) {
        struct m_object *object = object_new(type, size_bits, untyped->address + start + i * bytes, untyped->device);
        cap_insert_child(&destination->slots[index + i], c->cap, object, true);
    }
    return BH_OK;
}

/* --- CNode --- */

static enum bh_error source_of(struct invoked *c, struct m_slot **source)
{
    struct m_slot *cnode;
    enum bh_error error = named(c, 2, BH_TYPE_CNODE, 0, &cnode);
    if (error != BH_OK) {
        return error;
    }
    *source = slot_at(cnode->cap->object, c->word[2]);
    if (*source == NULL) {
        return fail(c, 3, BH_ERROR_RANGE);
    }
    return (*source)->cap != NULL ? BH_OK : fail(c, 3, BH_ERROR_INVALID_CAPABILITY);
}

static enum bh_error copy(struct invoked *c, struct m_slot *slot, uint64_t badge)
{
    struct m_slot *source;
    enum bh_error error = source_of(c, &source);
    if (error != BH_OK) {
        return error;
    }
    error = cap_can_derive(source->cap, badge);
    if (error != BH_OK) {
        return fail(c, 3, error);
    }
    (void)cap_insert(slot, source->cap, c->word[3], badge);
    return BH_OK;
}

static void inspect(const struct m_cap *cap, uint64_t value[4])
{
    if (cap == NULL) {
        return;
    }
    const struct m_object *object = cap->object;
    value[0] = object->type;
    value[1] = cap->rights;
    switch (object->type) {
    case BH_TYPE_ENDPOINT:
    case BH_TYPE_NOTIFICATION:
        value[2] = cap->badge;
        break;
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
    case BH_TYPE_FRAME:
    case BH_TYPE_CNODE:
        value[2] = object->size_bits;
        break;
    case BH_TYPE_IRQ_HANDLER:
        value[2] = object->address;
        return;
    default:
        break;
    }
    value[3] = object->address;
}

static bool revoke(struct m_slot *slot)
{
    while (has_children(slot)) {
        if (!model_delete(slot->cap->first_child->slot) || model_poll()) {
            return false;
        }
    }
    return true;
}

static enum bh_error invoke_cnode(struct invoked *c)
{
    if (c->operation < BH_OP_CNODE_COPY || c->operation > BH_OP_CNODE_INSPECT) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    struct m_slot *slot = slot_at(c->object, c->word[0]);
    if (slot == NULL) {
        return fail(c, 1, BH_ERROR_RANGE);
    }
    switch (c->operation) {
    case BH_OP_CNODE_COPY:
    case BH_OP_CNODE_MINT:
    case BH_OP_CNODE_MOVE:
        if (slot->cap != NULL) {
            return fail(c, 1, BH_ERROR_NOT_EMPTY);
        }
        if (c->operation == BH_OP_CNODE_MOVE) {
            struct m_slot *source;
            enum bh_error error = source_of(c, &source);
            if (error == BH_OK) {
                cap_move(slot, source);
            }
            return error;
        }
        if (c->operation == BH_OP_CNODE_MINT && c->word[4] == 0) {
            return fail(c, 5, BH_ERROR_INVALID_ARGUMENT);
        }
        return copy(c, slot, c->operation == BH_OP_CNODE_MINT ? c->word[4] : 0);
    case BH_OP_CNODE_DELETE:
        return finish(c, model_delete(slot));
    case BH_OP_CNODE_REVOKE:
        return finish(c, revoke(slot));
    case BH_OP_CNODE_CANCEL_BADGED:
        if (slot->cap == NULL || slot->cap->object->type != BH_TYPE_ENDPOINT) {
            return fail(c, 1, BH_ERROR_INVALID_CAPABILITY);
        }
        endpoint_cancel(slot->cap->object, slot->cap->badge);
        return BH_OK;
    default:
        inspect(slot->cap, c->result->value);
        return BH_OK;
    }
}

/* --- TCB --- */

/* Puts a copy of `source` into a slot of the thread in the place of what was there. */
static bool replace(struct m_object *tcb, enum tcb_slot slot, struct m_slot *source)
{
    if (!model_delete(&tcb->slots[slot])) {
        return false;
    }
    if (source != NULL && source->cap != NULL) { /* what went may have held it */
        (void)cap_insert(&tcb->slots[slot], source->cap, BH_RIGHTS_ALL, 0);
    }
    return true;
}

static enum bh_error configure(struct invoked *c)
{
    struct m_object *tcb = c->object;
    struct m_slot *source[TCB_SLOT_COUNT] = {NULL};
    enum bh_error error;
    if (tcb->thread.state != M_INACTIVE && tcb->thread.state != M_SUSPENDED) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if ((error = named(c, 1, BH_TYPE_CNODE, 0, &source[TCB_SLOT_CNODE])) != BH_OK ||
        (error = named(c, 2, BH_TYPE_VSPACE, 0, &source[TCB_SLOT_VSPACE])) != BH_OK) {
        return error;
    }
    if (c->word[2] != 0 && (error = named(c, 3, BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL,
                                          &source[TCB_SLOT_FAULT_ENDPOINT])) != BH_OK) {
        return error;
    }
    if (c->word[3] != 0) {
        if ((error = named(c, 4, BH_TYPE_FRAME, BH_RIGHT_READ | BH_RIGHT_WRITE, &source[TCB_SLOT_IPC_BUFFER])) !=
            BH_OK) {
            return error;
        }
        const struct m_object *frame = source[TCB_SLOT_IPC_BUFFER]->cap->object;
        if (frame->size_bits != BH_PAGE_BITS || frame->device) {
            return fail(c, 4, BH_ERROR_INVALID_ARGUMENT);
        }
    }
    return finish(c, replace(tcb, TCB_SLOT_CNODE, source[TCB_SLOT_CNODE]) &&
                         replace(tcb, TCB_SLOT_VSPACE, source[TCB_SLOT_VSPACE]) &&
                         replace(tcb, TCB_SLOT_FAULT_ENDPOINT, source[TCB_SLOT_FAULT_ENDPOINT]) &&
                         replace(tcb, TCB_SLOT_IPC_BUFFER, source[TCB_SLOT_IPC_BUFFER]));
}

static enum bh_error set_affinity(struct invoked *c)
{
    const struct m_thread *thread = &c->object->thread;
    if (c->word[0] != 0) { /* there is one core */
        return fail(c, 1, BH_ERROR_RANGE);
    }
    const struct m_object *bound = thread->notification;
    bool others = bound != NULL && (bound->queue_length > 1 || (bound->queue_length == 1 && bound->queue[0] != c->object));
    bool awaited = thread->state == M_BLOCKED_REPLY ||
                   (thread->sched_context != NULL && thread->sched_context->loan_count != 0) || others;
    return awaited ? BH_ERROR_BUSY : BH_OK;
}

static enum bh_error invoke_tcb(struct invoked *c)
{
    struct m_thread *thread = &c->object->thread;
    struct m_slot *slot;
    enum bh_error error;
    bool stopped = thread->state == M_INACTIVE || thread->state == M_SUSPENDED;

    switch (c->operation) {
    case BH_OP_TCB_CONFIGURE:
        return configure(c);
    case BH_OP_TCB_SET_PRIORITY:
        for (unsigned i = 0; i < 2; i++) {
            if (c->word[i] > c->thread->thread.limit) {
                return fail(c, i + 1, BH_ERROR_RANGE);
            }
        }
        thread->priority = c->word[0];
        thread->limit = c->word[1];
        return BH_OK;
    case BH_OP_TCB_WRITE_REGISTERS:
        return stopped ? BH_OK : BH_ERROR_ILLEGAL_OPERATION;
    case BH_OP_TCB_READ_REGISTERS:
        if (!stopped) {
            return BH_ERROR_ILLEGAL_OPERATION;
        }
        if (c->word[0] > 34) {
            return fail(c, 1, BH_ERROR_RANGE);
        }
        memset(c->result->value_known, 0, sizeof(c->result->value_known));
        return BH_OK;
    case BH_OP_TCB_RESUME: {
        const struct m_cap *vspace = c->object->slots[TCB_SLOT_VSPACE].cap;
        if (vspace == NULL || vspace->object->type != BH_TYPE_VSPACE) {
            return BH_ERROR_ILLEGAL_OPERATION;
        }
        if (stopped) {
            thread->state = M_RUNNABLE;
        }
        return BH_OK;
    }
    case BH_OP_TCB_SUSPEND:
        thread_stop_waiting(c->object);
        return BH_OK;
    case BH_OP_TCB_BIND_NOTIFICATION:
        if ((error = named(c, 1, BH_TYPE_NOTIFICATION, BH_RIGHT_READ, &slot)) != BH_OK) {
            return error;
        }
        if (thread->notification != NULL) {
            return BH_ERROR_BUSY;
        }
        if (slot->cap->object->tcb != NULL) {
            return fail(c, 1, BH_ERROR_BUSY);
        }
        thread->notification = slot->cap->object;
        slot->cap->object->tcb = c->object;
        return BH_OK;
    case BH_OP_TCB_SET_AFFINITY:
        return set_affinity(c);
    case BH_OP_TCB_SET_TIMEOUT_ENDPOINT:
        slot = NULL;
        if (c->word[0] != 0 &&
            (error = named(c, 1, BH_TYPE_ENDPOINT, BH_RIGHT_WRITE | BH_RIGHT_CALL, &slot)) != BH_OK) {
            return error;
        }
        return finish(c, replace(c->object, TCB_SLOT_TIMEOUT_ENDPOINT, slot));
    case BH_OP_TCB_UNBIND_NOTIFICATION:
        notification_let_go(c->object);
        return BH_OK;
    case BH_OP_TCB_SET_FLAGS:
        return (c->word[0] & ~(uint64_t)BH_TCB_FP) == 0 ? BH_OK : fail(c, 1, BH_ERROR_INVALID_ARGUMENT);
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

/* --- Notification, SchedContext, SchedControl --- */

static enum bh_error invoke_notification(struct invoked *c)
{
    const uint64_t needed = BH_RIGHT_READ | BH_RIGHT_WRITE;
    if ((c->cap->rights & needed) != needed) {
        return BH_ERROR_RIGHTS;
    }
    switch (c->operation) {
    case BH_OP_NOTIFICATION_ARM:
        if (c->word[1] == 0) {
            return fail(c, 2, BH_ERROR_INVALID_ARGUMENT);
        }
        if (c->word[0] <= model.now) {
            notification_signalled(c->object, c->word[1]);
        }
        return BH_OK;
    case BH_OP_NOTIFICATION_DISARM:
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

static enum bh_error invoke_sched_context(struct invoked *c)
{
    struct m_slot *slot;
    enum bh_error error;
    switch (c->operation) {
    case BH_OP_SCHED_CONTEXT_BIND:
        if ((error = named(c, 1, BH_TYPE_TCB, 0, &slot)) != BH_OK) {
            return error;
        }
        if (c->object->tcb != NULL || c->object->loan_count != 0) {
            return BH_ERROR_BUSY;
        }
        if (slot->cap->object->thread.sched_context != NULL) {
            return fail(c, 1, BH_ERROR_BUSY);
        }
        c->object->tcb = slot->cap->object;
        slot->cap->object->thread.sched_context = c->object;
        return BH_OK;
    case BH_OP_SCHED_CONTEXT_UNBIND:
        sched_context_take(c->object);
        return BH_OK;
    case BH_OP_SCHED_CONTEXT_CONSUMED:
        c->result->value_known[0] = false;
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

static enum bh_error invoke_sched_control(struct invoked *c)
{
    struct m_slot *slot;
    if (c->operation != BH_OP_SCHED_CONTROL_CONFIGURE) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    enum bh_error error = named(c, 1, BH_TYPE_SCHED_CONTEXT, 0, &slot);
    if (error != BH_OK) {
        return error;
    }
    if (c->word[2] == 0 || c->word[2] > UINT64_C(3600) * HOST_FREQUENCY) {
        return fail(c, 3, BH_ERROR_INVALID_ARGUMENT);
    }
    if (c->word[1] < HOST_FREQUENCY / BH_BUDGETS_PER_SECOND || c->word[1] > c->word[2]) {
        return fail(c, 2, BH_ERROR_INVALID_ARGUMENT);
    }
    return c->word[4] < BH_PARTITIONS ? BH_OK : fail(c, 5, BH_ERROR_RANGE);
}

/* --- Frame, PageTable --- */

unsigned frame_level(const struct m_object *frame)
{
    return frame->size_bits == BH_HUGE_PAGE_BITS ? 1 : frame->size_bits == BH_LARGE_PAGE_BITS ? 2 : 3;
}

bool entry_is_table(const struct m_entry *entry)
{
    return entry->target != NULL && entry->target->type == BH_TYPE_PAGE_TABLE;
}

struct m_entry *find_entry(struct m_object *space, uint64_t address, unsigned level, unsigned *reached)
{
    static const unsigned shift[] = {0, 30, 21, 12};
    struct m_object *table = space;
    for (unsigned at = 1;; at++) {
        struct m_entry *entry = &table->entries[(address >> shift[at]) % entry_count(table)];
        if (at == level || !entry_is_table(entry)) {
            *reached = at;
            return entry;
        }
        table = entry->target;
    }
}

struct m_entry *mapping_entry(const struct m_cap *cap, unsigned level, struct m_object **space)
{
    unsigned reached;
    *space = space_by_serial(cap->space);
    if (*space == NULL) {
        return NULL;
    }
    struct m_entry *entry = find_entry(*space, cap->page << BH_PAGE_BITS, level, &reached);
    return reached == level && entry->target == cap->object ? entry : NULL;
}

void frame_unmap(struct m_cap *cap)
{
    struct m_object *space;
    struct m_entry *entry = mapping_entry(cap, frame_level(cap->object), &space);
    if (entry != NULL) {
        *entry = (struct m_entry){0};
    }
    cap->space = cap->page = 0;
}

void table_unmap(struct m_cap *cap)
{
    struct m_object *space;
    for (unsigned level = 1; level <= 2; level++) {
        struct m_entry *entry = mapping_entry(cap, level, &space);
        if (entry != NULL) {
            *entry = (struct m_entry){0};
            break;
        }
    }
    cap->space = cap->page = 0;
}

static enum bh_error target(struct invoked *c, uint64_t alignment, struct m_object **space)
{
    const struct m_slot *slot = model_lookup(c->thread, c->word[0]);
    if (slot == NULL || slot->cap == NULL || entry_count(slot->cap->object) != 256) {
        return fail(c, 1, BH_ERROR_INVALID_CAPABILITY);
    }
    *space = slot->cap->object;
    if (c->word[1] % alignment != 0) {
        return fail(c, 2, BH_ERROR_ALIGNMENT);
    }
    return c->word[1] < BH_SPACE_SIZE ? BH_OK : fail(c, 2, BH_ERROR_RANGE);
}

static enum bh_error map_frame(struct invoked *c)
{
    struct m_object *space, *mapped_in;
    uint64_t rights = c->word[2], attributes = c->word[3];
    const uint64_t execute = BH_RIGHT_GRANT;
    unsigned level = frame_level(c->object), reached;

    enum bh_error error = target(c, object_bytes(c->object), &space);
    if (error != BH_OK) {
        return error;
    }
    bool doorbell = c->object->device && c->object->address == HOST_DOORBELL - HOST_DOORBELL % BH_PAGE_SIZE;
    if (doorbell && space->type != BH_TYPE_IO_SPACE) {
        return fail(c, 1, BH_ERROR_ILLEGAL_OPERATION);
    }
    if (rights > 7 || (rights & BH_RIGHT_READ) == 0 ||
        (space->type == BH_TYPE_VSPACE && (rights & BH_RIGHT_WRITE) != 0 && (rights & execute) != 0)) {
        return fail(c, 3, BH_ERROR_INVALID_ARGUMENT);
    }
    if ((rights & c->cap->rights) != rights) {
        return fail(c, 3, BH_ERROR_RIGHTS);
    }
    if (attributes > 7 || (attributes > 3 && space->type != BH_TYPE_VSPACE)) {
        return fail(c, 4, BH_ERROR_INVALID_ARGUMENT);
    }
    struct m_entry *entry = find_entry(space, c->word[1], level, &reached);
    if (reached != level) {
        if (entry->target != NULL) {
            return fail(c, 2, BH_ERROR_NOT_EMPTY);
        }
        c->result->value[0] = reached + 1;
        return fail(c, 2, BH_ERROR_NO_TABLE);
    }
    struct m_entry *old = mapping_entry(c->cap, level, &mapped_in);
    if (old != NULL && old != entry) {
        return BH_ERROR_BUSY;
    }
    if (old == NULL && entry->target != NULL) {
        return fail(c, 2, BH_ERROR_NOT_EMPTY);
    }
    *entry = (struct m_entry){c->object, rights, c->object->device ? attributes | BH_MAP_DEVICE : attributes};
    c->cap->space = space->serial;
    c->cap->page = c->word[1] >> BH_PAGE_BITS;
    return BH_OK;
}

static enum bh_error map_table(struct invoked *c)
{
    struct m_object *space;
    unsigned reached;
    enum bh_error error = target(c, 1, &space);
    if (error != BH_OK) {
        return error;
    }
    if (space_by_serial(c->cap->space) != NULL) {
        return BH_ERROR_BUSY;
    }
    struct m_entry *entry = find_entry(space, c->word[1], 3, &reached);
    if (reached == 3 || entry->target != NULL) {
        return fail(c, 2, BH_ERROR_NOT_EMPTY);
    }
    memset(c->object->entries, 0, entry_count(c->object) * sizeof(struct m_entry));
    *entry = (struct m_entry){.target = c->object};
    c->cap->space = space->serial;
    c->cap->page = c->word[1] >> BH_PAGE_BITS;
    c->cap->page -= c->cap->page % (reached == 1 ? 512 * 512 : 512);
    return BH_OK;
}

static enum bh_error invoke_frame(struct invoked *c)
{
    switch (c->operation) {
    case BH_OP_FRAME_MAP:
        return map_frame(c);
    case BH_OP_FRAME_UNMAP:
        frame_unmap(c->cap);
        return BH_OK;
    case BH_OP_FRAME_ADDRESS:
        c->result->value[0] = c->object->address;
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

static enum bh_error invoke_page_table(struct invoked *c)
{
    switch (c->operation) {
    case BH_OP_PAGE_TABLE_MAP:
        return map_table(c);
    case BH_OP_PAGE_TABLE_UNMAP:
        table_unmap(c->cap);
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

/* --- GuestSpace, IOSpace, IOControl, VCPU --- */

static enum bh_error invoke_guest_space(struct invoked *c)
{
    uint64_t index = c->word[0], address = c->word[1], size = c->word[2];
    struct m_slot *notification;
    if (c->operation != BH_OP_GUEST_SPACE_BIND_DOORBELL && c->operation != BH_OP_GUEST_SPACE_UNBIND_DOORBELL) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    if (index >= BH_DOORBELLS) {
        return fail(c, 1, BH_ERROR_RANGE);
    }
    if (c->operation == BH_OP_GUEST_SPACE_UNBIND_DOORBELL) {
        return finish(c, model_delete(&c->object->slots[index]));
    }
    if (c->object->slots[index].cap != NULL) {
        return fail(c, 1, BH_ERROR_NOT_EMPTY);
    }
    if (address % 4 != 0) {
        return fail(c, 2, BH_ERROR_ALIGNMENT);
    }
    if (address >= BH_SPACE_SIZE) {
        return fail(c, 2, BH_ERROR_RANGE);
    }
    if (size % 4 != 0) {
        return fail(c, 3, BH_ERROR_ALIGNMENT);
    }
    if (size == 0 || size > BH_PAGE_SIZE || address / BH_PAGE_SIZE != (address + size - 1) / BH_PAGE_SIZE) {
        return fail(c, 3, BH_ERROR_RANGE);
    }
    enum bh_error error = named(c, 4, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &notification);
    if (error == BH_OK) {
        (void)cap_insert(&c->object->slots[index], notification->cap, BH_RIGHTS_ALL, 0);
    }
    return error;
}

static enum bh_error invoke_io_control(struct invoked *c)
{
    struct m_slot *slot;
    if (c->operation != BH_OP_IO_CONTROL_BIND) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    enum bh_error error = named(c, 1, BH_TYPE_IO_SPACE, 0, &slot);
    if (error != BH_OK) {
        return error;
    }
    if (slot->cap->object->bound) {
        return fail(c, 1, BH_ERROR_BUSY);
    }
    if (c->word[1] >= HOST_STREAMS) {
        return fail(c, 2, BH_ERROR_RANGE);
    }
    for (struct m_object *other = model.objects; other != NULL; other = other->next) {
        if (other->type == BH_TYPE_IO_SPACE && other->bound && other->stream == c->word[1]) {
            return fail(c, 2, BH_ERROR_BUSY);
        }
    }
    slot->cap->object->bound = true;
    slot->cap->object->stream = c->word[1];
    return BH_OK;
}

static enum bh_error configure_vcpu(struct invoked *c)
{
    struct m_slot *thread, *space, *frame;
    struct m_object *vcpu = c->object;
    enum bh_error error;
    if ((error = named(c, 1, BH_TYPE_TCB, 0, &thread)) != BH_OK ||
        (error = named(c, 2, BH_TYPE_GUEST_SPACE, 0, &space)) != BH_OK ||
        (error = named(c, 3, BH_TYPE_FRAME, BH_RIGHT_READ | BH_RIGHT_WRITE, &frame)) != BH_OK) {
        return error;
    }
    if (frame->cap->object->size_bits != BH_PAGE_BITS || frame->cap->object->device) {
        return fail(c, 3, BH_ERROR_INVALID_ARGUMENT);
    }
    if (vcpu->tcb != NULL || vcpu->slots[VCPU_SLOT_GUEST_SPACE].cap != NULL ||
        vcpu->slots[VCPU_SLOT_FRAME].cap != NULL) {
        return BH_ERROR_BUSY;
    }
    if (thread->cap->object->thread.vcpu != NULL) {
        return fail(c, 1, BH_ERROR_BUSY);
    }
    (void)cap_insert(&vcpu->slots[VCPU_SLOT_GUEST_SPACE], space->cap, BH_RIGHTS_ALL, 0);
    cap_insert(&vcpu->slots[VCPU_SLOT_FRAME], frame->cap, BH_RIGHTS_ALL, 0)->shared = true;
    vcpu->tcb = thread->cap->object;
    thread->cap->object->thread.vcpu = vcpu;
    return BH_OK;
}

static enum bh_error invoke_vcpu(struct invoked *c)
{
    switch (c->operation) {
    case BH_OP_VCPU_CONFIGURE:
        return configure_vcpu(c);
    case BH_OP_VCPU_SAVE:
    case BH_OP_VCPU_LOAD:
        return c->object->slots[VCPU_SLOT_FRAME].cap != NULL ? BH_OK : BH_ERROR_ILLEGAL_OPERATION;
    case BH_OP_VCPU_POST:
        if (c->object->slots[VCPU_SLOT_FRAME].cap == NULL) {
            return BH_ERROR_ILLEGAL_OPERATION;
        }
        return c->word[0] < BH_VCPU_INTERRUPTS ? BH_OK : fail(c, 1, BH_ERROR_RANGE);
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

/* --- interrupts --- */

static struct m_object *interrupt(uint64_t intid)
{
    struct m_object *object = model.objects;
    while (object != NULL && (object->type != BH_TYPE_IRQ_HANDLER || object->address != intid)) {
        object = object->next;
    }
    return object;
}

static enum bh_error find_interrupt(struct invoked *c, uint64_t *intid)
{
    if (c->word[0] < 32 || c->word[0] >= HOST_IRQS) {
        return fail(c, 1, BH_ERROR_RANGE);
    }
    if (c->word[1] > 1) {
        return fail(c, 2, BH_ERROR_INVALID_ARGUMENT);
    }
    *intid = c->word[0];
    return interrupt(*intid) == NULL ? BH_OK : fail(c, 1, BH_ERROR_BUSY);
}

static enum bh_error find_message(struct invoked *c, uint64_t *intid)
{
    if (c->word[0] >= HOST_DEVICES) {
        return fail(c, 1, BH_ERROR_RANGE);
    }
    if (c->word[1] >= ITS_EVENTS) {
        return fail(c, 2, BH_ERROR_RANGE);
    }
    *intid = 0;
    for (uint64_t lpi = LPI_FIRST + HOST_LPIS; lpi-- > LPI_FIRST;) {
        const struct m_object *other = interrupt(lpi);
        if (other == NULL) {
            *intid = lpi;
        } else if (other->stream == c->word[0] && other->event == c->word[1]) {
            return fail(c, 2, BH_ERROR_BUSY);
        }
    }
    return *intid != 0 ? BH_OK : BH_ERROR_NO_TAG;
}

static enum bh_error invoke_irq_control(struct invoked *c)
{
    bool message = c->operation == BH_OP_IRQ_CONTROL_GET_MSI;
    struct m_slot *cnode;
    uint64_t intid;
    if (!message && c->operation != BH_OP_IRQ_CONTROL_GET) {
        return BH_ERROR_ILLEGAL_OPERATION;
    }
    enum bh_error error = message ? find_message(c, &intid) : find_interrupt(c, &intid);
    if (error != BH_OK || (error = named(c, 3, BH_TYPE_CNODE, 0, &cnode)) != BH_OK) {
        return error;
    }
    struct m_slot *slot = slot_at(cnode->cap->object, c->word[3]);
    if (slot == NULL) {
        return fail(c, 4, BH_ERROR_RANGE);
    }
    if (slot->cap != NULL) {
        return fail(c, 4, BH_ERROR_NOT_EMPTY);
    }
    struct m_object *object = object_new(BH_TYPE_IRQ_HANDLER, 0, intid, false);
    if (message) {
        object->stream = c->word[0];
        object->event = c->word[1];
        c->result->value[0] = HOST_DOORBELL;
        c->result->value[1] = object->event;
        c->result->value[2] = intid;
    }
    cap_insert_child(slot, c->cap, object, false);
    return BH_OK;
}

static enum bh_error invoke_irq_handler(struct invoked *c)
{
    struct m_slot *bound = model_irq_slot(c->object->address);
    struct m_slot *notification;
    switch (c->operation) {
    case BH_OP_IRQ_HANDLER_BIND: {
        enum bh_error error = named(c, 1, BH_TYPE_NOTIFICATION, BH_RIGHT_WRITE, &notification);
        if (error == BH_OK) {
            (void)model_delete(bound);
            (void)cap_insert(bound, notification->cap, BH_RIGHTS_ALL, 0);
        }
        return error;
    }
    case BH_OP_IRQ_HANDLER_ACK:
        return BH_OK;
    case BH_OP_IRQ_HANDLER_UNBIND:
        (void)model_delete(bound);
        return BH_OK;
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}

enum bh_error model_invoke(struct m_object *thread, struct m_slot *slot, const struct m_call *call,
                           struct m_result *result)
{
    struct invoked context = {.thread = thread,
                              .slot = slot,
                              .cap = slot->cap,
                              .object = slot->cap->object,
                              .operation = call->x[1],
                              .word = &call->x[2],
                              .result = result};
    struct invoked *c = &context;
    switch (c->object->type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
        return c->operation == BH_OP_UNTYPED_RETYPE ? retype(c) : BH_ERROR_ILLEGAL_OPERATION;
    case BH_TYPE_CNODE:
        return invoke_cnode(c);
    case BH_TYPE_TCB:
        return invoke_tcb(c);
    case BH_TYPE_NOTIFICATION:
        return invoke_notification(c);
    case BH_TYPE_SCHED_CONTEXT:
        return invoke_sched_context(c);
    case BH_TYPE_SCHED_CONTROL:
        return invoke_sched_control(c);
    case BH_TYPE_FRAME:
        return invoke_frame(c);
    case BH_TYPE_PAGE_TABLE:
        return invoke_page_table(c);
    case BH_TYPE_GUEST_SPACE:
        return invoke_guest_space(c);
    case BH_TYPE_IO_CONTROL:
        return invoke_io_control(c);
    case BH_TYPE_IO_SPACE:
        return c->operation == BH_OP_IO_SPACE_FAULT ? BH_OK : BH_ERROR_ILLEGAL_OPERATION;
    case BH_TYPE_VCPU:
        return invoke_vcpu(c);
    case BH_TYPE_IRQ_CONTROL:
        return invoke_irq_control(c);
    case BH_TYPE_IRQ_HANDLER:
        return invoke_irq_handler(c);
    default:
        return BH_ERROR_ILLEGAL_OPERATION;
    }
}
