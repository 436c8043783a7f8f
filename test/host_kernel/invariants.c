/* SPDX-License-Identifier: BSD-2-Clause */
#include "invariants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aarch64/descriptor.h"
#include "endpoint.h"
#include "hardware.h"
#include "notification.h"
#include "object.h"
#include "reply.h"
#include "sched_context.h"
#include "scheduler.h"
#include "space.h"
#include "vcpu.h"
#include "world.h"

#define HOLDS_TRUE(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            return __FILE__ ": not so: " #condition;                                                                   \
        }                                                                                                              \
    } while (0)
#define TRY(check)                                                                                                     \
    do {                                                                                                               \
        const char *error_ = (check);                                                                                  \
        if (error_ != NULL) {                                                                                          \
            return error_;                                                                                             \
        }                                                                                                              \
    } while (0)

/* --- all slots that hold something --- */

#define SLOTS_MAX 65536u
#define TABLE 131072u

static struct slot *found[SLOTS_MAX];
static unsigned found_count;
static struct slot *seen[TABLE]; /* open hashing */

static bool note(struct slot **table, struct slot *slot)
{
    uint64_t at = ((uint64_t)slot >> BH_SLOT_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
    for (;; at++) {
        if (table[at % TABLE] == slot) {
            return false;
        }
        if (table[at % TABLE] == NULL) {
            table[at % TABLE] = slot;
            return true;
        }
    }
}

static void visit(struct slot *slot)
{
    if (slot != NULL && !slot_empty(slot) && found_count < SLOTS_MAX && note(seen, slot)) {
        found[found_count++] = slot;
    }
}

static void visit_all(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        visit(&slots[i]);
    }
}

