/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks what start-up and the runtime promise, in a domain as root builds it. runtime_test.py
 * reads the log. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <bh/syscall.h>

#include "ipc/root.h"
#include "libs/runtime/runtime.h"

#define HEAP (UINT64_C(3) << 20)

static unsigned failures;

#define CHECK(condition)                                         \
    do {                                                         \
        if (!(condition)) {                                      \
            bh_log("line %d: not so: %s", __LINE__, #condition); \
            failures++;                                          \
        }                                                        \
    } while (0)

static _Thread_local unsigned initialised = 0x12345678;
static _Thread_local _Alignas(64) unsigned char zeroed[200];
static unsigned constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = initialised;
}

static void check_start(void)
{
    CHECK(initialised == 0x12345678);
    CHECK((uintptr_t)zeroed % 64 == 0);
    for (size_t i = 0; i < sizeof(zeroed); i++) {
        CHECK(zeroed[i] == 0);
    }
    CHECK(constructed == 0x12345678);
    char value[8] = "";
    CHECK(bh_argument("alpha", value, sizeof(value)) && strcmp(value, "1") == 0);
    CHECK(bh_argument("gamma", value, sizeof(value)) && strcmp(value, "a=b") == 0);
    CHECK(bh_argument("beta", NULL, 0) && !bh_argument("delta", NULL, 0));
}

static void check_heap(void)
{
    CHECK(bh_heap_usage().total == HEAP);
    size_t before = bh_heap_usage().used;
    unsigned char *large = malloc(1 << 20);
    CHECK(large != NULL);
    memset(large, 0xff, 1 << 20);
    free(large);
    CHECK(bh_heap_usage().used <= before + (64 << 10)); /* a large block goes back */
    unsigned char *clear = calloc(1 << 20, 1);
    CHECK(clear != NULL);
    for (size_t i = 0; i < 1 << 20; i++) {
        if (clear[i] != 0) {
            CHECK(!"calloc gave memory that is not clear");
            break;
        }
    }
    clear[0] = 7;
    clear = realloc(clear, 3 << 19);
    CHECK(clear != NULL && clear[0] == 7);
    free(clear);

    errno = 0;
    CHECK(malloc(HEAP) == NULL && errno == ENOMEM);
    void *blocks[64];
    size_t count = 0;
    while (count < 64 && (blocks[count] = malloc(100000)) != NULL) {
        count++;
    }
    CHECK(count >= 25 && count < 31);
    while (count > 0) {
        free(blocks[--count]);
    }
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 64; i++) {
            size_t size = 1 + (i * 811 + round * 97) % 9000;
            blocks[i] = malloc(size);
            CHECK(blocks[i] != NULL);
            memset(blocks[i], (int)i, size);
        }
        for (unsigned i = 0; i < 64; i++) {
            CHECK(*(unsigned char *)blocks[i] == i);
            free(blocks[i]);
        }
    }
}

static void check_time(void)
{
    uint64_t start = bh_ticks();
    struct timespec before, after;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    bh_deadline_set(start + bh_ticks_from_us(50000));
    uint64_t bits = 0;
    while ((bits & BH_SIGNAL_TIMER) == 0) {
        CHECK(bh_wait(BH_SLOT_NOTIFICATION, &bits) == BH_OK);
    }
    uint64_t passed = bh_us_from_ticks(bh_ticks() - start);
    CHECK(passed >= 50000 && passed < 5000000);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    int64_t difference =
        (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    CHECK(difference >= 49000 && difference < 5000000);

    bh_deadline_set(bh_ticks() + bh_ticks_from_us(30000000));
    bh_deadline_set(0); /* in the past, and instead of the other */
    CHECK(bh_wait(BH_SLOT_NOTIFICATION, &bits) == BH_OK && (bits & BH_SIGNAL_TIMER) != 0);
    bh_deadline_set(bh_ticks() + bh_ticks_from_us(10000));
    bh_deadline_clear();
    CHECK(bh_poll(BH_SLOT_NOTIFICATION, &bits) == BH_ERROR_WOULD_BLOCK);
}

static void check_random(void)
{
    unsigned char first[24] = {0}, second[24] = {0};
    CHECK(getrandom(first, sizeof(first), 0) == sizeof(first));
    (void)bh_random(second, sizeof(second));
    CHECK(memcmp(first, second, sizeof(first)) != 0);
    CHECK(memcmp(first, first + 8, 8) != 0);
}

static void check_output(void)
{
    printf("standard %s, %d\nand a second line", "output", 42);
    fflush(stdout);
    printf(" in two parts\n");
    fprintf(stderr, "standard error\n");
    char longest[2 * BH_LOG_LINE_MAX];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    bh_log("%s", longest);
    CHECK(bh_root_call(12345, 1, 2, 3).status == BH_ROOT_BAD_REQUEST ||
          bh_root_call(12345, 1, 2, 3).status == BH_ROOT_DENIED);
}

int main(void)
{
    (void)bh_root_call(BH_ROOT_READY, 0, 0, 0);
    if (bh_argument("abort", NULL, 0)) {
        abort();
    }
    if (bh_argument("exit", NULL, 0)) {
        printf("unfinished line");
        exit(3);
    }
    check_start();
    check_heap();
    check_time();
    check_random();
    check_output();
    bh_log("failures: %u", failures);
    return 0;
}
