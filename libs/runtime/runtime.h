/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every native domain is written with, beside musl: the domain page, channels, the log, time
 * and root.
 *
 * A domain is one thread: an event loop around bh_wait on BH_SLOT_NOTIFICATION. Nothing but
 * bh_root_call blocks. A VMM has more threads; what is here and in musl they call one at a time (but
 * for bh_panic), and bh_root_call and bh_domain_changed are the first thread's.
 *
 * On BH_SIGNAL_CONTROL a domain calls bh_domain_changed first, then looks at its own resources in
 * the domain page. The channel called "log" belongs to the runtime: domains leave it alone.
 */
#ifndef LIBS_RUNTIME_RUNTIME_H
#define LIBS_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ipc/domain.h"
#include "libs/runtime/format.h"

/* The domain page; NULL in root, which has none. */
const struct bh_domain_page *bh_domain(void);

/* The first attached resource of this kind and name (NULL: any name), or NULL. */
const struct bh_resource *bh_resource_find(uint32_t kind, const char *name);

/* State of an entry of the domain page, enum bh_resource_state; the rest of the entry is valid once
 * this says ATTACHED. */
static inline uint32_t bh_resource_state(const struct bh_resource *resource)
{
    return __atomic_load_n(&resource->state, __ATOMIC_ACQUIRE);
}

/* Whether a word of `arguments` in the domain page is `name`, or begins with `name` and '='. The
 * value (up to the next space) is copied to `value` if that is not NULL, cut at `size` - 1 bytes.
 */
bool bh_argument(const char *name, char *value, size_t size);

/* Opens the rings of a channel that has just been attached (its rings are empty). */
void bh_channel_attach(struct bh_channel *channel, const struct bh_resource *resource);

/* The domain page has changed: lets go of the log channel, or takes it up, as root wants. */
void bh_domain_changed(void);

/*
 * The log: lines "name: text", where name is the domain's, to the channel "log" or, without one, to
 * the kernel's console (debug kernels). Text beyond BH_LOG_LINE_MAX is cut, a newline at the end is
 * allowed. A line that finds the ring full is dropped, and counted in a later line; bh_log never
 * waits.
 */
#define BH_LOG_LINE_MAX 240u

void bh_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Logs the line and ends the domain with a fault (an undefined instruction), by which root learns
 * of it. */
void bh_panic(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* --- Threads other than the first --- */

/* Where they start; the domain defines it. Nothing else has been set up yet, if the first thread has not
 * come so far. It must not return. */
void bh_thread_main(unsigned number);

/* Shares the first thread's thread-local variables, errno among them. Once the first thread is in
 * main. */
void bh_thread_adopt(void);

/* --- Time. Ticks are of the system counter, as the kernel's deadlines are. --- */

/* The processor may read the counter early, as with any load; it never runs backwards. */
static inline uint64_t bh_ticks(void)
{
#ifdef __aarch64__
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    extern uint64_t bh_test_ticks; /* unit tests set the time */
    return bh_test_ticks;
#endif
}

uint64_t bh_timer_frequency(void);      /* Hz */
uint64_t bh_ticks_from_us(uint64_t us); /* rounded up; UINT64_MAX if it does not fit */
uint64_t bh_us_from_ticks(uint64_t ticks);

/* Asks for BH_SIGNAL_TIMER at the time `deadline` (ticks); in the past: at once. The domain has one
 * deadline, a new one replaces it. */
void bh_deadline_set(uint64_t deadline);
void bh_deadline_clear(void);

/* --- Root --- */

struct bh_root_answer {
    uint64_t status; /* enum bh_root_status */
    uint64_t value[3];
};

/* Calls root (enum bh_root_request) and waits for the answer. BH_ROOT_DENIED also when the call did
 * not reach root. */
struct bh_root_answer bh_root_call(uint32_t request, uint64_t word0, uint64_t word1,
                                   uint64_t word2);

/* --- Memory --- */

/* Gives malloc its memory: cleared, and page-aligned. Once, before the first malloc; start-up does
 * it for all domains but root, with the heap that the domain page tells of. */
void bh_heap_set(void *memory, size_t size);

struct bh_heap_usage {
    size_t total; /* bytes */
    size_t used;  /* ... of pages that malloc holds now */
};

struct bh_heap_usage bh_heap_usage(void);

/* --- Random numbers --- */

/*
 * Fills the buffer. True: from the processor's generator (FEAT_RNG, RNDR), fit for keys. False: the
 * machine has none, or it failed, and the bytes come from a generator seeded with the system
 * counter: good against accidents such as equal identifiers, worthless against an attacker. musl's
 * getrandom and getentropy give either without telling.
 */
bool bh_random(void *buffer, size_t length);

#endif
