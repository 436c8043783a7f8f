/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several cores: threads that run at the same time, what reaches from one core to another, and
 * taking things away that another core is using. The case's own thread is on core 0; threads on
 * others use no checks, they leave notes.
 */
#include "edu.h"
#include "guest.h"
#include "harness.h"

#define PATIENCE_US 2000000u

static volatile uint64_t count[BH_CORES_MAX];
static volatile uint64_t note[8];
static bh_cptr objects[4];

static void setup(void)
{
    for (int i = 0; i < BH_CORES_MAX; i++) {
        count[i] = 0;
    }
    for (int i = 0; i < 8; i++) {
        note[i] = 0;
    }
}

#define WAIT_FOR(condition)                                       \
    do {                                                          \
        uint64_t end_ = ticks_now() + ticks_from_us(PATIENCE_US); \
        while (!(condition) && ticks_now() < end_) {              \
        }                                                         \
        CHECK(condition);                                         \
    } while (0)

/* A thread that runs on `core`. */
static struct thread start_on(uint64_t core, void (*entry)(uint64_t argument), uint64_t argument)
{
    struct thread thread = thread_prepare(entry, argument, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, core));
    thread_resume(&thread);
    return thread;
}

/* Until a thread on another core has received on the endpoint, or waits for the notification: then
 * it is theirs. */
static void wait_for_receiver(bh_cptr endpoint)
{
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    WAIT_FOR(bh_nb_send(endpoint, 0, none) == BH_ERROR_CORE);
}

static void wait_for_waiter(bh_cptr notification)
{
    uint64_t bits;
    WAIT_FOR(bh_poll(notification, &bits) == BH_ERROR_CORE);
}

static void counter(uint64_t id)
{
    for (;;) {
        count[id]++;
    }
}

static bool still(uint64_t id)
{
    uint64_t seen = count[id];
    spin_us(300);
    return count[id] == seen;
}

static void all_cores_have_started(void)
{
    CHECK(boot_info->core_count > 1);
    CHECK(boot_info->core_count <= BH_CORES_MAX);
}

static void threads_of_all_cores_run_at_the_same_time(void)
{
    setup();
    for (uint64_t core = 1; core < boot_info->core_count; core++) {
        (void)start_on(core, counter, core);
    }
    for (uint64_t core = 1; core < boot_info->core_count; core++) {
        WAIT_FOR(count[core] > 100);
    }
}

static void affinity_names_an_existing_core(void)
{
    struct thread thread = thread_prepare(counter, 1, PRIORITY_HIGH);
    CHECK_ERROR(bh_tcb_set_affinity(thread.tcb, boot_info->core_count), BH_ERROR_RANGE, 1);
    CHECK_ERROR(bh_tcb_set_affinity(thread.tcb, UINT64_MAX), BH_ERROR_RANGE, 1);
}

static void a_running_thread_moves(void)
{
    setup();
    struct thread thread = start_on(1, counter, 1);
    WAIT_FOR(count[1] > 10);
    CHECK_OK(bh_tcb_set_priority(thread.tcb, PRIORITY_LOW, 0));
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 0));
    CHECK(still(1)); /* lower than this one, on the same core now */
    uint64_t seen = count[1];
    for (int i = 0; i < 1000 && count[1] == seen; i++) {
        sleep_us(1000);
    }
    CHECK(count[1] > seen);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    seen = count[1];
    WAIT_FOR(count[1] > seen + 10);
}

static void traveller(uint64_t tcb)
{
    for (uint64_t i = 1; i <= 20; i++) {
        note[1] |= bh_tcb_set_affinity(tcb, i % boot_info->core_count).error;
        note[0] = i;
    }
    for (;;) {
        count[1]++;
    }
}

static void a_thread_moves_itself(void)
{
    setup();
    struct thread thread = thread_prepare(traveller, 0, PRIORITY_CASE);
    thread_aim(&thread, traveller, thread.tcb);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    thread_resume(&thread);
    for (int i = 0; i < 1000 && note[0] != 20; i++) {
        sleep_us(1000); /* it is on this core now and then */
    }
    CHECK_EQUAL(note[0], 20);
    CHECK_EQUAL(note[1], BH_OK);
}

static void a_running_thread_is_suspended_at_once(void)
{
    setup();
    struct thread thread = start_on(1, counter, 1);
    for (int i = 0; i < 20; i++) {
        uint64_t seen = count[1];
        WAIT_FOR(count[1] > seen);
        CHECK_OK(bh_tcb_suspend(thread.tcb));
        CHECK(still(1));
        CHECK_OK(bh_tcb_resume(thread.tcb));
    }
}

static void registers_of_a_thread_suspended_elsewhere_can_be_read(void)
{
    setup();
    struct thread thread = start_on(1, counter, 1);
    WAIT_FOR(count[1] > 0);
    CHECK_ERROR(bh_tcb_read_registers(thread.tcb, 31), BH_ERROR_ILLEGAL_OPERATION, ANY_ARGUMENT);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    struct bh_result registers =
        CHECK_OK(bh_tcb_read_registers(thread.tcb, 31)); /* SP and the three after it */
    CHECK(registers.value[0] <= thread.stack_top && registers.value[0] > thread.stack_top - 8192);
    CHECK_EQUAL(registers.value[3], (uint64_t)thread.ipc_buffer); /* TPIDR_EL0 */
}

