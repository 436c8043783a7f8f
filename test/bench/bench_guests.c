/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving and entering guests without the work of a VMM, and going from one guest to another. */
#include "test/bench/kernel_bench.h"

#include "test/bench/bench_program.h"

#define SWITCHING_US 5000

/* HVC to the VMM's first instruction and back. */
static void exit_and_enter(void)
{
    struct guest guest = guest_new(test_tcb);
    guest_aim(&guest, guest_hvc);
    uint64_t bits;
    (void)bh_vm_enter(&bits);
    MEASURE(vm_exit_and_enter, (void)bh_vm_enter(&bits));
}

/* One guest waits for its timer, and the other one runs until then. The rounds, and their marks, are the guests'. */
static void guest_to_guest(void)
{
    static struct guest_thread waiting, running;
    static struct guest waiting_guest, running_guest;
    guest_thread_prepare(&waiting, &waiting_guest, PRIORITY_LOW + 1);
    guest_thread_prepare(&running, &running_guest, PRIORITY_LOW);
    bench_program_aim(&waiting_guest, bench_program_wait);
    bench_program_aim(&running_guest, bench_program_run);
    thread_resume(&waiting.thread);
    thread_resume(&running.thread);
    sleep_us(SWITCHING_US);
    CHECK_EQUAL(waiting.reason, UINT64_MAX);
    CHECK_EQUAL(running.reason, UINT64_MAX);
}

TEST_GROUP(guest, false, TEST_CASE(exit_and_enter), TEST_CASE(guest_to_guest));
