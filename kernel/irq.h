/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts: the kernel's own, and those that IRQHandlers turn into signals. End of interrupt is split
 * (GICv3 4.4.1): the kernel drops the priority at once, the handler's owner deactivates. LPIs, which are messages of
 * devices (aarch64/its.h), are active in the kernel's books only.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "core.h"

#define IRQ_MAX 1020 /* INTIDs of SGIs, PPIs and SPIs */

/* Keeps an interrupt for the kernel. */
void irq_reserve(uint32_t intid);

/* Serves an interrupt that this core has acknowledged. */
void irq_handle(struct core *core, uint32_t intid);

void irq_handler_destroy(struct all_cores *all, uint32_t intid);

/* BH_OP_IRQ_HANDLER_ACK, which needs the own lock only. */
enum bh_error irq_handler_ack(struct invocation *invocation);

enum bh_error irq_control_invoke(struct all_cores *all, struct invocation *invocation);
enum bh_error irq_handler_invoke(struct all_cores *all, struct invocation *invocation);

#endif