static void a_running_thread_can_be_deleted(void)
{
    setup();
    for (uint64_t i = 0; i < 10; i++) {
        struct thread thread = start_on(1, counter, 1);
        uint64_t seen = count[1];
        WAIT_FOR(count[1] > seen);
        delete_cap(thread.tcb);
        CHECK(still(1));
        delete_cap(thread.sched_context);
    }
}

static void a_thread_without_its_scheduling_context_stops(void)
{
    setup();
    struct thread thread = start_on(1, counter, 1);
    WAIT_FOR(count[1] > 0);
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    CHECK(still(1));
    CHECK_OK(bh_sched_context_bind(thread.sched_context, thread.tcb));
    uint64_t seen = count[1];
    WAIT_FOR(count[1] > seen);
    delete_cap(thread.sched_context);
    CHECK(still(1));
}

static void a_budget_can_be_changed_while_it_is_used_elsewhere(void)
{
    setup();
    struct thread thread = start_on(1, counter, 1);
    WAIT_FOR(count[1] > 0);
    uint64_t used = CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0];
    spin_us(500);
    CHECK(CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0] > used);
    /* After its budget it is to stop for the rest of a long period. */
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, thread.sched_context, ticks_from_us(100),
                                        ticks_from_us(60000000)));
    WAIT_FOR(still(1));
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, thread.sched_context, ticks_from_us(1000),
                                        ticks_from_us(1000)));
    uint64_t seen = count[1];
    WAIT_FOR(count[1] > seen);
}

static void priority_changes_reach_other_cores(void)
{
    setup();
    struct thread low = start_on(1, counter, 1);
    WAIT_FOR(count[1] > 0);
    struct thread high = thread_prepare(counter, 2, PRIORITY_LOW);
    CHECK_OK(bh_tcb_set_affinity(high.tcb, 1));
    thread_resume(&high);
    spin_us(500);
    CHECK_EQUAL(count[2], 0);
    CHECK_OK(bh_tcb_set_priority(high.tcb, 200, 0));
    WAIT_FOR(count[2] > 0);
    CHECK(still(1));
    CHECK_OK(bh_tcb_set_priority(low.tcb, 201, 0));
    uint64_t seen = count[1];
    WAIT_FOR(count[1] > seen);
}

/* --- signals --- */

static void waiter(uint64_t id)
{
    for (;;) {
        uint64_t bits;
        note[1] = bh_wait(objects[0], &bits);
        note[2] |= bits;
        count[id]++;
    }
}

static void signals_cross_cores(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    bh_cptr badged = new_mint(objects[0], BH_RIGHTS_ALL, 6);
    (void)start_on(1, waiter, 1);
    for (uint64_t i = 1; i <= 50; i++) {
        CHECK_EQUAL(bh_signal(badged), BH_OK);
        WAIT_FOR(count[1] >= i);
    }
    CHECK_EQUAL(count[1], 50);
    CHECK_EQUAL(note[1], BH_OK);
    CHECK_EQUAL(note[2], 6);
}

static void hammer(uint64_t id)
{
    for (;;) {
        (void)bh_signal(objects[id]);
        count[id]++;
    }
}

static void no_signal_is_lost_between_cores(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    for (uint64_t i = 1; i < 3; i++) {
        objects[i] = new_mint(objects[0], BH_RIGHTS_ALL, UINT64_C(1) << i);
    }
    uint64_t bits, seen[3] = {0};
    CHECK_EQUAL(bh_poll(objects[0], &bits), BH_ERROR_WOULD_BLOCK); /* here it belongs */
    (void)start_on(1, hammer, 1);
    (void)start_on(boot_info->core_count - 1, hammer, 2);
    while (seen[1] <= 10 || seen[2] <= 10) {
        CHECK_EQUAL(bh_wait(objects[0], &bits), BH_OK);
        CHECK(bits != 0 && (bits & ~UINT64_C(6)) == 0);
        seen[1] += bits >> 1 & 1;
        seen[2] += bits >> 2 & 1;
    }
}

static void a_notification_moves_to_the_core_of_its_receiver(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    CHECK_EQUAL(bh_signal(objects[0]), BH_OK); /* kept on core 0 */
    (void)start_on(1, waiter, 1);
    WAIT_FOR(count[1] == 1);
    uint64_t bits;
    wait_for_waiter(objects[0]);
    CHECK_EQUAL(bh_wait(objects[0], &bits), BH_ERROR_CORE);
}

static void deadlines_of_notifications_of_other_cores_can_be_armed(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    (void)start_on(1, waiter, 1);
    wait_for_waiter(objects[0]);
    for (uint64_t i = 1; i <= 5; i++) {
        CHECK_OK(bh_notification_arm(objects[0], ticks_now() + ticks_from_us(500), 8));
        WAIT_FOR(count[1] >= i);
    }
    CHECK_OK(bh_notification_arm(objects[0], ticks_now() + ticks_from_us(800000), 8));
    CHECK_OK(bh_notification_disarm(objects[0]));
    spin_us(1000000);
    CHECK_EQUAL(count[1], 5);
    CHECK_EQUAL(note[2], 8);
}

