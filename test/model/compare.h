/* SPDX-License-Identifier: BSD-2-Clause */
/* Holds the kernel's structures against the model. */
#ifndef TEST_MODEL_COMPARE_H
#define TEST_MODEL_COMPARE_H

#include "model.h"

/* NULL, or the first difference. With `tables` also every descriptor of every space. */
const char *compare_state(bool tables);

/* What the call left in the registers of its thread, and of those it woke; forgets the messages. */
const char *compare_result(struct m_object *thread, const struct m_call *call, const struct m_result *result);

#endif
