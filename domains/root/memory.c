/* SPDX-License-Identifier: BSD-2-Clause */
#include "domains/root/memory.h"

#include <bh/syscall.h>

#include "domains/root/slots.h"

#define SLOTS_MAX    (UINT32_C(1) << 18)
#define RAM_NODES    8192u
#define DEVICE_NODES 2048u
#define SLOT_RUNS    16384u
#define PAUSE_BITS   26u
#define PAUSE_BYTES  (UINT64_C(1) << PAUSE_BITS)

static uint64_t slot_words[SLOTS_MAX / 64];
static struct slots slots;

static struct buddy_node ram_nodes[RAM_NODES];
static struct buddy ram;
static struct buddy_node device_nodes[DEVICE_NODES];
static struct buddy device;

/* Rows of slots that arenas hold; entry 0 stands for none. */
static struct slot_run {
    uint32_t first;
    uint32_t count;
    uint32_t next;
    bool foreign; /* what is in them does not go with the arena's blocks */
} runs[SLOT_RUNS];
static uint32_t runs_high = 1;
static uint32_t runs_free;

static bool split(void *context, uint32_t slot, unsigned half_bits, uint32_t *first)
{
    const enum bh_type *type = context;
    *first = slots_allocate(&slots, 2);
    if (*first == SLOTS_NONE) {
        return false;
    }
    struct bh_result result =
        bh_untyped_retype(slot, *type, half_bits, BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE, *first, 2);
    if (result.error != BH_OK) {
        slots_free(&slots, *first, 2);
        return false;
    }
    return true;
}

static void merge(void *context, uint32_t slot, uint32_t first)
{
    (void)context;
    (void)bh_cnode_revoke(BH_ROOT_SLOT_CNODE, slot);
    slots_free(&slots, first, 2);
}

void memory_init(const struct bh_boot_info *info)
{
    static enum bh_type ram_type = BH_TYPE_UNTYPED;
    static enum bh_type device_type = BH_TYPE_DEVICE_UNTYPED;
    uint32_t count = info->cnode_radix < 18 ? UINT32_C(1) << info->cnode_radix : SLOTS_MAX;
    slots_init(&slots, slot_words, count, info->first_free_slot);
    buddy_init(&ram, ram_nodes, RAM_NODES,
               &(struct buddy_operations){.split = split, .merge = merge, .context = &ram_type});
    buddy_init(&device, device_nodes, DEVICE_NODES,
               &(struct buddy_operations){.split = split, .merge = merge, .context = &device_type});
    for (uint32_t i = 0; i < info->untyped_count && i < BH_BOOT_INFO_UNTYPED_MAX; i++) {
        const struct bh_boot_untyped *untyped = &info->untyped[i];
        (void)buddy_add(untyped->device != 0 ? &device : &ram, untyped->address, untyped->size_bits,
                        untyped->slot);
    }
}

uint64_t memory_free_bytes(void)
{
    return ram.free_bytes;
}

uint32_t slot_allocate(void)
{
    return slots_allocate(&slots, 1);
}

void slot_delete(uint32_t slot)
{
    (void)bh_cnode_delete(BH_ROOT_SLOT_CNODE, slot);
    slots_free(&slots, slot, 1);
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){.blocks = BUDDY_NONE, .current = BUDDY_NONE};
}

static uint32_t add_run(struct arena *arena, uint32_t count, bool foreign)
{
    uint32_t run = runs_free;
    if (run == 0 && runs_high == SLOT_RUNS) {
        return 0;
    }
    uint32_t first = slots_allocate(&slots, count);
    if (first == SLOTS_NONE) {
        return 0;
    }
    if (run != 0) {
        runs_free = runs[run].next;
    } else {
        run = runs_high++;
    }
    runs[run] =
        (struct slot_run){.first = first, .count = count, .next = arena->runs, .foreign = foreign};
    arena->runs = run;
    return first;
}

uint32_t arena_slots(struct arena *arena, uint32_t count)
{
    return add_run(arena, count, false);
}

uint32_t arena_slots_foreign(struct arena *arena, uint32_t count)
{
    return add_run(arena, count, true);
}

static unsigned object_bits(enum bh_type type, unsigned size_bits)
{
    switch (type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_FRAME:
        return size_bits;
    case BH_TYPE_CNODE:
        return size_bits + BH_SLOT_BITS;
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
    case BH_TYPE_PAGE_TABLE:
        return BH_PAGE_TABLE_BITS;
    case BH_TYPE_VSPACE:
        return BH_VSPACE_BITS;
    case BH_TYPE_GUEST_SPACE:
        return BH_GUEST_SPACE_BITS;
    case BH_TYPE_IO_SPACE:
        return BH_IO_SPACE_BITS;
    case BH_TYPE_VCPU:
        return BH_VCPU_BITS;
    default:
        return BUDDY_BITS;
    }
}

static uint64_t block_size(uint32_t block)
{
    return UINT64_C(1) << ram.node[block].size_bits;
}

/* A block for `bytes` of objects of 2^bits bytes: the largest power of two that they fill, or what
 * there is. */
static uint32_t block_add(struct arena *arena, uint64_t bytes, unsigned bits)
{
    unsigned want = 63u - (unsigned)__builtin_clzll(bytes);
    unsigned least = bits;
    want = want < ARENA_BLOCK_BITS ? ARENA_BLOCK_BITS : want;
    for (; want >= least; want--) {
        uint32_t block = buddy_allocate(&ram, want);
        if (block != BUDDY_NONE) {
            ram.node[block].next = arena->blocks;
            arena->blocks = block;
            arena->bytes += block_size(block);
            return block;
        }
    }
    return BUDDY_NONE;
}

