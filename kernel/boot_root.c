/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building root: its objects come from the largest piece of free memory, everything that is left becomes Untypeds, and
 * all of it goes into root's CNode, described by the boot information page.
 */
#include <bh/boot_info.h>

#include "aarch64/cpu.h"
#include "aarch64/its.h"
#include "aarch64/smmu.h"
#include "assert.h"
#include "boot.h"
#include "machine.h"
#include "object.h"
#include "sched_context.h"
#include "scheduler.h"
#include "space.h"

#define ROOT_CNODE_RADIX 16
#define FREE_MAX 24
#define ADDRESS_LIMIT (UINT64_C(1) << 40) /* device memory above is nobody's */
#define ROOT_PRIORITY 255
#define ROOT_SLICE_US 5000

/* Page-aligned ranges, some of them empty. */
struct ranges {
    uint32_t count;
    struct range list[FREE_MAX];
};

static struct {
    struct ranges free;
    struct range pool; /* what root's objects are taken from */
    struct slot *slots;
    uint32_t next_slot;
    struct space *vspace;
    struct bh_boot_info *info;
    struct all_cores *all;
} boot;

/* --- Ranges --- */

static void add_range(struct ranges *ranges, uint64_t start, uint64_t end)
{
    if (start < end) {
        start_requires(ranges->count < FREE_MAX, "memory or devices are in too many pieces");
        ranges->list[ranges->count++] = (struct range){start, end - start};
    }
}

/* Takes a hole, rounded to pages, out of the ranges. */
static void exclude(struct ranges *ranges, struct range hole)
{
    uint64_t start = align_down(hole.start, BH_PAGE_SIZE);
    uint64_t end = align_up(hole.start + hole.size, BH_PAGE_SIZE);
    uint32_t before = ranges->count;
    for (uint32_t i = 0; i < before && hole.size != 0; i++) {
        struct range *range = &ranges->list[i];
        uint64_t range_end = range->start + range->size;
        if (start < range_end && range->start < end) {
            range->size = start > range->start ? start - range->start : 0;
            add_range(ranges, end, range_end);
        }
    }
}

static void find_free_memory(void)
{
    for (uint32_t i = 0; i < machine.ram_count; i++) {
        add_range(&boot.free, machine.ram[i].start, machine.ram[i].start + machine.ram[i].size);
    }
    exclude(&boot.free, (struct range){KERNEL_IMAGE_BASE - kernel_image_offset, KERNEL_IMAGE_MAX});
    exclude(&boot.free, machine.bundle);
    exclude(&boot.free, machine.device_tree);
    struct range *largest = boot.free.list;
    for (uint32_t i = 1; i < boot.free.count; i++) {
        largest = boot.free.list[i].size > largest->size ? &boot.free.list[i] : largest;
    }
    boot.pool = *largest;
    largest->size = 0;
}

/* --- Root's objects --- */

/* Cleared memory, aligned to its size. The machine has enough: early.c has checked. */
static void *allocate(unsigned size_bits)
{
    uint64_t size = UINT64_C(1) << size_bits;
    uint64_t start = align_up(boot.pool.start, size);
    uint64_t end = boot.pool.start + boot.pool.size;
    start_requires(start <= end && size <= end - start, "too little memory for root");
    add_range(&boot.free, boot.pool.start, start); /* what alignment skips goes to root as well */
    boot.pool = (struct range){start + size, end - start - size};
    if (boot.info != NULL) {
        boot.info->kernel_size += size;
    }
    void *memory = paddr_pointer(paddr(start));
    clear_memory(memory, size);
    return memory;
}

LANDING_PAD static void *allocate_page(void)
{
    return allocate(BH_PAGE_BITS);
}

static struct slot *put(uint32_t index, struct cap cap)
{
    slot_insert_root(boot.all, &boot.slots[index], cap);
    return &boot.slots[index];
}

static struct slot *put_next(struct cap cap)
{
    return put(boot.next_slot++, cap);
}

static struct cap frame_cap(paddr_t address)
{
    return object_create(boot.all, BH_TYPE_FRAME, BH_PAGE_BITS, address, false);
}

/* Maps a page for root, by the capability in `slot`. */
static void map_page(uint64_t address, struct slot *slot, uint64_t rights, uint64_t attributes)
{
    space_map_at_boot(boot.vspace, vaddr(address), slot, rights, attributes, allocate_page);
}

/* Maps `memory_size` bytes that begin with a copy of `data`. */
static void map_copy(uint64_t address, uint64_t memory_size, const uint8_t *data, uint64_t data_size, uint64_t rights,
                     uint64_t attributes)
{
    for (uint64_t offset = 0; offset < memory_size; offset += BH_PAGE_SIZE) {
        uint8_t *page = allocate_page();
        for (uint64_t i = offset; i < data_size && i < offset + BH_PAGE_SIZE; i++) {
            page[i - offset] = data[i];
        }
        map_page(address + offset, put_next(frame_cap(pointer_paddr(page))), rights, attributes);
    }
}

