/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's TPIDRRO_EL0, which stays in the processor when the guest exits, does not show in another domain. */
#include "guest.h"

static struct guest guests[2];
static struct guest_thread runners[2];

static void make_two(void)
{
    for (int i = 0; i < 2; i++) {
        guest_thread_prepare(&runners[i], &guests[i], PRIORITY_HIGH);
    }
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

TEST_GROUP(guest_leak, false, TEST_CASE(a_guests_thread_register_does_not_show_in_other_domains),
           TEST_CASE(a_guests_thread_register_does_not_show_in_servers));
