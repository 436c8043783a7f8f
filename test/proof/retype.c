/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making objects out of an Untyped, for all arguments: where they lie, and what is cleared. The list of capabilities is
 * not looked into (test/proof/caps.c is about it): that something was derived from the Untyped is a choice, and then
 * one object stands for all of them, and one byte for all of the memory.
 */
#define BOUND_SLOTS  2 /* slots of the destination CNode, and so objects made at once; their types and sizes are any */
#define BOUND_PIECES 2 /* of 64 KiB, cleared from one interrupt to the next; those cleared earlier are any number */
#define UNWIND       4

#include "test/proof/kernel.h"

#include "test/proof/objects.h"

#include "kernel/object.c"
#include "kernel/untyped.c"

static struct core core;
static struct all_cores all = {.core = &core};
static struct tcb caller;
static struct slot untyped, cnode, made[BOUND_SLOTS];

static bool has_children;       /* of the Untyped */
static uint64_t byte;           /* any byte of the Untyped, counted from its start ... */
static bool byte_is_clear;      /* ... known to be 0 */
static uint64_t floor_of_new;   /* what is below is in use; also counted from the start */
static uint32_t pieces, linked; /* cleared; capabilities made */

static uint64_t memory[8];     /* stands for all physical memory; nothing but initialisation looks into it ... */
static paddr_t memory_address; /* ... and was asked for by this address last */

void *paddr_pointer(paddr_t address)
{
    memory_address = address;
    return memory;
}

paddr_t pointer_paddr(const void *pointer)
{
    PROVE(pointer == memory);
    return memory_address;
}

struct core *this_core(void)
{
    return &core;
}

void clear_memory(void *pointer, uint64_t size)
{
    uint64_t start = memory_address.value - untyped.cap.object;
    uint64_t end = start + size;
    PROVE(pointer == memory && untyped.cap.type == BH_TYPE_UNTYPED);
    PROVE(memory_address.value >= untyped.cap.object && start >= floor_of_new);
    PROVE(start < end && end <= UINT64_C(1) << untyped.cap.size_bits);
    PROVE(start % 64 == 0 && size % 64 == 0);
    byte_is_clear = byte_is_clear || (start <= byte && byte < end);
    ASSUME(++pieces <= BOUND_PIECES);
}

bool slot_has_children(const struct slot *slot)
{
    PROVE(slot == &untyped);
    return has_children;
}

void slot_insert_after(struct all_cores *cores, struct slot *slot, struct cap cap, struct slot *parent)
{
    PROVE(cores == &all && parent == &untyped);
    PROVE(slot >= made && slot < made + BOUND_SLOTS && slot_empty(slot));
    slot->cap = cap;
    linked++;
}

struct slot *cnode_slot(struct cap cap, uint64_t index)
{
    PROVE(cap.type == BH_TYPE_CNODE);
    return index < BOUND_SLOTS ? &made[index] : NULL;
}

enum bh_error invocation_cap(struct invocation *invocation, uint64_t n, enum bh_type type, uint64_t rights,
                             struct slot **slot)
{
    PROVE(n == 4 && type == BH_TYPE_CNODE && rights == 0);
    if (any_bool()) {
        return invocation_fail(invocation, n, BH_ERROR_INVALID_CAPABILITY);
    }
    *slot = &cnode;
    return BH_OK;
}

/* Where an object ends, counted like `byte`. */
static uint64_t start_of(struct cap cap)
{
    return cap.object - untyped.cap.object;
}

static uint64_t end_of(struct cap cap)
{
    return start_of(cap) + object_size(cap);
}

static uint64_t watermark(void)
{
    return (uint64_t)untyped.cap.untyped.used << BH_UNTYPED_MIN_BITS;
}

/* What is below `cleared` and not given out is clear. */
static bool byte_is_as_told(void)
{
    return byte_is_clear || byte < watermark() || byte >= (uint64_t)untyped.cap.untyped.cleared << BH_UNTYPED_MIN_BITS;
}

