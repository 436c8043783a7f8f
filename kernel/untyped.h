/* SPDX-License-Identifier: BSD-2-Clause */
/* Untyped memory, and making objects of it. */
#ifndef KERNEL_UNTYPED_H
#define KERNEL_UNTYPED_H

#include "invocation.h"

enum bh_error untyped_invoke(struct all_cores *all, struct invocation *invocation);

#endif
