/* SPDX-License-Identifier: BSD-2-Clause */

#include "test/unit/root/model_kernel.h"

#include <bh/boot_info.h>
#include <bh/trace.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test/unit/check.h"
#include "test/unit/root/model_slots.h"

#define RAM          UINT64_C(0x80000000) /* physical; the bundle follows it */
#define BUNDLE_PAGES (MODEL_BUNDLE_SIZE >> BH_PAGE_BITS)

static int ram_file;
static uint8_t *ram;
static uint64_t ram_size;
static uint32_t fail_in = UINT32_MAX;
static bool failed;

void model_fail_after(uint32_t count)
{
    fail_in = count;
    failed = false;
}

bool model_failed(void)
{
    return failed;
}

/* Whether this operation is the one to fail. */
static bool fails(void)
{
    if (fail_in == UINT32_MAX) {
        return false;
    }
    if (fail_in-- != 0) {
        return false;
    }
    fail_in = UINT32_MAX;
    failed = true;
    return true;
}

static struct bh_result result(enum bh_error error)
{
    return (struct bh_result){.error = error};
}

/* --- Untyped --- */

static unsigned size_of(enum bh_type type, uint64_t size_bits)
{
    static const unsigned bits[BH_TYPE_COUNT] = {
        [BH_TYPE_TCB] = BH_TCB_BITS,
        [BH_TYPE_ENDPOINT] = BH_ENDPOINT_BITS,
        [BH_TYPE_REPLY] = BH_REPLY_BITS,
        [BH_TYPE_NOTIFICATION] = BH_NOTIFICATION_BITS,
        [BH_TYPE_SCHED_CONTEXT] = BH_SCHED_CONTEXT_BITS,
        [BH_TYPE_PAGE_TABLE] = BH_PAGE_TABLE_BITS,
        [BH_TYPE_VSPACE] = BH_VSPACE_BITS,
        [BH_TYPE_GUEST_SPACE] = BH_GUEST_SPACE_BITS,
        [BH_TYPE_IO_SPACE] = BH_IO_SPACE_BITS,
        [BH_TYPE_VCPU] = BH_VCPU_BITS,
    };
    switch (type) {
    case BH_TYPE_UNTYPED:
    case BH_TYPE_FRAME:
        return (unsigned)size_bits;
    case BH_TYPE_CNODE:
        return (unsigned)size_bits + BH_SLOT_BITS;
    default:
        CHECK(bits[type] != 0);
        return bits[type];
    }
}

struct bh_result bh_untyped_retype(bh_cptr untyped, enum bh_type type, uint64_t size_bits,
                                   uint64_t offset, bh_cptr dest, uint64_t index, uint64_t count)
{
    struct model_slot *memory = model_slot(untyped, BH_TYPE_UNTYPED);
    CHECK(offset == BH_RETYPE_NEXT && count >= 1 && count <= BH_RETYPE_MAX_COUNT);
    if (fails()) {
        return result(BH_ERROR_NO_MEMORY);
    }
    if (!model_has_children(memory)) {
        memory->used = 0;
    }
    unsigned bits = size_of(type, size_bits);
    uint64_t size = UINT64_C(1) << bits;
    uint64_t start = (memory->used + size - 1) & ~(size - 1);
    if (start + count * size > UINT64_C(1) << memory->size_bits) {
        return result(BH_ERROR_NO_MEMORY);
    }
    for (uint64_t i = 0; i < count; i++) {
        struct model_slot *slot = model_slot_empty(dest, index + i);
        *slot = (struct model_slot){.type = type,
                                    .rights = BH_RIGHTS_ALL,
                                    .size_bits = (unsigned)size_bits,
                                    .object = memory->object + start + i * size};
        memset(ram + (slot->object - RAM), 0, size);
        model_slot_insert(slot, memory);
    }
    memory->used = start + count * size;
    return result(BH_OK);
}

/* --- CNodes --- */

