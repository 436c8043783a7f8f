/* SPDX-License-Identifier: BSD-2-Clause */
#include "compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aarch64/descriptor.h"
#include "cap.h"
#include "endpoint.h"
#include "notification.h"
#include "object.h"
#include "reply.h"
#include "sched_context.h"
#include "space.h"
#include "tcb.h"
#include "vcpu.h"

static char message[256];

__attribute__((format(printf, 1, 2))) static const char *different(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    return message;
}

#define SAME(what, kernel, expected)                                                                                   \
    do {                                                                                                               \
        uint64_t kernel_ = (uint64_t)(kernel), expected_ = (uint64_t)(expected);                                       \
        if (kernel_ != expected_) {                                                                                    \
            return different("%s: the kernel has %#lx, the model %#lx (%s:%d)", what, kernel_, expected_, __FILE__,    \
                             __LINE__);                                                                                \
        }                                                                                                              \
    } while (0)

static void *real(const struct m_object *object)
{
    return object != NULL ? paddr_pointer(paddr(object->address)) : NULL;
}

/* --- one capability --- */

static const char *compare_mapping(const struct m_cap *m, struct cap cap)
{
    const struct m_object *space = space_by_serial(m->space);
    SAME("page of a mapping", cap.mapping.page, m->page);
    if (m->space == 0) {
        SAME("space of an unmapped capability", cap.mapping.space, 0);
        SAME("generation of an unmapped capability", cap.mapping.generation, m->shared);
    }
    SAME("space of a mapping", space_find(cap.mapping.space, cap.mapping.generation), real(space));
    SAME("device memory", cap.mapping.device, m->object->device && m->object->type == BH_TYPE_FRAME);
    return NULL;
}

static const char *compare_cap(const struct m_cap *m, struct cap cap)
{
    const struct m_object *object = m->object;
    SAME("type", cap.type, object->type);
    SAME("object", cap.object, object->address);
    SAME("size", cap.size_bits, object->size_bits);
    SAME("rights", cap.rights, m->rights);
    SAME("original", cap.original, m->original);
    switch (object->type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_DEVICE_UNTYPED:
        SAME("used", (uint64_t)cap.untyped.used << BH_UNTYPED_MIN_BITS, object->used);
        SAME("cleared", (uint64_t)cap.untyped.cleared << BH_UNTYPED_MIN_BITS, object->cleared);
        return NULL;
    case BH_TYPE_FRAME:
    case BH_TYPE_PAGE_TABLE:
        return compare_mapping(m, cap);
    default:
        SAME("badge", cap.data, m->badge);
        return NULL;
    }
}

/* --- the tree --- */

/* Siblings that lie in memory descend from one Untyped: apart from each other, below its watermark. */
static const char *check_memory(const struct m_cap *cap)
{
    const struct m_object *parent = cap->parent->object;
    uint64_t end = cap->object->address + object_bytes(cap->object);
    if (parent == NULL || (parent->type != BH_TYPE_UNTYPED && parent->type != BH_TYPE_DEVICE_UNTYPED)) {
        return NULL;
    }
    if (cap->object->address < parent->address || end > parent->address + parent->used) {
        return different("an object at %#lx is outside its Untyped", cap->object->address);
    }
    const struct m_cap *before = cap->previous_sibling;
    if (before != NULL && before->object != cap->object && before->object->address < end) {
        return different("objects at %#lx and %#lx overlap", cap->object->address, before->object->address);
    }
    return NULL;
}

static const struct m_cap *following(const struct m_cap *cap)
{
    if (cap->first_child != NULL) {
        return cap->first_child;
    }
    while (cap != NULL && cap->next_sibling == NULL) {
        cap = cap->parent;
    }
    return cap != NULL ? cap->next_sibling : NULL;
}

/* The kernel's list from the first capability of an origin on is the tree in depth-first order. */
static const char *compare_tree(const struct m_cap *origin)
{
    struct slot *previous = NULL;
    const struct m_cap *before = NULL;
    for (const struct m_cap *cap = origin->first_child; cap != NULL; cap = following(cap)) {
        struct m_slot *slot = cap->slot;
        struct slot *next = previous != NULL ? previous->next : slot->real;
        if (slot->real == NULL) { /* of an interrupt, which is known by no address: it is where the list says */
            slot->real = next;
        }
        SAME("next in the list", next, slot->real);
        if (next == NULL) {
            return different("the list ends too early");
        }
        SAME("previous in the list", slot->real->previous, previous);
        const char *error = compare_cap(cap, slot->real->cap);
        if (error == NULL) {
            error = check_memory(cap);
        }
        if (error != NULL) {
            return error;
        }
        /* Ancestors as the kernel decides it: each descendant of a capability, and not what follows the last. */
        for (const struct m_cap *above = cap->parent; above != origin; above = above->parent) {
            SAME("descent", cap_is_parent(above->slot->real->cap, slot->real->cap), true);
        }
        for (const struct m_cap *other = before; other != NULL && other != cap->parent; other = other->parent) {
            SAME("descent", cap_is_parent(other->slot->real->cap, slot->real->cap), false);
        }
        before = cap;
        previous = slot->real;
    }
    if (previous != NULL) {
        SAME("end of the list", previous->next, NULL);
    }
    return NULL;
}

