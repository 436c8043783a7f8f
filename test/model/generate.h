/* SPDX-License-Identifier: BSD-2-Clause */
/* Random system calls that mostly mean something in the model's present state. */
#ifndef TEST_MODEL_GENERATE_H
#define TEST_MODEL_GENERATE_H

#include "model.h"

struct step {
    unsigned thread; /* who makes the call */
    uint64_t preempt_at;
    struct m_call call;
    uint64_t send_cap, receive_slot; /* put into the IPC buffer first */
};

void generate_seed(uint64_t seed);
uint64_t random_below(uint64_t limit);

/* `may_block`: the thread may wait for others. */
void generate(struct m_object *thread, bool may_block, struct step *step);

/* For traces. */
const char *operation_name(const struct m_call *call);

#endif