static struct bh_result copy(bh_cptr cnode, uint64_t index, bh_cptr source_cnode,
                             uint64_t source_index, uint64_t rights, uint64_t badge)
{
    struct model_slot *source = model_slot_at(source_cnode, source_index);
    struct model_slot *slot = model_slot_empty(cnode, index);
    CHECK(source->type != BH_TYPE_NULL && source->type != BH_TYPE_UNTYPED);
    if (fails()) {
        return result(BH_ERROR_NO_MEMORY);
    }
    *slot = *source;
    slot->rights &= (unsigned)rights;
    slot->mapped = false;
    if (badge != 0) {
        CHECK(source->badge == 0 &&
              (source->type == BH_TYPE_ENDPOINT || source->type == BH_TYPE_NOTIFICATION));
        slot->badge = badge;
    }
    model_slot_insert(slot, source);
    return result(BH_OK);
}

struct bh_result bh_cnode_copy(bh_cptr cnode, uint64_t index, bh_cptr source, uint64_t source_index,
                               uint64_t rights)
{
    return copy(cnode, index, source, source_index, rights, 0);
}

struct bh_result bh_cnode_mint(bh_cptr cnode, uint64_t index, bh_cptr source, uint64_t source_index,
                               uint64_t rights, uint64_t badge)
{
    CHECK(badge != 0);
    return copy(cnode, index, source, source_index, rights, badge);
}

struct bh_result bh_cnode_delete(bh_cptr cnode, uint64_t index)
{
    struct model_slot *slot = model_slot_at(cnode, index);
    if (slot->type != BH_TYPE_NULL) {
        model_slot_delete(slot);
    }
    return result(BH_OK);
}

struct bh_result bh_cnode_revoke(bh_cptr cnode, uint64_t index)
{
    struct model_slot *slot = model_slot_at(cnode, index);
    CHECK(slot->type != BH_TYPE_NULL);
    model_slot_revoke(slot);
    return result(BH_OK);
}

struct bh_result bh_cnode_inspect(bh_cptr cnode, uint64_t index)
{
    const struct model_slot *slot = model_slot_at(cnode, index);
    bool badged = slot->type == BH_TYPE_ENDPOINT || slot->type == BH_TYPE_NOTIFICATION;
    uint64_t value = badged ? slot->badge : 0;
    return (struct bh_result){.value = {slot->type, slot->rights, value, slot->object}};
}

/* --- Address spaces --- */

/* What root maps into its own space appears in the test's. */
static void map_for_root(const struct model_slot *frame, uint64_t rights)
{
    int protection = PROT_READ | ((rights & BH_RIGHT_WRITE) != 0 ? PROT_WRITE : 0);
    void *at = mmap((void *)(uintptr_t)frame->address, (size_t)1 << frame->size_bits, protection,
                    MAP_SHARED | MAP_FIXED_NOREPLACE, ram_file, (off_t)(frame->object - RAM));
    CHECK(at == (void *)(uintptr_t)frame->address);
}

void model_unmapped(const struct model_slot *frame)
{
    if (model_is_root_space(frame->space)) {
        CHECK(munmap((void *)(uintptr_t)frame->address, (size_t)1 << frame->size_bits) == 0);
    }
}

struct bh_result bh_frame_map(bh_cptr frame, bh_cptr space, uint64_t address, uint64_t rights,
                              uint64_t attributes)
{
    struct model_slot *slot = model_slot(frame, BH_TYPE_FRAME);
    const struct model_slot *target = model_slot_at(BH_ROOT_SLOT_CNODE, space);
    CHECK(target->type == BH_TYPE_VSPACE || target->type == BH_TYPE_GUEST_SPACE ||
          target->type == BH_TYPE_IO_SPACE);
    CHECK(attributes == 0 && !slot->mapped && address % (UINT64_C(1) << slot->size_bits) == 0);
    CHECK(address < BH_SPACE_SIZE && (rights & ~(uint64_t)slot->rights) == 0);
    CHECK(target->type == BH_TYPE_GUEST_SPACE ||
          (rights & (BH_RIGHT_WRITE | BH_RIGHT_GRANT)) != (BH_RIGHT_WRITE | BH_RIGHT_GRANT));
    if (fails()) {
        return result(BH_ERROR_NO_MEMORY);
    }
    unsigned level = slot->size_bits == BH_PAGE_BITS ? 3 : 2;
    for (unsigned i = 2; i <= level; i++) {
        if (!model_table_find(target->object, address, i)) {
            return (struct bh_result){.error = BH_ERROR_NO_TABLE, .value = {i}};
        }
    }
    CHECK(model_frame_at(target->object, address, UINT64_C(1) << slot->size_bits) == NULL);
    slot->mapped = true;
    slot->space = target->object;
    slot->address = address;
    model_mapping_insert(slot);
    if (model_is_root_space(target->object)) {
        map_for_root(slot, rights);
    }
    return result(BH_OK);
}

