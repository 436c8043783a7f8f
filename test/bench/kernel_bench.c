/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions of the kernel's primitives, on the harness of the kernel tests. Under icount one instruction takes one
 * nanosecond of virtual time and the counter ticks every sixteen, so a mean over many rounds is exact to a fraction.
 * Each result is a line `bench NAME HUNDREDTHS`, the loop's own instructions taken off. Between two marks each,
 * row_begin_NAME and row_end_NAME, lies the path that recorder.py records.
 */
#include "test/bench/kernel_bench.h"

#define NS_PER_TICK 16u

static uint64_t loop_hundredths;

static uint64_t hundredths(uint64_t ticks, uint64_t rounds)
{
    return ticks * NS_PER_TICK * 100 / rounds;
}

void bench_report(const char *name, uint64_t ticks, uint64_t rounds)
{
    print("bench %s %u\n", name, hundredths(ticks, rounds) - loop_hundredths);
}

static void empty_loop(void)
{
    uint64_t start = ticks_now();
    for (unsigned round = 0; round < ROUNDS; round++) {
        __asm__ volatile("" ::: "memory");
    }
    loop_hundredths = hundredths(ticks_now() - start, ROUNDS);
}

static const struct test_case cases[] = {TEST_CASE(empty_loop)};
static const struct test_group loop_group = {"loop", cases, 1, false};

const struct test_group *const test_groups[] = {&loop_group, &ipc_group, &object_group, &guest_group,
                                                &interrupt_group};
const size_t test_group_count = sizeof(test_groups) / sizeof(test_groups[0]);