static uint64_t align_up(uint64_t value, unsigned bits)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    return (value + mask) & ~mask;
}

static void (*pause_function)(void);
static uint64_t made_since_pause; /* bytes */

void memory_set_pause(void (*pause)(void))
{
    pause_function = pause;
}

static void pause_if_due(void)
{
    if (made_since_pause >= PAUSE_BYTES && pause_function != NULL) {
        made_since_pause = 0;
        pause_function();
    }
}

/* Makes as many of `count` objects as fit behind `used` bytes of the block; returns how many, and
 * moves *used. */
static uint32_t make_in_block(uint32_t block, uint64_t *used, enum bh_type type, unsigned size_bits,
                              unsigned bits, uint32_t slot, uint32_t count)
{
    uint64_t start = align_up(*used, bits);
    if (start >= block_size(block)) {
        return 0;
    }
    uint64_t fit = (block_size(block) - start) >> bits;
    uint32_t now = fit < count ? (uint32_t)fit : count;
    now = now < BH_RETYPE_MAX_COUNT ? now : BH_RETYPE_MAX_COUNT;
    if (now > 1 && (uint64_t)now << bits > PAUSE_BYTES) {
        now = bits < PAUSE_BITS ? UINT32_C(1) << (PAUSE_BITS - bits) : 1;
    }
    if (now == 0) {
        return 0;
    }
    pause_if_due();
    struct bh_result result = bh_untyped_retype(ram.node[block].slot, type, size_bits,
                                                BH_RETYPE_NEXT, BH_ROOT_SLOT_CNODE, slot, now);
    if (result.error != BH_OK) {
        return 0;
    }
    *used = start + ((uint64_t)now << bits);
    made_since_pause += (uint64_t)now << bits;
    return now;
}

uint32_t arena_make(struct arena *arena, enum bh_type type, unsigned size_bits, uint32_t count)
{
    unsigned bits = object_bits(type, size_bits);
    if (count == 0 || bits >= BUDDY_BITS) {
        return 0;
    }
    uint32_t first = arena_slots(arena, count);
    if (first == 0) {
        return 0;
    }
    uint32_t made = 0;
    while (arena->current != BUDDY_NONE && made < count) {
        uint32_t now = make_in_block(arena->current, &arena->used, type, size_bits, bits,
                                     first + made, count - made);
        if (now == 0) {
            break;
        }
        made += now;
    }
    while (made < count) {
        uint32_t block = block_add(arena, (uint64_t)(count - made) << bits, bits);
        if (block == BUDDY_NONE) {
            return 0;
        }
        uint64_t used = 0;
        uint32_t now;
        do {
            now = make_in_block(block, &used, type, size_bits, bits, first + made, count - made);
            made += now;
        } while (now != 0 && made < count);
        if (used == 0) {
            return 0;
        }
        if (arena->current == BUDDY_NONE ||
            block_size(block) - used > block_size(arena->current) - arena->used) {
            arena->current = block;
            arena->used = used;
        }
    }
    return first;
}

void arena_destroy(struct arena *arena)
{
    for (uint32_t block = arena->blocks; block != BUDDY_NONE;) {
        uint32_t next = ram.node[block].next;
        (void)bh_cnode_revoke(BH_ROOT_SLOT_CNODE, ram.node[block].slot);
        buddy_free(&ram, block);
        block = next;
    }
    for (uint32_t run = arena->runs; run != 0;) {
        uint32_t next = runs[run].next;
        for (uint32_t i = 0; runs[run].foreign && i < runs[run].count; i++) {
            (void)bh_cnode_delete(BH_ROOT_SLOT_CNODE, runs[run].first + i);
        }
        slots_free(&slots, runs[run].first, runs[run].count);
        runs[run].next = runs_free;
        runs_free = run;
        run = next;
    }
    arena_init(arena);
}

uint32_t device_frames(uint64_t address, uint64_t size)
{
    uint32_t count = (uint32_t)(size >> BH_PAGE_BITS);
    uint32_t first = slots_allocate(&slots, count);
    if (first == SLOTS_NONE) {
        return 0;
    }
    uint32_t made = 0;
    while (made < count) {
        uint64_t at = address + ((uint64_t)made << BH_PAGE_BITS);
        uint64_t left = (uint64_t)(count - made) << BH_PAGE_BITS;
        unsigned bits = at == 0 ? BH_PAGE_BITS : (unsigned)__builtin_ctzll(at);
        while ((UINT64_C(1) << bits) > left || bits > BH_PAGE_BITS + 10) {
            bits--;
        }
        uint32_t node = buddy_allocate_at(&device, at, bits);
        if (node == BUDDY_NONE) {
            break;
        }
        uint32_t now = UINT32_C(1) << (bits - BH_PAGE_BITS);
        struct bh_result result =
            bh_untyped_retype(device.node[node].slot, BH_TYPE_FRAME, BH_PAGE_BITS, BH_RETYPE_NEXT,
                              BH_ROOT_SLOT_CNODE, first + made, now);
        if (result.error != BH_OK) {
            buddy_free(&device, node);
            break;
        }
        made += now;
    }
    if (made < count) {
        /* The frames made so far keep their slots: device memory is handed out once. */
        slots_free(&slots, first + made, count - made);
        return 0;
    }
    return first;
}
