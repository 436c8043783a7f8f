/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every proof is written with. tools/verify.py compiles a proof for the target, gives it to CBMC, and runs each
 * function that is named prove_*: the sentence above it is the claim. Constants named BOUND_* are the bounds of the
 * proof, printed with it; UNWIND is how often a loop may run, and CBMC proves that none runs more often.
 */
#ifndef TEST_PROOF_PROOF_H
#define TEST_PROOF_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void __CPROVER_assume(_Bool condition);
void __CPROVER_havoc_object(void *object);
void __CPROVER_assert(_Bool condition, const char *description);

#define ASSUME(condition) __CPROVER_assume(condition)
#define PROVE(condition)  __CPROVER_assert(condition, #condition)

/* Must be reached by some input: verify.py fails when it is not, because what follows would then be proved of nothing. */
#define REACHED(what) __CPROVER_assert(0, "reached: " what)

/* Any value of a type: what is not initialised. */
#define ANY(type)       \
    ({                  \
        type any_value; \
        any_value;      \
    })

static inline bool any_bool(void)
{
    return (ANY(uint8_t) & 1) != 0;
}

/* Any value from `low` to `high`. */
static inline uint64_t any_within(uint64_t low, uint64_t high)
{
    uint64_t value = ANY(uint64_t);
    ASSUME(value >= low && value <= high);
    return value;
}

#endif