static void a_notification_with_a_waiter_elsewhere_can_be_deleted(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    struct thread thread = start_on(1, waiter, 1);
    wait_for_waiter(objects[0]);
    delete_cap(objects[0]);
    WAIT_FOR(note[1] == BH_ERROR_CANCELLED || note[1] == BH_ERROR_INVALID_CAPABILITY);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
}

static void signals_in_flight_do_not_outlive_their_notification(void)
{
    setup();
    for (int i = 0; i < 15; i++) {
        bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, BH_PAGE_BITS);
        objects[0] = objects[1] = new_from(untyped, BH_TYPE_NOTIFICATION, 0);
        struct thread receiver = start_on(1, waiter, 1);
        struct thread sender = start_on(boot_info->core_count - 1, hammer, 1);
        uint64_t seen = count[1];
        WAIT_FOR(count[1] > seen);
        delete_cap(objects[0]);
        (void)new_from(untyped, BH_TYPE_FRAME, BH_PAGE_BITS); /* its memory is something else at once */
        delete_cap(sender.tcb);
        delete_cap(receiver.tcb);
    }
}

/* --- IPC --- */

static const uint64_t none[BH_MESSAGE_REGISTERS];

static void server(uint64_t id)
{
    struct bh_message message = bh_recv(objects[0], objects[1]);
    for (;;) {
        note[1] = message.status;
        if (message.status != BH_OK) {
            return;
        }
        count[id]++;
        message.word[0]++;
        message = bh_reply_recv(objects[0], bh_info(0, 1), message.word, objects[1]);
    }
}

static void client(uint64_t id)
{
    for (;;) {
        struct bh_message answer = bh_call(objects[0], bh_info(0, 1), none);
        if (answer.status != BH_OK || answer.word[0] != 1) {
            note[2] = 1 + answer.status;
            return;
        }
        count[id]++;
    }
}

static void ipc_works_within_another_core(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    (void)start_on(1, server, 1);
    wait_for_receiver(objects[0]);
    struct thread thread = thread_prepare(client, 2, PRIORITY_CASE);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    thread_resume(&thread);
    WAIT_FOR(count[2] > 100);
    CHECK(count[1] >= count[2]);
    CHECK_EQUAL(note[2], 0);
}

static void ipc_between_cores_is_refused(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    (void)start_on(1, server, 1);
    wait_for_receiver(objects[0]);
    CHECK_EQUAL(bh_call(objects[0], 0, none).status, BH_ERROR_CORE);
    CHECK_EQUAL(bh_send(objects[0], 0, none), BH_ERROR_CORE);
    CHECK_EQUAL(bh_nb_send(objects[0], 0, none), BH_ERROR_CORE);
    CHECK_EQUAL(bh_recv(objects[0], 0).status, BH_ERROR_CORE);
    CHECK_EQUAL(bh_nb_recv(objects[0], objects[1]).status, BH_ERROR_CORE);
    CHECK_EQUAL(bh_send(objects[1], 0, none), BH_ERROR_CORE);
    CHECK_EQUAL(count[1], 0);
}

static void a_waiting_server_moves_with_its_endpoint(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    struct thread thread = start_on(1, server, 1);
    wait_for_receiver(objects[0]);
    CHECK_EQUAL(bh_call(objects[0], 0, none).status, BH_ERROR_CORE);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 0)); /* it receives again, here */
    CHECK_EQUAL(bh_call(objects[0], bh_info(0, 1), none).word[0], 1);
    CHECK_EQUAL(count[1], 1);
}

static void a_thread_that_waits_for_an_answer_does_not_move(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    struct thread thread = thread_start(client, 2, PRIORITY_HIGH);
    CHECK_EQUAL(bh_recv(objects[0], objects[1]).status, BH_OK);
    CHECK_ERROR(bh_tcb_set_affinity(thread.tcb, 1), BH_ERROR_BUSY, ANY_ARGUMENT);
    CHECK_EQUAL(bh_send(objects[1], bh_info(0, 1), (const uint64_t[BH_MESSAGE_REGISTERS]){1}),
                BH_OK);
}

static void lazy_server(uint64_t id)
{
    struct bh_message message = bh_recv(objects[0], objects[1]);
    for (;;) {
        note[1] |= message.status;
        count[id]++;
        message = bh_reply_recv(objects[0], 0, none, objects[1]);
    }
}

static void endless_client(uint64_t id)
{
    for (;;) {
        note[2] |= bh_call(objects[0], 0, none).status;
        count[id]++;
    }
}

/* What the server was lent is taken from it while it runs: it must not find out by itself. */
static void a_call_can_be_cancelled_while_its_server_runs_elsewhere(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    struct thread server = start_on(1, lazy_server, 1);
    wait_for_receiver(objects[0]);
    CHECK_OK(bh_sched_context_unbind(server.sched_context));
    struct thread client = start_on(1, endless_client, 2);
    uint64_t end = ticks_now() + ticks_from_us(2 * PATIENCE_US);
    test_extend(10 * PATIENCE_US, NULL);
    for (int i = 0; i < 2000 && ticks_now() < end; i++) {
        CHECK_OK(bh_tcb_suspend(client.tcb));
        uint64_t seen = count[2];
        CHECK_OK(bh_tcb_resume(client.tcb));
        for (int tries = 1; count[2] < seen + 3; tries++) {
            CHECK(ticks_now() < end + ticks_from_us(5 * PATIENCE_US));
            if (tries % 8 == 0) { /* the server was stopped amid its work */
                (void)bh_sched_context_bind(server.sched_context, server.tcb);
                uint64_t until = ticks_now() + ticks_from_us(PATIENCE_US / 10);
                while (count[2] < seen + 3 && ticks_now() < until) {
                }
                (void)bh_sched_context_unbind(server.sched_context);
            }
            spin_us(50);
        }
    }
    CHECK_EQUAL(note[1], BH_OK);
    CHECK_EQUAL(note[2], BH_OK);
}

