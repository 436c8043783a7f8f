/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace. A kernel without it has no rings, which is all that these cases check of one: run.py boots both kinds, and
 * compares what boot information says with what it has booted.
 */
#include "guest.h"

#include <bh/trace.h>

#define ALL BH_RIGHTS_ALL
#define R BH_RIGHT_READ
#define W BH_RIGHT_WRITE
#define X BH_RIGHT_GRANT

static const volatile struct bh_trace_ring *ring;

static bool map_ring_of(uint32_t core)
{
    if (boot_info->trace_ring_count == 0) {
        return false;
    }
    uint64_t address = WINDOW_LARGE + core * sizeof(struct bh_trace_ring);
    CHECK_OK(bh_frame_map(new_copy(boot_info->trace_slot + core, ALL), BH_ROOT_SLOT_VSPACE, address, R, 0));
    ring = (const volatile struct bh_trace_ring *)address;
    return true;
}

/* The ring of the first core, on which cases run; false: this kernel does not trace. */
static bool map_ring(void)
{
    return map_ring_of(0);
}

static struct bh_trace_entry entry_at(uint64_t n)
{
    const volatile struct bh_trace_entry *entry = &ring->entry[n % BH_TRACE_ENTRIES];
    return (struct bh_trace_entry){entry->time, entry->thread, entry->kind, {entry->word[0], entry->word[1]}};
}

static uint32_t thread_number(bh_cptr tcb)
{
    return (uint32_t)(CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, tcb)).value[3] >> BH_TCB_BITS);
}

/* Finds the first entry of this kind and thread from number *n on, and lets *n follow it. */
static struct bh_trace_entry find(uint64_t *n, enum bh_trace_kind kind, uint32_t thread)
{
    while (*n < ring->next) {
        struct bh_trace_entry entry = entry_at((*n)++);
        if (entry.kind == (uint32_t)kind && entry.thread == thread) {
            return entry;
        }
    }
    test_fail(__FILE__, __LINE__, "no entry of kind %u and thread %x", (uint64_t)kind, (uint64_t)thread);
}

static void trace_rings_are_one_for_each_core_or_none(void)
{
    CHECK(boot_info->trace_ring_count == 0 || boot_info->trace_ring_count == boot_info->core_count);
    print("trace-rings: %u\n", (uint64_t)boot_info->trace_ring_count);
    for (uint32_t i = 0; i < boot_info->trace_ring_count; i++) {
        struct bh_result frame = CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, boot_info->trace_slot + i));
        CHECK_EQUAL(frame.value[0], BH_TYPE_FRAME);
        CHECK_EQUAL(frame.value[1], R);
        CHECK_EQUAL(frame.value[2], BH_TRACE_RING_BITS);
    }
    if (map_ring()) {
        CHECK_EQUAL(ring->magic, BH_TRACE_MAGIC);
        CHECK(ring->next > 0);
    }
}

static void the_ring_is_in_no_untyped(void)
{
    for (uint32_t i = 0; i < boot_info->trace_ring_count; i++) {
        uint64_t start = CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, boot_info->trace_slot + i)).value[3];
        for (uint32_t j = 0; j < boot_info->untyped_count; j++) {
            const struct bh_boot_untyped *untyped = &boot_info->untyped[j];
            CHECK(start + sizeof(struct bh_trace_ring) <= untyped->address ||
                  untyped->address + (UINT64_C(1) << untyped->size_bits) <= start);
        }
    }
}

static void write_ring(uint64_t address)
{
    *(volatile uint64_t *)address = 0;
}

static void the_ring_cannot_be_written(void)
{
    if (!map_ring()) {
        return;
    }
    bh_cptr copy = new_copy(boot_info->trace_slot, ALL);
    CHECK_EQUAL(CHECK_OK(bh_cnode_inspect(BH_ROOT_SLOT_CNODE, copy)).value[1], R);
    CHECK_ERROR(bh_frame_map(copy, BH_ROOT_SLOT_VSPACE, WINDOW_EMPTY, R | W, 0), BH_ERROR_RIGHTS, ANY_ARGUMENT);
    CHECK_ERROR(bh_frame_map(copy, BH_ROOT_SLOT_VSPACE, WINDOW_EMPTY, R | X, 0), BH_ERROR_RIGHTS, ANY_ARGUMENT);
    bh_cptr faults = new_object(BH_TYPE_ENDPOINT);
    (void)thread_start_faulting(write_ring, WINDOW_LARGE, PRIORITY_HIGH, faults);
    struct bh_message message = bh_nb_recv(faults, new_object(BH_TYPE_REPLY));
    CHECK_EQUAL(message.status, BH_OK);
    CHECK((message.info & BH_INFO_FAULT) != 0);
    CHECK_EQUAL(message.word[1], WINDOW_LARGE);
    CHECK_EQUAL(ring->magic, BH_TRACE_MAGIC);
}