struct bh_result bh_frame_unmap(bh_cptr frame)
{
    struct model_slot *slot = model_slot(frame, BH_TYPE_FRAME);
    if (slot->mapped) {
        model_unmapped(slot);
        model_mapping_remove(slot);
        slot->mapped = false;
    }
    return result(BH_OK);
}

struct bh_result bh_page_table_map(bh_cptr table, bh_cptr space, uint64_t address)
{
    struct model_slot *slot = model_slot(table, BH_TYPE_PAGE_TABLE);
    const struct model_slot *target = model_slot_at(BH_ROOT_SLOT_CNODE, space);
    CHECK(!slot->mapped);
    if (fails()) {
        return result(BH_ERROR_NO_MEMORY);
    }
    slot->level = model_table_find(target->object, address, 2) ? 3 : 2;
    CHECK(!model_table_find(target->object, address, slot->level));
    slot->mapped = true;
    slot->space = target->object;
    slot->address = address;
    model_mapping_insert(slot);
    return result(BH_OK);
}

void *model_pointer(bh_cptr space, uint64_t address)
{
    const struct model_slot *target = model_slot_at(BH_ROOT_SLOT_CNODE, space);
    const struct model_slot *frame = model_frame_at(target->object, address, 1);
    return frame == NULL ? NULL : ram + (frame->object - RAM) + (address - frame->address);
}

/* --- The rest --- */

struct bh_result bh_tcb_configure(bh_cptr tcb, bh_cptr cnode, bh_cptr vspace,
                                  bh_cptr fault_endpoint, bh_cptr ipc_buffer)
{
    CHECK(!model_slot(tcb, BH_TYPE_TCB)->runs);
    /* Root's own threads have nobody to report their faults to. */
    CHECK(cnode == BH_ROOT_SLOT_CNODE || model_slot(fault_endpoint, BH_TYPE_ENDPOINT)->badge != 0);
    (void)model_slot(cnode, BH_TYPE_CNODE);
    (void)model_slot(vspace, BH_TYPE_VSPACE);
    CHECK(ipc_buffer == BH_CPTR_NULL ||
          model_slot(ipc_buffer, BH_TYPE_FRAME)->size_bits == BH_PAGE_BITS);
    return result(fails() ? BH_ERROR_NO_MEMORY : BH_OK);
}

struct bh_result bh_tcb_set_priority(bh_cptr tcb, uint64_t priority, uint64_t max_controlled)
{
    CHECK(model_slot(tcb, BH_TYPE_TCB) != NULL && priority <= 255 && max_controlled <= priority);
    return result(fails() ? BH_ERROR_RANGE : BH_OK);
}

struct bh_result bh_tcb_write_registers(bh_cptr tcb, uint64_t pc, uint64_t sp, uint64_t x0,
                                        uint64_t x1, uint64_t x2, uint64_t tpidr)
{
    CHECK(!model_slot(tcb, BH_TYPE_TCB)->runs && pc != 0 && sp % 16 == 0);
    CHECK(x0 == 0 && x1 < BH_CORES_MAX && x2 == 0 && tpidr == 0);
    return result(BH_OK);
}

struct bh_result bh_tcb_read_registers(bh_cptr tcb, uint64_t first)
{
    CHECK(!model_slot(tcb, BH_TYPE_TCB)->runs && first <= 31);
    return result(BH_OK);
}

struct bh_result bh_tcb_resume(bh_cptr tcb)
{
    model_slot(tcb, BH_TYPE_TCB)->runs = true;
    return result(BH_OK);
}