static void an_endpoint_with_waiters_elsewhere_can_be_deleted(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    (void)start_on(1, server, 1);
    wait_for_receiver(objects[0]);
    delete_cap(objects[0]);
    WAIT_FOR(note[1] == BH_ERROR_CANCELLED);
}

static void faulter(uint64_t id)
{
    count[id]++;
    *(volatile uint64_t *)UINT64_C(0x7000000000) = 1;
    count[id]++;
}

static void a_fault_does_not_cross_cores(void)
{
    setup();
    struct thread thread =
        start_on(1, faulter, 1); /* its endpoint is the supervisor's, on core 0 */
    WAIT_FOR(count[1] == 1);
    WAIT_FOR(bh_tcb_read_registers(thread.tcb, 0).error == BH_OK); /* it is stopped */
    CHECK_EQUAL(count[1], 1);
}

static void fault_handler(uint64_t id)
{
    struct bh_message message = bh_recv(objects[0], objects[1]);
    note[1] = message.info;
    count[id]++;
}

static void a_fault_reaches_a_handler_on_its_core(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    (void)start_on(1, fault_handler, 2);
    wait_for_receiver(objects[0]);
    struct thread thread = thread_prepare(faulter, 1, PRIORITY_CASE);
    CHECK_OK(bh_tcb_configure(thread.tcb, BH_ROOT_SLOT_CNODE, BH_ROOT_SLOT_VSPACE, objects[0], 0));
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    thread_resume(&thread);
    WAIT_FOR(count[2] == 1);
    CHECK((note[1] & BH_INFO_FAULT) != 0);
}

/* Client and server go from core to core together; endpoint and reply object follow them. */
static void ipc_goes_on_at_each_core_in_turn(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    struct thread server_thread = start_on(1, server, 1);
    wait_for_receiver(objects[0]);
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t core = i % boot_info->core_count;
        CHECK_OK(bh_tcb_set_affinity(server_thread.tcb, core));
        WAIT_FOR(core == 0 || bh_nb_send(objects[0], 0, none) == BH_ERROR_CORE);
        count[2] = 0;
        struct thread caller = thread_prepare(client, 2, PRIORITY_CASE);
        CHECK_OK(bh_tcb_set_affinity(caller.tcb, core));
        thread_resume(&caller);
        for (int tries = 0; count[2] < 3 && note[2] == 0 && tries < 4000; tries++) {
            sleep_us(500);
        }
        CHECK(count[2] >= 3 || note[2] == 1 + BH_ERROR_CORE); /* it asked before the server received again */
        note[2] = 0;
        delete_cap(caller.tcb);
        delete_cap(caller.sched_context);
    }
    CHECK_EQUAL(note[1], BH_OK);
}

/* --- what moves with a thread --- */

static void fp_keeper(uint64_t id)
{
    uint64_t seed = id * 0x100000 + 1;
    fp_fill(seed);
    for (;;) {
        note[id] |= fp_check(seed);
        count[id]++;
    }
}

static void fp_registers_move_with_their_thread(void)
{
    setup();
    struct thread threads[3];
    for (uint64_t id = 1; id < 3; id++) {
        threads[id] = thread_prepare(fp_keeper, id, PRIORITY_LOW);
        CHECK_OK(bh_tcb_set_flags(threads[id].tcb, BH_TCB_FP));
        CHECK_OK(bh_tcb_set_affinity(threads[id].tcb, 1));
        thread_resume(&threads[id]);
    }
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t id = 1 + i % 2, seen = count[id];
        CHECK_OK(bh_tcb_set_affinity(threads[id].tcb, i / 2 % boot_info->core_count));
        for (int tries = 0; count[id] == seen && tries < 4000; tries++) {
            sleep_us(500);
        }
        CHECK(count[id] > seen);
    }
    CHECK_EQUAL(note[1], 0);
    CHECK_EQUAL(note[2], 0);
}

static void bound_waiter(uint64_t id)
{
    for (;;) {
        struct bh_message message = bh_recv(objects[1], 0);
        note[1] |= message.status;
        note[2] |= message.badge;
        count[id]++;
    }
}

/* Signals reach it wherever it is, those on their way too. */
static void a_bound_notification_moves_with_its_thread(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    objects[1] = new_object(BH_TYPE_ENDPOINT);
    bh_cptr badged = new_mint(objects[0], BH_RIGHTS_ALL, 4);
    struct thread thread = thread_prepare(bound_waiter, 1, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, objects[0]));
    thread_resume(&thread);
    for (uint64_t i = 0; i < 60; i++) {
        uint64_t seen = count[1];
        CHECK_EQUAL(bh_signal(badged), BH_OK);
        CHECK_OK(bh_tcb_set_affinity(thread.tcb, i % boot_info->core_count));
        WAIT_FOR(count[1] > seen);
    }
    CHECK_EQUAL(count[1], 60);
    CHECK_EQUAL(note[1], BH_OK);
    CHECK_EQUAL(note[2], 4);
}

