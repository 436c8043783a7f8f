/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects, the derivation tree, and deletion. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aarch64/its.h"
#include "cap.h"
#include "space.h"
#include "tcb.h"
#include "vcpu.h"

struct model model;
static struct m_slot irq_slots[M_IRQS]; /* what an IRQHandler's owner has bound */
static struct m_object *gone;

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* --- objects --- */

static unsigned fixed_bits(enum bh_type type)
{
    switch (type) {
    case BH_TYPE_TCB:
        return BH_TCB_BITS;
    case BH_TYPE_ENDPOINT:
        return BH_ENDPOINT_BITS;
    case BH_TYPE_REPLY:
        return BH_REPLY_BITS;
    case BH_TYPE_NOTIFICATION:
        return BH_NOTIFICATION_BITS;
    case BH_TYPE_SCHED_CONTEXT:
        return BH_SCHED_CONTEXT_BITS;
    case BH_TYPE_VCPU:
        return BH_VCPU_BITS;
    case BH_TYPE_PAGE_TABLE:
    case BH_TYPE_VSPACE:
    case BH_TYPE_GUEST_SPACE:
    case BH_TYPE_IO_SPACE:
        return BH_PAGE_BITS;
    default:
        return 0;
    }
}

uint64_t object_bytes(const struct m_object *object)
{
    switch (object->type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
    case BH_TYPE_FRAME:
        return UINT64_C(1) << object->size_bits;
    case BH_TYPE_CNODE:
        return UINT64_C(1) << (object->size_bits + BH_SLOT_BITS);
    default:
        return fixed_bits(object->type) != 0 ? UINT64_C(1) << fixed_bits(object->type) : 0;
    }
}

unsigned entry_count(const struct m_object *object)
{
    switch (object->type) {
    case BH_TYPE_VSPACE:
    case BH_TYPE_GUEST_SPACE:
    case BH_TYPE_IO_SPACE:
        return 256;
    case BH_TYPE_PAGE_TABLE:
        return 512;
    default:
        return 0;
    }
}

static void give_slots(struct m_object *object)
{
    struct slot *real = NULL;
    void *memory = paddr_pointer(paddr(object->address));
    switch (object->type) {
    case BH_TYPE_CNODE:
        object->slot_count = UINT64_C(1) << object->size_bits;
        real = memory;
        break;
    case BH_TYPE_TCB:
        object->slot_count = TCB_SLOT_COUNT;
        real = ((struct tcb *)memory)->slots;
        break;
    case BH_TYPE_VCPU:
        object->slot_count = VCPU_SLOT_COUNT;
        real = ((struct vcpu *)memory)->slots;
        break;
    case BH_TYPE_GUEST_SPACE:
        object->slot_count = BH_DOORBELLS;
        real = ((struct space *)memory)->doorbell_slots;
        break;
    default:
        return;
    }
    object->slots = allocate(object->slot_count, sizeof(struct m_slot));
    for (uint64_t i = 0; i < object->slot_count; i++) {
        object->slots[i].real = real + i;
    }
}

struct m_object *object_new(enum bh_type type, unsigned size_bits, uint64_t address, bool device)
{
    struct m_object *object = allocate(1, sizeof(*object));
    object->type = type;
    object->size_bits = size_bits;
    object->address = address;
    object->device = device;
    object->serial = ++model.next_serial;
    give_slots(object);
    if (entry_count(object) != 0) {
        object->entries = allocate(entry_count(object), sizeof(struct m_entry));
    }
    object->next = model.objects;
    if (object->next != NULL) {
        object->next->previous = object;
    }
    model.objects = object;
    return object;
}

static void give_back(struct m_object **list)
{
    while (*list != NULL) {
        struct m_object *object = *list;
        *list = object->next;
        for (uint64_t i = 0; i < object->slot_count; i++) {
            free(object->slots[i].cap);
        }
        free(object->slots);
        free(object->entries);
        free(object);
    }
}

/* What is gone can still be looked at until the call ends: a slot that is being revoked may be in it. */
static void object_free(struct m_object *object)
{
    if (object->previous != NULL) {
        object->previous->next = object->next;
    } else {
        model.objects = object->next;
    }
    if (object->next != NULL) {
        object->next->previous = object->previous;
    }
    object->next = gone;
    gone = object;
}

struct m_object *space_by_serial(uint64_t serial)
{
    for (struct m_object *object = model.objects; serial != 0 && object != NULL; object = object->next) {
        if (object->serial == serial) {
            return object;
        }
    }
    return NULL;
}

struct m_slot *model_irq_slot(uint64_t intid)
{
    return &irq_slots[intid < LPI_FIRST ? intid : intid - LPI_FIRST + M_IRQS / 2];
}

/* --- the tree --- */