/* Returns where root begins. */
static uint64_t load_root(void)
{
    struct boot_segment segments[BOOT_SEGMENTS_MAX];
    uint64_t entry;
    struct boot_image image = bundle_first(paddr_pointer(paddr(machine.bundle.start)), machine.bundle.size);
    uint32_t count = elf_segments(image, BH_ROOT_STACK, segments, &entry);
    for (uint32_t i = 0; i < count; i++) {
        map_copy(segments[i].address, segments[i].memory_size, segments[i].data, segments[i].data_size,
                 segments[i].rights, cpu_features.branch_targets ? segments[i].attributes : 0);
    }
    return entry;
}

/* The bundle stays where the loader has put it; root gets its pages. */
static void map_bundle(void)
{
    uint64_t start = align_down(machine.bundle.start, BH_PAGE_SIZE);
    uint64_t end = align_up(machine.bundle.start + machine.bundle.size, BH_PAGE_SIZE);
    start_requires(end - start <= UINT64_C(0x8000000), "the bundle is larger than 128 MiB"); /* half of root's slots */
    boot.info->bundle_address = BH_ROOT_BUNDLE + (machine.bundle.start - start);
    boot.info->bundle_size = machine.bundle.size;
    boot.info->bundle_slot = boot.next_slot;
    for (uint64_t page = start; page < end; page += BH_PAGE_SIZE) {
        map_page(BH_ROOT_BUNDLE + page - start, put_next(frame_cap(paddr(page))), BH_RIGHT_READ, 0);
    }
    boot.info->bundle_frame_count = boot.next_slot - boot.info->bundle_slot;
}

/* --- What is left --- */

static void put_untyped(uint64_t address, unsigned size_bits, bool device)
{
    if (boot.info->untyped_count == BH_BOOT_INFO_UNTYPED_MAX) {
        return;
    }
    boot.info->untyped[boot.info->untyped_count++] = (struct bh_boot_untyped){
        .address = address, .slot = boot.next_slot, .size_bits = (uint8_t)size_bits, .device = device};
    enum bh_type type = device ? BH_TYPE_DEVICE_UNTYPED : BH_TYPE_UNTYPED;
    (void)put_next(object_create(boot.all, type, size_bits, paddr(address), device));
}

/* Covers a range by Untypeds, each aligned to its size. */
static void put_untypeds(struct range range, bool device)
{
    uint64_t end = range.start + range.size;
    for (uint64_t at = range.start; at < end;) {
        unsigned bits = at == 0 ? BH_UNTYPED_MAX_BITS : (unsigned)__builtin_ctzll(at);
        bits = smaller(bits, BH_UNTYPED_MAX_BITS);
        while (UINT64_C(1) << bits > end - at) {
            bits--;
        }
        put_untyped(at, bits, device);
        at += UINT64_C(1) << bits;
    }
}

static void put_device_memory(void)
{
    struct ranges devices = {0};
    uint64_t limit = UINT64_C(1) << cpu_features.physical_address_bits;

    add_range(&devices, 0, smaller(limit, ADDRESS_LIMIT));
    exclude(&devices, machine.gic_distributor);
    exclude(&devices, machine.gic_redistributors);
    exclude(&devices, machine.its);
    exclude(&devices, machine.smmu);
    for (uint32_t i = 0; i < machine.ram_count; i++) {
        exclude(&devices, machine.ram[i]);
    }
    for (uint32_t i = 0; i < devices.count; i++) {
        put_untypeds(devices.list[i], true);
    }
}

/* --- */

static void put_control(enum bh_root_slot slot, enum bh_type type)
{
    (void)put(slot, (struct cap){.type = (uint64_t)type & 31, .rights = BH_RIGHTS_ALL, .original = 1});
}

static void put_object(enum bh_root_slot slot, enum bh_type type, unsigned size_bits, const void *object)
{
    (void)put(slot, object_create(boot.all, type, size_bits, pointer_paddr(object), false));
}

static void give_copy(struct slot *slot, struct slot *source)
{
    struct cap derived;
    if (cap_derive(source->cap, BH_RIGHTS_ALL, 0, &derived) == BH_OK) {
        slot_insert_after(boot.all, slot, derived, source);
    }
}

static struct tcb *make_thread(uint64_t entry)
{
    struct tcb *tcb = allocate(BH_TCB_BITS);
    struct sched_context *sc = allocate(BH_SCHED_CONTEXT_BITS);

    put_object(BH_ROOT_SLOT_TCB, BH_TYPE_TCB, 0, tcb);
    put_object(BH_ROOT_SLOT_SCHED_CONTEXT, BH_TYPE_SCHED_CONTEXT, 0, sc);
    give_copy(&tcb->slots[TCB_SLOT_CNODE], &boot.slots[BH_ROOT_SLOT_CNODE]);
    give_copy(&tcb->slots[TCB_SLOT_VSPACE], &boot.slots[BH_ROOT_SLOT_VSPACE]);
    give_copy(&tcb->slots[TCB_SLOT_IPC_BUFFER], &boot.slots[BH_ROOT_SLOT_IPC_BUFFER]);
    tcb->priority = ROOT_PRIORITY;
    tcb->max_controlled_priority = ROOT_PRIORITY;
    tcb->context.pc = entry;
    tcb->context.sp = BH_ROOT_STACK + BH_ROOT_STACK_SIZE;
    tcb->context.x[0] = BH_ROOT_BOOT_INFO;
    uint64_t slice = read_sysreg(cntfrq_el0) * ROOT_SLICE_US / 1000000;
    sched_context_fill(sc, slice, slice, 0);
    sched_context_give(sc, tcb);
    return tcb;
}

