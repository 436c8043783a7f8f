/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TEST_BENCH_KERNEL_BENCH_H
#define TEST_BENCH_KERNEL_BENCH_H

#include "test/kernel/guest.h"
#include "test/kernel/harness.h"

#define ROUNDS 4000u

/* Prints the mean, the loop's own instructions taken off. */
void bench_report(const char *name, uint64_t ticks, uint64_t rounds);

/* A place that recorder.py finds by its symbol. */
#define MARK(symbol) __asm__ volatile(".global " #symbol "\n" #symbol ":" ::: "memory")

/* What is executed between the marks is the row's path. */
#define MARKED(name, body)                                                                                             \
    do {                                                                                                               \
        MARK(row_begin_##name);                                                                                        \
        body;                                                                                                          \
        MARK(row_end_##name);                                                                                          \
    } while (0)

/* Runs `body` ROUNDS times and reports the mean. */
#define MEASURE(name, body)                                                                                            \
    do {                                                                                                               \
        uint64_t start_ = ticks_now();                                                                                 \
        for (unsigned round_ = 0; round_ < ROUNDS; round_++) {                                                         \
            MARKED(name, body);                                                                                        \
        }                                                                                                              \
        bench_report(#name, ticks_now() - start_, ROUNDS);                                                             \
    } while (0)

extern const struct test_group ipc_group, object_group, guest_group, interrupt_group;

#endif