static bh_cptr endpoint, reply;
static const uint64_t none[BH_MESSAGE_REGISTERS];

static void server(uint64_t argument)
{
    (void)argument;
    struct bh_message message = bh_recv(endpoint, reply);
    for (;;) {
        message = bh_reply_recv(endpoint, bh_info(9, 0), message.word, reply);
    }
}

/* Calls a server and looks for what the trace says of it. */
static void check_call(const struct thread *thread, uint32_t label)
{
    uint64_t n = ring->next;
    uint32_t self = thread_number(test_tcb);
    uint32_t other = thread_number(thread->tcb);
    (void)bh_call(endpoint, bh_info(label, 0), none);
    struct bh_trace_entry entry = find(&n, BH_TRACE_CALL, self);
    CHECK_EQUAL(entry.word[0], other);
    CHECK_EQUAL(bh_info_label(entry.word[1]), label);
    CHECK_EQUAL(find(&n, BH_TRACE_SWITCH, other).word[0], PRIORITY_HIGH);
    entry = find(&n, BH_TRACE_REPLY, other);
    CHECK_EQUAL(entry.word[0], self);
    CHECK_EQUAL(bh_info_label(entry.word[1]), 9);
    CHECK_EQUAL(find(&n, BH_TRACE_SWITCH, self).word[0], PRIORITY_CASE);
}

static void calls_and_replies_are_traced_on_both_ways(void)
{
    if (!map_ring()) {
        return;
    }
    endpoint = new_object(BH_TYPE_ENDPOINT);
    reply = new_object(BH_TYPE_REPLY);
    struct thread thread = thread_start(server, 0, PRIORITY_HIGH);
    check_call(&thread, 5); /* a server with time of its own: the general way */
    CHECK_OK(bh_sched_context_unbind(thread.sched_context));
    check_call(&thread, 6); /* a passive one: the short way */
    check_call(&thread, 7);
}

static void guests_are_traced_in_and_out(void)
{
    if (!map_ring()) {
        return;
    }
    struct guest guest = guest_new(test_tcb);
    uint32_t self = thread_number(test_tcb);
    guest_aim(&guest, guest_hvc);
    uint64_t n = ring->next;
    (void)GUEST_RUN(&guest, BH_EXIT_HVC);
    CHECK_EQUAL(find(&n, BH_TRACE_GUEST_ENTER, self).word[0], GUEST_RAM + guest_hvc);
    struct bh_trace_entry entry = find(&n, BH_TRACE_GUEST_EXIT, self);
    CHECK_EQUAL(entry.word[0], guest.frame->esr);
    CHECK_EQUAL(entry.word[1], guest.frame->pc);
    CHECK_EQUAL(find(&n, BH_TRACE_VM_RETURN, self).word[0], BH_EXIT_HVC);

    guest_aim(&guest, guest_write);
    guest.frame->x[1] = GUEST_MMIO + 8;
    n = ring->next;
    (void)GUEST_RUN(&guest, BH_EXIT_MMIO);
    entry = find(&n, BH_TRACE_VM_RETURN, self);
    CHECK_EQUAL(entry.word[0], BH_EXIT_MMIO);
    CHECK_EQUAL(entry.word[1], GUEST_MMIO + 8);
}

static void an_interrupted_guest_exits_without_a_syndrome(void)
{
    if (!map_ring()) {
        return;
    }
    struct guest_thread runner;
    struct guest guest;
    guest_thread_prepare(&runner, &guest, PRIORITY_LOW);
    guest_aim(&guest, guest_loop);
    guest.frame->x[1] = GUEST_DATA;
    thread_resume(&runner.thread);
    uint64_t n = ring->next;
    sleep_us(500);
    uint32_t thread = thread_number(runner.thread.tcb);
    (void)find(&n, BH_TRACE_GUEST_ENTER, thread);
    CHECK_EQUAL(find(&n, BH_TRACE_GUEST_EXIT, thread).word[0], 0);
    CHECK_EQUAL(find(&n, BH_TRACE_INTERRUPT, thread).word[0], 26); /* the timer: CNTHP of QEMU's virt */
    uint32_t self = thread_number(test_tcb);
    (void)find(&n, BH_TRACE_WAKE, self);
    (void)find(&n, BH_TRACE_SWITCH, self);
}

