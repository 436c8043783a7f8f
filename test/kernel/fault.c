/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of threads, and how their handler sees and answers them. */
#include "harness.h"

#include "fault_stubs.h"
#include "guest.h"

#define RW (BH_RIGHT_READ | BH_RIGHT_WRITE)
#define RX (BH_RIGHT_READ | BH_RIGHT_GRANT)

/* ESR_EL2: exception class, and "write, not read" of a data abort (Arm ARM D17.2.37). */
#define EC(esr) ((esr) >> 26)
#define WRITE_NOT_READ 0x40

static const uint64_t none[BH_MESSAGE_REGISTERS];
static bh_cptr endpoint, reply;
static volatile uint64_t result;
static volatile uint64_t done;

static void setup(void)
{
    endpoint = new_object(BH_TYPE_ENDPOINT);
    reply = new_object(BH_TYPE_REPLY);
    result = 0;
    done = 0;
}

static struct thread start(void (*entry)(uint64_t), uint64_t argument)
{
    bh_cptr badged = new_mint(endpoint, BH_RIGHT_WRITE | BH_RIGHT_CALL, 0xfa);
    return thread_start_faulting(entry, argument, PRIORITY_HIGH, badged);
}

static struct bh_message take_fault(uint64_t label)
{
    struct bh_message message = bh_nb_recv(endpoint, reply);
    CHECK_EQUAL(message.status, BH_OK);
    CHECK_EQUAL(message.badge, 0xfa);
    CHECK(message.info & BH_INFO_FAULT);
    CHECK_EQUAL(bh_info_label(message.info & ~BH_INFO_FAULT), label);
    CHECK_EQUAL(bh_info_length(message.info), 3);
    return message;
}

static void answer(void)
{
    CHECK_EQUAL(bh_send(reply, bh_info(0, 0), none), BH_OK);
}

static void reader(uint64_t address)
{
    result = fault_load(address);
    done = 1;
}

static void writer(uint64_t address)
{
    fault_store(address);
    done = 1;
}

static void jumper(uint64_t address)
{
    result = ((uint64_t(*)(void))address)();
    done = 1;
}

static void brancher(uint64_t address)
{
    result = fault_jump(address);
    done = 1;
}

static void undefiner(uint64_t argument)
{
    (void)argument;
    fault_undefined();
    done = 1;
}

static void a_read_fault_is_told_and_resumed(void)
{
    setup();
    uint64_t address = window_page();
    (void)start(reader, address + 8);
    struct bh_message fault = take_fault(BH_FAULT_VM);
    CHECK_EQUAL(fault.word[0], fault_load_at);
    CHECK_EQUAL(fault.word[1], address + 8);
    CHECK_EQUAL(EC(fault.word[2]), 0x24);
    CHECK_EQUAL(fault.word[2] & WRITE_NOT_READ, 0);
    CHECK_EQUAL(done, 0);
    bh_cptr frame = new_frame();
    CHECK_OK(bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, address, RW, 0));
    *(volatile uint64_t *)(address + 8) = 0x600d;
    answer();
    CHECK_EQUAL(done, 1);
    CHECK_EQUAL(result, 0x600d);
}

static void a_write_fault_is_told_and_resumed(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t address = (uint64_t)map_frame(frame, BH_RIGHT_READ);
    (void)start(writer, address + 16);
    struct bh_message fault = take_fault(BH_FAULT_VM);
    CHECK_EQUAL(fault.word[0], fault_store_at);
    CHECK_EQUAL(fault.word[1], address + 16);
    CHECK_EQUAL(EC(fault.word[2]), 0x24);
    CHECK(fault.word[2] & WRITE_NOT_READ);
    CHECK_OK(bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, address, RW, 0));
    answer();
    CHECK_EQUAL(done, 1);
    CHECK_EQUAL(*(volatile uint64_t *)(address + 16), FAULT_STORED);
}

static void data_cannot_be_executed(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint32_t *code = map_frame(frame, RW);
    code[0] = 0xd2800540; /* mov x0, #42 */
    code[1] = 0xd65f03c0; /* ret */
    (void)start(jumper, (uint64_t)code);
    struct bh_message fault = take_fault(BH_FAULT_VM);
    CHECK_EQUAL(fault.word[0], (uint64_t)code);
    CHECK_EQUAL(fault.word[1], (uint64_t)code);
    CHECK_EQUAL(EC(fault.word[2]), 0x20);
    CHECK_OK(bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, (uint64_t)code, RX, 0));
    answer();
    CHECK_EQUAL(done, 1);
    CHECK_EQUAL(result, 42);
}

