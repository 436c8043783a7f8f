/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel hands to root: boot_info.h. */
#include "harness.h"

static uint64_t page_up(uint64_t size)
{
    return (size + BH_PAGE_SIZE - 1) & ~(BH_PAGE_SIZE - 1);
}

static void boot_timer_frequency_is_the_counters(void)
{
    uint64_t frequency;
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    CHECK_EQUAL(boot_info->timer_frequency, frequency);
    CHECK(frequency >= 1000000);
}

static void boot_counter_runs(void)
{
    uint64_t before = ticks_now();
    for (int i = 0; i < 1000; i++) {
        __asm__ volatile("" ::: "memory");
    }
    CHECK(ticks_now() > before);
}

static void boot_memory_size_is_plausible(void)
{
    CHECK(boot_info->memory_size >= UINT64_C(128) << 20);
    CHECK(boot_info->kernel_size > 0);
    CHECK(boot_info->kernel_size < UINT64_C(32) << 20);
}

static void boot_untypeds_are_what_they_say(void)
{
    CHECK(boot_info->untyped_count > 0);
    CHECK(boot_info->untyped_count <= BH_BOOT_INFO_UNTYPED_MAX);
    for (uint32_t i = 0; i < boot_info->untyped_count; i++) {
        const struct bh_boot_untyped *untyped = &boot_info->untyped[i];
        struct bh_result slot = CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, untyped->slot));
        CHECK_EQUAL(slot.value[0], untyped->device ? BH_TYPE_DEVICE_UNTYPED : BH_TYPE_UNTYPED);
        CHECK_EQUAL(slot.value[2], untyped->size_bits);
        CHECK_EQUAL(slot.value[3], untyped->address);
        CHECK_EQUAL(untyped->address & ((UINT64_C(1) << untyped->size_bits) - 1), 0);
        CHECK(untyped->slot >= BH_ROOT_SLOT_FIRST_FREE && untyped->slot < boot_info->first_free_slot);
    }
}

static void boot_untypeds_do_not_overlap(void)
{
    for (uint32_t i = 0; i < boot_info->untyped_count; i++) {
        const struct bh_boot_untyped *a = &boot_info->untyped[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct bh_boot_untyped *b = &boot_info->untyped[j];
            bool apart = a->address + (UINT64_C(1) << a->size_bits) <= b->address ||
                         b->address + (UINT64_C(1) << b->size_bits) <= a->address;
            CHECK(apart);
            CHECK(a->slot != b->slot);
        }
    }
}

/* Nothing of the memory is lost between kernel, bundle and root's Untypeds. */
static void boot_untypeds_cover_memory(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < boot_info->untyped_count; i++) {
        if (!boot_info->untyped[i].device) {
            sum += UINT64_C(1) << boot_info->untyped[i].size_bits;
        }
    }
    uint64_t kept = boot_info->kernel_size + page_up(boot_info->bundle_size) + page_up(boot_info->device_tree_size);
    CHECK(sum <= boot_info->memory_size - boot_info->kernel_size);
    CHECK(sum + kept + (UINT64_C(4) << 20) >= boot_info->memory_size);
}

/* The kernel's own devices are nobody else's: the addresses are those of QEMU's virt machine. */
static void boot_device_untypeds_leave_out_kernel_devices(void)
{
    CHECK(find_device_untyped(0x08000000, BH_PAGE_SIZE) == NULL); /* GIC distributor */
    CHECK(find_device_untyped(0x080a0000, BH_PAGE_SIZE) == NULL); /* GIC redistributor */
    CHECK(find_device_untyped(0x080b0000, BH_PAGE_SIZE) == NULL); /* its SGI frame */
    if (type_of(BH_ROOT_SLOT_MSI_DOORBELL) != BH_TYPE_NULL) {
        CHECK(find_device_untyped(0x08080000, BH_PAGE_SIZE) == NULL); /* ITS */
        CHECK(find_device_untyped(0x08090000, BH_PAGE_SIZE) == NULL); /* its doorbell */
    }
    if (boot_info->has_smmu) {
        CHECK(find_device_untyped(0x09050000, BH_PAGE_SIZE) == NULL);
        CHECK(find_device_untyped(0x09060000, BH_PAGE_SIZE) == NULL);
    }
}

