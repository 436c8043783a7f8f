/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads in another address space: they see what is mapped there, nothing else. */
#include "harness.h"

#include "vspace_program.h"

#define CNODE BH_ROOT_SLOT_CNODE
#define ALL BH_RIGHTS_ALL
#define R BH_RIGHT_READ
#define W BH_RIGHT_WRITE
#define X BH_RIGHT_GRANT

static const uint64_t none[BH_MESSAGE_REGISTERS];

/* A thread of a second address space: code at VSPACE_CODE, a page of data at VSPACE_DATA. */
struct foreign {
    bh_cptr space, tcb, data_frame, endpoint, reply, code_frame;
    volatile uint64_t *data; /* as this space sees it */
};

static struct foreign make_foreign(void)
{
    struct foreign foreign = {.space = new_object(BH_TYPE_VSPACE),
                              .tcb = new_object(BH_TYPE_TCB),
                              .data_frame = new_frame(),
                              .code_frame = new_frame(),
                              .endpoint = new_object(BH_TYPE_ENDPOINT),
                              .reply = new_object(BH_TYPE_REPLY)};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(bh_page_table_map(new_object(BH_TYPE_PAGE_TABLE), foreign.space, VSPACE_CODE));
    }
    uint8_t *code = map_frame(foreign.code_frame, R | W);
    memcpy(code, vspace_program, vspace_program_size);
    CHECK_OK(bh_frame_unmap(foreign.code_frame));
    CHECK_OK(bh_frame_map(foreign.code_frame, foreign.space, VSPACE_CODE, R | X, 0));
    foreign.data = map_frame(new_copy(foreign.data_frame, ALL), R | W);
    CHECK_OK(bh_frame_map(foreign.data_frame, foreign.space, VSPACE_DATA, R | W, 0));
    CHECK_OK(bh_tcb_configure(foreign.tcb, CNODE, foreign.space, foreign.endpoint, 0));
    CHECK_OK(bh_tcb_set_priority(foreign.tcb, PRIORITY_LOW, 0));
    bh_cptr context = new_object(BH_TYPE_SCHED_CONTEXT);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, context, ticks_from_us(1000), ticks_from_us(1000)));
    CHECK_OK(bh_sched_context_bind(context, foreign.tcb));
    return foreign;
}

/* Starts one of the program's entries with an argument. */
static void aim(const struct foreign *foreign, uint64_t entry, uint64_t argument)
{
    CHECK_OK(bh_tcb_write_registers(foreign->tcb, VSPACE_CODE + entry, 0, argument, foreign->endpoint, VSPACE_DATA, 0));
}

static void a_thread_runs_in_its_own_space(void)
{
    struct foreign foreign = make_foreign();
    foreign.data[0] = 41;
    aim(&foreign, vspace_increment, 0);
    CHECK_OK(bh_tcb_resume(foreign.tcb));
    struct bh_message message = bh_recv(foreign.endpoint, foreign.reply);
    CHECK_EQUAL(message.info & BH_INFO_FAULT, 0);
    CHECK_EQUAL(message.word[0], 42);
    CHECK_EQUAL(foreign.data[0], 42);
}

static void it_does_not_see_other_spaces(void)
{
    struct foreign foreign = make_foreign();
    uint64_t here = (uint64_t)map_new_frame();
    const uint64_t addresses[] = {here, BH_ROOT_BOOT_INFO, BH_ROOT_STACK, UINT64_C(0x200000), VSPACE_DATA + 0x1000, 0};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        CHECK_OK(bh_tcb_suspend(foreign.tcb));
        aim(&foreign, vspace_read, addresses[i]);
        CHECK_OK(bh_tcb_resume(foreign.tcb));
        struct bh_message message = bh_recv(foreign.endpoint, foreign.reply);
        CHECK(message.info & BH_INFO_FAULT);
        CHECK_EQUAL(message.word[1], addresses[i]);
    }
}

/* The same address in two spaces is two pages, however often the processor switches. */
static void the_same_address_is_different_memory(void)
{
    struct foreign a = make_foreign();
    struct foreign b = make_foreign();
    a.data[0] = 1000;
    b.data[0] = 2000;
    aim(&a, vspace_loop, 0);
    aim(&b, vspace_loop, 0);
    CHECK_OK(bh_tcb_resume(a.tcb));
    CHECK_OK(bh_tcb_resume(b.tcb));
    uint64_t last_a = 0, last_b = 0;
    for (int i = 0; i < 10; i++) {
        sleep_us(2500);
        CHECK(a.data[1] > last_a && b.data[1] > last_b);
        last_a = a.data[1];
        last_b = b.data[1];
        CHECK_EQUAL(a.data[0], 1000);
        CHECK_EQUAL(b.data[0], 2000);
        CHECK_EQUAL(a.data[2], 0); /* the loop's count of foreign values */
        CHECK_EQUAL(b.data[2], 0);
    }
}