/* An Untyped of any size, of which anything has been given out and cleared. */
static void any_untyped(bool device)
{
    uint64_t bits = any_within(BH_UNTYPED_MIN_BITS, BH_UNTYPED_MAX_BITS), size = UINT64_C(1) << bits;
    uint64_t address = any_within(0, (UINT64_C(1) << 47) - 1);
    ASSUME(is_aligned(address, (unsigned)bits));
    untyped.cap = (struct cap){.type = device ? BH_TYPE_DEVICE_UNTYPED : BH_TYPE_UNTYPED,
                               .rights = 15,
                               .original = 1,
                               .size_bits = bits & 63,
                               .object = address & ((UINT64_C(1) << 48) - 1)};
    untyped.cap.untyped.used = (uint32_t)any_within(0, size >> BH_UNTYPED_MIN_BITS);
    untyped.cap.untyped.cleared = (uint32_t)any_within(0, size >> BH_UNTYPED_MIN_BITS);
    has_children = any_bool();
    floor_of_new = has_children ? watermark() : 0;
    byte = any_within(0, size - 1);
    byte_is_clear = any_bool();
    ASSUME(byte_is_as_told());

    cnode.cap = (struct cap){.type = BH_TYPE_CNODE, .size_bits = 1};
    for (uint32_t i = 0; i < BOUND_SLOTS; i++) {
        made[i] = (struct slot){.cap.type = any_bool()};
    }
    core.preempted = false;
}

static void check_retype(bool device)
{
    any_untyped(device);
    struct cap before = untyped.cap;
    uint32_t k = (uint32_t)any_within(0, BOUND_SLOTS - 1);
    bool was_empty = slot_empty(&made[k]), other_was_empty = slot_empty(&made[1 - k]);
    struct invocation invocation = {
        .caller = &caller, .slot = &untyped, .cap = before, .operation = BH_OP_UNTYPED_RETYPE,
        .word = {ANY(uint64_t), ANY(uint64_t), ANY(uint64_t), ANY(uint64_t), ANY(uint64_t), ANY(uint64_t)}};

    enum bh_error error = untyped_invoke(&all, &invocation);

    PROVE(untyped.cap.head == before.head);
    PROVE(watermark() <= UINT64_C(1) << before.size_bits);
    PROVE(!has_children || untyped.cap.untyped.used >= before.untyped.used);
    PROVE(byte_is_as_told());
    if (error != BH_OK || core.preempted) {
        PROVE(linked == 0);
        if (error != BH_OK) {
            REACHED("an error");
            PROVE(pieces == 0);
            PROVE(!has_children || untyped.cap.untyped.used == before.untyped.used);
        }
        return;
    }
    PROVE(linked == invocation.word[5] && linked != 0);
    struct cap new = made[k].cap, sibling = made[1 - k].cap;
    if (!was_empty || slot_empty(&made[k])) {
        return;
    }
    REACHED("an object");
    PROVE(new.type == invocation.word[0] && object_size(new) != 0);
    PROVE(new.object >= before.object && start_of(new) >= floor_of_new);
    PROVE(end_of(new) <= watermark());
    PROVE((new.object & (object_size(new) - 1)) == 0);
    PROVE(device ? new.type == BH_TYPE_DEVICE_UNTYPED || new.type == BH_TYPE_FRAME
                 : new.type != BH_TYPE_DEVICE_UNTYPED);
    PROVE(new.type != BH_TYPE_FRAME || new.mapping.device == device);
    if (start_of(new) <= byte && byte < end_of(new)) {
        REACHED("a byte of an object");
        PROVE(device || new.type == BH_TYPE_UNTYPED || byte_is_clear);
    }
    if (other_was_empty && !slot_empty(&made[1 - k])) {
        REACHED("two objects");
        PROVE(end_of(new) <= start_of(sibling) || end_of(sibling) <= start_of(new));
    }
    if (has_children) {
        REACHED("one more object");
    }
}

/* Objects made of an Untyped lie in it, aligned to their size, apart from each other, above the watermark and so apart
 * from all that were made before; the watermark is at or above their end, and never falls while something derived is
 * left; memory is cleared only above it, and that of an object (but for Untypeds) is clear; an error makes nothing. */
void prove_retype(void)
{
    check_retype(false);
    if (core.preempted) {
        REACHED("an interrupt");
    }
}

/* The same of device memory, which is never written, and becomes Frames of device memory or more of its kind only. */
void prove_retype_device(void)
{
    check_retype(true);
}