void boot_root(struct all_cores *all)
{
    boot.all = all;
    find_free_memory();
    boot.slots = allocate(ROOT_CNODE_RADIX + BH_SLOT_BITS);
    boot.next_slot = BH_ROOT_SLOT_FIRST_FREE;
    boot.info = allocate_page();
    boot.vspace = allocate_page();
    put_object(BH_ROOT_SLOT_CNODE, BH_TYPE_CNODE, ROOT_CNODE_RADIX, boot.slots);
    put_object(BH_ROOT_SLOT_VSPACE, BH_TYPE_VSPACE, 0, boot.vspace);

    uint64_t memory = 0;
    for (uint32_t i = 0; i < machine.ram_count; i++) {
        memory += machine.ram[i].size;
    }
    *boot.info = (struct bh_boot_info){
        .magic = BH_BOOT_INFO_MAGIC,
        .timer_frequency = read_sysreg(cntfrq_el0),
        .memory_size = memory,
        .kernel_size = KERNEL_IMAGE_MAX + (UINT64_C(1) << (ROOT_CNODE_RADIX + BH_SLOT_BITS)) + 2 * BH_PAGE_SIZE,
        .device_tree_address = BH_ROOT_DEVICE_TREE,
        .device_tree_size = machine.device_tree.size,
        .cnode_radix = ROOT_CNODE_RADIX,
        .core_count = core_count,
        .has_smmu = smmu_present(),
        .cpu_features = ((read_sysreg(id_aa64isar0_el1) >> 60) != 0 ? BH_CPU_RNDR : 0) | /* RNDR: Arm ARM D17.2.61 */
                        (cpu_features.branch_targets ? BH_CPU_BTI : 0),
    };
    struct slot *info = put(BH_ROOT_SLOT_BOOT_INFO, frame_cap(pointer_paddr(boot.info)));
    struct slot *buffer = put(BH_ROOT_SLOT_IPC_BUFFER, frame_cap(pointer_paddr(allocate_page())));
    map_page(BH_ROOT_BOOT_INFO, info, BH_RIGHT_READ, 0);
    map_page(BH_ROOT_IPC_BUFFER, buffer, BH_RIGHT_READ | BH_RIGHT_WRITE, 0);
    put_control(BH_ROOT_SLOT_IRQ_CONTROL, BH_TYPE_IRQ_CONTROL);
    put_control(BH_ROOT_SLOT_SCHED_CONTROL, BH_TYPE_SCHED_CONTROL);
    put_control(BH_ROOT_SLOT_IO_CONTROL, BH_TYPE_IO_CONTROL);
    put_control(BH_ROOT_SLOT_MACHINE, BH_TYPE_MACHINE);
    if (machine.its.size != 0) {
        paddr_t doorbell = paddr(align_down(its_doorbell().value, BH_PAGE_SIZE));
        (void)put(BH_ROOT_SLOT_MSI_DOORBELL, object_create(boot.all, BH_TYPE_FRAME, BH_PAGE_BITS, doorbell, true));
    }

    map_copy(BH_ROOT_STACK, BH_ROOT_STACK_SIZE, NULL, 0, BH_RIGHT_READ | BH_RIGHT_WRITE, 0);
    map_copy(BH_ROOT_DEVICE_TREE, machine.device_tree.size, paddr_pointer(paddr(machine.device_tree.start)),
             machine.device_tree.size, BH_RIGHT_READ, 0);
    struct tcb *tcb = make_thread(load_root());
    map_bundle();
#ifdef BULKHEAD_KERNEL_TRACE
    boot.info->trace_slot = boot.next_slot;
    while (boot.info->trace_ring_count < boot.info->core_count) {
        struct bh_trace_ring *ring = allocate(BH_TRACE_RING_BITS);
        ring->magic = BH_TRACE_MAGIC;
        ring->entry[ring->next++] = (struct bh_trace_entry){.time = ticks_now(), .kind = BH_TRACE_IDLE};
        struct slot *slot = put_next(object_create(all, BH_TYPE_FRAME, BH_TRACE_RING_BITS, pointer_paddr(ring), false));
        slot->cap.rights = BH_RIGHT_READ;
        __atomic_store_n(&trace_rings[boot.info->trace_ring_count++], ring, __ATOMIC_RELEASE);
    }
#endif

    for (uint32_t i = 0; i < boot.free.count; i++) {
        put_untypeds(boot.free.list[i], false);
    }
    put_untypeds(boot.pool, false);
    /* The pages of the loader's device tree are free now; they are too few to matter. */
    put_device_memory();
    boot.info->first_free_slot = boot.next_slot;
    tcb->state = TCB_RUNNABLE;
    scheduler_ready(all->core, tcb);
}