static void boot_device_untypeds_have_the_machines_devices(void)
{
    CHECK(find_device_untyped(0x09010000, BH_PAGE_SIZE) != NULL); /* PL031 */
    CHECK(find_device_untyped(0x09000000, BH_PAGE_SIZE) != NULL); /* PL011 */
    CHECK(find_device_untyped(0x10000000, BH_PAGE_SIZE) != NULL); /* PCI memory window */
}

static void boot_device_untypeds_hold_no_memory(void)
{
    for (uint32_t i = 0; i < boot_info->untyped_count; i++) {
        const struct bh_boot_untyped *untyped = &boot_info->untyped[i];
        if (!untyped->device) {
            CHECK(find_device_untyped(untyped->address, BH_PAGE_SIZE) == NULL);
        }
    }
}

static void boot_slots_hold_what_they_name(void)
{
    static const struct {
        bh_cptr slot;
        uint64_t type;
    } expected[] = {
        {BH_ROOT_SLOT_NULL, BH_TYPE_NULL},
        {BH_ROOT_SLOT_CNODE, BH_TYPE_CNODE},
        {BH_ROOT_SLOT_VSPACE, BH_TYPE_VSPACE},
        {BH_ROOT_SLOT_TCB, BH_TYPE_TCB},
        {BH_ROOT_SLOT_SCHED_CONTEXT, BH_TYPE_SCHED_CONTEXT},
        {BH_ROOT_SLOT_IPC_BUFFER, BH_TYPE_FRAME},
        {BH_ROOT_SLOT_BOOT_INFO, BH_TYPE_FRAME},
        {BH_ROOT_SLOT_IRQ_CONTROL, BH_TYPE_IRQ_CONTROL},
        {BH_ROOT_SLOT_SCHED_CONTROL, BH_TYPE_SCHED_CONTROL},
        {BH_ROOT_SLOT_IO_CONTROL, BH_TYPE_IO_CONTROL},
        {BH_ROOT_SLOT_MACHINE, BH_TYPE_MACHINE},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        CHECK_EQUAL(type_of(expected[i].slot), expected[i].type);
    }
    for (bh_cptr slot = BH_ROOT_SLOT_MSI_DOORBELL + 1; slot < BH_ROOT_SLOT_FIRST_FREE; slot++) {
        CHECK_EQUAL(type_of(slot), BH_TYPE_NULL);
    }
}

static void boot_cnode_radix_is_told(void)
{
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_CNODE)).value[2], boot_info->cnode_radix);
    CHECK_ERROR(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, UINT64_C(1) << boot_info->cnode_radix), BH_ERROR_RANGE, 1);
    CHECK((UINT64_C(1) << boot_info->cnode_radix) - boot_info->first_free_slot >= 2048);
}

static void boot_free_slots_are_empty(void)
{
    /* The supervisor of the tests has taken the first few. */
    uint64_t end = UINT64_C(1) << boot_info->cnode_radix;
    for (bh_cptr slot = boot_info->first_free_slot + 16; slot < end; slot += slot < 512 ? 1 : 37) {
        CHECK_EQUAL(type_of(slot), BH_TYPE_NULL);
    }
    CHECK_EQUAL(type_of(end - 1), BH_TYPE_NULL);
}

static void boot_bundle_is_mapped_whole(void)
{
    CHECK(boot_info->bundle_address >= BH_ROOT_BUNDLE);
    CHECK(boot_info->bundle_size > 110);
    const char *archive = (const char *)boot_info->bundle_address;
    static const char magic[] = "070701";
    for (size_t i = 0; i < 6; i++) {
        CHECK_EQUAL(archive[i], magic[i]);
        CHECK_EQUAL(archive[110], 'r'); /* the first entry is "root" */
    }
    /* The last page is there too: an archive ends with zeroes. */
    CHECK_EQUAL(archive[boot_info->bundle_size - 1], 0);
}