/* Without write permission either: it is not only that writable memory is never executed. */
static void read_only_data_cannot_be_executed(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint32_t *code = map_frame(frame, RW);
    code[0] = 0xd65f03c0; /* ret */
    CHECK_OK(bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, (uint64_t)code, BH_RIGHT_READ, 0));
    (void)start(jumper, (uint64_t)code);
    struct bh_message fault = take_fault(BH_FAULT_VM);
    CHECK_EQUAL(fault.word[1], (uint64_t)code);
    CHECK_EQUAL(EC(fault.word[2]), 0x20);
}

#define BTI_C 0xd503245f
#define MOV_X0_42 0xd2800540
#define RET 0xd65f03c0
#define BRANCH_TARGET 0x0d /* exception class */
#define PACIASP 0xd503233f
#define BY_CALL 2          /* PSTATE.BTYPE behind BLR (Arm ARM D17.2.37, "Branch Target Exception") */

static bool branch_targets_are_checked(void)
{
    struct guest guest = guest_new(test_tcb);
    bool checked = (guest.frame->host.id_aa64pfr1 & 0xf) != 0; /* ID_AA64PFR1_EL1.BT */
    CHECK_EQUAL((boot_info->cpu_features & BH_CPU_BTI) != 0, checked);
    return checked;
}

/* A page of code that returns 42, not mapped; the landing pad comes first if there is one. */
static bh_cptr make_code(bool landing_pad)
{
    bh_cptr frame = new_frame();
    uint32_t *code = map_frame(frame, RW);
    *code = BTI_C;
    code += landing_pad ? 1 : 0;
    code[0] = MOV_X0_42;
    code[1] = RET;
    CHECK_OK(bh_frame_unmap(frame));
    return frame;
}

/* Calls code at `address` through a pointer: whether that is a branch target exception, and else that it returned. */
static bool call_is_refused(uint64_t address)
{
    (void)start(jumper, address);
    if (done == 1) {
        CHECK_EQUAL(result, 42);
        return false;
    }
    struct bh_message fault = take_fault(BH_FAULT_EXCEPTION);
    CHECK_EQUAL(fault.word[0], address);
    CHECK_EQUAL(EC(fault.word[2]), BRANCH_TARGET);
    CHECK_EQUAL(fault.word[2] & 3, BY_CALL);
    return true;
}

static void guarded_code_is_called_at_landing_pads_only(void)
{
    bool checked = branch_targets_are_checked();
    for (unsigned i = 0; i < 4; i++) {
        bool landing_pad = (i & 1) != 0, guarded = (i & 2) != 0;
        setup();
        uint64_t address = (uint64_t)map_frame_with(make_code(landing_pad), RX, guarded && checked ? BH_MAP_GUARDED : 0);
        CHECK_EQUAL(call_is_refused(address), checked && guarded && !landing_pad);
    }
}

/* PACIASP, a NOP here, is one for calls only: SCTLR_EL2.BT0. */
static void where_a_return_address_is_signed_calls_may_arrive(void)
{
    bool checked = branch_targets_are_checked();
    bh_cptr frame = new_frame();
    uint32_t *code = map_frame(frame, RW);
    code[0] = PACIASP;
    code[1] = MOV_X0_42;
    code[2] = RET;
    CHECK_OK(bh_frame_unmap(frame));
    code = map_frame_with(frame, RX, checked ? BH_MAP_GUARDED : 0);
    setup();
    CHECK(!call_is_refused((uint64_t)code));
    setup();
    (void)start(brancher, (uint64_t)code);
    CHECK_EQUAL(done, checked ? 0 : 1);
}

/* The code of root, which the kernel has mapped. */
static void code_with_landing_pads_is_guarded_from_the_start(void)
{
    bool checked = branch_targets_are_checked();
    setup();
    (void)start(jumper, fault_answer_at);
    if (checked) {
        CHECK_EQUAL(done, 0);
        CHECK_EQUAL(EC(take_fault(BH_FAULT_EXCEPTION).word[2]), BRANCH_TARGET);
    } else {
        CHECK_EQUAL(result, 42);
    }
}

/* PSTATE.BTYPE survives the fault that maps the target. */
static void a_fault_does_not_launder_a_branch(void)
{
    bool checked = branch_targets_are_checked();
    setup();
    uint64_t address = window_page();
    bh_cptr frame = make_code(false);
    (void)start(jumper, address);
    CHECK_EQUAL(EC(take_fault(BH_FAULT_VM).word[2]), 0x20);
    CHECK_OK(bh_frame_map(frame, BH_ROOT_SLOT_VSPACE, address, RX, checked ? BH_MAP_GUARDED : 0));
    answer();
    if (checked) {
        CHECK_EQUAL(done, 0);
        CHECK_EQUAL(EC(take_fault(BH_FAULT_EXCEPTION).word[2]), BRANCH_TARGET);
    } else {
        CHECK_EQUAL(result, 42);
    }
}