/* Puts `cap` among the children of `parent`, behind `before` (NULL: first). */
static void link_cap(struct m_cap *cap, struct m_cap *parent, struct m_cap *before)
{
    cap->parent = parent;
    cap->previous_sibling = before;
    cap->next_sibling = before != NULL ? before->next_sibling : parent->first_child;
    if (before != NULL) {
        before->next_sibling = cap;
    } else {
        parent->first_child = cap;
    }
    if (cap->next_sibling != NULL) {
        cap->next_sibling->previous_sibling = cap;
    }
}

static void unlink_cap(struct m_cap *cap)
{
    if (cap->previous_sibling != NULL) {
        cap->previous_sibling->next_sibling = cap->next_sibling;
    } else {
        cap->parent->first_child = cap->next_sibling;
    }
    if (cap->next_sibling != NULL) {
        cap->next_sibling->previous_sibling = cap->previous_sibling;
    }
    cap->parent = cap->previous_sibling = cap->next_sibling = NULL;
}

static struct m_cap *last_child(struct m_cap *cap)
{
    struct m_cap *child = cap->first_child;
    while (child != NULL && child->next_sibling != NULL) {
        child = child->next_sibling;
    }
    return child;
}

/* Copies without an ancestor that stand behind an original capability of their badge become its children. */
static void adopt(struct m_cap *cap)
{
    if (cap == NULL || !cap->original || cap->badge == 0) {
        return;
    }
    struct m_cap *next;
    while ((next = cap->next_sibling) != NULL && next->object == cap->object && next->badge == cap->badge &&
           !next->original) {
        unlink_cap(next);
        link_cap(next, cap, last_child(cap));
    }
}

static struct m_cap *cap_new(struct m_slot *slot, struct m_object *object)
{
    struct m_cap *cap = allocate(1, sizeof(*cap));
    cap->object = object;
    cap->rights = BH_RIGHTS_ALL;
    cap->slot = slot;
    slot->cap = cap;
    object->caps++;
    return cap;
}

void cap_insert_child(struct m_slot *slot, struct m_cap *parent, struct m_object *object, bool original)
{
    struct m_cap *cap = cap_new(slot, object);
    cap->original = original;
    link_cap(cap, parent, NULL);
}

struct m_cap *cap_insert(struct m_slot *slot, struct m_cap *source, uint64_t rights, uint64_t badge)
{
    struct m_cap *cap = cap_new(slot, source->object);
    cap->rights = source->rights & rights;
    cap->badge = badge != 0 ? badge : source->badge;
    cap->original = badge != 0;
    /* A capability that gets a badge is a child of the unbadged original; one that keeps it, of its badge's. */
    if (source->original) {
        link_cap(cap, source, NULL);
    } else {
        link_cap(cap, source->parent, source);
    }
    adopt(cap);
    return cap;
}

enum bh_error cap_can_derive(const struct m_cap *source, uint64_t badge)
{
    switch (source->object->type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
    case BH_TYPE_REPLY:
    case BH_TYPE_PAGE_TABLE:
    case BH_TYPE_IRQ_CONTROL:
        return BH_ERROR_ILLEGAL_OPERATION;
    case BH_TYPE_ENDPOINT:
    case BH_TYPE_NOTIFICATION:
        return badge != 0 && source->badge != 0 ? BH_ERROR_ILLEGAL_OPERATION : BH_OK;
    default:
        return badge != 0 ? BH_ERROR_ILLEGAL_OPERATION : BH_OK;
    }
}

void cap_move(struct m_slot *to, struct m_slot *from)
{
    to->cap = from->cap;
    to->cap->slot = to;
    from->cap = NULL;
}

bool has_children(const struct m_slot *slot)
{
    return slot->cap != NULL && slot->cap->first_child != NULL;
}

/* The capability goes; its children take its place. */
static void cap_remove(struct m_cap *cap)
{
    struct m_cap *before = cap->previous_sibling;
    struct m_cap *parent = cap->parent;
    struct m_cap *place = cap;
    struct m_cap *child;
    while ((child = cap->first_child) != NULL) {
        unlink_cap(child);
        link_cap(child, parent, place);
        place = child;
    }
    struct m_cap *after = cap->next_sibling;
    unlink_cap(cap);
    adopt(before);
    /* The last of the children may be an original one before those that stood behind the capability. */
    if (after != NULL && after->parent == parent && after->previous_sibling != before) {
        adopt(after->previous_sibling);
    }
    cap->slot->cap = NULL;
    free(cap);
}

/* --- deletion --- */

bool model_poll(void)
{
    return model.preempt_at != 0 && --model.preempt_at == 0;
}