static void boot_bundle_frames_are_root_s(void)
{
    uint64_t offset = boot_info->bundle_address & (BH_PAGE_SIZE - 1);
    CHECK_EQUAL(boot_info->bundle_frame_count, page_up(offset + boot_info->bundle_size) / BH_PAGE_SIZE);
    uint64_t first = CHECK_OK(bh_frame_address(boot_info->bundle_slot)).value[0];
    for (uint32_t i = 0; i < boot_info->bundle_frame_count; i++) {
        struct bh_result frame = CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, boot_info->bundle_slot + i));
        CHECK_EQUAL(frame.value[0], BH_TYPE_FRAME);
        CHECK_EQUAL(frame.value[2], BH_PAGE_BITS);
        CHECK_EQUAL(frame.value[3], first + i * BH_PAGE_SIZE);
    }
}

/* A domain gets its text by a copy of the bundle's Frame: it shows the same bytes. */
static void boot_bundle_frame_copy_can_be_mapped(void)
{
    bh_cptr copy = new_copy(boot_info->bundle_slot, BH_RIGHTS_ALL);
    const char *page = map_frame(copy, BH_RIGHT_READ);
    const char *archive = (const char *)boot_info->bundle_address;
    uint64_t offset = boot_info->bundle_address & (BH_PAGE_SIZE - 1);
    for (uint64_t i = 0; i < BH_PAGE_SIZE - offset && i < boot_info->bundle_size; i++) {
        CHECK_EQUAL(page[offset + i], archive[i]);
    }
}

static void boot_device_tree_is_one(void)
{
    const uint8_t *tree = (const uint8_t *)boot_info->device_tree_address;
    CHECK(boot_info->device_tree_address >= BH_ROOT_DEVICE_TREE);
    uint32_t magic = (uint32_t)tree[0] << 24 | (uint32_t)tree[1] << 16 | (uint32_t)tree[2] << 8 | tree[3];
    uint32_t size = (uint32_t)tree[4] << 24 | (uint32_t)tree[5] << 16 | (uint32_t)tree[6] << 8 | tree[7];
    CHECK_EQUAL(magic, 0xd00dfeed);
    CHECK(size <= boot_info->device_tree_size);
    volatile uint8_t last = tree[boot_info->device_tree_size - 1];
    (void)last;
}

static void boot_ipc_buffer_is_writable(void)
{
    struct bh_ipc_buffer *buffer = (struct bh_ipc_buffer *)BH_ROOT_IPC_BUFFER;
    buffer->words[63] = 0x1234;
    CHECK_EQUAL(buffer->words[63], 0x1234);
}

static void boot_stack_is_as_large_as_told(void)
{
    uint64_t sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    CHECK(sp > BH_ROOT_STACK && sp <= BH_ROOT_STACK + BH_ROOT_STACK_SIZE);
    volatile uint64_t *lowest = (volatile uint64_t *)BH_ROOT_STACK;
    *lowest = 1;
    CHECK_EQUAL(*lowest, 1);
}

static void boot_core_count_is_told(void)
{
    CHECK(boot_info->core_count >= 1);
    CHECK(boot_info->has_smmu <= 1);
}

TEST_GROUP(boot, true, TEST_CASE(boot_timer_frequency_is_the_counters), TEST_CASE(boot_counter_runs),
           TEST_CASE(boot_memory_size_is_plausible), TEST_CASE(boot_slots_hold_what_they_name),
           TEST_CASE(boot_cnode_radix_is_told), TEST_CASE(boot_free_slots_are_empty),
           TEST_CASE(boot_untypeds_are_what_they_say), TEST_CASE(boot_untypeds_do_not_overlap),
           TEST_CASE(boot_untypeds_cover_memory), TEST_CASE(boot_device_untypeds_leave_out_kernel_devices),
           TEST_CASE(boot_device_untypeds_have_the_machines_devices), TEST_CASE(boot_device_untypeds_hold_no_memory),
           TEST_CASE(boot_bundle_is_mapped_whole), TEST_CASE(boot_bundle_frames_are_root_s),
           TEST_CASE(boot_bundle_frame_copy_can_be_mapped), TEST_CASE(boot_device_tree_is_one),
           TEST_CASE(boot_ipc_buffer_is_writable), TEST_CASE(boot_stack_is_as_large_as_told),
           TEST_CASE(boot_core_count_is_told));