static void an_idle_core_is_traced(void)
{
    if (!map_ring()) {
        return;
    }
    uint64_t n = ring->next;
    uint64_t before = ticks_now();
    sleep_us(500);
    uint64_t after = ticks_now();
    struct bh_trace_entry idle = find(&n, BH_TRACE_IDLE, 0);
    (void)find(&n, BH_TRACE_INTERRUPT, 0);
    struct bh_trace_entry wake = find(&n, BH_TRACE_SWITCH, thread_number(test_tcb));
    CHECK(before <= idle.time && wake.time <= after);
    CHECK(wake.time - idle.time > ticks_from_us(400));
}

static void a_fault_is_traced(void)
{
    if (!map_ring()) {
        return;
    }
    uint64_t n = ring->next;
    bh_cptr faults = new_object(BH_TYPE_ENDPOINT);
    struct thread thread = thread_start_faulting(write_ring, WINDOW_EMPTY, PRIORITY_HIGH, faults);
    struct bh_trace_entry entry = find(&n, BH_TRACE_FAULT, thread_number(thread.tcb));
    CHECK_EQUAL(entry.word[0], BH_FAULT_VM);
    CHECK_EQUAL(entry.word[1], WINDOW_EMPTY);
}

static bh_cptr woken;

static void wait_again_and_again(uint64_t argument)
{
    (void)argument;
    for (;;) {
        uint64_t bits;
        (void)bh_wait(woken, &bits);
    }
}

/* More happens than the ring holds: what is left is the newest, in order, up to `next`. */
static void the_ring_overwrites_the_oldest(void)
{
    if (!map_ring()) {
        return;
    }
    woken = new_object(BH_TYPE_NOTIFICATION);
    (void)thread_start(wait_again_and_again, 0, PRIORITY_HIGH);
    uint64_t begin = ring->next;
    uint64_t last = 0;
    uint64_t start_time = ticks_now();
    while (ring->next < begin + BH_TRACE_ENTRIES + 100) {
        last = ring->next;
        CHECK_EQUAL(bh_signal(woken), BH_OK);
    }
    uint64_t next = ring->next;
    CHECK(next > last);
    uint64_t oldest = next - BH_TRACE_ENTRIES;
    CHECK(oldest > begin);
    uint64_t time = start_time;
    for (uint64_t n = oldest; n < next; n++) {
        struct bh_trace_entry entry = entry_at(n);
        CHECK(entry.time >= time);
        CHECK(entry.kind >= BH_TRACE_SWITCH && entry.kind <= BH_TRACE_FAULT);
        time = entry.time;
    }
    CHECK(time <= ticks_now());
    (void)find(&last, BH_TRACE_SWITCH, thread_number(test_tcb));
}

static volatile bool ran;

static void run_once(uint64_t argument)
{
    (void)argument;
    ran = true;
}

static void each_core_writes_its_own_ring(void)
{
    uint32_t last = boot_info->core_count - 1;
    if (!map_ring_of(last)) {
        return;
    }
    CHECK_EQUAL(ring->magic, BH_TRACE_MAGIC);
    if (ring->next <= BH_TRACE_ENTRIES) {
        CHECK_EQUAL(entry_at(0).kind, BH_TRACE_IDLE);
    }
    struct thread thread = thread_prepare(run_once, 0, PRIORITY_HIGH);
    CHECK_OK(bh_tcb_set_affinity(thread.tcb, last));
    uint64_t n = ring->next;
    uint32_t number = thread_number(thread.tcb);
    ran = false;
    thread_resume(&thread);
    uint64_t start = ticks_now();
    while (!ran) {
        CHECK(ticks_now() - start < ticks_from_us(1000000));
    }
    CHECK_EQUAL(find(&n, BH_TRACE_SWITCH, number).word[0], PRIORITY_HIGH);
    if (last == 0 || !map_ring()) {
        return;
    }
    for (n = ring->next < BH_TRACE_ENTRIES ? 0 : ring->next - BH_TRACE_ENTRIES; n < ring->next; n++) {
        struct bh_trace_entry entry = entry_at(n);
        CHECK(entry.thread != number || entry.kind != BH_TRACE_SWITCH || entry.time < start);
    }
}

TEST_GROUP(trace, false, TEST_CASE(trace_rings_are_one_for_each_core_or_none), TEST_CASE(the_ring_is_in_no_untyped),
           TEST_CASE(the_ring_cannot_be_written), TEST_CASE(calls_and_replies_are_traced_on_both_ways),
           TEST_CASE(guests_are_traced_in_and_out), TEST_CASE(an_interrupted_guest_exits_without_a_syndrome),
           TEST_CASE(an_idle_core_is_traced), TEST_CASE(a_fault_is_traced), TEST_CASE(each_core_writes_its_own_ring),
           TEST_CASE(the_ring_overwrites_the_oldest));