static void an_unmapped_jump_is_a_fault_at_its_target(void)
{
    setup();
    uint64_t address = window_page();
    (void)start(jumper, address + 0x40);
    struct bh_message fault = take_fault(BH_FAULT_VM);
    CHECK_EQUAL(fault.word[0], address + 0x40);
    CHECK_EQUAL(fault.word[1], address + 0x40);
    CHECK_EQUAL(EC(fault.word[2]), 0x20);
}

static void an_undefined_instruction_is_told(void)
{
    setup();
    struct thread thread = start(undefiner, 0);
    struct bh_message fault = take_fault(BH_FAULT_EXCEPTION);
    CHECK_EQUAL(fault.word[0], fault_undefined_at);
    CHECK_EQUAL(EC(fault.word[2]), 0x00);
    /* The handler may send the thread elsewhere with its answer. */
    thread_aim(&thread, reader, (uint64_t)&thread);
    answer();
    CHECK_EQUAL(done, 1);
}

static void a_breakpoint_is_told(void)
{
    setup();
    (void)start((void (*)(uint64_t))fault_breakpoint, 0);
    struct bh_message fault = take_fault(BH_FAULT_EXCEPTION);
    CHECK_EQUAL(EC(fault.word[2]), 0x3c);
}

static void an_unknown_system_call_is_a_fault(void)
{
    static const uint64_t numbers[] = {BH_SYS_COUNT, 1000, UINT64_MAX, UINT64_C(1) << 32};
    for (size_t i = 0; i < 4; i++) {
        setup();
        (void)start((void (*)(uint64_t))fault_system_call, numbers[i]);
        struct bh_message fault = take_fault(BH_FAULT_SYSCALL);
        CHECK_EQUAL(fault.word[0], fault_system_call_after);
        CHECK_EQUAL(fault.word[1], numbers[i]);
        answer();
    }
}

/* What a domain must not touch, it cannot. */
static void privileged_instructions_are_faults(void)
{
    for (uint64_t i = 0; i < fault_privileged_count; i++) {
        setup();
        (void)start((void (*)(uint64_t))fault_privileged[i], 0);
        struct bh_message message = bh_nb_recv(endpoint, reply);
        if (message.status != BH_OK || bh_info_label(message.info & ~BH_INFO_FAULT) != BH_FAULT_EXCEPTION) {
            test_fail(__FILE__, __LINE__, "privileged instruction %u gave no exception fault", i);
        }
    }
}

static void kernel_addresses_are_out_of_reach(void)
{
    static const uint64_t addresses[] = {UINT64_C(0xffffff8000000000), UINT64_C(0xffffffffc0000000),
                                         UINT64_C(0xffffff8040000000), UINT64_C(0x0000800000000000), BH_SPACE_SIZE,
                                         UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        setup();
        (void)start(reader, addresses[i]);
        struct bh_message fault = take_fault(BH_FAULT_VM);
        CHECK_EQUAL(fault.word[1], addresses[i]);
        setup();
        (void)start(writer, addresses[i]);
        (void)take_fault(BH_FAULT_VM);
        setup();
        (void)start(jumper, addresses[i] & ~UINT64_C(3));
        (void)take_fault(BH_FAULT_VM);
    }
}

static void what_root_may_only_read_it_cannot_write(void)
{
    const uint64_t addresses[] = {BH_ROOT_BOOT_INFO, boot_info->bundle_address, boot_info->device_tree_address,
                                  (uint64_t)reader & ~UINT64_C(7)};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        setup();
        (void)start(writer, addresses[i]);
        struct bh_message fault = take_fault(BH_FAULT_VM);
        CHECK_EQUAL(fault.word[1], addresses[i]);
        CHECK(fault.word[2] & WRITE_NOT_READ);
    }
}

static void a_misaligned_jump_is_a_fault(void)
{
    setup();
    (void)start(jumper, (uint64_t)reader + 2);
    struct bh_message message = bh_nb_recv(endpoint, reply);
    CHECK_EQUAL(message.status, BH_OK);
    CHECK(message.info & BH_INFO_FAULT);
    CHECK_EQUAL(EC(message.word[2]), 0x22);
}

static void without_a_handler_a_fault_stops_the_thread(void)
{
    setup();
    uint64_t address = window_page();
    struct thread thread = thread_start_faulting(reader, address, PRIORITY_HIGH, 0);
    CHECK_EQUAL(done, 0);
    CHECK_EQUAL(CHECK_OK(bh_tcb_read_registers(thread.tcb, 32)).value[0], fault_load_at);
    CHECK_OK(bh_frame_map(new_frame(), BH_ROOT_SLOT_VSPACE, address, RW, 0));
    thread_resume(&thread);
    CHECK_EQUAL(done, 1);
}