static void own_waiter(uint64_t id)
{
    for (;;) {
        uint64_t bits;
        note[1] |= bh_wait(objects[0], &bits);
        count[id]++;
    }
}

/* Nobody else does: it asks again at the new core. */
static void a_thread_that_waits_for_its_bound_notification_moves(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    struct thread thread = thread_prepare(own_waiter, 1, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_bind_notification(thread.tcb, objects[0]));
    thread_resume(&thread);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    CHECK_EQUAL(bh_signal(objects[0]), BH_OK);
    WAIT_FOR(count[1] == 1);
    CHECK_EQUAL(note[1], BH_OK);
}

/* What is spent stays spent, and comes back at the new core. */
static void a_budget_moves_with_its_thread(void)
{
    setup();
    struct thread thread = thread_prepare(counter, 1, PRIORITY_LOW);
    /* Large ones: what the host takes from a core counts as used, and too much of it has to be waited for. */
    uint64_t budget = boot_info->timer_frequency / 20, period = boot_info->timer_frequency / 4;
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, thread.sched_context, budget, period));
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    uint64_t start = ticks_now();
    thread_resume(&thread);
    WAIT_FOR(CHECK_OK(bh_sched_context_consumed(thread.sched_context)).value[0] >= budget);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 0));
    uint64_t seen = count[1];
    for (int tries = 0; count[1] == seen && tries < 4000; tries++) {
        sleep_us(1000);
    }
    CHECK(count[1] > seen);
    CHECK(ticks_now() - start >= period);
}

static void timeout_handler(uint64_t id)
{
    struct bh_message message = bh_recv(objects[0], objects[1]);
    for (;;) {
        note[1] |= message.status;
        note[2] = bh_info_label(message.info & ~(uint64_t)BH_INFO_FAULT);
        count[id]++;
        message = bh_reply_recv(objects[0], 0, none, objects[1]);
    }
}

static void timeouts_reach_a_handler_on_their_core(void)
{
    setup();
    objects[0] = new_object(BH_TYPE_ENDPOINT);
    objects[1] = new_object(BH_TYPE_REPLY);
    (void)start_on(1, timeout_handler, 2);
    wait_for_receiver(objects[0]);
    struct thread thread = thread_prepare(counter, 1, PRIORITY_CASE);
    CHECK_OK(bh_sched_control_configure(BH_ROOT_SLOT_SCHED_CONTROL, thread.sched_context, ticks_from_us(100),
                                        ticks_from_us(2000)));
    CHECK_OK(bh_tcb_set_timeout_endpoint(thread.tcb, objects[0]));
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    thread_resume(&thread);
    for (int i = 0; i < 10; i++) {
        uint64_t timeouts = count[2], seen = count[1];
        WAIT_FOR(count[2] > timeouts && count[1] > seen);
        CHECK_OK(bh_tcb_suspend(thread.tcb)); /* the report is taken back, if it is at the handler's */
        CHECK_OK(bh_tcb_resume(thread.tcb));
    }
    CHECK_EQUAL(note[1], BH_OK);
    CHECK_EQUAL(note[2], BH_FAULT_TIMEOUT);
}

static void a_suspended_thread_moves_and_stays_suspended(void)
{
    setup();
    struct thread thread = start_on(1, counter, 1);
    WAIT_FOR(count[1] > 0);
    CHECK_OK(bh_tcb_suspend(thread.tcb));
    for (uint64_t core = 0; core < boot_info->core_count; core++) {
        CHECK_OK(bh_tcb_set_affinity(thread.tcb, core));
        CHECK(still(1));
    }
    CHECK_OK(bh_tcb_resume(thread.tcb)); /* on the last */
    uint64_t seen = count[1];
    WAIT_FOR(count[1] > seen);
}

static void cnode_user(uint64_t id)
{
    for (;;) {
        uint64_t bits;
        note[1] |= bh_signal(1) == BH_OK ? 1 : 2;
        note[2] |= bh_poll(2, &bits) == BH_ERROR_INVALID_CAPABILITY ? 2 : 1;
        (void)bh_cnode_inspect(3, 1);
        count[id]++;
    }
}

static void a_cnode_in_use_elsewhere_can_be_deleted(void)
{
    for (int round = 0; round < 5; round++) {
        setup();
        bh_cptr untyped = new_sized(BH_TYPE_UNTYPED, 12);
        bh_cptr cnode = new_from(untyped, BH_TYPE_CNODE, 4);
        bh_cptr notification = new_object(BH_TYPE_NOTIFICATION);
        CHECK_OK(bh_cnode_copy(cnode, 1, BH_ROOT_SLOT_CNODE, notification, BH_RIGHTS_ALL));
        CHECK_OK(bh_cnode_copy(cnode, 2, BH_ROOT_SLOT_CNODE, notification, BH_RIGHTS_ALL));
        CHECK_OK(bh_cnode_copy(cnode, 3, BH_ROOT_SLOT_CNODE, cnode, BH_RIGHTS_ALL));
        struct thread thread = thread_prepare(cnode_user, 1, PRIORITY_HIGH);
        CHECK_OK(bh_tcb_configure(thread.tcb, cnode, BH_ROOT_SLOT_VSPACE, 0, 0));
        CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
        thread_resume(&thread);
        WAIT_FOR(count[1] > 3);
        CHECK_EQUAL(note[1], 1);
        revoke_cap(untyped);
        WAIT_FOR(note[1] == 3 && note[2] == 3); /* it goes on, and has nothing */
        bh_cptr whole = new_from(untyped, BH_TYPE_UNTYPED, 12);
        delete_cap(whole);
        delete_cap(thread.tcb);
    }
}

