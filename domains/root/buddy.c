/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/buddy.h"

void buddy_init(struct buddy *buddy, struct buddy_node *nodes, uint32_t capacity,
                const struct buddy_operations *operations)
{
    *buddy = (struct buddy){
        .node = nodes, .capacity = capacity, .free_pair = BUDDY_NONE, .operations = *operations};
    for (unsigned i = 0; i < BUDDY_BITS; i++) {
        buddy->free[i] = BUDDY_NONE;
    }
}

static uint64_t node_size(const struct buddy_node *node)
{
    return UINT64_C(1) << node->size_bits;
}

static void list_insert(struct buddy *buddy, uint32_t index)
{
    struct buddy_node *node = &buddy->node[index];
    node->state = BUDDY_FREE;
    node->previous = BUDDY_NONE;
    node->next = buddy->free[node->size_bits];
    if (node->next != BUDDY_NONE) {
        buddy->node[node->next].previous = index;
    }
    buddy->free[node->size_bits] = index;
}

static void list_remove(struct buddy *buddy, uint32_t index)
{
    struct buddy_node *node = &buddy->node[index];
    if (node->next != BUDDY_NONE) {
        buddy->node[node->next].previous = node->previous;
    }
    if (node->previous != BUDDY_NONE) {
        buddy->node[node->previous].next = node->next;
    } else {
        buddy->free[node->size_bits] = node->next;
    }
    node->next = BUDDY_NONE;
}

/* Two nodes in a row. */
static uint32_t pair_allocate(struct buddy *buddy)
{
    uint32_t first = buddy->free_pair;
    if (first != BUDDY_NONE) {
        buddy->free_pair = buddy->node[first].next;
        return first;
    }
    if (buddy->capacity - buddy->high < 2) {
        return BUDDY_NONE;
    }
    first = buddy->high;
    buddy->high += 2;
    return first;
}

static void pair_free(struct buddy *buddy, uint32_t first)
{
    buddy->node[first] = (struct buddy_node){.next = buddy->free_pair};
    buddy->node[first + 1] = (struct buddy_node){0};
    buddy->free_pair = first;
}

bool buddy_add(struct buddy *buddy, uint64_t address, unsigned size_bits, uint32_t slot)
{
    if (size_bits < BUDDY_MIN_BITS || size_bits >= BUDDY_BITS || buddy->high == buddy->capacity) {
        return false;
    }
    uint32_t index = buddy->high++;
    buddy->node[index] = (struct buddy_node){.address = address,
                                             .slot = slot,
                                             .parent = BUDDY_NONE,
                                             .child = BUDDY_NONE,
                                             .size_bits = (uint8_t)size_bits};
    list_insert(buddy, index);
    buddy->free_bytes += node_size(&buddy->node[index]);
    return true;
}

/* Splits a node that is in no list; both halves are in no list either. */
static bool split(struct buddy *buddy, uint32_t index)
{
    struct buddy_node *node = &buddy->node[index];
    uint32_t pair = pair_allocate(buddy);
    if (pair == BUDDY_NONE) {
        return false;
    }
    uint8_t half_bits = (uint8_t)(node->size_bits - 1);
    uint32_t first;
    if (!buddy->operations.split(buddy->operations.context, node->slot, half_bits, &first)) {
        pair_free(buddy, pair);
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        buddy->node[pair + i] = (struct buddy_node){
            .address = node->address + ((uint64_t)i << half_bits),
            .slot = first + i,
            .parent = index,
            .child = BUDDY_NONE,
            .size_bits = half_bits,
        };
    }
    node->state = BUDDY_SPLIT;
    node->child = pair;
    return true;
}

/* Puts a node into its list, merged with its neighbour as often as that is free. */
static void release(struct buddy *buddy, uint32_t index)
{
    for (;;) {
        uint32_t parent = buddy->node[index].parent;
        if (parent == BUDDY_NONE) {
            break;
        }
        uint32_t first = buddy->node[parent].child;
        uint32_t other = index == first ? first + 1 : first;
        if (buddy->node[other].state != BUDDY_FREE) {
            break;
        }
        list_remove(buddy, other);
        buddy->operations.merge(buddy->operations.context, buddy->node[parent].slot,
                                buddy->node[first].slot);
        pair_free(buddy, first);
        buddy->node[parent].child = BUDDY_NONE;
        index = parent;
    }
    list_insert(buddy, index);
}

/*
 * Takes the part of node `index` (in no list) that begins at `address`, splitting as often as need
 * be. On failure everything is as before, the node in its list.
 */
static uint32_t carve(struct buddy *buddy, uint32_t index, uint64_t address, unsigned size_bits)
{
    while (buddy->node[index].size_bits > size_bits) {
        if (!split(buddy, index)) {
            release(buddy, index);
            return BUDDY_NONE;
        }
        uint32_t lower = buddy->node[index].child;
        bool upper = address >= buddy->node[lower + 1].address;
        list_insert(buddy, upper ? lower : lower + 1);
        index = upper ? lower + 1 : lower;
    }
    buddy->node[index].state = BUDDY_TAKEN;
    buddy->free_bytes -= node_size(&buddy->node[index]);
    return index;
}

uint32_t buddy_allocate(struct buddy *buddy, unsigned size_bits)
{
    if (size_bits < BUDDY_MIN_BITS) {
        return BUDDY_NONE;
    }
    for (unsigned bits = size_bits; bits < BUDDY_BITS; bits++) {
        uint32_t index = buddy->free[bits];
        if (index != BUDDY_NONE) {
            list_remove(buddy, index);
            return carve(buddy, index, buddy->node[index].address, size_bits);
        }
    }
    return BUDDY_NONE;
}

uint32_t buddy_allocate_at(struct buddy *buddy, uint64_t address, unsigned size_bits)
{
    if (size_bits < BUDDY_MIN_BITS || size_bits >= BUDDY_BITS ||
        address % (UINT64_C(1) << size_bits) != 0) {
        return BUDDY_NONE;
    }
    for (unsigned bits = size_bits; bits < BUDDY_BITS; bits++) {
        for (uint32_t i = buddy->free[bits]; i != BUDDY_NONE; i = buddy->node[i].next) {
            const struct buddy_node *node = &buddy->node[i];
            if (address >= node->address && address - node->address < node_size(node)) {
                list_remove(buddy, i);
                return carve(buddy, i, address, size_bits);
            }
        }
    }
    return BUDDY_NONE;
}

void buddy_free(struct buddy *buddy, uint32_t index)
{
    buddy->free_bytes += node_size(&buddy->node[index]);
    release(buddy, index);
}
