/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding IOSpaces to streams. Their mappings are in space.h, the hardware in aarch64/smmu.h. */
#ifndef KERNEL_IO_SPACE_H
#define KERNEL_IO_SPACE_H

#include "invocation.h"

enum bh_error io_control_invoke(struct all_cores *all, struct invocation *invocation);
enum bh_error io_space_invoke(struct all_cores *all, struct invocation *invocation);

#endif