/* --- memory --- */

static void toucher(uint64_t address)
{
    for (;;) {
        *(volatile uint64_t *)address = 1;
        count[1]++;
    }
}

static void an_unmapped_page_is_gone_on_all_cores(void)
{
    setup();
    bh_cptr frame = new_frame();
    uint64_t *page = map_frame(frame, BH_RIGHT_READ | BH_RIGHT_WRITE);
    struct thread thread = start_on(1, toucher, (uint64_t)page);
    WAIT_FOR(count[1] > 10);
    CHECK_OK(bh_frame_unmap(frame));
    WAIT_FOR(bh_tcb_read_registers(thread.tcb, 0).error == BH_OK); /* it has faulted */
    CHECK(still(1));
}

static void a_space_in_use_elsewhere_can_be_deleted(void)
{
    setup();
    for (int i = 0; i < 5; i++) {
        bh_cptr space = new_object(BH_TYPE_VSPACE);
        struct thread thread = thread_prepare(counter, 1, PRIORITY_HIGH);
        CHECK_OK(
            bh_tcb_configure(thread.tcb, BH_ROOT_SLOT_CNODE, space, 0, 0)); /* it faults at once */
        CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
        thread_resume(&thread);
        delete_cap(space);
        delete_cap(thread.tcb);
    }
    CHECK_EQUAL(count[1], 0);
}

/* --- guests --- */

static struct guest_thread runner;
static struct guest guest;

static void start_guest_on(uint64_t core, uint64_t entry)
{
    guest_thread_prepare(&runner, &guest, PRIORITY_HIGH);
    guest_aim(&guest, entry);
    guest.frame->x[1] = GUEST_DATA;
    CHECK_OK(bh_tcb_set_affinity(runner.thread.tcb, core));
}

static bool guest_still(void)
{
    uint64_t seen = guest.data[0];
    spin_us(300);
    return guest.data[0] == seen;
}

static void a_guest_runs_on_another_core(void)
{
    start_guest_on(1, guest_loop);
    thread_resume(&runner.thread);
    WAIT_FOR(guest.data[0] > 100);
    CHECK_OK(bh_tcb_suspend(runner.thread.tcb));
    CHECK(guest_still());
    uint64_t seen = guest.data[0];
    CHECK_OK(bh_tcb_resume(runner.thread.tcb));
    WAIT_FOR(guest.data[0] > seen);
}

static void a_guest_moves_between_cores(void)
{
    start_guest_on(1, guest_loop);
    thread_resume(&runner.thread);
    for (uint64_t i = 0; i < 10; i++) {
        uint64_t seen = guest.data[0];
        WAIT_FOR(guest.data[0] > seen);
        CHECK_OK(bh_tcb_set_affinity(runner.thread.tcb, 1 + i % (boot_info->core_count - 1)));
    }
}

static void interrupts_are_posted_to_guests_on_other_cores(void)
{
    start_guest_on(1, guest_spin_irq);
    guest.frame->x[2] = 20;
    thread_resume(&runner.thread);
    for (uint64_t i = 0; i < 20; i++) {
        CHECK_OK(bh_vcpu_post(guest.vcpu, 40));
        WAIT_FOR(guest.data[GUEST_IRQ_LOG + i] != 0 || runner.reason != UINT64_MAX);
    }
    WAIT_FOR(runner.reason == BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[24], 20);
}

static void a_posted_interrupt_wakes_a_guest_that_waits_elsewhere(void)
{
    start_guest_on(1, guest_wait_irq);
    guest.frame->x[2] = 20;
    thread_resume(&runner.thread);
    for (uint64_t i = 0; i < 20; i++) {
        CHECK_OK(bh_vcpu_post(guest.vcpu, 40));
        WAIT_FOR(guest.data[GUEST_IRQ_LOG + i] != 0 || runner.reason != UINT64_MAX);
    }
    WAIT_FOR(runner.reason == BH_EXIT_HVC);
}

static void a_running_guest_can_be_saved_only_once_it_is_stopped(void)
{
    start_guest_on(1, guest_loop);
    thread_resume(&runner.thread);
    WAIT_FOR(guest.data[0] > 0);
    CHECK_ERROR(bh_vcpu_save(guest.vcpu), BH_ERROR_ILLEGAL_OPERATION, ANY_ARGUMENT);
}

static void whatever_a_running_guest_needs_can_be_deleted(void)
{
    for (int what = 0; what < 4; what++) {
        start_guest_on(1, guest_loop);
        thread_resume(&runner.thread);
        WAIT_FOR(guest.data[0] > 0);
        const bh_cptr parts[] = {guest.vcpu, guest.space, guest.frame_cap, runner.thread.tcb};
        revoke_cap(parts[what]);
        delete_cap(parts[what]);
        CHECK(guest_still());
        CHECK_OK(bh_cnode_revoke(BH_ROOT_SLOT_CNODE, guest.ram[0]));
    }
}