static void unmapping_reaches_a_thread_that_runs(void)
{
    struct foreign foreign = make_foreign();
    aim(&foreign, vspace_loop, 0);
    CHECK_OK(bh_tcb_resume(foreign.tcb));
    sleep_us(3000);
    CHECK(foreign.data[1] > 0);
    CHECK_OK(bh_frame_unmap(foreign.data_frame));
    struct bh_message message = bh_recv(foreign.endpoint, foreign.reply);
    CHECK(message.info & BH_INFO_FAULT);
    CHECK_EQUAL(bh_info_label(message.info & ~BH_INFO_FAULT), BH_FAULT_VM);
    uint64_t seen = foreign.data[1];
    CHECK_OK(bh_frame_map(foreign.data_frame, foreign.space, VSPACE_DATA, R | W, 0));
    CHECK_EQUAL(bh_send(foreign.reply, bh_info(0, 0), none), BH_OK);
    sleep_us(3000);
    CHECK(foreign.data[1] > seen);
}

static void deleting_its_code_stops_a_thread(void)
{
    struct foreign foreign = make_foreign();
    aim(&foreign, vspace_loop, 0);
    CHECK_OK(bh_tcb_resume(foreign.tcb));
    sleep_us(3000);
    delete_cap(foreign.code_frame);
    struct bh_message message = bh_recv(foreign.endpoint, foreign.reply);
    CHECK(message.info & BH_INFO_FAULT);
    CHECK_EQUAL(message.word[2] >> 26, 0x20);
}

/* A thread keeps its space until it is gone; when the memory of the space goes, the thread has nothing to run on. */
static void a_thread_whose_space_is_revoked_does_not_run(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, BH_VSPACE_BITS);
    struct foreign foreign = make_foreign();
    bh_cptr space = new_from(untyped, BH_TYPE_VSPACE, 0);
    CHECK_OK(bh_tcb_configure(foreign.tcb, CNODE, space, foreign.endpoint, 0));
    aim(&foreign, vspace_loop, 0);
    revoke_cap(untyped);
    struct bh_result resumed = bh_tcb_resume(foreign.tcb);
    if (resumed.error == BH_OK) {
        struct bh_message message = bh_recv(foreign.endpoint, foreign.reply);
        CHECK(message.info & BH_INFO_FAULT);
    } else {
        CHECK_EQUAL(resumed.error, BH_ERROR_ILLEGAL_OPERATION);
    }
    CHECK_EQUAL(foreign.data[1], 0);
}

static void revoking_the_space_of_a_running_thread_stops_it(void)
{
    bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 16);
    bh_cptr saved = test_untyped;
    test_untyped = untyped;
    struct foreign foreign = make_foreign();
    test_untyped = saved;
    bh_cptr tcb_copy = new_copy(foreign.tcb, ALL);
    (void)tcb_copy;
    aim(&foreign, vspace_loop, 0);
    CHECK_OK(bh_tcb_resume(foreign.tcb));
    sleep_us(3000);
    CHECK(foreign.data[1] > 0);
    delete_cap(foreign.space); /* the thread still holds it */
    uint64_t seen = foreign.data[1];
    sleep_us(3000);
    CHECK(foreign.data[1] > seen);
    revoke_cap(untyped); /* thread, space, tables and pages at once */
    sleep_us(3000);
    CHECK_EQUAL(type_of(tcb_copy), BH_TYPE_NULL);
}

static void guest_and_io_spaces_are_no_vspaces(void)
{
    struct foreign foreign = make_foreign();
    CHECK_ERROR(bh_tcb_configure(foreign.tcb, CNODE, new_object(BH_TYPE_GUEST_SPACE), 0, 0),
                BH_ERROR_INVALID_CAPABILITY, 2);
    CHECK_ERROR(bh_tcb_configure(foreign.tcb, CNODE, new_object(BH_TYPE_IO_SPACE), 0, 0), BH_ERROR_INVALID_CAPABILITY,
                2);
}

TEST_GROUP(vspace, false, TEST_CASE(a_thread_runs_in_its_own_space), TEST_CASE(it_does_not_see_other_spaces),
           TEST_CASE(the_same_address_is_different_memory), TEST_CASE(unmapping_reaches_a_thread_that_runs),
           TEST_CASE(deleting_its_code_stops_a_thread), TEST_CASE(a_thread_whose_space_is_revoked_does_not_run),
           TEST_CASE(revoking_the_space_of_a_running_thread_stops_it), TEST_CASE(guest_and_io_spaces_are_no_vspaces));