struct bh_result bh_tcb_suspend(bh_cptr tcb)
{
    model_slot(tcb, BH_TYPE_TCB)->runs = false;
    return result(BH_OK);
}

bool model_runs(bh_cptr tcb)
{
    return model_slot(tcb, BH_TYPE_TCB)->runs;
}

struct bh_result bh_tcb_bind_notification(bh_cptr tcb, bh_cptr notification)
{
    (void)model_slot(tcb, BH_TYPE_TCB);
    (void)model_slot(notification, BH_TYPE_NOTIFICATION);
    return result(fails() ? BH_ERROR_BUSY : BH_OK);
}

struct bh_result bh_tcb_set_flags(bh_cptr tcb, uint64_t flags)
{
    CHECK(model_slot(tcb, BH_TYPE_TCB) != NULL && flags <= BH_TCB_FP);
    return result(fails() ? BH_ERROR_INVALID_ARGUMENT : BH_OK);
}

struct bh_result bh_tcb_set_affinity(bh_cptr tcb, uint64_t core)
{
    CHECK(core < MODEL_CORES);
    CHECK(!model_slot(tcb, BH_TYPE_TCB)->runs);
    if (fails()) {
        return result(BH_ERROR_BUSY);
    }
    model_slot(tcb, BH_TYPE_TCB)->core = core;
    return result(BH_OK);
}

uint64_t model_core(bh_cptr tcb)
{
    return model_slot(tcb, BH_TYPE_TCB)->core;
}

struct bh_result bh_sched_context_bind(bh_cptr sched_context, bh_cptr tcb)
{
    (void)model_slot(sched_context, BH_TYPE_SCHED_CONTEXT);
    (void)model_slot(tcb, BH_TYPE_TCB);
    return result(fails() ? BH_ERROR_BUSY : BH_OK);
}

struct bh_result bh_sched_context_consumed(bh_cptr sched_context)
{
    (void)model_slot(sched_context, BH_TYPE_SCHED_CONTEXT);
    return (struct bh_result){.value = {1000}};
}

struct bh_result bh_sched_control_configure(bh_cptr control, bh_cptr sched_context, uint64_t budget,
                                            uint64_t period)
{
    /* Relays of root's: nobody handles their timeouts. */
    return bh_sched_control_configure_in(control, sched_context, budget, period, UINT64_MAX, 0);
}

struct bh_result bh_sched_control_configure_in(bh_cptr control, bh_cptr sched_context,
                                               uint64_t budget, uint64_t period, uint64_t badge,
                                               uint64_t partition)
{
    (void)model_slot(control, BH_TYPE_SCHED_CONTROL);
    (void)model_slot(sched_context, BH_TYPE_SCHED_CONTEXT);
    CHECK(budget > 0 && budget <= period && badge != 0 && partition < BH_PARTITIONS);
    return result(fails() ? BH_ERROR_INVALID_ARGUMENT : BH_OK);
}

static uint64_t windows_set, windows_running;

struct bh_result bh_sched_control_set_window(bh_cptr control, uint64_t index, uint64_t partition,
                                             uint64_t length)
{
    (void)model_slot(control, BH_TYPE_SCHED_CONTROL);
    CHECK(index <= windows_set && index < BH_SCHEDULE_WINDOWS && partition < BH_PARTITIONS &&
          length > 0);
    windows_set += index == windows_set;
    return result(BH_OK);
}

struct bh_result bh_sched_control_start_schedule(bh_cptr control)
{
    (void)model_slot(control, BH_TYPE_SCHED_CONTROL);
    windows_running = windows_set;
    windows_set = 0;
    return result(BH_OK);
}

uint64_t model_windows_running(void)
{
    return windows_running;
}

struct bh_result bh_vcpu_configure(bh_cptr vcpu, bh_cptr tcb, bh_cptr guest_space, bh_cptr frame)
{
    (void)model_slot(vcpu, BH_TYPE_VCPU);
    (void)model_slot(tcb, BH_TYPE_TCB);
    (void)model_slot(guest_space, BH_TYPE_GUEST_SPACE);
    CHECK(model_slot(frame, BH_TYPE_FRAME)->mapped);
    return result(fails() ? BH_ERROR_BUSY : BH_OK);
}

