/* SPDX-License-Identifier: BSD-2-Clause */
/* What one guest or domain leaves in the processor must not show in another. */
#include "guest.h"

#define PATTERN UINT64_C(0x5a5a5a5a5a5a5a5a)
#define REFUSED UINT64_C(0xdeadbeefdeadbeef)

static struct guest guests[2];
static struct guest_thread runners[2];

static void make_two(void)
{
    for (int i = 0; i < 2; i++) {
        guest_thread_prepare(&runners[i], &guests[i], PRIORITY_HIGH);
    }
}

/* Runs one access; true if it worked. Whatever else comes of it, an exit or the guest's own exception, is refusal. */
static bool access_works(uint64_t n, uint64_t entry)
{
    struct guest_thread *runner = &runners[n];
    guest_aim(&guests[n], entry);
    guest_thread_again(runner);
    CHECK(runner->reason != UINT64_MAX);
    return runner->reason == BH_EXIT_HVC && guest_hvc_immediate(&guests[n]) == 5;
}

static uint64_t read(uint64_t n, uint64_t entry)
{
    guests[n].frame->x[0] = REFUSED;
    return access_works(n, entry) ? guests[n].frame->x[0] : REFUSED;
}

static void registers_that_no_switch_moves_carry_nothing_over(void)
{
    make_two();
    uint64_t leaks = 0; /* bit n: the n-th register of guest_hidden */
    for (uint64_t entry = guest_hidden; entry < guest_hidden_end; entry += GUEST_HIDDEN_SIZE) {
        uint64_t before = read(0, entry);
        guests[0].frame->x[0] = PATTERN;
        (void)access_works(0, entry + GUEST_HIDDEN_SIZE / 2);
        uint64_t after = read(0, entry);
        if (after == before || after == REFUSED) {
            continue;
        }
        if (read(1, entry) == after) {
            leaks |= UINT64_C(1) << ((entry - guest_hidden) / GUEST_HIDDEN_SIZE);
        }
    }
    CHECK_EQUAL(leaks, 0);
}

/* Scalable registers are not switched, so nobody may have them. */
static void guests_have_no_scalable_vectors(void)
{
    make_two();
    CHECK(!access_works(0, guest_sve));
    CHECK(!access_works(0, guest_sve + 8));
}

static uint64_t tpidrro(void)
{
    uint64_t value;
    __asm__ volatile("mrs %0, tpidrro_el0" : "=r"(value));
    return value;
}

/* TPIDRRO_EL0 is readable at EL0: a guest's value is nobody else's business. */
static void a_guests_thread_register_does_not_show_in_other_domains(void)
{
    make_two();
    guests[0].frame->state.tpidrro_el0 = UINT64_C(0x5ec4e7);
    CHECK_OK(bh_vcpu_load(guests[0].vcpu));
    guests[0].frame->x[0] = 0;
    guest_aim(&guests[0], guest_hvc);
    thread_resume(&runners[0].thread);
    CHECK_EQUAL(runners[0].reason, BH_EXIT_HVC);
    CHECK(tpidrro() != UINT64_C(0x5ec4e7));
    CHECK_OK(bh_vcpu_save(guests[0].vcpu));
    CHECK_EQUAL(guests[0].frame->state.tpidrro_el0, UINT64_C(0x5ec4e7));
    CHECK(tpidrro() != UINT64_C(0x5ec4e7)); /* nor after the guest has left the hardware */
}

static bh_cptr endpoint, reply;
static volatile uint64_t seen;

static void looking_server(uint64_t argument)
{
    (void)argument;
    struct bh_message message = bh_recv(endpoint, reply);
    for (;;) {
        seen = tpidrro();
        message = bh_reply_recv(endpoint, 0, message.word, reply);
    }
}

static void calling_vmm(uint64_t argument)
{
    (void)argument;
    static const uint64_t none[BH_MESSAGE_REGISTERS];
    uint64_t bits;
    for (int i = 0; i < 2; i++) {
        (void)bh_vm_enter(&bits);
        (void)bh_call(endpoint, 0, none);
    }
    runners[0].exit_count = guests[0].frame->x[0];
}

/* The same when the VMM calls a server. */
static void a_guests_thread_register_does_not_show_in_servers(void)
{
    make_two();
    endpoint = new_object(BH_TYPE_ENDPOINT);
    reply = new_object(BH_TYPE_REPLY);
    struct thread server = thread_start(looking_server, 0, PRIORITY_HIGH);
    CHECK_OK(bh_sched_context_unbind(server.sched_context));
    seen = UINT64_MAX;
    guests[0].frame->state.tpidrro_el0 = UINT64_C(0x5ec4e7);
    CHECK_OK(bh_vcpu_load(guests[0].vcpu));
    guests[0].frame->x[0] = 0;
    guest_aim(&guests[0], guest_hvc);
    thread_aim(&runners[0].thread, calling_vmm, 0);
    thread_resume(&runners[0].thread);
    CHECK_EQUAL(runners[0].exit_count, 2);
    CHECK_EQUAL(seen, 0);
    CHECK_OK(bh_vcpu_save(guests[0].vcpu));
    CHECK_EQUAL(guests[0].frame->state.tpidrro_el0, UINT64_C(0x5ec4e7));
}

TEST_GROUP(guest_leak, false, TEST_CASE(registers_that_no_switch_moves_carry_nothing_over),
           TEST_CASE(guests_have_no_scalable_vectors),
           TEST_CASE(a_guests_thread_register_does_not_show_in_other_domains),
           TEST_CASE(a_guests_thread_register_does_not_show_in_servers));