/* --- objects --- */

static const char *compare_queue(const struct m_object *object, const struct tcb *head, const struct tcb *tail)
{
    const struct tcb *previous = NULL;
    for (uint64_t i = 0; i < object->queue_length; i++) {
        SAME("queue", head, real(object->queue[i]));
        SAME("queue backwards", head->previous, previous);
        SAME("what a thread waits for", head->blocked_on, real(object));
        previous = head;
        head = head->next;
    }
    SAME("end of a queue", head, NULL);
    SAME("tail of a queue", tail, previous);
    return NULL;
}

static const char *compare_thread(const struct m_object *object)
{
    static const enum tcb_state states[] = {
        [M_INACTIVE] = TCB_INACTIVE,         [M_RUNNABLE] = TCB_RUNNABLE,         [M_SUSPENDED] = TCB_SUSPENDED,
        [M_BLOCKED_SEND] = TCB_BLOCKED_SEND, [M_BLOCKED_RECV] = TCB_BLOCKED_RECV, [M_BLOCKED_REPLY] = TCB_BLOCKED_REPLY,
        [M_BLOCKED_WAIT] = TCB_BLOCKED_WAIT};
    const struct tcb *tcb = real(object);
    const struct m_thread *thread = &object->thread;
    SAME("state of a thread", tcb->state, states[thread->state]);
    SAME("priority", tcb->priority, thread->priority);
    SAME("scheduling context of a thread", tcb->sched_context, real(thread->sched_context));
    SAME("bound notification", tcb->bound_notification, real(thread->notification));
    SAME("VCPU of a thread", tcb->vcpu, real(thread->vcpu));
    SAME("what a thread waits for", tcb->blocked_on, real(thread->waits_for));
    SAME("reply object of a thread", tcb->reply, real(thread->reply));
    return NULL;
}

static const char *compare_sched_context(const struct m_object *object)
{
    const struct sched_context *sc = real(object);
    SAME("thread of a scheduling context", sc->tcb, real(object->tcb));
    const struct reply *reply = sc->lent;
    for (uint64_t i = object->loan_count; i > 0; i--) {
        SAME("loan", reply, real(object->loans[i - 1]));
        reply = reply->lent_before;
    }
    SAME("first loan", reply, NULL);
    return NULL;
}

static const char *compare_object(const struct m_object *object)
{
    void *memory = real(object);
    switch (object->type) {
    case BH_TYPE_TCB:
        return compare_thread(object);
    case BH_TYPE_ENDPOINT: {
        const struct endpoint *endpoint = memory;
        if (object->queue_length != 0) {
            SAME("receivers", endpoint->receivers, object->receivers);
        }
        return compare_queue(object, endpoint->head, endpoint->tail);
    }
    case BH_TYPE_NOTIFICATION: {
        const struct notification *notification = memory;
        SAME("bits of a notification", notification->bits, object->bits);
        SAME("thread of a notification", notification->bound, real(object->tcb));
        return compare_queue(object, notification->head, notification->tail);
    }
    case BH_TYPE_REPLY: {
        const struct reply *reply = memory;
        SAME("caller", reply->caller, real(object->caller));
        SAME("receiver", reply->receiver, real(object->receiver));
        SAME("what was lent", reply->lent, real(object->lent));
        return NULL;
    }
    case BH_TYPE_SCHED_CONTEXT:
        return compare_sched_context(object);
    case BH_TYPE_VCPU:
        SAME("thread of a VCPU", ((const struct vcpu *)memory)->tcb, real(object->tcb));
        return NULL;
    case BH_TYPE_IO_SPACE:
        SAME("bound to a stream", ((const struct space *)memory)->bound, object->bound);
        return NULL;
    default:
        return NULL;
    }
}

