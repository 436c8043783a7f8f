/* SPDX-License-Identifier: BSD-2-Clause */
/* IOSpaces: what a DMA master reaches, with QEMU's edu device as the master. */
#include "edu.h"

#define ALL BH_RIGHTS_ALL
#define R BH_RIGHT_READ
#define W BH_RIGHT_WRITE
#define CONTROL BH_ROOT_SLOT_IO_CONTROL

#define PLACE UINT64_C(0x100000) /* I/O virtual address */

/* SMMUv3 7.3 */
#define F_TRANSLATION 0x10
#define F_PERMISSION 0x13

#define SPARE_STREAM 0xf8 /* no device is there */

static struct edu edu;
static bh_cptr space;

static bh_cptr new_io_space(void)
{
    bh_cptr cap = new_object(BH_TYPE_IO_SPACE);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), cap, PLACE));
    }
    return cap;
}

/* A page that the device has at `address`; returned as this thread sees it. */
static volatile uint64_t *share(bh_cptr *frame, uint64_t address, uint64_t rights)
{
    *frame = new_frame();
    volatile uint64_t *words = map_frame(new_copy(*frame, ALL), R | W);
    CHECK_OK(bh_frame_map(*frame, space, address, rights, 0));
    return words;
}

static void setup(void)
{
    edu = edu_open();
    space = new_io_space();
    CHECK_OK(bh_io_control_bind(CONTROL, space, edu.stream));
}

static struct bh_result faults(void)
{
    return CHECK_OK(bh_io_space_fault(space));
}

static void there_is_an_smmu(void)
{
    CHECK_EQUAL(boot_info->has_smmu, 1);
}

static void io_bind_checks_its_arguments(void)
{
    space = new_object(BH_TYPE_IO_SPACE);
    CHECK_ERROR(bh_io_control_bind(CONTROL, 0, SPARE_STREAM), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_io_control_bind(CONTROL, BH_ROOT_SLOT_VSPACE, SPARE_STREAM), BH_ERROR_INVALID_CAPABILITY, 1);
    CHECK_ERROR(bh_io_control_bind(CONTROL, space, 0x10000), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_io_control_bind(CONTROL, space, UINT64_C(1) << 32 | SPARE_STREAM), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_io_control_bind(CONTROL, space, UINT64_MAX), BH_ERROR_RANGE, 2);
    CHECK_ERROR(bh_io_control_bind(space, space, SPARE_STREAM), BH_ERROR_ILLEGAL_OPERATION, 0);
    CHECK_OK(bh_io_control_bind(CONTROL, space, SPARE_STREAM));
}

static void a_stream_has_one_space_and_a_space_one_stream(void)
{
    space = new_object(BH_TYPE_IO_SPACE);
    bh_cptr other = new_object(BH_TYPE_IO_SPACE);
    CHECK_OK(bh_io_control_bind(CONTROL, space, SPARE_STREAM));
    CHECK_ERROR(bh_io_control_bind(CONTROL, space, SPARE_STREAM + 1), BH_ERROR_BUSY, 1);
    CHECK_ERROR(bh_io_control_bind(CONTROL, other, SPARE_STREAM), BH_ERROR_BUSY, 2);
    delete_cap(space);
    CHECK_OK(bh_io_control_bind(CONTROL, other, SPARE_STREAM));
    space = other;
    CHECK_EQUAL(faults().value[0], 0);
}

/* A device that nobody was given does nothing, from the first moment: this is the first DMA of all. */
static void without_a_space_there_is_no_dma(void)
{
    edu = edu_open();
    bh_cptr frame = new_frame();
    volatile uint64_t *page = map_frame(new_copy(frame, ALL), R | W);
    page[0] = 0x7777;
    uint64_t address = CHECK_OK(bh_frame_address(frame)).value[0];
    edu_read(&edu, address, 8);
    edu_write(&edu, address + 8, 8);
    edu_write(&edu, address, 8);
    CHECK_EQUAL(page[0], 0x7777);
    CHECK_EQUAL(page[1], 0);
}