static void a_reply_with_a_label_leaves_the_thread_stopped(void)
{
    setup();
    struct thread thread = start(reader, window_page());
    (void)take_fault(BH_FAULT_VM);
    CHECK_EQUAL(bh_send(reply, bh_info(1, 0), none), BH_OK);
    CHECK_EQUAL(done, 0);
    CHECK_OK(bh_tcb_read_registers(thread.tcb, 0));
}

static void a_faulted_thread_can_be_suspended_and_sent_elsewhere(void)
{
    setup();
    struct thread thread = start(reader, window_page());
    (void)take_fault(BH_FAULT_VM);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    thread_aim(&thread, reader, (uint64_t)&thread);
    thread_resume(&thread);
    CHECK_EQUAL(done, 1);
    answer(); /* too late: ignored */
}

static void deleting_the_fault_endpoint_stops_the_faulted(void)
{
    setup();
    struct thread waiting = start(reader, window_page());
    delete_cap(endpoint);
    CHECK_EQUAL(done, 0);
    /* The thread still holds its copy of the capability: only revocation takes the endpoint away. */
    CHECK_OK(bh_tcb_suspend(waiting.tcb));
    CHECK_OK(bh_tcb_read_registers(waiting.tcb, 0));
}

static void deleting_the_reply_object_stops_the_faulted(void)
{
    setup();
    struct thread thread = start(reader, window_page());
    (void)take_fault(BH_FAULT_VM);
    delete_cap(reply);
    CHECK_EQUAL(done, 0);
    CHECK_OK(bh_tcb_read_registers(thread.tcb, 0));
}

/* A handler that cannot take calls loses the fault, not the kernel. */
static void a_fault_without_a_reply_object_stops_the_thread(void)
{
    setup();
    struct thread thread = start(reader, window_page());
    CHECK_EQUAL(bh_nb_recv(endpoint, 0).status, BH_ERROR_WOULD_BLOCK);
    CHECK_OK(bh_tcb_read_registers(thread.tcb, 0));
    CHECK_EQUAL(done, 0);
}

static void registers_survive_a_fault(void)
{
    setup();
    uint64_t address = window_page();
    (void)start((void (*)(uint64_t))fault_keep_registers, address);
    struct bh_message fault = take_fault(BH_FAULT_VM);
    CHECK_EQUAL(fault.word[1], address);
    uint64_t *page;
    CHECK_OK(bh_frame_map(new_frame(), BH_ROOT_SLOT_VSPACE, address, RW, 0));
    page = (uint64_t *)address;
    page[0] = 0x77;
    answer();
    CHECK_EQUAL(page[1], 1);
}

static void a_suspended_fault_is_raised_again(void)
{
    setup();
    uint64_t address = window_page();
    struct thread thread = start(reader, address);
    (void)take_fault(BH_FAULT_VM);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    CHECK_EQUAL(CHECK_OK(bh_tcb_read_registers(thread.tcb, 32)).value[0], fault_load_at);
    thread_resume(&thread);
    struct bh_message fault = take_fault(BH_FAULT_VM);
    CHECK_EQUAL(fault.word[0], fault_load_at);
    CHECK_EQUAL(fault.word[1], address);
}

TEST_GROUP(fault, false, TEST_CASE(a_read_fault_is_told_and_resumed), TEST_CASE(a_write_fault_is_told_and_resumed),
           TEST_CASE(data_cannot_be_executed), TEST_CASE(read_only_data_cannot_be_executed), TEST_CASE(an_unmapped_jump_is_a_fault_at_its_target),
           TEST_CASE(guarded_code_is_called_at_landing_pads_only),
           TEST_CASE(where_a_return_address_is_signed_calls_may_arrive),
           TEST_CASE(code_with_landing_pads_is_guarded_from_the_start), TEST_CASE(a_fault_does_not_launder_a_branch),
           TEST_CASE(an_undefined_instruction_is_told), TEST_CASE(a_breakpoint_is_told),
           TEST_CASE(an_unknown_system_call_is_a_fault), TEST_CASE(privileged_instructions_are_faults),
           TEST_CASE(kernel_addresses_are_out_of_reach), TEST_CASE(what_root_may_only_read_it_cannot_write),
           TEST_CASE(a_misaligned_jump_is_a_fault), TEST_CASE(without_a_handler_a_fault_stops_the_thread),
           TEST_CASE(a_reply_with_a_label_leaves_the_thread_stopped),
           TEST_CASE(a_faulted_thread_can_be_suspended_and_sent_elsewhere),
           TEST_CASE(deleting_the_fault_endpoint_stops_the_faulted),
           TEST_CASE(deleting_the_reply_object_stops_the_faulted),
           TEST_CASE(a_fault_without_a_reply_object_stops_the_thread), TEST_CASE(registers_survive_a_fault),
           TEST_CASE(a_suspended_fault_is_raised_again));
