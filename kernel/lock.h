/* SPDX-License-Identifier: BSD-2-Clause */
/* A ticket lock: cores get it in the order in which they have asked. */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <bh/types.h>

union lock {
    uint32_t word;
    struct {
        uint16_t owner; /* the ticket whose turn it is */
        uint16_t next;  /* the ticket of the next to ask */
    };
};

/* Whether nobody had the lock. */
static inline bool lock_was_free(union lock before)
{
    return (before.word & 0xffff) == before.word >> 16;
}

/* Takes a ticket: the `next` of what is returned, and has the lock at once if it was free. */
static inline union lock lock_ticket(union lock *lock)
{
    return (union lock){.word = __atomic_fetch_add(&lock->word, 1u << 16, __ATOMIC_ACQUIRE)};
}

static inline bool lock_try(union lock *lock)
{
    uint32_t word = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    return lock_was_free((union lock){.word = word}) &&
           __atomic_compare_exchange_n(&lock->word, &word, word + (1u << 16), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool lock_is_turn(const union lock *lock, union lock ticket)
{
    return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == ticket.next;
}

static inline void lock_release(union lock *lock)
{
    __atomic_store_n(&lock->owner, (uint16_t)(lock->owner + 1), __ATOMIC_RELEASE);
}

/* Whether somebody waits for a lock that is held. */
static inline bool lock_is_contended(const union lock *lock)
{
    union lock now = {.word = __atomic_load_n(&lock->word, __ATOMIC_RELAXED)};
    return (uint16_t)(now.next - now.owner) > 1;
}

#endif