static void dma_reaches_what_is_mapped(void)
{
    setup();
    bh_cptr source_frame, target_frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    volatile uint64_t *target = share(&target_frame, PLACE + 0x7000, R | W);
    for (uint64_t i = 0; i < 256; i++) {
        source[i] = i * UINT64_C(0x100010001);
    }
    edu_read(&edu, PLACE, 2048);
    edu_write(&edu, PLACE + 0x7000, 2048);
    for (uint64_t i = 0; i < 256; i++) {
        CHECK_EQUAL(target[i], i * UINT64_C(0x100010001));
    }
    CHECK_EQUAL(faults().value[0], 0);
}

static void dma_beside_the_mapping_is_stopped_and_told(void)
{
    setup();
    bh_cptr frame;
    volatile uint64_t *page = share(&frame, PLACE, R | W);
    page[0] = 0x4444;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x3128, 4);
    struct bh_result fault = faults();
    CHECK(fault.value[0] >= 1);
    CHECK_EQUAL(fault.value[1], F_TRANSLATION);
    CHECK_EQUAL(fault.value[2], PLACE + 0x3128);
    uint64_t before = fault.value[0];
    edu_read(&edu, 0x40, 4);
    fault = faults();
    CHECK(fault.value[0] > before);
    CHECK_EQUAL(fault.value[2], 0x40);
}

/* The physical address of a page means nothing to a device. */
static void dma_does_not_reach_physical_memory(void)
{
    setup();
    bh_cptr frame;
    volatile uint64_t *own = share(&frame, PLACE, R);
    own[0] = 0x6666;
    edu_read(&edu, PLACE, 8);
    volatile uint64_t *victim;
    bh_cptr victim_frame = new_frame();
    victim = map_frame(new_copy(victim_frame, ALL), R | W);
    victim[0] = 0x1111;
    uint64_t address = CHECK_OK(bh_frame_address(victim_frame)).value[0];
    edu_write(&edu, address, 8);
    CHECK_EQUAL(victim[0], 0x1111);
    CHECK(faults().value[0] >= 1);
}

static void dma_writes_need_write(void)
{
    setup();
    bh_cptr source_frame, frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    source[0] = 0x5555;
    volatile uint64_t *target = share(&frame, PLACE + 0x1000, R);
    target[0] = 0x2222;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x1000, 4);
    CHECK_EQUAL(target[0], 0x2222);
    struct bh_result fault = faults();
    CHECK(fault.value[0] >= 1);
    CHECK_EQUAL(fault.value[1], F_PERMISSION);
    CHECK_EQUAL(fault.value[2], PLACE + 0x1000);
}

/* The translation that the SMMU remembers goes with the mapping. */
static void unmapping_stops_dma(void)
{
    setup();
    bh_cptr source_frame, frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    volatile uint64_t *target = share(&frame, PLACE + 0x1000, R | W);
    source[0] = 1;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 1);
    CHECK_OK(bh_frame_unmap(frame));
    source[0] = 2;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 1);
    CHECK(faults().value[0] >= 1);
    CHECK_OK(bh_frame_map(frame, space, PLACE + 0x1000, R | W, 0));
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 2);
}

static void deleting_the_frame_stops_dma(void)
{
    setup();
    bh_cptr source_frame, frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    volatile uint64_t *target = share(&frame, PLACE + 0x1000, R | W);
    source[0] = 3;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 3);
    delete_cap(frame);
    target[0] = 0;
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 0);
}

static void deleting_the_space_stops_dma(void)
{
    setup();
    bh_cptr source_frame, frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    volatile uint64_t *target = share(&frame, PLACE + 0x1000, R | W);
    source[0] = 4;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 4);
    delete_cap(space);
    target[0] = 0;
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 0);
}