uint64_t bh_signal(bh_cptr notification)
{
    CHECK((model_slot(notification, BH_TYPE_NOTIFICATION)->rights & BH_RIGHT_WRITE) != 0);
    return BH_OK;
}

/* The machine of the model has no devices. */
struct bh_result bh_io_control_bind(bh_cptr control, bh_cptr io_space, uint64_t stream)
{
    (void)control, (void)io_space, (void)stream;
    return result(BH_ERROR_UNSUPPORTED);
}

struct bh_result bh_irq_control_get_msi(bh_cptr control, uint64_t device, uint64_t event,
                                        bh_cptr dest, uint64_t index)
{
    (void)control, (void)device, (void)event, (void)dest, (void)index;
    return result(BH_ERROR_UNSUPPORTED);
}

struct bh_result bh_irq_control_get(bh_cptr control, uint64_t intid, uint64_t edge, bh_cptr dest,
                                    uint64_t index)
{
    (void)control, (void)intid, (void)edge, (void)dest, (void)index;
    return result(BH_ERROR_RANGE);
}

struct bh_result bh_irq_handler_bind(bh_cptr handler, bh_cptr notification)
{
    (void)handler, (void)notification;
    return result(BH_ERROR_INVALID_CAPABILITY);
}

uint8_t *model_start(struct bh_boot_info *info, unsigned ram_bits)
{
    ram_size = UINT64_C(1) << ram_bits;
    ram_file = memfd_create("ram", 0);
    size_t whole = ram_size + MODEL_BUNDLE_SIZE;
    CHECK(ram_file >= 0 && ftruncate(ram_file, (off_t)whole) == 0);
    ram = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, ram_file, 0);
    CHECK(ram != MAP_FAILED);
    model_slots_start();
    *info = (struct bh_boot_info){.magic = BH_BOOT_INFO_MAGIC,
                                  .timer_frequency = 62500000,
                                  .memory_size = ram_size,
                                  .cnode_radix = MODEL_ROOT_RADIX,
                                  .first_free_slot = BH_ROOT_SLOT_FIRST_FREE + 2 + BUNDLE_PAGES,
                                  .bundle_address = (uintptr_t)(ram + ram_size),
                                  .bundle_slot = BH_ROOT_SLOT_FIRST_FREE + 1,
                                  .bundle_frame_count = BUNDLE_PAGES,
                                   .core_count = MODEL_CORES,
                                   .trace_slot = BH_ROOT_SLOT_FIRST_FREE + 1 + BUNDLE_PAGES,
                                   .trace_ring_count = 1,
                                  .untyped_count = 1};
    info->untyped[0] = (struct bh_boot_untyped){
        .address = RAM, .slot = BH_ROOT_SLOT_FIRST_FREE, .size_bits = (uint8_t)ram_bits};
    *model_slot_empty(BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_FIRST_FREE) = (struct model_slot){
        .type = BH_TYPE_UNTYPED, .rights = BH_RIGHTS_ALL, .size_bits = ram_bits, .object = RAM};
    model_slot_insert(model_slot_at(BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_FIRST_FREE), NULL);
    for (uint32_t i = 0; i < BUNDLE_PAGES; i++) {
        struct model_slot *slot = model_slot_empty(BH_ROOT_SLOT_CNODE, info->bundle_slot + i);
        *slot = (struct model_slot){.type = BH_TYPE_FRAME,
                                    .rights = BH_RIGHTS_ALL,
                                    .size_bits = BH_PAGE_BITS,
                                    .object = RAM + ram_size + ((uint64_t)i << BH_PAGE_BITS)};
        model_slot_insert(slot, NULL);
    }
    /* The ring of the trace may be read; nobody does here. */
    struct model_slot *ring = model_slot_empty(BH_ROOT_SLOT_CNODE, info->trace_slot);
    *ring = (struct model_slot){.type = BH_TYPE_FRAME,
                                .rights = BH_RIGHT_READ,
                                .size_bits = BH_TRACE_RING_BITS,
                                .object = RAM - (UINT64_C(1) << BH_TRACE_RING_BITS)};
    model_slot_insert(ring, NULL);
    return ram + ram_size;
}
