/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/unit/root/model_slots.h"

#include <bh/boot_info.h>
#include <stdlib.h>

#include "test/unit/check.h"

#define CNODES_MAX 128u

static struct cnode {
    uint64_t object;
    unsigned radix;
    struct model_slot *slot;
} cnodes[CNODES_MAX];

static struct model_slot nobody; /* the parent of what was there at the start */
static uint32_t count;

static struct cnode *find_cnode(uint64_t object)
{
    for (unsigned i = 0; i < CNODES_MAX; i++) {
        if (cnodes[i].slot != NULL && cnodes[i].object == object) {
            return &cnodes[i];
        }
    }
    return NULL;
}

static void make_cnode(uint64_t object, unsigned radix)
{
    unsigned i = 0;
    while (i < CNODES_MAX && cnodes[i].slot != NULL) {
        i++;
    }
    CHECK(i < CNODES_MAX);
    cnodes[i] = (struct cnode){object, radix, calloc((size_t)1 << radix, sizeof(nobody))};
    CHECK(cnodes[i].slot != NULL);
}

void model_slots_start(void)
{
    static const enum bh_type types[] = {
        [BH_ROOT_SLOT_CNODE] = BH_TYPE_CNODE,
        [BH_ROOT_SLOT_VSPACE] = BH_TYPE_VSPACE,
        [BH_ROOT_SLOT_TCB] = BH_TYPE_TCB,
        [BH_ROOT_SLOT_SCHED_CONTEXT] = BH_TYPE_SCHED_CONTEXT,
        [BH_ROOT_SLOT_IRQ_CONTROL] = BH_TYPE_IRQ_CONTROL,
        [BH_ROOT_SLOT_SCHED_CONTROL] = BH_TYPE_SCHED_CONTROL,
        [BH_ROOT_SLOT_IO_CONTROL] = BH_TYPE_IO_CONTROL,
        [BH_ROOT_SLOT_MACHINE] = BH_TYPE_MACHINE,
    };
    make_cnode(BH_ROOT_SLOT_CNODE, MODEL_ROOT_RADIX);
    for (uint64_t i = 1; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i] != BH_TYPE_NULL) {
            cnodes[0].slot[i] =
                (struct model_slot){.type = types[i], .rights = BH_RIGHTS_ALL, .object = i};
            model_slot_insert(&cnodes[0].slot[i], NULL);
        }
    }
}

struct model_slot *model_slot_at(bh_cptr cnode, uint64_t index)
{
    CHECK(cnode != 0 && cnode < UINT64_C(1) << MODEL_ROOT_RADIX);
    const struct model_slot *holder = &cnodes[0].slot[cnode];
    CHECK(holder->type == BH_TYPE_CNODE);
    struct cnode *found = find_cnode(holder->object);
    if (found == NULL) {
        make_cnode(holder->object, holder->size_bits);
        found = find_cnode(holder->object);
    }
    CHECK(index < UINT64_C(1) << found->radix);
    return &found->slot[index];
}

struct model_slot *model_slot_empty(bh_cptr cnode, uint64_t index)
{
    struct model_slot *slot = model_slot_at(cnode, index);
    CHECK(index != 0 && slot->type == BH_TYPE_NULL);
    return slot;
}

struct model_slot *model_slot(bh_cptr slot, enum bh_type type)
{
    struct model_slot *found = model_slot_at(BH_ROOT_SLOT_CNODE, slot);
    CHECK_EQUAL(found->type, type);
    return found;
}

static void link_child(struct model_slot *slot, struct model_slot *parent)
{
    slot->parent = parent;
    slot->previous = NULL;
    slot->next = parent->child;
    if (slot->next != NULL) {
        slot->next->previous = slot;
    }
    parent->child = slot;
}

static void unlink_child(struct model_slot *slot)
{
    if (slot->previous != NULL) {
        slot->previous->next = slot->next;
    } else {
        slot->parent->child = slot->next;
    }
    if (slot->next != NULL) {
        slot->next->previous = slot->previous;
    }
}

void model_slot_insert(struct model_slot *slot, struct model_slot *parent)
{
    slot->child = NULL;
    link_child(slot, parent != NULL ? parent : &nobody);
    count++;
}