static void large_pages_serve_devices(void)
{
    setup();
    bh_cptr large = new_sized(BH_TYPE_FRAME, BH_LARGE_PAGE_BITS);
    CHECK_OK(bh_frame_map(new_copy(large, ALL), BH_ROOT_SLOT_VSPACE, WINDOW_LARGE, R | W, 0));
    CHECK_OK(bh_frame_map(large, space, 0x200000, R | W, 0));
    *(volatile uint64_t *)(WINDOW_LARGE + 0x1ff000) = 0x8888;
    edu_read(&edu, 0x3ff000, 8);
    edu_write(&edu, 0x201008, 8);
    CHECK_EQUAL(*(volatile uint64_t *)(WINDOW_LARGE + 0x1008), 0x8888);
    CHECK_OK(bh_frame_unmap(large));
    edu_write(&edu, 0x201010, 8);
    CHECK_EQUAL(*(volatile uint64_t *)(WINDOW_LARGE + 0x1010), 0);
}

/* Two spaces, one after the other: the second does not inherit what the SMMU remembers of the first. */
static void a_new_space_starts_empty(void)
{
    setup();
    bh_cptr source_frame, frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    volatile uint64_t *target = share(&frame, PLACE + 0x1000, R | W);
    source[0] = 5;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 5);
    delete_cap(space);
    space = new_io_space();
    CHECK_OK(bh_io_control_bind(CONTROL, space, edu.stream));
    target[0] = 0;
    edu_write(&edu, PLACE + 0x1000, 4);
    CHECK_EQUAL(target[0], 0);
    struct bh_result fault = faults();
    CHECK(fault.value[0] >= 1);
    CHECK_EQUAL(fault.value[2], PLACE + 0x1000);
}

/* A device that faults without end keeps being stopped, but no longer keeps the kernel busy; others go on. */
static void endless_faults_are_counted_up_to_a_limit(void)
{
    setup();
    bh_cptr source_frame, frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    volatile uint64_t *target = share(&frame, PLACE + 0x1000, R | W);
    uint64_t count = 0;
    for (int i = 0; i < 50 && count < 4096; i++) { /* an event queue full at a time */
        edu_write(&edu, PLACE + 0x100000, 2048);
        count = faults().value[0];
    }
    CHECK_EQUAL(count, 4096);
    edu_write(&edu, PLACE + 0x100000, 2048);
    CHECK_EQUAL(faults().value[0], 4096);
    source[0] = 0x99;
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x1000, 8);
    CHECK_EQUAL(target[0], 0x99);
}

static void removing_a_table_stops_dma(void)
{
    setup();
    bh_cptr source_frame, frame;
    volatile uint64_t *source = share(&source_frame, PLACE, R);
    source[0] = 7;
    bh_cptr table = new_object(BH_TYPE_PAGE_TABLE);
    CHECK_OK(bh_page_table_map(table, space, PLACE + 0x200000));
    volatile uint64_t *target = share(&frame, PLACE + 0x200000, R | W);
    edu_read(&edu, PLACE, 8);
    edu_write(&edu, PLACE + 0x200000, 8);
    CHECK_EQUAL(target[0], 7);
    CHECK_OK(bh_page_table_unmap(table));
    target[0] = 0;
    edu_write(&edu, PLACE + 0x200000, 8);
    CHECK_EQUAL(target[0], 0);
}

TEST_GROUP(io_space, false, TEST_CASE(there_is_an_smmu), TEST_CASE(without_a_space_there_is_no_dma), TEST_CASE(io_bind_checks_its_arguments),
           TEST_CASE(a_stream_has_one_space_and_a_space_one_stream), TEST_CASE(dma_reaches_what_is_mapped),
           TEST_CASE(dma_beside_the_mapping_is_stopped_and_told), TEST_CASE(dma_does_not_reach_physical_memory),
           TEST_CASE(dma_writes_need_write), TEST_CASE(unmapping_stops_dma), TEST_CASE(deleting_the_frame_stops_dma),
           TEST_CASE(deleting_the_space_stops_dma),
           TEST_CASE(large_pages_serve_devices), TEST_CASE(a_new_space_starts_empty),
           TEST_CASE(endless_faults_are_counted_up_to_a_limit),
           TEST_CASE(removing_a_table_stops_dma));
