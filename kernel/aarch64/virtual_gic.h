/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual interrupt interface of the vCPU in the hardware: list registers and what posts interrupts into them
 * (Arm IHI 0069, 6 and 12.4).
 */
#ifndef KERNEL_VIRTUAL_GIC_H
#define KERNEL_VIRTUAL_GIC_H

#include "vcpu.h"

void virtual_gic_init(void);

void virtual_gic_save(struct vcpu *vcpu);
void virtual_gic_load(struct vcpu *vcpu);

/* Moves posted interrupts, the highest priority first, and the timer's into free list registers. */
void virtual_gic_inject(struct vcpu *vcpu, struct bh_vcpu_frame *frame);

/* After a maintenance interrupt: reports completed level interrupts in the frame. Whether there were any. */
bool virtual_gic_collect(struct bh_vcpu_frame *frame);

/* Whether a list register holds a pending interrupt. */
bool virtual_gic_pending(void);

#endif