static void poster(uint64_t vcpu)
{
    for (;;) {
        (void)bh_vcpu_post(vcpu, 40);
        count[3]++;
    }
}

/* News of interrupts that were posted may be on their way to the core that the guest leaves. */
static void interrupts_are_posted_to_guests_that_move_and_go(void)
{
    test_extend(20 * PATIENCE_US, NULL);
    for (int round = 0; round < 4; round++) {
        setup();
        start_guest_on(1, guest_wait_irq);
        guest.frame->x[2] = 100;
        thread_resume(&runner.thread);
        struct thread thread = start_on(boot_info->core_count - 1, poster, guest.vcpu);
        for (uint64_t i = 0; runner.reason == UINT64_MAX; i++) {
            CHECK_OK(bh_tcb_set_affinity(runner.thread.tcb, i % boot_info->core_count));
            sleep_us(100); /* it may be on this core */
        }
        CHECK_EQUAL(runner.reason, BH_EXIT_HVC);
        CHECK(count[3] > 0);
        guest.data[GUEST_IRQ_LOG] = 0;
        guest_aim(&guest, guest_wait_irq);
        guest.frame->x[24] = 0;
        guest_thread_again(&runner);
        for (uint64_t i = 1; i <= 5; i++) {
            CHECK_OK(bh_tcb_set_affinity(runner.thread.tcb, i % boot_info->core_count));
        }
        delete_cap(guest.vcpu);
        delete_cap(runner.thread.tcb);
        delete_cap(thread.tcb);
    }
}

static void the_virtual_timer_wakes_a_guest_on_another_core(void)
{
    start_guest_on(1, guest_timer);
    guest.frame->x[2] = 1;
    guest.frame->x[3] = ticks_from_us(500);
    guest.frame->timer_enabled = 1;
    thread_resume(&runner.thread);
    WAIT_FOR(runner.reason == BH_EXIT_HVC);
    CHECK_EQUAL(guest.frame->x[25], BH_VCPU_TIMER_INTID);
}

/* To a mode that no guest may have, and back. */
static void changer(uint64_t pstate)
{
    const uint64_t el2h_masked = 0x3c9;
    for (;;) {
        *(volatile uint64_t *)pstate = el2h_masked;
        *(volatile uint64_t *)pstate = GUEST_EL1H_MASKED;
        count[1]++;
    }
}

static void a_mode_is_checked_that_changes_at_the_same_time(void)
{
    setup();
    struct guest guest = guest_new(test_tcb);
    (void)start_on(1, changer, (uint64_t)&guest.frame->pstate);
    WAIT_FOR(count[1] > 10);
    uint64_t runs[2] = {0, 0};
    while (runs[0] + runs[1] < 20000) {
        uint64_t bits;
        guest.frame->pc = GUEST_RAM + guest_hvc;
        uint64_t reason = bh_vm_enter(&bits);
        CHECK(reason == BH_EXIT_HVC || reason == BH_EXIT_INVALID);
        runs[reason == BH_EXIT_HVC]++;
    }
    CHECK(runs[0] > 0 && runs[1] > 0);
}

/* --- messages of devices --- */

static struct edu edu;
static bh_cptr handler;

static void message_driver(uint64_t id)
{
    uint64_t bits;
    for (;;) {
        if (bh_wait(objects[0], &bits) == BH_OK) {
            count[id]++;
            (void)bh_irq_handler_ack(handler);
        }
    }
}

static void message_receiver(uint64_t id)
{
    uint64_t bits;
    for (;;) {
        if (bh_wait(objects[0], &bits) == BH_OK) {
            count[id]++;
        }
    }
}

static void acknowledger(uint64_t id)
{
    for (;;) {
        (void)bh_irq_handler_ack(handler);
        count[id]++;
    }
}

static void setup_messages(void)
{
    setup();
    edu = edu_open();
    handler = edu_new_message(&edu, edu_new_space(&edu), 0);
    objects[0] = new_object(BH_TYPE_NOTIFICATION);
    CHECK_OK(bh_irq_handler_bind(handler, objects[0]));
}

/* The first finds the interrupt routed to this core, where it was bound. */
static void messages_follow_their_driver_from_core_to_core(void)
{
    setup_messages();
    struct thread thread = start_on(1, message_driver, 1);
    uint64_t sent = 0;
    for (uint64_t round = 0; round < 20; round++) {
        CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1 + round % (boot_info->core_count - 1)));
        for (int i = 0; i < 5; i++) {
            edu_interrupt(&edu);
            sent++;
            WAIT_FOR(count[1] == sent);
        }
    }
}

/* A message that comes early is held on one core while the acknowledgement comes on another. One that was held and never
 * released would be the last of all. */
static void no_message_is_lost_when_others_acknowledge(void)
{
    setup_messages();
    (void)start_on(1, message_receiver, 1);
    (void)start_on(boot_info->core_count - 1, acknowledger, 0);
    for (int round = 0; round < 200; round++) {
        uint64_t seen = count[1];
        for (int i = 0; i < 20; i++) {
            edu_interrupt(&edu);
        }
        WAIT_FOR(count[1] > seen);
    }
    CHECK(count[0] > 0);
}