uint32_t model_capabilities(void)
{
    return count;
}

bool model_has_children(const struct model_slot *slot)
{
    return slot->child != NULL;
}

/* Whether no other capability below `from` is one to the object of `slot`. */
static bool is_last(const struct model_slot *slot, const struct model_slot *from)
{
    for (const struct model_slot *other = from->child; other != NULL; other = other->next) {
        if ((other != slot && other->type == slot->type && other->object == slot->object) ||
            !is_last(slot, other)) {
            return false;
        }
    }
    return true;
}

static void destroy_cnode(uint64_t object)
{
    struct cnode *cnode = find_cnode(object);
    if (cnode == NULL) {
        return;
    }
    for (uint64_t i = 0; i < UINT64_C(1) << cnode->radix; i++) {
        if (cnode->slot[i].type != BH_TYPE_NULL) {
            model_slot_delete(&cnode->slot[i]);
        }
    }
    free(cnode->slot);
    cnode->slot = NULL;
}

void model_slot_delete(struct model_slot *slot)
{
    if (slot->mapped) {
        if (slot->type == BH_TYPE_FRAME) {
            model_unmapped(slot);
        }
        model_mapping_remove(slot);
    }
    if (slot->type == BH_TYPE_CNODE && is_last(slot, &nobody)) {
        destroy_cnode(slot->object);
    }
    while (slot->child != NULL) {
        struct model_slot *child = slot->child;
        unlink_child(child);
        link_child(child, slot->parent);
    }
    unlink_child(slot);
    *slot = (struct model_slot){.type = BH_TYPE_NULL};
    count--;
}

void model_slot_revoke(struct model_slot *slot)
{
    while (slot->child != NULL) {
        model_slot_delete(slot->child); /* its children are then the slot's */
    }
    slot->used = 0;
}

/* --- Mappings, by what they cover: 4 KiB, 2 MiB or 1 GiB of a space --- */

#define BUCKETS 65536u

static struct model_slot *buckets[BUCKETS];

static unsigned shift_of(const struct model_slot *slot)
{
    if (slot->type == BH_TYPE_FRAME) {
        return slot->size_bits;
    }
    return slot->level == 2 ? BH_HUGE_PAGE_BITS : BH_LARGE_PAGE_BITS;
}

static struct model_slot **bucket(uint64_t space, uint64_t address, unsigned shift)
{
    uint64_t key = (space + (address >> shift) * 31 + shift) * UINT64_C(0x9e3779b97f4a7c15);
    return &buckets[key >> 48];
}

void model_mapping_insert(struct model_slot *slot)
{
    struct model_slot **first = bucket(slot->space, slot->address, shift_of(slot));
    slot->chain = *first;
    *first = slot;
}

void model_mapping_remove(struct model_slot *slot)
{
    struct model_slot **link = bucket(slot->space, slot->address, shift_of(slot));
    while (*link != slot) {
        link = &(*link)->chain;
    }
    *link = slot->chain;
}

static struct model_slot *find(enum bh_type type, uint64_t space, uint64_t address, unsigned shift)
{
    struct model_slot *slot = *bucket(space, address, shift);
    while (slot != NULL &&
           !(slot->type == type && slot->space == space && shift_of(slot) == shift &&
             slot->address >> shift == address >> shift)) {
        slot = slot->chain;
    }
    return slot;
}

bool model_table_find(uint64_t space, uint64_t address, unsigned level)
{
    return find(BH_TYPE_PAGE_TABLE, space, address,
                level == 2 ? BH_HUGE_PAGE_BITS : BH_LARGE_PAGE_BITS) != NULL;
}

struct model_slot *model_frame_at(uint64_t space, uint64_t address, uint64_t size)
{
    struct model_slot *slot = find(BH_TYPE_FRAME, space, address, BH_LARGE_PAGE_BITS);
    for (uint64_t offset = 0; slot == NULL && offset < size; offset += BH_PAGE_SIZE) {
        slot = find(BH_TYPE_FRAME, space, address + offset, BH_PAGE_BITS);
    }
    return slot;
}

bool model_is_root_space(uint64_t space)
{
    return space == BH_ROOT_SLOT_VSPACE;
}