static const char *check_empty(const struct m_slot *slots, uint64_t count)
{
    static const struct slot none;
    for (uint64_t i = 0; i < count; i++) {
        if (slots[i].cap == NULL && slots[i].real != NULL && memcmp(slots[i].real, &none, sizeof(none)) != 0) {
            return different("a slot that should be empty holds type %lu (%#lx)", (uint64_t)slots[i].real->cap.type,
                             (uint64_t)slots[i].real);
        }
    }
    return NULL;
}

/* --- translation tables --- */

static uint64_t expected_descriptor(enum bh_type type, const struct m_entry *entry, unsigned level)
{
    if (entry->target == NULL) {
        return 0;
    }
    uint64_t d = entry->target->address | 1;
    if (entry_is_table(entry)) {
        return d | 2;
    }
    bool write = (entry->rights & BH_RIGHT_WRITE) != 0, execute = (entry->rights & BH_RIGHT_GRANT) != 0;
    bool device = (entry->attributes & BH_MAP_DEVICE) != 0, uncached = (entry->attributes & BH_MAP_UNCACHED) != 0;
    d |= level == 3 ? 2 : 0;
    d |= UINT64_C(3) << 8 | UINT64_C(1) << 10; /* inner shareable, accessed */
    if (type == BH_TYPE_GUEST_SPACE) {
        d |= (device ? UINT64_C(1) : uncached ? UINT64_C(5) : UINT64_C(15)) << 2;
        return d | UINT64_C(1) << 6 | (write ? UINT64_C(1) << 7 : 0) | (execute ? 0 : UINT64_C(1) << 54);
    }
    d |= (device ? UINT64_C(1) : uncached ? UINT64_C(2) : 0) << 2;
    d |= UINT64_C(1) << 6 | UINT64_C(1) << 11 | UINT64_C(1) << 53; /* for EL0, not global, PXN */
    d |= (entry->attributes & BH_MAP_GUARDED) != 0 ? UINT64_C(1) << 50 : 0;
    return d | (write ? 0 : UINT64_C(1) << 7) | (execute ? 0 : UINT64_C(1) << 54);
}

static const char *compare_table(enum bh_type type, const struct m_object *table, unsigned level)
{
    const uint64_t *descriptors = real(table);
    for (unsigned i = 0; i < entry_count(table); i++) {
        const struct m_entry *entry = &table->entries[i];
        SAME("descriptor", descriptors[i], expected_descriptor(type, entry, level));
        if (level < 3 && entry_is_table(entry)) {
            const char *error = compare_table(type, entry->target, level + 1);
            if (error != NULL) {
                return error;
            }
        }
    }
    return NULL;
}

/* --- all --- */

const char *compare_state(bool tables)
{
    const char *error = NULL;
    for (uint64_t i = 0; error == NULL && i < model.origin_count; i++) {
        error = compare_tree(model.origins[i]);
    }
    for (const struct m_object *object = model.objects; error == NULL && object != NULL; object = object->next) {
        error = check_empty(object->slots, object->slot_count);
        if (error == NULL) {
            error = compare_object(object);
        }
        if (error == NULL && tables && entry_count(object) == 256) {
            error = compare_table(object->type, object, 1);
        }
    }
    return error != NULL ? error : check_empty(model_irq_slot(0), M_IRQS);
}

const char *compare_result(struct m_object *thread, const struct m_call *call, const struct m_result *result)
{
    const struct tcb *tcb = real(thread);
    if (call->x[12] == BH_SYS_INVOKE && !result->preempted) {
        SAME("error", tcb->context.x[0], result->error);
        SAME("argument", tcb->context.x[1], result->argument);
        for (unsigned i = 0; i < 4; i++) {
            if (result->value_known[i]) {
                SAME("value", tcb->context.x[2 + i], result->value[i]);
            }
        }
    }
    for (struct m_object *object = model.objects; object != NULL; object = object->next) {
        if (object->type == BH_TYPE_TCB && object->thread.message.known != 0) {
            const struct m_message told = object->thread.message;
            const uint64_t *x = ((const struct tcb *)real(object))->context.x;
            object->thread.message.known = 0;
            SAME("status", (told.known & M_TOLD_STATUS) != 0 ? x[0] : told.status, told.status);
            SAME("message information", (told.known & M_TOLD_INFO) != 0 ? x[1] : told.info, told.info);
            for (uint64_t i = 0; i < told.length; i++) {
                SAME("word of a message", x[2 + i], told.word[i]);
            }
            SAME("badge", (told.known & M_TOLD_BADGE) != 0 ? x[10] : told.badge, told.badge);
        }
    }
    return NULL;
}
