/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness of the kernel tests: a program that runs in the place of root and checks the kernel interface, one
 * behaviour per case. It stands on kernel/api alone.
 *
 * Root's thread supervises. A case of a `direct` group runs on it (what those test must work before threads can be
 * relied upon); every other case runs on a worker thread of its own, so that a case that faults, or hangs, fails and
 * the next one goes on. All that a case makes comes from one Untyped, `test_untyped`, which is revoked when it ends.
 *
 * A failed check ends the case, from whatever thread it is called.
 */
#ifndef TEST_KERNEL_HARNESS_H
#define TEST_KERNEL_HARNESS_H

#include <bh/boot_info.h>
#include <bh/syscall.h>
#include <bh/vcpu.h>

#include "console.h"

struct test_case {
    const char *name;
    void (*run)(void);
};

struct test_group {
    const char *name;
    const struct test_case *cases;
    uint32_t case_count;
    bool direct;
};

/* What a program runs, in this order. */
extern const struct test_group *const test_groups[];
extern const size_t test_group_count;

/* clang-format off */
#define TEST_CASE(name) {#name, name}
#define TEST_GROUP(group, is_direct, ...)                                                                              \
    static const struct test_case group##_cases[] = {__VA_ARGS__};                                                     \
    const struct test_group group##_group = {                                                                          \
        #group, group##_cases, sizeof(group##_cases) / sizeof(group##_cases[0]), is_direct}
/* clang-format on */

/* Priorities: the supervisor is above all; helper threads run before (HIGH) or after (LOW) the case's own thread. */
#define PRIORITY_SUPERVISOR 254
#define PRIORITY_HIGH 120
#define PRIORITY_CASE 100
#define PRIORITY_LOW 80

extern const struct bh_boot_info *boot_info;
extern bh_cptr test_untyped; /* TEST_UNTYPED_BITS of it, for the running case */
extern bh_cptr test_tcb;     /* the thread that runs the case */
extern bh_cptr test_faults;  /* the supervisor's endpoint for faults, which fail the case */

#define TEST_UNTYPED_BITS 23

/* The running case has this much time from now on (it starts with some seconds); `report` is called when it is over. */
void test_extend(uint64_t us, void (*report)(void));

/* The number behind `name` ("word=") in the machine's command line. */
uint64_t test_option(const char *name, uint64_t otherwise);

/* --- checks --- */

#define ANY_ARGUMENT UINT64_MAX

__attribute__((noreturn)) void test_fail(const char *file, uint32_t line, const char *format, ...);
void test_equal(const char *file, uint32_t line, const char *what, uint64_t actual, uint64_t expected);
struct bh_result test_result(const char *file, uint32_t line, const char *what, struct bh_result result,
                             uint64_t error, uint64_t argument);

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            test_fail(__FILE__, __LINE__, "not so: %s", #condition);                                                   \
        }                                                                                                              \
    } while (0)
#define CHECK_EQUAL(actual, expected)                                                                                  \
    test_equal(__FILE__, __LINE__, #actual, (uint64_t)(actual), (uint64_t)(expected))
#define CHECK_OK(result) test_result(__FILE__, __LINE__, #result, (result), BH_OK, ANY_ARGUMENT)
/* The operation fails with this error and names this argument. */
#define CHECK_ERROR(result, error, argument) test_result(__FILE__, __LINE__, #result, (result), (error), (argument))

/* --- capabilities: each function fails the case when the kernel refuses --- */

bh_cptr new_slots(uint64_t count); /* the first of `count` consecutive empty slots of root's CNode */
bh_cptr new_slot(void);
bh_cptr new_object(enum bh_type type);
bh_cptr new_sized(enum bh_type type, uint64_t size_bits);
bh_cptr new_from(bh_cptr untyped, enum bh_type type, uint64_t size_bits);
bh_cptr new_copy(bh_cptr cap, uint64_t rights);
bh_cptr new_mint(bh_cptr cap, uint64_t rights, uint64_t badge);
void delete_cap(bh_cptr cap);
void revoke_cap(bh_cptr cap);
uint64_t type_of(bh_cptr cap);

static inline bh_cptr new_frame(void)
{
    return new_sized(BH_TYPE_FRAME, BH_PAGE_BITS);
}

/* A Frame of device memory of one page, from the boot-time device Untyped that holds `address`. */
bh_cptr new_device_frame(uint64_t address);
const struct bh_boot_untyped *find_device_untyped(uint64_t address, uint64_t size);

/* --- memory --- */

/* Pages of the test's own address space with page tables in place: nothing is mapped there when a case starts. */
#define WINDOW_BASE UINT64_C(0x40000000)
#define WINDOW_PAGES 512
/* Here the level-3 table is missing; level 2 is present. */
#define WINDOW_LARGE UINT64_C(0x40400000)
/* Here both are. */
#define WINDOW_EMPTY UINT64_C(0x80000000)

uint64_t window_page(void); /* a page of the window that this case has not used */
void *map_frame(bh_cptr frame, uint64_t rights);
void *map_frame_with(bh_cptr frame, uint64_t rights, uint64_t attributes);

static inline void *map_new_frame(void)
{
    return map_frame(new_frame(), BH_RIGHT_READ | BH_RIGHT_WRITE);
}

static inline uint64_t read32(uint64_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);

/* --- threads, in the test's address space and CNode --- */

struct thread {
    bh_cptr tcb;
    bh_cptr sched_context; /* 0 for a passive one */
    bh_cptr ipc_frame;
    struct bh_ipc_buffer *ipc_buffer;
    uint64_t stack_top;
};

/* A thread that has everything and is not resumed yet; `entry` may return, which suspends it. */
struct thread thread_prepare(void (*entry)(uint64_t argument), uint64_t argument, uint64_t priority);
/* The same, running: when this returns, a thread of PRIORITY_HIGH has run until it blocked. */
struct thread thread_start(void (*entry)(uint64_t argument), uint64_t argument, uint64_t priority);
/* The same with faults going to `endpoint` (0: nowhere). */
struct thread thread_start_faulting(void (*entry)(uint64_t argument), uint64_t argument, uint64_t priority,
                                    bh_cptr endpoint);
void thread_resume(const struct thread *thread);
/* Registers so that a resume starts `entry` afresh. */
void thread_aim(const struct thread *thread, void (*entry)(uint64_t argument), uint64_t argument);

struct bh_ipc_buffer *own_ipc_buffer(void);

/* --- time --- */

uint64_t ticks_now(void);
uint64_t ticks_from_us(uint64_t us);
void sleep_us(uint64_t us); /* of the case's own thread: lower ones run */
void spin_us(uint64_t us);

/* --- FP registers (abi.S) --- */

/* v0 to v31 and FPCR, from `seed`. */
void fp_fill(uint64_t seed);

/* 0 if they are so still; else 1 + the number of one that is not, or 99 for FPCR. */
uint64_t fp_check(uint64_t seed);

#endif