/* Before its slots are emptied, a thread or virtual processor is taken out of everything. */
static void quiesce(struct m_object *object)
{
    if (object->type == BH_TYPE_TCB) {
        thread_stop_waiting(object);
        struct m_thread *thread = &object->thread;
        thread->state = M_INACTIVE;
        if (thread->sched_context != NULL) {
            thread->sched_context->tcb = NULL;
            thread->sched_context = NULL;
        }
        notification_let_go(object);
        if (thread->vcpu != NULL) {
            thread->vcpu->tcb = NULL;
            thread->vcpu = NULL;
        }
    } else if (object->type == BH_TYPE_VCPU && object->tcb != NULL) {
        object->tcb->thread.vcpu = NULL;
        object->tcb = NULL;
    }
}

/* What ends with the last capability. The slots inside are empty. */
static void destroy(struct m_object *object)
{
    switch (object->type) {
    case BH_TYPE_ENDPOINT:
        endpoint_gone(object);
        break;
    case BH_TYPE_NOTIFICATION:
        notification_gone(object);
        break;
    case BH_TYPE_REPLY:
        reply_gone(object);
        break;
    case BH_TYPE_SCHED_CONTEXT:
        sched_context_take(object);
        break;
    case BH_TYPE_IRQ_HANDLER:
        (void)model_delete(model_irq_slot(object->address));
        break;
    default:
        break;
    }
    object_free(object);
}

static void remove_cap(struct m_slot *slot)
{
    struct m_cap *cap = slot->cap;
    struct m_object *object = cap->object;
    if (object->type == BH_TYPE_FRAME) {
        frame_unmap(cap);
    } else if (object->type == BH_TYPE_PAGE_TABLE) {
        table_unmap(cap);
    }
    bool last = --object->caps == 0;
    cap_remove(cap);
    if (last) {
        destroy(object);
    }
}

/* Empties the slots of an object that is losing its last capability, depth first, with a preemption point after each
 * slot. An object that is being emptied already, in a circle, is passed over. */
static bool empty(struct m_object *object)
{
    quiesce(object);
    object->on_the_way = true;
    for (uint64_t i = 0; i < object->slot_count; i++) {
        struct m_slot *slot = &object->slots[i];
        if (slot->cap == NULL || slot->cap->object->on_the_way) {
            /* In a circle only the capability by which it is being emptied can be there: the last one. */
            continue;
        }
        struct m_object *inner = slot->cap->object;
        bool whole = true;
        if (inner->caps == 1 && inner->slot_count != 0) {
            whole = empty(inner);
        }
        if (whole) {
            remove_cap(slot);
            whole = !model_poll();
        }
        if (!whole) {
            object->on_the_way = false;
            return false;
        }
    }
    object->on_the_way = false;
    return true;
}

bool model_delete(struct m_slot *slot)
{
    if (slot->cap == NULL) {
        return true;
    }
    struct m_object *object = slot->cap->object;
    if (object->caps == 1 && object->slot_count != 0 && !empty(object)) {
        return false;
    }
    remove_cap(slot);
    return true;
}

/* --- start-up --- */

void model_reset(void)
{
    give_back(&model.objects);
    give_back(&gone);
    for (uint64_t i = 0; i < model.origin_count; i++) {
        free(model.origins[i]);
    }
    model = (struct model){.next_serial = model.next_serial};
}

struct m_object *model_boot_object(enum bh_type type, unsigned size_bits, uint64_t address)
{
    return object_new(type, size_bits, address, type == BH_TYPE_DEVICE_UNTYPED);
}

void model_boot_cap(struct m_slot *slot, struct m_object *object)
{
    struct m_cap *origin = allocate(1, sizeof(*origin));
    model.origins[model.origin_count++] = origin;
    cap_insert_child(slot, origin, object, true);
}

void model_boot_copy(struct m_slot *slot, struct m_slot *source)
{
    (void)cap_insert(slot, source->cap, BH_RIGHTS_ALL, 0);
}

/* --- system calls --- */

struct m_slot *model_lookup(const struct m_object *thread, uint64_t cptr)
{
    const struct m_cap *cnode = thread->slots[TCB_SLOT_CNODE].cap;
    if (cnode == NULL || cptr >= cnode->object->slot_count) {
        return NULL;
    }
    return &cnode->object->slots[cptr];
}

struct m_result model_call(struct m_object *thread, const struct m_call *call)
{
    struct m_result result = {0};
    give_back(&gone);
    if (call->x[12] != BH_SYS_INVOKE) {
        ipc_call(thread, call);
        return result;
    }
    for (unsigned i = 0; i < 4; i++) {
        result.value_known[i] = true;
    }
    struct m_slot *slot = model_lookup(thread, call->x[0]);
    if (slot == NULL || slot->cap == NULL) {
        result.error = BH_ERROR_INVALID_CAPABILITY;
    } else {
        result.error = model_invoke(thread, slot, call, &result);
    }
    return result;
}