/* The frame is one for all cores. */
static void a_schedule_of_partitions_holds_on_all_cores(void)
{
    setup();
    bh_cptr control = BH_ROOT_SLOT_SCHED_CONTROL;
    uint64_t slice = ticks_from_us(1000);
    struct thread thread = thread_prepare(counter, 1, PRIORITY_HIGH);
    CHECK_OK(bh_sched_control_configure_in(control, thread.sched_context, slice, slice, 0, 1));
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, 1));
    thread_resume(&thread);
    spin_us(3000);
    CHECK_EQUAL(count[1], 0);

    CHECK_OK(bh_sched_control_set_window(control, 0, 0, slice));
    CHECK_OK(bh_sched_control_set_window(control, 1, 1, slice));
    CHECK_OK(bh_sched_control_start_schedule(control));
    WAIT_FOR(count[1] > 0);

    CHECK_OK(bh_sched_control_set_window(control, 0, 0, 3600 * boot_info->timer_frequency));
    CHECK_OK(bh_sched_control_start_schedule(control));
    uint64_t seen = count[1];
    for (int quiet = 0, tries = 0; quiet < 20; quiet = count[1] == seen ? quiet + 1 : 0) {
        CHECK(tries++ < 1000); /* it may take the core a while to be told */
        seen = count[1];
        spin_us(1000);
    }

    CHECK_OK(bh_sched_control_set_window(control, 0, 0, slice));
    CHECK_OK(bh_sched_control_set_window(control, 1, 1, slice));
    CHECK_OK(bh_sched_control_start_schedule(control));
    WAIT_FOR(count[1] > seen);
}

TEST_GROUP(cores, false, TEST_CASE(a_schedule_of_partitions_holds_on_all_cores), TEST_CASE(all_cores_have_started),
           TEST_CASE(threads_of_all_cores_run_at_the_same_time),
           TEST_CASE(affinity_names_an_existing_core), TEST_CASE(a_running_thread_moves),
           TEST_CASE(a_thread_moves_itself), TEST_CASE(a_running_thread_is_suspended_at_once),
           TEST_CASE(registers_of_a_thread_suspended_elsewhere_can_be_read),
           TEST_CASE(a_running_thread_can_be_deleted),
           TEST_CASE(a_thread_without_its_scheduling_context_stops),
           TEST_CASE(a_budget_can_be_changed_while_it_is_used_elsewhere),
           TEST_CASE(priority_changes_reach_other_cores), TEST_CASE(signals_cross_cores),
           TEST_CASE(no_signal_is_lost_between_cores),
           TEST_CASE(a_notification_moves_to_the_core_of_its_receiver),
           TEST_CASE(deadlines_of_notifications_of_other_cores_can_be_armed),
           TEST_CASE(a_notification_with_a_waiter_elsewhere_can_be_deleted),
           TEST_CASE(signals_in_flight_do_not_outlive_their_notification),
           TEST_CASE(ipc_works_within_another_core), TEST_CASE(ipc_between_cores_is_refused),
           TEST_CASE(a_waiting_server_moves_with_its_endpoint),
           TEST_CASE(a_thread_that_waits_for_an_answer_does_not_move),
           TEST_CASE(a_call_can_be_cancelled_while_its_server_runs_elsewhere),
           TEST_CASE(an_endpoint_with_waiters_elsewhere_can_be_deleted),
           TEST_CASE(a_fault_does_not_cross_cores),
           TEST_CASE(a_fault_reaches_a_handler_on_its_core),
           TEST_CASE(ipc_goes_on_at_each_core_in_turn), TEST_CASE(fp_registers_move_with_their_thread),
           TEST_CASE(a_bound_notification_moves_with_its_thread), TEST_CASE(a_budget_moves_with_its_thread),
           TEST_CASE(a_thread_that_waits_for_its_bound_notification_moves),
           TEST_CASE(timeouts_reach_a_handler_on_their_core),
           TEST_CASE(a_suspended_thread_moves_and_stays_suspended),
           TEST_CASE(a_cnode_in_use_elsewhere_can_be_deleted),
           TEST_CASE(an_unmapped_page_is_gone_on_all_cores),
           TEST_CASE(a_space_in_use_elsewhere_can_be_deleted),
           TEST_CASE(a_guest_runs_on_another_core), TEST_CASE(a_guest_moves_between_cores),
           TEST_CASE(interrupts_are_posted_to_guests_on_other_cores),
           TEST_CASE(a_posted_interrupt_wakes_a_guest_that_waits_elsewhere),
           TEST_CASE(a_running_guest_can_be_saved_only_once_it_is_stopped),
           TEST_CASE(whatever_a_running_guest_needs_can_be_deleted),
           TEST_CASE(interrupts_are_posted_to_guests_that_move_and_go),
           TEST_CASE(the_virtual_timer_wakes_a_guest_on_another_core),
           TEST_CASE(a_mode_is_checked_that_changes_at_the_same_time),
           TEST_CASE(messages_follow_their_driver_from_core_to_core),
           TEST_CASE(no_message_is_lost_when_others_acknowledge));

const struct test_group *const test_groups[] = {&cores_group};
const size_t test_group_count = 1;