static void find_slots(void)
{
    for (unsigned i = 0; i < found_count; i++) { /* cheaper than clearing the table */
        uint64_t at = ((uint64_t)found[i] >> BH_SLOT_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
        for (; seen[at % TABLE] != NULL; at++) {
            seen[at % TABLE] = NULL;
        }
    }
    found_count = 0;
    visit_all(world_slot(WORLD_HIDDEN, 0), (size_t)1 << WORLD_HIDDEN_RADIX);
    for (unsigned n = 0; n < WORLD_CNODES; n++) {
        visit_all(world_slot(WORLD_CNODE(n), 0), (size_t)1 << WORLD_CNODE_RADIX(n));
    }
    for (unsigned i = 0; i < found_count; i++) {
        struct slot *slot = found[i];
        visit(slot->next);
        visit(slot->previous);
        struct slot_range range = object_slots(slot->cap);
        visit_all(range.slots, range.count);
    }
}

/* --- the list --- */

static bool same(struct cap a, struct cap b)
{
    return a.type == b.type && a.object == b.object && a.size_bits == b.size_bits;
}

static const char *check_links(const struct slot *slot)
{
    HOLDS_TRUE(slot->cap.type < BH_TYPE_COUNT);
    HOLDS_TRUE(slot->next == NULL || (slot->next->previous == slot && !slot_empty(slot->next)));
    HOLDS_TRUE(slot->previous == NULL || (slot->previous->next == slot && !slot_empty(slot->previous)));
    HOLDS_TRUE(!object_holds_slots(slot->cap) || slot->cap.data == 0);
    return NULL;
}

/* From the head of a list on: descendants stand together behind their ancestor, capabilities of an object together. */
static const char *check_list(const struct slot *head)
{
    static const struct slot *ancestors[SLOTS_MAX];
    unsigned depth = 0, length = 0;
    for (const struct slot *slot = head; slot != NULL; slot = slot->next) {
        HOLDS_TRUE(++length <= found_count);
        while (depth > 0 && !cap_is_parent(ancestors[depth - 1]->cap, slot->cap)) {
            depth--;
        }
        for (unsigned i = 0; i < depth; i++) {
            HOLDS_TRUE(cap_is_parent(ancestors[i]->cap, slot->cap));
        }
        const struct slot *above = depth > 0 ? ancestors[depth - 1] : NULL;
        if (above != NULL && (above->cap.type == BH_TYPE_UNTYPED || above->cap.type == BH_TYPE_DEVICE_UNTYPED)) {
            uint64_t used = (uint64_t)above->cap.untyped.used << BH_UNTYPED_MIN_BITS;
            HOLDS_TRUE(slot->cap.object + object_size(slot->cap) <= above->cap.object + used);
        }
        ancestors[depth++] = slot;
    }
    return NULL;
}

static int by_address(const void *a, const void *b)
{
    const struct cap x = (*(struct slot *const *)a)->cap, y = (*(struct slot *const *)b)->cap;
    uint64_t x_size = object_size(x), y_size = object_size(y);
    if (x.object != y.object) {
        return x.object < y.object ? -1 : 1;
    }
    if (x_size != y_size) {
        return x_size > y_size ? -1 : 1;
    }
    return x.type == y.type ? 0 : x.type < y.type ? -1 : 1;
}

static bool is_untyped(struct cap cap)
{
    return cap.type == BH_TYPE_UNTYPED || cap.type == BH_TYPE_DEVICE_UNTYPED;
}

/* Only Untypeds contain others, and whole; what has a capability in two places has all of them side by side. */
static const char *check_objects(void)
{
    static struct slot *order[SLOTS_MAX];
    struct slot *around[64];
    unsigned count = 0, depth = 0;
    for (unsigned i = 0; i < found_count; i++) {
        if (object_size(found[i]->cap) != 0) {
            order[count++] = found[i];
        }
    }
    qsort(order, count, sizeof(order[0]), by_address);
    for (unsigned i = 0; i < count; i++) {
        struct cap cap = order[i]->cap;
        if (i > 0 && same(order[i - 1]->cap, cap)) {
            HOLDS_TRUE(!is_untyped(cap) && cap.type != BH_TYPE_REPLY && cap.type != BH_TYPE_PAGE_TABLE);
            continue;
        }
        while (depth > 0 && around[depth - 1]->cap.object + object_size(around[depth - 1]->cap) <= cap.object) {
            depth--;
        }
        if (depth > 0) {
            struct cap outer = around[depth - 1]->cap;
            HOLDS_TRUE(is_untyped(outer));
            HOLDS_TRUE(cap.object + object_size(cap) <= outer.object + object_size(outer));
        }
        HOLDS_TRUE(depth < 64);
        around[depth++] = order[i];
        unsigned copies = 1, beside = 1;
        while (i + copies < count && same(order[i + copies]->cap, cap)) {
            copies++;
        }
        for (const struct slot *s = order[i]->next; s != NULL && same(s->cap, cap); s = s->next) {
            beside++;
        }
        for (const struct slot *s = order[i]->previous; s != NULL && same(s->cap, cap); s = s->previous) {
            beside++;
        }
        HOLDS_TRUE(copies == beside);
    }
    return NULL;
}

/* --- mappings --- */

/* Whether a capability says that it is mapped by this descriptor. */
static bool somebody_maps(const struct space *space, enum bh_type type, uint64_t address, uint64_t descriptor,
                          unsigned level)
{
    for (unsigned i = 0; i < found_count; i++) {
        struct cap cap = found[i]->cap;
        unsigned bits = 12 + 9 * (3 - level);
        if (cap.type == (uint64_t)type && cap.object == descriptor_address(descriptor).value &&
            cap.mapping.space == space->index && cap.mapping.generation == space->generation &&
            (uint64_t)cap.mapping.page << BH_PAGE_BITS == address && (type == BH_TYPE_PAGE_TABLE || cap.size_bits == bits)) {
            return true;
        }
    }
    return false;
}

static const char *check_table(const struct space *space, const uint64_t *table, unsigned level, uint64_t address)
{
    for (unsigned i = 0; i < (level == 1 ? 256u : 512u); i++) {
        uint64_t at = address + ((uint64_t)i << (12 + 9 * (3 - level)));
        if (!descriptor_is_valid(table[i])) {
            HOLDS_TRUE(table[i] == 0);
        } else if (level < 3 && descriptor_is_table(table[i])) {
            HOLDS_TRUE(somebody_maps(space, BH_TYPE_PAGE_TABLE, at, table[i], level));
            TRY(check_table(space, paddr_pointer(descriptor_address(table[i])), level + 1, at));
        } else {
            HOLDS_TRUE(somebody_maps(space, BH_TYPE_FRAME, at, table[i], level));
        }
    }
    return NULL;
}

/* --- objects --- */

/* What a pointer names must have a capability still (NULL is fine). */
static bool lives(const void *object, enum bh_type type)
{
    for (unsigned i = 0; object != NULL && i < found_count; i++) {
        if (found[i]->cap.type == (uint64_t)type && cap_object(found[i]->cap) == object) {
            return true;
        }
    }
    return object == NULL;
}

static const char *check_queue(const struct tcb *head, const struct tcb *tail, const void *object)
{
    const struct tcb *previous = NULL;
    unsigned length = 0;
    for (const struct tcb *tcb = head; tcb != NULL; tcb = tcb->next) {
        HOLDS_TRUE(++length <= found_count);
        HOLDS_TRUE(tcb->previous == previous);
        HOLDS_TRUE(tcb->blocked_on == object);
        HOLDS_TRUE(tcb->state == TCB_BLOCKED_SEND || tcb->state == TCB_BLOCKED_RECV || tcb->state == TCB_BLOCKED_WAIT);
        previous = tcb;
    }
    HOLDS_TRUE(tail == previous);
    return NULL;
}

static bool is_queued(const struct tcb *tcb, const struct tcb *head)
{
    while (head != NULL && head != tcb) {
        head = head->next;
    }
    return head != NULL;
}

static const char *check_thread(const struct tcb *tcb)
{
    const struct core *core = this_core();
    HOLDS_TRUE(tcb->state <= TCB_FAULTED);
    HOLDS_TRUE(lives(tcb->sched_context, BH_TYPE_SCHED_CONTEXT));
    HOLDS_TRUE(lives(tcb->bound_notification, BH_TYPE_NOTIFICATION));
    HOLDS_TRUE(lives(tcb->vcpu, BH_TYPE_VCPU));
    HOLDS_TRUE(lives(tcb->reply, BH_TYPE_REPLY));
    HOLDS_TRUE(lives(tcb->blocked_on, BH_TYPE_ENDPOINT) || lives(tcb->blocked_on, BH_TYPE_NOTIFICATION));
    HOLDS_TRUE(tcb->sched_context == NULL || tcb->sched_context->tcb == tcb);
    HOLDS_TRUE(tcb->bound_notification == NULL || tcb->bound_notification->bound == tcb);
    HOLDS_TRUE(tcb->vcpu == NULL || tcb->vcpu->tcb == tcb);
    HOLDS_TRUE(tcb->state != TCB_BLOCKED_REPLY || (tcb->reply != NULL && tcb->reply->caller == tcb));
    HOLDS_TRUE(tcb->state != TCB_BLOCKED_RECV || tcb->reply == NULL || tcb->reply->receiver == tcb);
    HOLDS_TRUE(tcb->state == TCB_BLOCKED_REPLY || tcb->state == TCB_BLOCKED_RECV || tcb->reply == NULL);
    bool waits = tcb->state == TCB_BLOCKED_SEND || tcb->state == TCB_BLOCKED_RECV || tcb->state == TCB_BLOCKED_WAIT;
    HOLDS_TRUE(waits == (tcb->blocked_on != NULL));
    if (tcb->state == TCB_BLOCKED_WAIT) {
        HOLDS_TRUE(is_queued(tcb, ((struct notification *)tcb->blocked_on)->head));
    } else if (waits) {
        const struct endpoint *endpoint = tcb->blocked_on;
        HOLDS_TRUE(is_queued(tcb, endpoint->head));
        HOLDS_TRUE(endpoint->receivers == (tcb->state == TCB_BLOCKED_RECV));
    }
    /* Who may run is where the scheduler finds it, and nobody else is. */
    bool runs = tcb == core->current || tcb == core->candidate || tcb->queued;
    HOLDS_TRUE(!tcb->queued ||
               is_queued(tcb, core->queue[tcb->sched_context->partition][tcb->priority].head));
    HOLDS_TRUE(runs == tcb_schedulable(tcb));
    return NULL;
}

static const char *check_object(struct cap cap)
{
    void *memory = object_size(cap) != 0 ? cap_object(cap) : NULL;
    switch (cap.type) {
    case BH_TYPE_TCB:
        return check_thread(memory);
    case BH_TYPE_ENDPOINT: {
        const struct endpoint *endpoint = memory;
        return check_queue(endpoint->head, endpoint->tail, memory);
    }
    case BH_TYPE_NOTIFICATION: {
        const struct notification *notification = memory;
        HOLDS_TRUE(lives(notification->bound, BH_TYPE_TCB));
        HOLDS_TRUE(notification->bound == NULL || notification->bound->bound_notification == notification);
        return check_queue(notification->head, notification->tail, memory);
    }
    case BH_TYPE_REPLY: {
        const struct reply *reply = memory;
        HOLDS_TRUE(lives(reply->caller, BH_TYPE_TCB) && lives(reply->receiver, BH_TYPE_TCB));
        HOLDS_TRUE(lives(reply->lent, BH_TYPE_SCHED_CONTEXT));
        HOLDS_TRUE(reply->caller == NULL ||
                   (reply->caller->reply == reply && reply->caller->state == TCB_BLOCKED_REPLY));
        HOLDS_TRUE(reply->receiver == NULL ||
                   (reply->receiver->reply == reply && reply->receiver->state == TCB_BLOCKED_RECV));
        HOLDS_TRUE(reply->lent == NULL || reply->caller != NULL);
        return NULL;
    }
    case BH_TYPE_SCHED_CONTEXT: {
        const struct sched_context *sc = memory;
        unsigned length = 0;
        HOLDS_TRUE(lives(sc->tcb, BH_TYPE_TCB));
        HOLDS_TRUE(sc->tcb == NULL || sc->tcb->sched_context == sc);
        for (const struct reply *reply = sc->lent; reply != NULL; reply = reply->lent_before) {
            HOLDS_TRUE(lives(reply, BH_TYPE_REPLY) && reply->lent == sc);
            HOLDS_TRUE(++length <= found_count);
        }
        return NULL;
    }
    case BH_TYPE_VCPU: {
        const struct vcpu *vcpu = memory;
        HOLDS_TRUE(lives(vcpu->tcb, BH_TYPE_TCB));
        HOLDS_TRUE(vcpu->tcb == NULL || vcpu->tcb->vcpu == vcpu);
        return NULL;
    }
    case BH_TYPE_VSPACE:
    case BH_TYPE_GUEST_SPACE:
    case BH_TYPE_IO_SPACE: {
        const struct space *space = memory;
        HOLDS_TRUE(space->type == cap.type && space_find(space->index, space->generation) == space);
        return check_table(space, space->root, 1, 0);
    }
    default:
        return NULL;
    }
}

static const char *check_run_queues(const struct ready_bits *ready, const struct thread_queue *queues,
                                    unsigned partition)
{
    for (unsigned i = 0; i <= BH_PRIORITY_MAX; i++) {
        bool marked = (ready->word[i / 64] >> (i % 64) & 1) != 0;
        HOLDS_TRUE(marked == (queues[i].head != NULL));
        for (const struct tcb *tcb = queues[i].head; tcb != NULL; tcb = tcb->next) {
            HOLDS_TRUE(tcb->queued && tcb->priority == i && tcb_schedulable(tcb));
            HOLDS_TRUE(tcb->sched_context->partition == partition);
        }
    }
    return NULL;
}

static const char *check_core(void)
{
    const struct core *core = this_core();
    const struct deadline *previous = NULL;
    unsigned length = 0;
    for (const struct deadline *deadline = core->deadlines.head; deadline != NULL; deadline = deadline->next) {
        HOLDS_TRUE(++length <= found_count);
        HOLDS_TRUE(*deadline->link == deadline && deadline->kind != DEADLINE_NONE);
        HOLDS_TRUE(previous == NULL || deadline->link == &previous->next);
        HOLDS_TRUE(previous == NULL || previous->when <= deadline->when);
        previous = deadline;
    }
    HOLDS_TRUE(lives(core->current, BH_TYPE_TCB) && lives(core->candidate, BH_TYPE_TCB));
    HOLDS_TRUE(lives(core->vcpu, BH_TYPE_VCPU) && lives(core->charged, BH_TYPE_SCHED_CONTEXT));
    for (unsigned p = 0; p < BH_PARTITIONS; p++) {
        TRY(check_run_queues(&core->ready[p], core->queue[p], p));
    }
    return NULL;
}

const char *invariants_broken(void)
{
    find_slots();
    HOLDS_TRUE(found_count < SLOTS_MAX);
    for (unsigned i = 0; i < found_count; i++) {
        TRY(check_links(found[i]));
    }
    for (unsigned i = 0; i < found_count; i++) {
        if (found[i]->previous == NULL) {
            TRY(check_list(found[i]));
        }
        if (i == 0 || found[i]->previous == NULL || !same(found[i]->previous->cap, found[i]->cap)) {
            TRY(check_object(found[i]->cap));
        }
    }
    TRY(check_objects());
    return check_core();
}

const char *delete_everything(void)
{
    host_preempt_at = 0;
    for (find_slots(); found_count > 0; find_slots()) {
        for (unsigned i = 0; i < found_count; i++) {
            HOLDS_TRUE(world_delete(found[i]));
        }
    }
    world_stop_schedule(); /* which is no object, and of no capability in particular */
    HOLDS_TRUE(this_core()->deadlines.head == NULL);
    HOLDS_TRUE(this_core()->highest == -1);
    HOLDS_TRUE(this_core()->vcpu == NULL);
    for (unsigned thread = 0; thread < WORLD_THREADS; thread++) {
        HOLDS_TRUE(world_tcb(thread)->state == TCB_INACTIVE);
    }
    return NULL;
}
